#include "cli/wear.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "core/text.hpp"

namespace darkshelf::cli {

void tell_wear(Output& out, const catalog::Drive& drive, const rituals::WearReport& report) {
  if (report.failing()) {
    out.line(out.paint(Color::kRed, fmt::format("{}: the medium of {} is failing, copy it to a new drive.",
                                                report.verdict.why(), core::printable(drive.label))));
  }
  for (const std::string& news : report.verdict.news)
    out.line(out.paint(Color::kAmber, fmt::format("The disk of {}: {}.", core::printable(drive.label), news)));
  if (!report.why_not.empty()) {
    out.note(fmt::format("How worn the disk of {} is cannot be told: {}. (This is said once.)",
                         core::printable(drive.label), core::printable(report.why_not)));
    if (!report.hint.empty()) out.note("    → " + report.hint);
  }
  Json object = {{"drive", drive.label},        {"told", report.now.has_value()},
                 {"failing", report.failing()}, {"causes", report.verdict.causes},
                 {"news", report.verdict.news}, {"why_not", core::printable(report.why_not)}};
  object.update(wear_json(report.now.value_or(catalog::Wear{})));
  out.object("drive_wear", std::move(object));
  std::fflush(stdout);  // told at once, into a file too
}

Json wear_json(const catalog::Wear& wear) {
  Json object;
  object["read"] = wear.read == core::Time{} ? Json(nullptr) : Json(core::format_time(wear.read));
  object["model"] = wear.model;
  object["serial"] = wear.serial;
  object["passed"] = wear.passed ? Json(*wear.passed) : Json(nullptr);
  for (const std::string_view name : catalog::kWearCounts) {
    const auto count = wear.count(std::string(name));
    object[std::string(name)] = count ? Json(*count) : Json(nullptr);
  }
  return object;
}

std::string next_for_failing(const catalog::Drive& drive) {
  return fmt::format("The medium is failing: do not write to it. Next: darkshelf copy {} --to ANOTHER-DRIVE",
                     core::shell_quote(drive.label));
}

}  // namespace darkshelf::cli
