#include "parity/recovery_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"
#include "core/work.hpp"
#include "formats/par2/packets.hpp"
#include "gf16/kernels.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kBatchBytes = 8 << 20;  // input gathered before the sums are walked once
constexpr std::uint64_t kFewestInBatch = 16, kMostInBatch = 1024;
constexpr std::uint64_t kTile = 8 << 10;  // columns worked on at a time: 64 inputs of it stay in a second-level cache
// Regions a multiple of a page apart would all fall into the same few sets of the caches.
constexpr std::uint64_t kStagger = 5 * gf16::kBlock;

std::uint64_t stride_of(std::uint64_t columns) { return core::round_up(columns, gf16::kBlock) + kStagger; }

std::uint64_t batch_of(const RecoveryRequest& request, std::uint64_t columns) {
  const std::uint64_t most = std::clamp<std::uint64_t>(request.slices, 1, kMostInBatch);
  return std::clamp(kBatchBytes / stride_of(columns), std::min(kFewestInBatch, most), most);
}

std::uint64_t memory_of(const RecoveryRequest& request, std::uint64_t columns) {
  const std::uint64_t batch = batch_of(request, columns), outputs = request.exponents.size();
  return (outputs + batch) * stride_of(columns) + outputs * batch * sizeof(gf16::Word);
}

void check(const RecoveryRequest& request) {
  if (request.slice_bytes == 0 || request.slice_bytes % 4 != 0) {
    throw Error(Code::kUsage,
                fmt::format("a slice has {} bytes, which is no multiple of 4 above 0", request.slice_bytes));
  }
  if (request.slices > par2::kMaxSlices) {
    throw Error(Code::kUsage, fmt::format("{} slices are more than the {} of PAR2", request.slices, par2::kMaxSlices),
                "take larger slices");
  }
  for (const std::uint16_t exponent : request.exponents) {
    if (exponent > par2::kMaxExponent)
      throw Error(Code::kUsage, fmt::format("exponent {} is not one PAR2 has", exponent));
  }
}

}  // namespace

RecoveryPlan::RecoveryPlan(RecoveryRequest request) : request_(std::move(request)) {
  check(request_);
  if (request_.exponents.empty()) return;
  for (std::uint64_t count = 1;; ++count) {
    const std::uint64_t width = core::round_up(core::divide_up(request_.slice_bytes, count), gf16::kBlock);
    if (memory_of(request_, std::min(width, request_.slice_bytes)) <= request_.memory) {
      for (std::uint64_t begin = 0; begin < request_.slice_bytes; begin += width) {
        passes_.push_back({begin, std::min(begin + width, request_.slice_bytes)});
      }
      return;
    }
    if (width <= gf16::kBlock) break;
    count = std::max(count, core::divide_up(request_.slice_bytes, width));
  }
  throw Error(Code::kUsage,
              fmt::format("{} of memory are too little for {} recovery slices; {} at least are needed",
                          core::format_size(request_.memory), request_.exponents.size(),
                          core::format_size(memory_of(request_, gf16::kBlock))),
              "give more with --memory, or make fewer recovery slices");
}

std::string RecoveryPlan::description() const {
  return fmt::format("direct sum, {}, {}, {}", gf16::kernel().name, core::count_of(request_.threads, "thread"),
                     core::count_of(passes_.size(), "pass", "passes"));
}

std::uint64_t RecoveryPlan::memory_needed() const {
  return passes_.empty() ? 0 : memory_of(request_, passes_.front().bytes());
}

struct Accumulator::State {
  State(const RecoveryPlan& plan, std::size_t pass)
      : request(plan.request()),
        columns(plan.passes().at(pass)),
        stride(stride_of(columns.bytes())),
        capacity(batch_of(request, columns.bytes())),
        sums(request.exponents.size() * stride),
        batch(capacity * stride) {
    slices.reserve(capacity);
  }

