#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "core/work.hpp"
#include "gf16/transform.hpp"
#include "parity/columns.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

using core::Code;
using core::Error;

struct Accumulator::State {
  State(const RecoveryPlan& plan, std::size_t pass)
      : request(plan.request()),
        method(plan.method()),
        columns(plan.passes().at(pass)),
        sums(request.exponents.size(), columns.bytes()),
        gathered(plan.group(), columns.bytes()) {
    slices.reserve(plan.group());
    gathered.populate(request.threads);
    sums.populate(request.threads);
  }

  void take(std::span<const SlicePart> parts, unsigned threads) {
    for (const SlicePart& part : parts) {
      if (part.slice < request.slices && part.bytes.size() <= columns.bytes()) continue;
      throw Error(Code::kFailed,
                  fmt::format("slice {} with {} bytes does not fit the parity plan", part.slice, part.bytes.size()));
    }
    while (!parts.empty()) {
      const std::size_t now = std::min(parts.size(), gathered.count() - slices.size()), first = slices.size();
      const bool small = now * columns.bytes() < (256 << 10);
      core::parallel_for(small ? 1 : threads, now, [&](std::size_t i) { gathered.put(first + i, parts[i].bytes); });
      for (const SlicePart& part : parts.first(now)) slices.push_back(part.slice);
      parts = parts.subspan(now);
      if (slices.size() == gathered.count()) flush();
    }
  }

  void flush() {
    if (slices.empty()) return;
    if (method == Method::kTransform) {
      flush_transform();
    } else {
      flush_direct();
    }
    slices.clear();
  }

  /// Calls work(column) for all columns, on all threads, which take a run of them at a time; `prepare` makes what a
  /// thread needs for itself.
  template <typename Prepare, typename Work>
  void for_columns(Prepare prepare, Work work) {
    const std::uint64_t count = sums.columns(), runs = std::min<std::uint64_t>(count, request.threads * 4);
    core::parallel_for(request.threads, runs, [&](std::size_t run) {
      auto own = prepare();
      for (std::uint64_t c = run * count / runs; c < (run + 1) * count / runs; ++c) work(own, c);
    });
  }

  struct Pointers {
    std::vector<std::byte*> to;
    std::vector<const std::byte*> from;
    core::AlignedBuffer scratch;
  };

  void flush_transform() {
    const gf16::Transform transform(slices, request.exponents);
    const std::size_t outputs = request.exponents.size();
    for_columns(
        [&] {
          return Pointers{std::vector<std::byte*>(outputs), std::vector<const std::byte*>(slices.size()),
                          core::AlignedBuffer(transform.scratch_bytes(kColumnHalf))};
        },
        [&](Pointers& own, std::uint64_t column) {
          for (std::size_t o = 0; o < outputs; ++o) own.to[o] = sums.at(column, o);
          for (std::size_t i = 0; i < slices.size(); ++i) own.from[i] = gathered.at(column, i);
          transform.add(own.to.data(), own.from.data(), own.scratch.data(), kColumnHalf);
        });
  }

  /// Low and high halves are inputs and outputs of their own, so that a product of words is four of scalars.
  void flush_direct() {
    const std::size_t outputs = request.exponents.size(), inputs = slices.size();
    scalars.resize(4 * outputs * inputs);
    core::parallel_for(outputs * inputs < (1 << 16) ? 1 : request.threads, outputs, [&](std::size_t o) {
      gf16::Scalar* low = scalars.data() + 4 * inputs * o;
      gf16::Scalar* high = low + 2 * inputs;
      for (std::size_t i = 0; i < inputs; ++i) {
        const gf16::TowerFactor f = gf16::tower_factor(gf16::factor(slices[i], request.exponents[o]));
        low[2 * i] = f.low_low;
        low[2 * i + 1] = f.low_high;
        high[2 * i] = f.high_low;
        high[2 * i + 1] = f.high_high;
      }
    });
    for_columns(
        [&] {
          return Pointers{std::vector<std::byte*>(2 * outputs), std::vector<const std::byte*>(2 * inputs), {}};
        },
        [&](Pointers& own, std::uint64_t column) {
          for (std::size_t o = 0; o < outputs; ++o) {
            own.to[2 * o] = sums.at(column, o);
            own.to[2 * o + 1] = own.to[2 * o] + kColumnHalf;
          }
          for (std::size_t i = 0; i < inputs; ++i) {
            own.from[2 * i] = gathered.at(column, i);
            own.from[2 * i + 1] = own.from[2 * i] + kColumnHalf;
          }
          gf16::kernel().add(own.to.data(), 2 * outputs, own.from.data(), 2 * inputs, scalars.data(), kColumnHalf);
        });
  }

  RecoveryRequest request;
  Method method;
  Columns columns;
  ColumnStore sums, gathered;
  std::vector<std::uint32_t> slices;  // that are gathered
  std::vector<gf16::Scalar> scalars;
};

Accumulator::Accumulator(const RecoveryPlan& plan, std::size_t pass) : state_(std::make_unique<State>(plan, pass)) {}
Accumulator::~Accumulator() = default;

void Accumulator::add(std::span<const SlicePart> parts, unsigned threads) {
  state_->take(parts, threads == 0 ? state_->request.threads : threads);
}
void Accumulator::add(std::uint32_t slice, core::ByteSpan bytes) {
  const SlicePart part{slice, bytes};
  state_->take({&part, 1}, 1);
}
void Accumulator::finish() { state_->flush(); }
void Accumulator::read(std::size_t index, core::MutableByteSpan into) const { state_->sums.get(index, into); }

}  // namespace darkshelf::parity
