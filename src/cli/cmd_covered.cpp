#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/covered.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using rituals::Cover;
using rituals::CoveredFile;

namespace {

struct Row {
  Cover cover;
  Color color;
  const char* text;
};
constexpr Row kRows[] = {{Cover::kSafe, Color::kGreen, "On the shelf as the policy asks"},
                         {Cover::kFewer, Color::kAmber, "On the shelf, on too few copies"},
                         {Cover::kUncounted, Color::kRed, "Only on copies that do not count"},
                         {Cover::kDiscarded, Color::kAmber, "Copied, then deleted by you"},
                         {Cover::kNever, Color::kRed, "Never copied"},
                         {Cover::kUnreadable, Color::kRed, "Could not be read"}};

std::string amount(const rituals::CoverCount& count) {
  return fmt::format("{}, {}", rituals::photos_and_files(count.photos, count.files), core::format_size(count.bytes));
}

std::string line_for(const CoveredFile& file) {
  std::string line = core::printable(file.below.empty() ? std::string(".") : file.below);
  if (!file.shoot.empty()) line += fmt::format("  (in {})", core::printable(file.shoot));
  if (!file.why.empty()) line += fmt::format("  {}", core::printable(file.why));
  return line;
}

Json file_json(const CoveredFile& file) {
  Json object = Json::object();
  put_path(object, "path", file.below);
  object["bytes"] = file.bytes;
  object["cover"] = rituals::name_of(file.cover);
  object["shoot"] = core::printable(file.shoot);
  object["why"] = core::printable(file.why);
  return object;
}

/// The command that covers the most of what is not.
std::string next_for(const rituals::CoveredReport& report) {
  if (report.of(Cover::kNever).files > 0)
    return fmt::format("darkshelf seal {} --to DRIVE --to DRIVE", core::shell_quote(report.folder.string()));
  if (report.of(Cover::kFewer).files > 0) return "darkshelf copy --missing --to DRIVE";
  if (report.of(Cover::kUncounted).files > 0) return "darkshelf due";
  return "";
}

int covered(Session& session, const std::string& folder) {
  Output& out = session.out();
  rituals::CoveredRequest request{folder};
  if (out.json() || out.verbose()) {
    request.on_file = [&](const CoveredFile& file) {
      out.object("covered_file", file_json(file));
      if (!out.json()) out.detail(line_for(file));
    };
  }
  const core::Work work = session.work();
  const rituals::CoveredReport report =
      rituals::covered(session.fs(), session.catalog(Access::kRead), work, session.now(), session.situation(), request);
  out.line(fmt::format("{}: {}, {}", core::printable(report.folder.string()),
                       rituals::photos_and_files(report.photos, report.files), core::format_size(report.bytes)));
  Json counts = Json::object();
  for (const Row& row : kRows) {
    const rituals::CoverCount& count = report.of(row.cover);
    counts[std::string(rituals::name_of(row.cover))] = {
        {"photos", count.photos}, {"files", count.files}, {"bytes", count.bytes}};
    if (count.files == 0) continue;
    out.line(fmt::format("{} {}", out.paint(row.color, fmt::format("{}:", row.text)), amount(count)));
    for (const CoveredFile& file : count.first) out.line("    " + line_for(file));
    if (!count.first.empty() && count.files > count.first.size() && !out.verbose())
      out.line(fmt::format("    … and {} more (-v)", core::with_commas(count.files - count.first.size())));
  }
  if (report.left_out + report.links > 0) {
    out.line(fmt::format("Besides: {} that seal leaves out, {} not followed.",
                         core::count_of(report.left_out, "entry", "entries"), core::count_of(report.links, "link")));
  }
  const bool safe = report.all_safe();
  const std::string next = safe ? "" : next_for(report);
  if (report.files == 0) {
    out.line("There is no file in it.");
  } else if (safe) {
    out.line(out.paint(Color::kGreen, "Everything in it is on the shelf as the policy asks. You may delete it."));
  } else {
    out.line(out.paint(Color::kRed, "Do not delete it."));
    if (!next.empty()) out.line("Next: " + next);
  }
  Json fields = Json::object();
  put_path(fields, "path", report.folder.string());
  fields.update({{"photos", report.photos},
                 {"files", report.files},
                 {"bytes", report.bytes},
                 {"counts", counts},
                 {"links", report.links},
                 {"left_out", report.left_out},
                 {"may_be_deleted", safe},
                 {"next", next}});
  out.object("covered_report", std::move(fields));
  const bool all = safe || report.files == 0;
  return worse(report.of(Cover::kUnreadable).files > 0 ? kInputIncomplete : kGood, all ? kGood : kPolicyNotMet);
}

}  // namespace

void add_covered(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("covered", "Whether all of a folder is on the shelf, by content")->group(kSafe);
  auto folder = std::make_shared<std::string>();
  cmd->add_option("DIR", *folder, "The folder; it is only read")->required();
  cmd->callback([&session, folder] { session.action = [&session, folder] { return covered(session, *folder); }; });
}

}  // namespace darkshelf::cli