  void flush() {
    if (slices.empty()) return;
    const std::size_t outputs = request.exponents.size(), inputs = slices.size();
    factors.resize(outputs * inputs);
    for (std::size_t i = 0; i < inputs; ++i) {
      const std::uint64_t log = gf16::slice_log(slices[i]);
      for (std::size_t o = 0; o < outputs; ++o)
        factors[o * inputs + i] = gf16::power_of_two(log * request.exponents[o]);
    }
    std::vector<const std::byte*> from(inputs);
    for (std::size_t i = 0; i < inputs; ++i) from[i] = batch.data() + i * stride;
    // Work is shared out by tiles of columns and, where there are few of them, by groups of outputs too.
    const std::uint64_t width = core::round_up(columns.bytes(), gf16::kBlock);
    const std::size_t tiles = core::divide_up(width, kTile);
    const std::size_t wanted = tiles >= 4 * request.threads ? 1 : 4 * request.threads / tiles + 1;
    const std::size_t group = core::round_up(core::divide_up(outputs, wanted), 4);
    const std::size_t groups = core::divide_up(outputs, group);
    core::parallel_for(request.threads, tiles * groups, [&](std::size_t unit) {
      const std::uint64_t at = unit / groups * kTile;
      const std::size_t first = unit % groups * group, count = std::min(group, outputs - first);
      std::vector<std::byte*> to(count);
      for (std::size_t o = 0; o < count; ++o) to[o] = sums.data() + (first + o) * stride + at;
      std::vector<const std::byte*> in(inputs);
      for (std::size_t i = 0; i < inputs; ++i) in[i] = from[i] + at;
      gf16::kernel().multiply_add(to.data(), count, in.data(), inputs, factors.data() + first * inputs,
                                  std::min(kTile, width - at));
    });
    slices.clear();
  }

  RecoveryRequest request;
  Columns columns;
  std::uint64_t stride;
  std::size_t capacity;
  core::AlignedBuffer sums, batch;
  std::vector<std::uint32_t> slices;  // in the batch
  std::vector<gf16::Word> factors;
};

Accumulator::Accumulator(const RecoveryPlan& plan, std::size_t pass) : state_(std::make_unique<State>(plan, pass)) {}
Accumulator::~Accumulator() = default;

void Accumulator::add(std::uint32_t slice, core::ByteSpan bytes) {
  State& s = *state_;
  if (slice >= s.request.slices || bytes.size() > s.columns.bytes()) {
    throw Error(Code::kFailed, fmt::format("slice {} with {} bytes does not fit the parity plan", slice, bytes.size()));
  }
  std::byte* to = s.batch.data() + s.slices.size() * s.stride;
  // Kernels take words: a last odd byte (slices are multiples of 4, so only short data has one) gets its zero here.
  const std::size_t even = bytes.size() & ~std::size_t{1};
  gf16::kernel().to_planes(to, bytes.data(), even);
  std::size_t filled = core::round_up(even, gf16::kBlock);
  if (even != bytes.size()) {
    const std::size_t word = even / 2 % (gf16::kBlock / 2), block = even / gf16::kBlock * gf16::kBlock;
    if (even % gf16::kBlock == 0) {
      std::memset(to + block, 0, gf16::kBlock);
      filled = block + gf16::kBlock;
    }
    to[block + word] = bytes.back();
  }
  std::memset(to + filled, 0, s.stride - filled);
  s.slices.push_back(slice);
  if (s.slices.size() == s.capacity) s.flush();
}

void Accumulator::finish() { state_->flush(); }

void Accumulator::read(std::size_t index, core::MutableByteSpan into) const {
  gf16::kernel().from_planes(into.data(), state_->sums.data() + index * state_->stride, into.size());
}

void add_by_definition(core::MutableByteSpan sum, core::ByteSpan slice, std::uint32_t slice_index,
                       std::uint32_t exponent) {
  const gf16::Word factor = gf16::factor(slice_index, exponent);
  for (std::size_t i = 0; i + 1 < sum.size(); i += 2) {
    const gf16::Word word = core::load_le<std::uint16_t>(slice.data() + i);
    const gf16::Word old = core::load_le<std::uint16_t>(sum.data() + i);
    core::store_le<std::uint16_t>(sum.data() + i, old ^ gf16::multiply(word, factor));
  }
}

}  // namespace darkshelf::parity
