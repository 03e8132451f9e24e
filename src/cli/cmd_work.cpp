#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using rituals::WorkShoot;

namespace {

const char* word_of(WorkShoot::State state) {
  switch (state) {
    case WorkShoot::State::kNotSealed:
      return "not yet";
    case WorkShoot::State::kPartly:
      return "partly";
    case WorkShoot::State::kSealed:
      return "yes";
  }
  return "";
}

const char* json_word_of(WorkShoot::State state) {
  return state == WorkShoot::State::kNotSealed ? "no" : state == WorkShoot::State::kPartly ? "partly" : "yes";
}

/// Object "event" for a folder that was added or removed.
void tell(Session& session, const std::string& event, const io::Path& folder) {
  Json fields = Json::object();
  put_path(fields, "path", folder.string());
  session.out().object(event, std::move(fields));
}

int add(Session& session, const std::string& argument) {
  const io::Path folder = rituals::folder_to_work_in(session.fs(), argument);
  catalog::Catalog& catalog = session.catalog_or_new();
  catalog.record_work_added(folder.string());
  session.out().line(fmt::format("{} is a work folder: what is in it and not on the shelf is told by darkshelf status.",
                                 core::printable(folder.string())));
  tell(session, "work_added", folder);
  return kGood;
}

int remove(Session& session, const std::string& argument) {
  catalog::Catalog& catalog = session.catalog(Access::kWrite);
  const catalog::WorkFolder folder = rituals::work_folder(session.fs(), catalog, argument);
  catalog.record_work_removed(folder.id);
  session.out().line(
      fmt::format("{} is a work folder no more; nothing in it was touched.", core::printable(folder.path)));
  tell(session, "work_removed", folder.path);
  return kGood;
}

int list(Session& session) {
  const rituals::WorkReport report =
      rituals::look_at_work(session.fs(), session.catalog(Access::kRead), session.work(), session.now());
  Output& out = session.out();
  if (report.folders.empty()) out.line("No folder is being worked in: darkshelf work add DIR");
  for (const rituals::WorkFolderReport& folder : report.folders) {
    const std::string path = core::printable(folder.folder.path);
    out.item(out.paint(Color::kBold, path) + (folder.gone ? "  is not there now" : ""));
    for (const std::string& why : folder.unreadable) out.error(core::printable(why));
    Table table({"SHOOT", "AGE", "PHOTOS", "SIZE", "ON THE SHELF"});
    for (const WorkShoot& shoot : folder.shoots) {
      std::string state = word_of(shoot.state);
      if (shoot.state == WorkShoot::State::kPartly)
        state += fmt::format(": {} not", core::count_of(shoot.unsealed_files, "file"));
      table.row({core::printable(shoot.name), core::count_of(static_cast<std::uint64_t>(shoot.days), "day"),
                 core::with_commas(shoot.photos), core::format_size(shoot.bytes), state});
      Json fields = Json::object();
      put_path(fields, "path", shoot.folder.string());
      fields.update({{"name", core::printable(shoot.name)},
                     {"date", shoot.date},
                     {"days", shoot.days},
                     {"photos", shoot.photos},
                     {"files", shoot.files},
                     {"bytes", shoot.bytes},
                     {"sealed", json_word_of(shoot.state)},
                     {"unsealed_files", shoot.unsealed_files}});
      out.object("work_shoot", std::move(fields));
    }
    if (!table.empty()) {
      table.print(out);
    } else if (!folder.gone) {
      out.line("    no pictures in it");
    }
    Json fields = Json::object();
    put_path(fields, "path", folder.folder.path);
    fields["gone"] = folder.gone;
    fields["shoots"] = folder.shoots.size();
    fields["problems"] = Json::array();
    for (const std::string& why : folder.unreadable) fields["problems"].push_back(core::printable(why));
    out.object("work_folder", std::move(fields));
  }
  for (const std::string& line : work_lines(report)) out.line(line);
  return kGood;
}

}  // namespace

std::vector<std::string> work_lines(const rituals::WorkReport& work) {
  std::vector<std::string> lines;
  const auto oldest = core::count_of(static_cast<std::uint64_t>(work.oldest_days.value_or(0)), "day");
  if (work.not_sealed + work.partly > 0) {
    const std::string partly = work.partly == 0 ? "" : core::count_of(work.partly, "shoot") + " in part";
    std::string what = work.not_sealed == 0 ? partly : core::count_of(work.not_sealed, "shoot");
    what += fmt::format(", {}{}", work.not_sealed + work.partly == 1 ? "" : "oldest ", oldest);
    if (work.not_sealed + work.partly == 1) what += " old";
    if (work.not_sealed > 0 && work.partly > 0) what += "; " + partly;
    lines.push_back(fmt::format("Not on the shelf yet: {}.", what));
  }
  for (const rituals::WorkFolderReport& folder : work.folders) {
    if (!folder.gone) continue;
    lines.push_back(fmt::format("The work folder {} is not there now. If it is gone for good: darkshelf work remove {}",
                                core::printable(folder.folder.path), core::shell_quote(folder.folder.path)));
  }
  return lines;
}

void add_work(CLI::App& app, Session& session) {
  CLI::App* work =
      app.add_subcommand("work", "Folders you work in: what of them is not on the shelf yet")->group(kSafe);
  work->require_subcommand(1);
  auto folder = std::make_shared<std::string>();
  CLI::App* cmd = work->add_subcommand("add", "Watch a folder: each subfolder with pictures is a shoot");
  cmd->add_option("DIR", *folder, "The folder")->required();
  cmd->callback([&session, folder] { session.action = [&session, folder] { return add(session, *folder); }; });
  cmd = work->add_subcommand("list", "Them, and what is in them");
  cmd->callback([&session] { session.action = [&session] { return list(session); }; });
  cmd = work->add_subcommand("remove", "Watch it no more; nothing in it is touched");
  cmd->add_option("DIR", *folder, "The folder, whether it is still there or not")->required();
  cmd->callback([&session, folder] { session.action = [&session, folder] { return remove(session, *folder); }; });
}

}  // namespace darkshelf::cli
