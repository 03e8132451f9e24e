#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/restore.hpp"

namespace darkshelf::cli {

namespace {

void list_some(Output& out, const std::string& heading, const std::vector<std::string>& paths) {
  constexpr std::size_t kShown = 20;
  if (paths.empty()) return;
  out.line(heading);
  for (std::size_t i = 0; i < paths.size() && (i < kShown || out.verbose()); ++i)
    out.item("    " + core::printable(paths[i]));
  if (paths.size() > kShown && !out.verbose())
    out.line(fmt::format("    … and {} more (-v shows all)", paths.size() - kShown));
}

int restore(Session& session, const rituals::RestoreRequest& request, const std::string& memory) {
  rituals::Context context = session.context(core::parse_size(memory));
  const rituals::RestoreReport report = rituals::restore(context, request);
  Output& out = session.out();
  out.line(
      fmt::format("{}{} restored to {}{}.", rituals::photos_and_files(report.photos, report.files),
                  report.links > 0 ? fmt::format(" and {}", core::count_of(report.links, "link")) : "",
                  core::printable(request.to.string()),
                  report.drives.empty() ? std::string() : fmt::format(", from {}", fmt::join(report.drives, " and "))));
  if (report.already_there > 0)
    out.line(
        fmt::format("{} there already, identical.", core::count_of(report.already_there, "file was", "files were")));
  if (report.mended_slices > 0)
    out.line(fmt::format("{} mended on the way; the drive was not touched (darkshelf repair mends it there).",
                         core::count_of(report.mended_slices, "slice was", "slices were")));
  int code = kGood;
  if (!report.conflicts.empty() || !report.unnameable.empty()) code = worse(code, kFailed);
  if (!report.lost.empty()) code = worse(code, kDamageBeyondRepair);
  if (!report.absent.empty()) code = worse(code, kDriveNotThere);
  list_some(out, "Not overwritten, since something else stands there:", report.conflicts);
  list_some(out, "Not restored, since their names cannot be written there (restore them to another disk):",
            report.unnameable);
  list_some(out, "Lost: damaged beyond what parity on the drives plugged in can rebuild:", report.lost);
  for (const catalog::Volume& volume : report.absent)
    out.line(fmt::format("Not here: {} lies on drives that are not plugged in (darkshelf show {})", volume.folder,
                         volume.info.volume.text().substr(0, 8)));
  for (const std::string& note : report.notes) out.note(core::printable(note));
  const auto texts = [](const std::vector<std::string>& list) {
    Json array = Json::array();
    for (const std::string& text : list) array.push_back(core::printable(text));
    return array;
  };
  Json absent = Json::array();
  for (const catalog::Volume& volume : report.absent) absent.push_back(volume.folder);
  out.object("restore_report", {{"photos", report.photos},
                                {"files", report.files},
                                {"bytes", report.bytes},
                                {"links", report.links},
                                {"already_there", report.already_there},
                                {"mended_slices", report.mended_slices},
                                {"conflicts", texts(report.conflicts)},
                                {"unnameable", texts(report.unnameable)},
                                {"lost", texts(report.lost)},
                                {"notes", texts(report.notes)},
                                {"drives", report.drives},
                                {"absent", absent}});
  return code;
}

}  // namespace

void add_restore(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("restore", "Get photos back, mended on the way")->group(kBack);
  struct Options {
    rituals::RestoreRequest request;
    std::string to, date, memory = "2GiB";
  };
  auto o = std::make_shared<Options>();
  cmd->add_option("WHAT", o->request.what, "Shoots, volumes, or patterns of file names")->required();
  cmd->add_option("--to", o->to, "Folder to restore into")->required()->type_name("DIR");
  cmd->add_option("--from", o->request.from, "Only from this drive")->type_name("DRIVE");
  cmd->add_option("--as-sealed", o->date, "As it was sealed on or before this date")
      ->type_name("DATE")
      ->check(date(Dates::kAny));
  add_memory(cmd, o->memory, "--memory", "What mending may take");
  cmd->callback([&session, o] {
    session.action = [&session, o] {
      o->request.to = o->to;
      if (!o->date.empty()) {
        o->request.as_sealed = *core::parse_date(o->date) + std::chrono::hours(24) - std::chrono::nanoseconds(1);
      }
      return restore(session, o->request, o->memory);
    };
  });
}

}  // namespace darkshelf::cli
