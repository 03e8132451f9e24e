#include "parity/recovery_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/par2/packets.hpp"
#include "gf16/transform.hpp"
#include "parity/columns.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

// What weighs another pass over the input: a disk that reads so many bytes a second.
constexpr double kReadRate = 150e6;

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

/// Bytes of `count` slices' columns as they are kept.
std::uint64_t kept(std::uint64_t columns, std::uint64_t count) { return core::round_up(columns, kColumnBytes) * count; }

/// Beside sums and gathered slices: factors, and scratch for every thread.
std::uint64_t fixed_memory(const RecoveryRequest& request, Method method, std::uint64_t group) {
  const std::uint64_t outputs = request.exponents.size();
  if (method == Method::kDirect) return outputs * group * 4 + outputs * 32;
  const std::uint64_t halves = 16 * 255 + 8 * 17 + 10 * 17;  // at the most; gf16/transform.cpp
  return outputs * (256 + 32) + group * 64 + request.threads * (halves * kColumnBytes / 2 + outputs * 8 + group * 8);
}

std::uint64_t memory_of(const RecoveryRequest& request, Method method, std::uint64_t columns, std::uint64_t group) {
  return kept(columns, request.exponents.size() + group) + fixed_memory(request, method, group);
}

double group_cost(const RecoveryRequest& request, std::uint32_t group) {
  std::vector<std::uint32_t> slices(group);
  std::iota(slices.begin(), slices.end(), 0u);
  return gf16::Transform::cost(slices, request.exponents);
}

}  // namespace

struct RecoveryPlan::Choice {
  double seconds = std::numeric_limits<double>::infinity(), products = 0;
  Method method = Method::kDirect;
  std::uint32_t group = 0;
  std::uint64_t columns = 0;
};

/// The largest group that fits beside the sums, in equal shares. False if none does.
bool RecoveryPlan::consider(Method method, std::uint64_t columns, Choice& best) const {
  const std::uint64_t most =
      std::max<std::uint32_t>(1, method == Method::kDirect ? std::min(request_.slices, kDirectGroup) : request_.slices);
  std::uint64_t group = 0;
  for (std::uint64_t step = std::bit_floor(most); step > 0; step /= 2) {
    if (group + step <= most && memory_of(request_, method, columns, group + step) <= request_.memory) group += step;
  }
  if (group == 0) return false;
  const std::uint64_t groups = core::divide_up(std::max<std::uint32_t>(request_.slices, 1), group);
  group = core::divide_up(std::max<std::uint32_t>(request_.slices, 1), groups);
  Choice choice;
  choice.method = method;
  choice.group = static_cast<std::uint32_t>(group);
  choice.columns = columns;
  const auto bytes = static_cast<double>(core::round_up(request_.slice_bytes, kColumnBytes));
  const double per_byte = method == Method::kDirect
                              ? 2.0 * request_.slices * static_cast<double>(request_.exponents.size())
                              : static_cast<double>(groups) * group_cost(request_, choice.group);
  choice.products = per_byte * bytes;
  const auto passes = static_cast<double>(core::divide_up(request_.slice_bytes, columns));
  choice.seconds = choice.products / (gf16::kernel().products_per_second * request_.threads) +
                   (passes - 1) * request_.slices * bytes / kReadRate;
  if (choice.seconds < best.seconds) best = choice;
  return true;
}

void RecoveryPlan::choose(const std::vector<Method>& methods) {
  check(request_);
  if (request_.exponents.empty()) return;
  Choice best;
  const std::uint64_t narrowest = std::min(kColumnBytes, request_.slice_bytes);
  for (std::uint64_t count = 1;;) {
    const std::uint64_t width = core::round_up(core::divide_up(request_.slice_bytes, count), kColumnBytes);
    for (const Method method : methods) consider(method, std::min(width, request_.slice_bytes), best);
    const double again = static_cast<double>(count) * static_cast<double>(request_.slices) *
                         static_cast<double>(request_.slice_bytes) / kReadRate;
    if (width <= kColumnBytes || again > best.seconds) break;  // reading once more costs more than all it could save
    count = std::max(count + 1, core::divide_up(request_.slice_bytes, width));
  }
  if (best.group == 0) {
    std::uint64_t needed = std::numeric_limits<std::uint64_t>::max();
    for (const Method method : methods) needed = std::min(needed, memory_of(request_, method, narrowest, 1));
    throw Error(Code::kUsage,
                fmt::format("{} of memory are too little for {} recovery slices; {} at least are needed",
                            core::format_size(request_.memory), request_.exponents.size(), core::format_size(needed)),
                "give more with --memory, or make fewer recovery slices");
  }
  method_ = best.method;
  group_ = best.group;
  products_ = best.products;
  for (std::uint64_t begin = 0; begin < request_.slice_bytes; begin += best.columns)
    passes_.push_back({begin, std::min(begin + best.columns, request_.slice_bytes)});
}

RecoveryPlan::RecoveryPlan(RecoveryRequest request) : request_(std::move(request)) {
  choose({Method::kDirect, Method::kTransform});
}
RecoveryPlan::RecoveryPlan(RecoveryRequest request, Method method) : request_(std::move(request)) { choose({method}); }

std::uint64_t RecoveryPlan::memory_needed() const {
  return passes_.empty() ? 0 : memory_of(request_, method_, passes_.front().bytes(), group_);
}

double RecoveryPlan::seconds() const {
  return products_ / (gf16::kernel().products_per_second * std::max(1U, request_.threads));
}

std::string RecoveryPlan::description() const {
  std::string how = "direct sum";
  if (method_ == Method::kTransform)
    how = group_ >= request_.slices ? "transform in memory" : fmt::format("transform in groups of {} slices", group_);
  return fmt::format("{}, {}, {}, {}", how, gf16::kernel().name, core::count_of(request_.threads, "thread"),
                     core::count_of(passes_.size(), "pass", "passes"));
}

void add_by_definition(core::MutableByteSpan sum, core::ByteSpan slice, std::uint32_t slice_index,
                       std::uint32_t exponent) {
  const gf16::Word factor = gf16::factor(slice_index, exponent);
  // Products are linear in the word: that of its low byte and that of its high byte, looked up.
  std::array<gf16::Word, 256> low, high;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    low[byte] = gf16::multiply(static_cast<gf16::Word>(byte), factor);
    high[byte] = gf16::multiply(static_cast<gf16::Word>(byte << 8), factor);
  }
  for (std::size_t i = 0; i + 1 < sum.size(); i += 2) {
    const gf16::Word product =
        low[std::to_integer<std::uint8_t>(slice[i])] ^ high[std::to_integer<std::uint8_t>(slice[i + 1])];
    const gf16::Word old = core::load_le<std::uint16_t>(sum.data() + i);
    core::store_le<std::uint16_t>(sum.data() + i, old ^ product);
  }
}

}  // namespace darkshelf::parity
