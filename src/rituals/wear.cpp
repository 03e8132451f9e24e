#include "rituals/wear.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "io/process.hpp"

namespace darkshelf::rituals {

using core::Error;
using shelf::SmartAnswer;

namespace {

constexpr std::chrono::seconds kTimeLimit{10};  // a disk that is awake answers within one
constexpr std::size_t kAnswerLimit = 4 << 20;

struct Asked {
  std::optional<catalog::Wear> wear;
  std::string why_not, hint;
};

Asked no_disk(const io::Medium& medium) {
  if (medium.network) return {{}, "it lies on another machine, which knows how its disks are", ""};
  if (medium.disk.starts_with("loop:")) return {{}, "it is an image in a file, and no disk", ""};
  return {{}, "no single disk is known below it", ""};
}

Asked ask(Context& context, const AttachedDrive& drive) {
  const std::string& device = drive.medium.disk_device;
  if (device.empty()) return no_disk(drive.medium);
  const auto program = io::find_program("smartctl");
  if (!program) return {{}, "the program smartctl is not installed", "sudo apt install smartmontools"};
  io::ProcessLimits limits;
  limits.time = kTimeLimit;
  limits.bytes = kAnswerLimit;
  limits.stop = [&] { return context.work.cancel != nullptr && context.work.cancel->requested(); };
  io::ProcessRun run;
  try {
    run = io::run_program(*program, {"--json=c", "--all", device}, limits);
  } catch (const Error& error) {
    return {{}, error.what(), ""};
  }
  context.work.check();
  if (run.end == io::ProcessEnd::kTooLong)
    return {{}, fmt::format("smartctl took longer than {} seconds for {}", kTimeLimit.count(), device), ""};
  SmartAnswer answer;
  if (run.end == io::ProcessEnd::kExited) answer = shelf::smart_answer(run.out);
  const std::string words = answer.message.empty() ? "" : fmt::format(" (smartctl: {})", answer.message);
  switch (answer.kind) {
    case SmartAnswer::Kind::kRead:
      answer.wear.read = context.world.now();
      return {std::move(answer.wear), "", ""};
    case SmartAnswer::Kind::kDenied:
      return {{},
              fmt::format("only root may ask {}", device),
              fmt::format("sudo darkshelf scrub {}", core::shell_quote(drive.drive.label))};
    case SmartAnswer::Kind::kAbsent:
      return {{},
              fmt::format("{} tells nothing: a virtual disk, or a USB case that does not pass it on{}", device, words),
              ""};
    case SmartAnswer::Kind::kNonsense:
      break;
  }
  return {{}, fmt::format("smartctl gave no answer that makes sense for {}", device), ""};
}

/// As told at an earlier visit? Then it is not told again.
bool is_news(Context& context, const core::Uuid& drive, const std::string& why_not) {
  const std::string key = "smart/" + drive.text();
  if (context.catalog.remembered(key) == why_not) return false;
  context.catalog.remember(key, why_not);
  return !why_not.empty();
}

/// Hours and degrees change by themselves.
bool same_counts(catalog::Wear a, catalog::Wear b) {
  for (const char* name : {"power_on_hours", "temperature"}) {
    a.counts.erase(name);
    b.counts.erase(name);
  }
  return a.counts == b.counts && a.passed == b.passed && a.same_disk(b);
}

}  // namespace

WearReport look_at_wear(Context& context, const AttachedDrive& drive) {
  WearReport report;
  const std::vector<catalog::Wear> earlier = context.catalog.wear(drive.drive.id);
  Asked asked = ask(context, drive);
  const bool news = is_news(context, drive.drive.id, asked.why_not);
  if (asked.wear) {
    report.verdict = shelf::judge_wear(earlier, *asked.wear);
    context.catalog.record_wear(drive.drive.id, *asked.wear);
    report.now = std::move(asked.wear);
  } else {
    report.verdict = shelf::judge_wear(earlier);
    report.verdict.news.clear();  // they were told then
    if (news) {
      report.why_not = std::move(asked.why_not);
      report.hint = std::move(asked.hint);
    }
  }
  if (context.on_wear) context.on_wear(drive.drive, report);
  return report;
}

WearReport look_again(Context& context, const AttachedDrive& drive, WearReport before) {
  if (!before.now) return before;
  std::vector<catalog::Wear> earlier = context.catalog.wear(drive.drive.id);
  if (!earlier.empty()) earlier.erase(earlier.begin());  // of this visit
  Asked asked = ask(context, drive);
  if (!asked.wear || same_counts(*asked.wear, *before.now)) return before;
  context.catalog.record_wear(drive.drive.id, *asked.wear);
  WearReport report;
  report.verdict = shelf::judge_wear(earlier, *asked.wear);
  report.now = std::move(asked.wear);
  if (context.on_wear) context.on_wear(drive.drive, report);
  return report;
}

}  // namespace darkshelf::rituals
