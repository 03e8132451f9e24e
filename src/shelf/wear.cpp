#include "shelf/wear.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace darkshelf::shelf {

using catalog::Wear;

namespace {

constexpr std::uint64_t kTooHot = 60, kMuchUsed = 90, kAllUsed = 100;  // °C, per cent
constexpr std::uint64_t kHotWarning = 2;                               // of NVMe's critical_warning: only temperature

struct Counted {
  const char* name;
  const char *one, *many;
};
constexpr Counted kPending = {"pending", "sector that cannot be read", "sectors that cannot be read"};
constexpr Counted kUncorrectable = {"uncorrectable", "uncorrectable sector", "uncorrectable sectors"};
/// Lost for good: these only ever grow.
constexpr Counted kLost[] = {{"reallocated", "reallocated sector", "reallocated sectors"},
                             {"reported", "uncorrectable error", "uncorrectable errors"},
                             {"media_errors", "media error", "media errors"}};
constexpr Counted kTransfer = {"crc_errors", "transfer error (CRC)", "transfer errors (CRC)"};

class Judging {
 public:
  Judging(const std::vector<Wear>& earlier, const Wear& now) : now_(now) {
    for (const Wear& one : earlier) {
      if (!one.same_disk(now)) continue;
      if (last_ == nullptr) last_ = &one;
      first_ = &one;
    }
  }

  WearVerdict run() {
    own_verdict();
    for (const Counted& counted : {kPending, kUncorrectable}) {
      if (now_.count(counted.name).value_or(0) > 0) verdict_.causes.push_back(told(counted));
    }
    for (const Counted& counted : kLost) lost(counted);
    transfer();
    used();
    warmth();
    return std::move(verdict_);
  }

 private:
  static std::optional<std::uint64_t> in(const Wear* wear, const char* name) {
    return wear == nullptr ? std::nullopt : wear->count(name);
  }

  /// "12 reallocated sectors, 0 at the last check on 3 Mar 2026".
  std::string told(const Counted& counted) const {
    const std::uint64_t count = now_.count(counted.name).value_or(0);
    const std::string text = core::count_of(count, counted.one, counted.many);
    const auto before = in(last_, counted.name);
    if (!before) return text;
    const std::string when = fmt::format("the last check on {}", core::format_date_for_people(last_->read));
    return *before == count ? fmt::format("{}, as at {}", text, when)
                            : fmt::format("{}, {} at {}", text, core::with_commas(*before), when);
  }

  /// A hot NVMe disk says "failed" too, and is none the worse when it has cooled down.
  void own_verdict() {
    const auto warning = now_.count("critical_warning");
    const bool failed = warning ? (*warning & ~kHotWarning) != 0 : now_.passed == false;
    if (failed) verdict_.causes.emplace_back("the disk itself says that it is failing");
    const auto spare = now_.count("available_spare"), least = now_.count("spare_threshold");
    if (spare && least && *spare < *least)
      verdict_.causes.push_back(fmt::format("{} % of its spare blocks are left, it needs {} %", *spare, *least));
  }

  /// A disk that came with some has lived with them; one that gets more while darkshelf watches is on its way out.
  void lost(const Counted& counted) {
    const auto count = now_.count(counted.name), at_first = in(first_, counted.name), before = in(last_, counted.name);
    if (count.value_or(0) == 0) return;
    if (at_first && *count > *at_first) {
      verdict_.causes.push_back(told(counted));
    } else if (!before) {
      worse(told(counted) + "; more of them at the next check would mean that the medium is failing");
    }
  }

  void worse(const std::string& text) {
    verdict_.news.push_back(text);
    verdict_.worse.push_back(text);
  }

  void transfer() {
    const auto count = now_.count(kTransfer.name), before = in(last_, kTransfer.name);
    if (count && before && *count > *before)
      verdict_.news.push_back(told(kTransfer) +
                              ": look at its cable, its plug and its case; the medium is not at fault");
  }

  /// NVMe disks run warmer than others, and warn themselves.
  void warmth() {
    const auto degrees = now_.count("temperature"), warning = now_.count("critical_warning");
    const bool hot = warning ? (*warning & kHotWarning) != 0 : degrees.value_or(0) >= kTooHot;
    if (hot) verdict_.news.push_back(fmt::format("{} °C: that is too warm for it, give it air", degrees.value_or(0)));
  }

  void used() {
    const std::uint64_t now = now_.count("percentage_used").value_or(0),
                        before = in(last_, "percentage_used").value_or(0);
    for (const std::uint64_t mark : {kAllUsed, kMuchUsed}) {
      if (now < mark || before >= mark) continue;
      return worse(fmt::format("{} % of the writing it is made for is used up: plan for a new drive", now));
    }
  }

  const Wear& now_;
  const Wear *last_ = nullptr, *first_ = nullptr;
  WearVerdict verdict_;
};

}  // namespace

std::string WearVerdict::why() const { return fmt::format("{}", fmt::join(causes, "; ")); }

WearVerdict judge_wear(const std::vector<Wear>& earlier, const Wear& now) { return Judging(earlier, now).run(); }

WearVerdict judge_wear(const std::vector<Wear>& newest_first) {
  if (newest_first.empty()) return {};
  return judge_wear({newest_first.begin() + 1, newest_first.end()}, newest_first.front());
}

std::string describe_wear(const Wear& wear) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, auto say) {
    if (const auto count = wear.count(name)) parts.push_back(say(*count));
  };
  const auto counted = [&](const Counted& what) {
    if (wear.count(what.name) == 0u) return;
    add(what.name, [&](std::uint64_t n) { return core::count_of(n, what.one, what.many); });
  };
  add("power_on_hours", [](std::uint64_t n) { return core::count_of(n, "hour", "hours"); });
  add("temperature", [](std::uint64_t n) { return fmt::format("{} °C", n); });
  for (const Counted& what : kLost) counted(what);
  counted(kPending);
  counted(kUncorrectable);
  counted(kTransfer);
  add("percentage_used", [](std::uint64_t n) { return fmt::format("{} % used", n); });
  add("available_spare", [](std::uint64_t n) { return fmt::format("{} % spare", n); });
  if (wear.passed) parts.emplace_back(*wear.passed ? "its own verdict: good" : "its own verdict: failing");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace darkshelf::shelf
