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

// Bytes of memory a second that a system hands out: 0.4 to 2e9 were measured on a virtual machine. Memory is not for
// nothing, then.
constexpr double kFreshMemoryRate = 1.5e9;
constexpr std::uint64_t kMostGroups = 8;  // that are weighed although fewer and larger ones would fit

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
  const std::uint64_t halves = 16 * 255 + 8 * 17 + 8 * 85;  // at the most; gf16/transform.cpp
  return outputs * (512 + 32) + group * 64 + request.threads * (halves * kColumnBytes / 2 + outputs * 8 + group * 8);
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
  double computing = std::numeric_limits<double>::infinity(), reading_again = 0, products = 0;
  double seconds() const { return computing + reading_again; }
  Method method = Method::kDirect;
  std::uint64_t group = 0, columns = 0;
};

/// What it costs to do it so; another pass is weighed by the disk of ReadPattern.
RecoveryPlan::Choice RecoveryPlan::weigh(Method method, std::uint64_t columns, std::uint64_t group) const {
  Choice choice;
  choice.method = method;
  choice.group = group;
  choice.columns = columns;
  const double groups = static_cast<double>(
      core::divide_up(std::max<std::uint32_t>(request_.slices, 1), std::max<std::uint64_t>(group, 1)));
  const auto bytes = static_cast<double>(core::round_up(request_.slice_bytes, kColumnBytes));
  const double per_byte = method == Method::kDirect
                              ? 2.0 * request_.slices * static_cast<double>(request_.exponents.size())
                              : groups * group_cost(request_, static_cast<std::uint32_t>(group));
  choice.products = per_byte * bytes;
  choice.computing = choice.products / (gf16::kernel().products_per_second * request_.threads) +
                     static_cast<double>(memory_of(request_, method, columns, group)) / kFreshMemoryRate;
  const auto passes = static_cast<double>(core::divide_up(request_.slice_bytes, columns));
  choice.reading_again = (passes - 1) * request_.slices * bytes / kDiskRate;
  return choice;
}

/// With the largest group that fits beside the sums, or smaller ones if they are cheaper, in equal shares. False if
/// none does.
bool RecoveryPlan::consider(Method method, std::uint64_t columns, Choice& best) const {
  const std::uint64_t slices = std::max<std::uint32_t>(1, request_.slices);
  const std::uint64_t most = method == Method::kDirect ? std::min<std::uint64_t>(slices, kDirectGroup) : slices;
  std::uint64_t group = 0;
  for (std::uint64_t step = std::bit_floor(most); step > 0; step /= 2) {
    if (group + step <= most && memory_of(request_, method, columns, group + step) <= request_.memory) group += step;
  }
  if (group == 0) return false;
  const std::uint64_t fewest = core::divide_up(slices, group);
  const bool grouped = method == Method::kTransform;
  for (std::uint64_t groups = fewest; groups == fewest || (grouped && groups <= kMostGroups); ++groups) {
    const Choice choice = weigh(method, columns, core::divide_up(slices, groups));
    if (choice.seconds() < best.seconds()) best = choice;
  }
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
                         static_cast<double>(request_.slice_bytes) / kDiskRate;
    if (width <= kColumnBytes || again > best.seconds()) break;  // reading once more costs more than all it could save
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
  group_ = static_cast<std::uint32_t>(best.group);
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

ReadPattern RecoveryPlan::read_pattern() const {
  ReadPattern pattern;
  pattern.bytes = request_.slice_bytes * request_.slices;
  const std::uint64_t together =
      std::max<std::uint64_t>(1, kReadTogether / request_.slice_bytes) * request_.slice_bytes;
  pattern.reads = core::divide_up(pattern.bytes, together);
  pattern.seeks = 1;
  pattern.disk_seconds = kDiskSeek + static_cast<double>(pattern.bytes) / kDiskRate;
  for (std::size_t pass = 1; pass < passes_.size(); ++pass) {
    const std::uint64_t bytes = passes_[pass].bytes(), gap = request_.slice_bytes - bytes;
    pattern.bytes += bytes * request_.slices;
    pattern.reads += request_.slices;
    pattern.seeks += request_.slices;
    pattern.disk_seconds += request_.slices * (static_cast<double>(bytes) / kDiskRate +
                                               std::min(kDiskSeek, static_cast<double>(gap) / kDiskRate));
  }
  return pattern;
}

std::string RecoveryPlan::explanation() const {
  if (passes_.empty()) return description();
  const std::uint64_t slices = std::max<std::uint32_t>(1, request_.slices), whole = request_.slice_bytes;
  std::string text =
      fmt::format("{}: {:.0f} products for each byte, about {:.1f} s of computing, {} of memory", description(),
                  products_ / static_cast<double>(whole * slices), seconds(), core::format_size(memory_needed()));
  text += "\nwhat each way would take:";
  const auto tell = [&](const char* name, const Choice& choice) {
    const std::uint64_t memory = memory_of(request_, choice.method, choice.columns, choice.group);
    text += fmt::format("\n  {:<30} {:8.1f} s", name, choice.computing);
    if (choice.reading_again > 0) text += fmt::format(" + {:.0f} s of reading again", choice.reading_again);
    text += fmt::format(", {}{}", core::format_size(memory), memory > request_.memory ? ": too much" : "");
  };
  tell("direct sum", weigh(Method::kDirect, whole, std::min<std::uint64_t>(slices, kDirectGroup)));
  tell("transform in memory", weigh(Method::kTransform, whole, slices));
  const bool grouped = method_ == Method::kTransform && group_ < slices;
  const std::uint64_t group = grouped ? group_ : core::divide_up(slices, 2);
  tell(fmt::format("transform in groups of {}", group).c_str(), weigh(Method::kTransform, whole, group));
  const std::uint64_t count = std::max<std::uint64_t>(2, passes_.size());
  const std::uint64_t width = std::min(whole, core::round_up(core::divide_up(whole, count), kColumnBytes));
  if (width < whole) {
    tell(fmt::format("columns in {} passes", core::divide_up(whole, width)).c_str(),
         weigh(passes_.size() > 1 ? method_ : Method::kTransform, width, passes_.size() > 1 ? group_ : slices));
  }
  const ReadPattern pattern = read_pattern();
  text += fmt::format("\nreads {} in {} and {}; a disk of 150 MB/s and 9 ms a seek needs {:.0f} s for it",
                      core::format_size(pattern.bytes), core::count_of(pattern.reads, "read"),
                      core::count_of(pattern.seeks, "seek"), pattern.disk_seconds);
  return text;
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
