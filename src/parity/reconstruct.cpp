#include "parity/reconstruct.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"
#include "parity/columns.hpp"
#include "parity/matrix.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

using core::Code;
using core::Error;

namespace {

Solution solution_for(const ReconstructRequest& request, const core::Work& work) {
  const std::size_t n = request.lost.size();
  const auto too_much = [&](const std::string& why) {
    return Error(Code::kUnrepairable, fmt::format("{} are lost and {}", core::count_of(n, "slice"), why));
  };
  if (request.recovery.size() < n) {
    throw too_much(fmt::format("only {} sound",
                               core::count_of(request.recovery.size(), "recovery slice is", "recovery slices are")));
  }
  if (solution_memory(n) > work.memory / 2) {
    throw Error(Code::kUsage,
                fmt::format("rebuilding {} takes {} of memory", core::count_of(n, "slice"),
                            core::format_size(2 * solution_memory(n))),
                "give more with --memory");
  }
  auto solution = solve(request.lost, request.recovery, work);
  if (!solution) throw too_much("the recovery slices at hand cannot be solved for them");
  return std::move(*solution);
}

/// Four scalars for each word of the inverse: low and high halves are inputs and outputs of their own.
std::vector<gf16::Scalar> scalars_of(const Solution& solution) {
  const std::size_t n = solution.rows.size();
  std::vector<gf16::Scalar> scalars(4 * n * n);
  for (std::size_t u = 0; u < n; ++u) {
    gf16::Scalar* low = scalars.data() + 4 * n * u;
    gf16::Scalar* high = low + 2 * n;
    for (std::size_t r = 0; r < n; ++r) {
      const gf16::TowerFactor f = gf16::tower_factor(solution.inverse[u * n + r]);
      low[2 * r] = f.low_low;
      low[2 * r + 1] = f.low_high;
      high[2 * r] = f.high_low;
      high[2 * r + 1] = f.high_high;
    }
  }
  return scalars;
}

/// What the lost slices together contribute to each chosen recovery slice: the recovery slice less what the intact
/// slices contribute.
ColumnStore remainders(const RecoveryPlan& plan, std::size_t pass, const ReconstructRequest& request,
                       const Solution& solution, const core::Work& work) {
  constexpr std::uint64_t kTogether = 4 << 20;
  const Columns columns = plan.passes()[pass];
  ColumnStore rest(solution.rows.size(), columns.bytes());
  const std::size_t together = std::max<std::uint64_t>(1, kTogether / columns.bytes());
  core::AlignedBuffer buffer(together * columns.bytes());
  const auto place = [&](std::size_t i) { return buffer.span().subspan(i * columns.bytes(), columns.bytes()); };
  {
    Accumulator sums(plan, pass);
    std::vector<SlicePart> parts;
    std::size_t next_lost = 0;
    for (std::uint32_t slice = 0; slice < request.slices; ++slice) {
      if (next_lost < request.lost.size() && request.lost[next_lost] == slice) {
        ++next_lost;
        continue;
      }
      work.check();
      const core::MutableByteSpan into = place(parts.size());
      request.read_slice(slice, columns.begin, into);
      parts.push_back({slice, into});
      if (parts.size() < together) continue;
      sums.add(parts);
      parts.clear();
    }
    sums.add(parts);
    sums.finish();
    core::parallel_for(work.thread_count(), solution.rows.size(), [&](std::size_t i) {
      core::Bytes part(columns.bytes());
      sums.read(i, part);
      rest.put(i, part);
    });
  }
  for (std::size_t i = 0; i < solution.rows.size(); ++i) {
    work.check();
    request.read_recovery(solution.rows[i], columns.begin, place(0));
    rest.add(i, place(0));
  }
  return rest;
}

void write_lost(const ReconstructRequest& request, const std::vector<gf16::Scalar>& scalars, const Columns& columns,
                const ColumnStore& rest, const core::Work& work) {
  const std::size_t n = request.lost.size();
  ColumnStore slices(n, columns.bytes());
  core::parallel_for(work.thread_count(), slices.columns(), [&](std::size_t column) {
    work.check();
    std::vector<std::byte*> to(2 * n);
    std::vector<const std::byte*> from(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
      to[2 * i] = slices.at(column, i);
      to[2 * i + 1] = to[2 * i] + kColumnHalf;
      from[2 * i] = rest.at(column, i);
      from[2 * i + 1] = from[2 * i] + kColumnHalf;
    }
    gf16::kernel().set(to.data(), 2 * n, from.data(), 2 * n, scalars.data(), kColumnHalf);
  });
  core::Bytes plain(columns.bytes());
  for (std::size_t i = 0; i < n; ++i) {
    work.check();
    slices.get(i, plain);
    request.write_slice(request.lost[i], columns.begin, plain);
  }
}

}  // namespace

void reconstruct(const ReconstructRequest& request, const core::Work& work) {
  if (request.lost.empty()) return;
  Solution solution = solution_for(request, work);
  const std::vector<gf16::Scalar> scalars = scalars_of(solution);
  solution.inverse.clear();
  solution.inverse.shrink_to_fit();
  RecoveryRequest sums;
  sums.slice_bytes = request.slice_bytes;
  sums.slices = request.slices;
  for (const std::size_t row : solution.rows) sums.exponents.push_back(request.recovery[row]);
  // The remainders, and later the lost slices, take as much again as the sums.
  const std::uint64_t held = scalars.size();
  sums.memory = (work.memory - std::min(work.memory, held)) / 5 * 2;
  sums.threads = work.thread_count();
  const RecoveryPlan plan(sums);
  for (std::size_t pass = 0; pass < plan.passes().size(); ++pass) {
    write_lost(request, scalars, plan.passes()[pass], remainders(plan, pass, request, solution, work), work);
  }
}

}  // namespace darkshelf::parity
