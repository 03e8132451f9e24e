#include "parity/reconstruct.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "gf16/kernels.hpp"
#include "parity/matrix.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kOutputsTogether = 32;
constexpr std::uint64_t kTile = 8 << 10;

/// Which recovery slices are used, and what each contributes to each lost slice.
struct Solution {
  std::vector<std::size_t> rows;  // into request.recovery
  std::vector<gf16::Word> inverse;
};

Solution solve(const ReconstructRequest& request, const core::Work& work) {
  const std::size_t n = request.lost.size();
  const auto too_much = [&](const std::string& why) {
    return Error(Code::kUnrepairable, fmt::format("{} are lost and {}", core::count_of(n, "slice"), why));
  };
  if (request.recovery.size() < n) {
    throw too_much(fmt::format("only {} sound",
                               core::count_of(request.recovery.size(), "recovery slice is", "recovery slices are")));
  }
  if (inverse_memory(n) > work.memory / 2) {
    throw Error(Code::kUsage,
                fmt::format("rebuilding {} takes {} of memory", core::count_of(n, "slice"),
                            core::format_size(2 * inverse_memory(n))),
                "give more with --memory");
  }
  Solution solution;
  std::vector<std::uint16_t> exponents(request.recovery.begin(),
                                       request.recovery.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::size_t i = 0; i < n; ++i) solution.rows.push_back(i);
  auto inverse = inverse_of(request.lost, exponents, work);
  if (!inverse) {  // some choices of exponents with gaps cannot be solved; others can
    solution.rows = solvable_choice(request.lost, request.recovery, work);
    if (solution.rows.size() < n) throw too_much("the recovery slices at hand cannot be solved for them");
    exponents.clear();
    for (const std::size_t row : solution.rows) exponents.push_back(request.recovery[row]);
    inverse = inverse_of(request.lost, exponents, work);
    if (!inverse) throw too_much("the recovery slices at hand cannot be solved for them");
  }
  solution.inverse = std::move(*inverse);
  return solution;
}

/// What the lost slices together contribute to each chosen recovery slice, in plane order.
class Remainders {
 public:
  Remainders(const RecoveryPlan& plan, std::size_t pass, const ReconstructRequest& request, const Solution& solution,
             const core::Work& work)
      : columns_(plan.passes()[pass]),
        stride_(core::round_up(columns_.bytes(), gf16::kBlock) + 5 * gf16::kBlock),
        regions_(solution.rows.size() * stride_) {
    Accumulator sums(plan, pass);
    core::Bytes part(columns_.bytes()), stored(columns_.bytes());
    std::size_t next_lost = 0;
    for (std::uint32_t slice = 0; slice < request.slices; ++slice) {
      if (next_lost < request.lost.size() && request.lost[next_lost] == slice) {
        ++next_lost;
        continue;
      }
      work.check();
      request.read_slice(slice, columns_.begin, part);
      sums.add(slice, part);
    }
    sums.finish();
    for (std::size_t i = 0; i < solution.rows.size(); ++i) {
      sums.read(i, part);
      request.read_recovery(solution.rows[i], columns_.begin, stored);
      for (std::size_t k = 0; k < part.size(); ++k) part[k] ^= stored[k];
      gf16::kernel().to_planes(regions_.data() + i * stride_, part.data(), part.size());
    }
  }

  const Columns& columns() const { return columns_; }
  std::uint64_t stride() const { return stride_; }
  const std::byte* region(std::size_t index) const { return regions_.data() + index * stride_; }

 private:
  Columns columns_;
  std::uint64_t stride_;
  core::AlignedBuffer regions_;
};

void write_lost(const ReconstructRequest& request, const Solution& solution, const Remainders& remainders,
                const core::Work& work) {
  const std::size_t n = request.lost.size();
  const std::uint64_t stride = remainders.stride(), bytes = remainders.columns().bytes(),
                      width = core::round_up(bytes, gf16::kBlock);
  core::Bytes plain(bytes);
  for (std::size_t first = 0; first < n; first += kOutputsTogether) {
    work.check();
    const std::size_t count = std::min(kOutputsTogether, n - first);
    core::AlignedBuffer out(count * stride);
    core::parallel_for(work.thread_count(), core::divide_up(width, kTile), [&](std::size_t tile) {
      const std::uint64_t at = tile * kTile;
      std::vector<std::byte*> to(count);
      std::vector<const std::byte*> from(n);
      for (std::size_t o = 0; o < count; ++o) to[o] = out.data() + o * stride + at;
      for (std::size_t i = 0; i < n; ++i) from[i] = remainders.region(i) + at;
      gf16::kernel().multiply_add(to.data(), count, from.data(), n, solution.inverse.data() + first * n,
                                  std::min(kTile, width - at));
    });
    for (std::size_t o = 0; o < count; ++o) {
      gf16::kernel().from_planes(plain.data(), out.data() + o * stride, bytes);
      request.write_slice(request.lost[first + o], remainders.columns().begin, plain);
    }
  }
}

}  // namespace

void reconstruct(const ReconstructRequest& request, const core::Work& work) {
  if (request.lost.empty()) return;
  const Solution solution = solve(request, work);
  RecoveryRequest sums;
  sums.slice_bytes = request.slice_bytes;
  sums.slices = request.slices;
  for (const std::size_t row : solution.rows) sums.exponents.push_back(request.recovery[row]);
  // The remainders take as much again as the sums.
  sums.memory = (work.memory - std::min(work.memory, inverse_memory(request.lost.size()))) / 5 * 2;
  sums.threads = work.thread_count();
  const RecoveryPlan plan(sums);
  for (std::size_t pass = 0; pass < plan.passes().size(); ++pass) {
    write_lost(request, solution, Remainders(plan, pass, request, solution, work), work);
  }
}

}  // namespace darkshelf::parity
