#include <fmt/format.h>

#include <map>
#include <set>

#include "cli/commands.hpp"
#include "cli/signed.hpp"
#include "cli/wear.hpp"
#include "core/text.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;
namespace fv = formats::volume;

namespace {

/// Copies of a shoot's volumes, drive by drive.
struct Holding {
  shelf::CopyView view;  // the oldest check of the shoot's volumes on that drive
  std::vector<unsigned> parts;
  std::size_t volumes = 0;
};
using Holdings = std::map<std::string, Holding>;  // by label

Holdings holdings_of(const shelf::ShootStatus& shoot) {
  Holdings holdings;
  for (const shelf::VolumeStatus& volume : shoot.volumes) {
    for (const shelf::CopyView& view : volume.copies) {
      const auto [at, fresh] = holdings.try_emplace(view.drive.label, Holding{view, {}, 0});
      const bool older =
          !fresh &&
          (!view.copy.checked || (at->second.view.copy.checked && *view.copy.checked < *at->second.view.copy.checked));
      if (older || (!fresh && view.vote != shelf::Vote::kCounts)) at->second.view = view;
      ++at->second.volumes;
      at->second.parts.push_back(volume.volume.info.part);
    }
  }
  return holdings;
}

std::string condition_of(const shelf::CopyView& view, core::Time now) {
  switch (view.copy.health) {
    case catalog::CopyHealth::kDamaged:
      return "damaged, repairable";
    case catalog::CopyHealth::kUnrepairable:
      return "damaged";
    case catalog::CopyHealth::kMissing:
      return "missing there";
    case catalog::CopyHealth::kGood:
      break;
  }
  return shelf::freshness(view, now);
}

Json holdings_json(Session& session, const Holdings& holdings) {
  Json array = Json::array();
  for (const auto& [label, holding] : holdings) {
    Json one = {{"drive", label},
                {"place", holding.view.drive.place_name},
                {"offsite", holding.view.drive.offsite},
                {"state", catalog::name_of(holding.view.drive.state)},
                {"plugged_in", session.plugged_in().contains(holding.view.drive.id)},
                {"volumes", holding.volumes},
                {"counts", holding.view.vote == shelf::Vote::kCounts}};
    one["checked"] = holding.view.copy.checked ? Json(core::format_time(*holding.view.copy.checked)) : Json(nullptr);
    array.push_back(std::move(one));
  }
  return array;
}

void print_holdings(Session& session, const Holdings& holdings, std::size_t volumes) {
  Output& out = session.out();
  for (const auto& [label, holding] : holdings) {
    const std::string part =
        holding.volumes < volumes ? fmt::format(" ({} of {} volumes)", holding.volumes, volumes) : "";
    const Color color = session.plugged_in().contains(holding.view.drive.id) ? Color::kGreen : Color::kUnplugged;
    out.line(fmt::format("    {}  {}, {}{}", out.paint(color, core::printable(label)),
                         session.whereabouts(holding.view.drive), condition_of(holding.view, session.now()), part));
  }
  if (holdings.empty()) out.line("    " + out.paint(Color::kRed, "on no drive any more"));
}

Json shoot_json(const catalog::Shoot& shoot) {
  Json object = {{"id", shoot.id.text()},
                 {"name", core::printable(shoot.name)},
                 {"folder", core::printable(shoot.folder)},
                 {"date", shoot.date},
                 {"note", core::printable(shoot.note)},
                 {"photos", shoot.photos},
                 {"files", shoot.files},
                 {"bytes", shoot.bytes},
                 {"discarded", shoot.discarded}};
  object["keep_copies"] = shoot.keep_copies ? Json(*shoot.keep_copies) : Json(nullptr);
  return object;
}

std::string heading_of(const catalog::Shoot& shoot) {
  return fmt::format("{} {}", shoot.date.empty() ? "undated   " : shoot.date, core::printable(shoot.name));
}

std::map<core::Uuid, shelf::ShootStatus> statuses(Session& session) {
  std::map<core::Uuid, shelf::ShootStatus> by_id;
  for (shelf::ShootStatus& shoot : session.status().shoots) by_id[shoot.shoot.id] = std::move(shoot);
  return by_id;
}

struct FindOptions {
  catalog::FindQuery query;
  std::string drive, place;
};

int find(Session& session, FindOptions options) {
  auto& catalog = session.catalog(Access::kRead);
  if (!options.drive.empty()) {
    const auto drive = catalog.find_drive(options.drive);
    if (!drive)
      throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(options.drive)),
                  "darkshelf drive list");
    options.query.drive = drive->id;
  }
  if (!options.place.empty()) {
    const auto place = catalog.find_place(options.place);
    if (!place)
      throw Error(Code::kNotFound, fmt::format("no place is called \"{}\"", core::printable(options.place)),
                  "darkshelf place list");
    options.query.place = place->id;
  }
  const std::vector<catalog::Found> found = catalog.find(options.query).found;
  if (found.empty())
    throw catalog.volumes().empty()
        ? Error(Code::kNotFound, "nothing found: nothing is sealed yet", "darkshelf seal SHOOT --to DRIVE")
        : Error(Code::kNotFound, "nothing found", "try fewer words; darkshelf find alone lists the whole shelf");
  const auto by_id = statuses(session);
  Output& out = session.out();
  for (const catalog::Found& one : found) {
    const auto status = by_id.find(one.shoot.id);
    const Holdings holdings = status == by_id.end() ? Holdings{} : holdings_of(status->second);
    std::string what = rituals::photos_and_files(one.shoot.photos, one.shoot.files);
    if (one.matching_files > 0 && one.matching_files < one.shoot.files)
      what += fmt::format(", {} match", core::with_commas(one.matching_files));
    out.line(fmt::format("{}  {}", out.paint(Color::kBold, heading_of(one.shoot)), what));
    if (one.shoot.discarded)
      out.line("    discarded");
    else
      print_holdings(session, holdings, status == by_id.end() ? 0 : status->second.volumes.size());
    for (const catalog::FoundFile& file : one.files) out.item("        " + core::printable(file.member.path));
    Json object = shoot_json(one.shoot);
    object["matching_files"] = one.matching_files;
    object["drives"] = holdings_json(session, holdings);
    Json files = Json::array();
    for (const catalog::FoundFile& file : one.files) files.push_back(member_json(file.member));
    if (options.query.files) object["matches"] = std::move(files);
    out.object("shoot", std::move(object));
  }
  return kGood;
}

int show_shoot(Session& session, const catalog::Shoot& shoot) {
  Output& out = session.out();
  const auto by_id = statuses(session);
  const auto status = by_id.find(shoot.id);
  out.line(out.paint(Color::kBold, heading_of(shoot)));
  out.line(fmt::format("{}, {}", rituals::photos_and_files(shoot.photos, shoot.files), core::format_size(shoot.bytes)));
  if (!shoot.note.empty()) out.line("Note: " + core::printable(shoot.note));
  if (shoot.keep_copies) out.line(fmt::format("Keep: {}", core::count_of(*shoot.keep_copies, "copy", "copies")));
  Json volumes = Json::array();
  if (status != by_id.end()) {
    for (const shelf::VolumeStatus& volume : status->second.volumes) {
      const auto& info = volume.volume.info;
      out.line(fmt::format("{}  {}  {}", volume.volume.folder, core::count_of(info.photos, "photo"),
                           core::format_size(volume.volume.bytes_on_drive)));
      Json copies = Json::array();
      for (const shelf::CopyView& view : volume.copies) {
        const Color color = session.plugged_in().contains(view.drive.id) ? Color::kGreen : Color::kUnplugged;
        out.line(fmt::format("    {}  {}, {}", out.paint(color, core::printable(view.drive.label)),
                             session.whereabouts(view.drive), condition_of(view, session.now())));
        Json copy = {{"drive", view.drive.label},
                     {"counts", view.vote == shelf::Vote::kCounts},
                     {"condition", condition_of(view, session.now())}};
        copy["checked"] = view.copy.checked ? Json(core::format_time(*view.copy.checked)) : Json(nullptr);
        copies.push_back(std::move(copy));
      }
      if (volume.copies.empty()) out.line("    " + out.paint(Color::kRed, "on no drive any more"));
      volumes.push_back({{"volume", info.volume.text()},
                         {"folder", volume.volume.folder},
                         {"part", info.part},
                         {"parts", info.parts},
                         {"seal", core::to_hex(volume.volume.seal)},
                         {"sealed", core::format_time(info.sealed)},
                         {"bytes_on_drive", volume.volume.bytes_on_drive},
                         {"copies", copies}});
    }
    if (!status->second.lacks.empty()) out.line(fmt::format("Lacks {}.", fmt::join(status->second.lacks, ", ")));
  } else if (shoot.discarded) {
    out.line("Discarded.");
  }
  Json object = shoot_json(shoot);
  object["volumes"] = std::move(volumes);
  out.object("shoot", std::move(object));
  return kGood;
}

int show_volume(Session& session, const catalog::Volume& volume) {
  Output& out = session.out();
  const fv::BagInfo& info = volume.info;
  out.line(out.paint(Color::kBold, volume.folder));
  out.line(fmt::format("{}, part {} of {}, layout {}, sealed {}", core::printable(info.shoot_name), info.part,
                       info.parts, fv::name_of(info.layout), core::format_date_for_people(info.sealed)));
  out.line(fmt::format("{}, {} with {} recovery slices for {} slices of {}",
                       rituals::photos_and_files(info.photos, info.content_files),
                       core::format_size(volume.bytes_on_drive), core::with_commas(info.recovery_slices),
                       core::with_commas(info.slices), core::format_size(info.slice_bytes)));
  out.line("id    " + info.volume.text());
  out.line("seal  " + core::to_hex(volume.seal));
  const rituals::SignatureView signature = rituals::known_signature(session.catalog(Access::kRead), volume);
  out.line(rituals::sentence_of(signature));
  Json copies = Json::array();
  const auto by_id = statuses(session);
  if (const auto status = by_id.find(info.shoot); status != by_id.end()) {
    for (const shelf::VolumeStatus& one : status->second.volumes) {
      if (one.volume.info.volume != info.volume) continue;
      for (const shelf::CopyView& view : one.copies) {
        out.line(fmt::format("    {}  {}, {}", core::printable(view.drive.label), session.whereabouts(view.drive),
                             condition_of(view, session.now())));
        copies.push_back({{"drive", view.drive.label}, {"condition", condition_of(view, session.now())}});
      }
    }
  }
  out.object("volume", {{"volume", info.volume.text()},
                        {"folder", volume.folder},
                        {"seal", core::to_hex(volume.seal)},
                        {"signature", signature_json(signature)},
                        {"writer", info.writer.text()},
                        {"sequence", info.sequence},
                        {"previous_seal", info.previous_seal},
                        {"shoot", info.shoot.text()},
                        {"group", info.group.text()},
                        {"part", info.part},
                        {"parts", info.parts},
                        {"layout", fv::name_of(info.layout)},
                        {"photos", info.photos},
                        {"files", info.content_files},
                        {"bytes", info.content_bytes},
                        {"bytes_on_drive", volume.bytes_on_drive},
                        {"slices", info.slices},
                        {"recovery_slices", info.recovery_slices},
                        {"slice_bytes", info.slice_bytes},
                        {"sealed", core::format_time(info.sealed)},
                        {"copies", copies}});
  return kGood;
}

int show(Session& session, const std::string& what) {
  auto& catalog = session.catalog(Access::kRead);
  if (const auto drive = catalog.find_drive(what)) return show_drive(session, *drive);
  const std::vector<catalog::Shoot> shoots = catalog.find_shoots(what);
  const bool like_volume = what.find('_') != std::string::npos || what.find('/') != std::string::npos;
  if (shoots.empty() || like_volume) {
    if (const auto volume = catalog.find_volume(what)) return show_volume(session, *volume);
  }
  return show_shoot(session, one_shoot(catalog, what));
}

int where(Session& session, const std::vector<std::string>& files) {
  auto& catalog = session.catalog(Access::kRead);
  Output& out = session.out();
  const auto by_id = statuses(session);
  int code = kGood;
  for (const std::string& file : files) {
    const std::vector<catalog::FoundFile> found = catalog.where(file);
    if (found.empty()) {
      code = worse(code, tell_error(out, core::Error(core::Code::kNotFound,
                                                     fmt::format("{} is in no sealed shoot", core::printable(file)),
                                                     "darkshelf find WORDS   (finds shoots by parts of names)")));
    }
    for (const catalog::FoundFile& one : found) {
      const auto volume = catalog.volume(one.volume);
      if (!volume) continue;
      std::set<std::string> drives, labels, here;
      if (const auto status = by_id.find(volume->info.shoot); status != by_id.end()) {
        for (const shelf::VolumeStatus& candidate : status->second.volumes) {
          if (candidate.volume.info.volume != one.volume) continue;
          for (const shelf::CopyView& view : candidate.copies) {
            drives.insert(fmt::format("{} ({})", core::printable(view.drive.label), session.whereabouts(view.drive)));
            labels.insert(view.drive.label);
            if (session.plugged_in().contains(view.drive.id)) here.insert(view.drive.label);
          }
        }
      }
      out.item(core::printable(one.member.path));
      out.line(fmt::format("    {}, sealed {}: {}", core::format_size(one.member.bytes),
                           core::format_date_for_people(volume->info.sealed),
                           drives.empty() ? "on no drive any more" : fmt::format("{}", fmt::join(drives, ", "))));
      Json object = member_json(one.member);
      object["volume"] = one.volume.text();
      object["folder"] = volume->folder;
      object["drives"] = labels;
      object["plugged_in"] = here;
      out.object("file", std::move(object));
    }
  }
  return code;
}

}  // namespace

int show_drive(Session& session, const catalog::Drive& drive) {
  auto& catalog = session.catalog(Access::kRead);
  Output& out = session.out();
  out.line(fmt::format("{}  {}", out.paint(Color::kBold, core::printable(drive.label)), session.whereabouts(drive)));
  out.line(fmt::format("{}, {}, added {}, last seen {}", drive.kind,
                       drive.evidence.fs_type.empty() ? "unknown file system" : drive.evidence.fs_type,
                       core::format_date_for_people(drive.added), core::format_date_for_people(drive.last_seen)));
  if (!drive.place_name.empty())
    out.line(fmt::format("Kept at {}{}", core::printable(drive.place_name), drive.offsite ? " (off-site)" : ""));
  if (!drive.evidence.model.empty() || !drive.evidence.serial.empty())
    out.line(fmt::format("{}{}{}", core::printable(drive.evidence.model),
                         drive.evidence.model.empty() ? "serial " : " ", core::printable(drive.evidence.serial)));
  if (!drive.note.empty()) out.line("Note: " + core::printable(drive.note));
  out.line("id  " + drive.id.text());
  const auto volumes = catalog.volumes_on(drive.id);
  out.line(fmt::format("{}, {}", core::count_of(volumes.size(), "volume"), core::format_size(drive.bytes)));
  Json folders = Json::array();
  for (const catalog::Volume& volume : volumes) {
    out.item("    " + volume.folder);
    folders.push_back(volume.folder);
  }
  const auto findings = catalog.open_findings(drive.id);
  Json open = Json::array();
  for (const catalog::Finding& finding : findings)
    open.push_back({{"kind", finding.kind}, {"path", core::printable(finding.path)}});
  if (const std::size_t damage = open_damage(catalog, drive.id).size(); damage > 0)
    out.line(out.paint(Color::kRed,
                       fmt::format("Damage in {}: {}", core::count_of(damage, "place"), what_mends(catalog, drive))));
  const std::vector<catalog::Wear> wear = catalog.wear(drive.id);
  if (!wear.empty()) {
    out.line(fmt::format("Its disk on {}: {}", core::format_date_for_people(wear.front().read),
                         core::printable(shelf::describe_wear(wear.front()))));
    if (shelf::judge_wear(wear).failing()) out.line(out.paint(Color::kRed, next_for_failing(drive)));
  }
  const auto scrubs = catalog.scrubs(drive.id);
  if (!scrubs.empty())
    out.line(fmt::format("Last checked {}{}", core::format_date_for_people(scrubs.front().ended),
                         scrubs.front().undated    ? " (by a clock that was behind)"
                         : scrubs.front().complete ? ""
                                                   : " (in part)"));
  Json object = {{"id", drive.id.text()},
                 {"label", drive.label},
                 {"kind", drive.kind},
                 {"place", drive.place_name},
                 {"state", catalog::name_of(drive.state)},
                 {"plugged_in", session.plugged_in().contains(drive.id)},
                 {"volumes", folders},
                 {"bytes", drive.bytes},
                 {"open_findings", open}};
  object["wear"] = wear.empty() ? Json(nullptr) : wear_json(wear.front());
  object["medium_failing"] = shelf::judge_wear(wear).failing();
  object["last_scrub"] = scrubs.empty() ? Json(nullptr) : Json(core::format_time(scrubs.front().ended));
  out.object("drive_details", std::move(object));
  return kGood;
}

void add_find(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("find", "Find shoots by words in names, notes and paths")->group(kWhich);
  auto o = std::make_shared<FindOptions>();
  cmd->add_option("WORDS", o->query.words, "All have to match; the beginning of a word is enough");
  cmd->add_option("--year", o->query.year, "Of this year")->type_name("YEAR")->check(date(Dates::kAny));
  cmd->add_option("--since", o->query.since, "From this date on")->type_name("DATE")->check(date(Dates::kAny));
  cmd->add_option("--until", o->query.until, "Up to this date")->type_name("DATE")->check(date(Dates::kAny));
  cmd->add_option("--type", o->query.type, "Files of this type, such as CR3")->type_name("TYPE");
  cmd->add_option("--on", o->drive, "On this drive")->type_name("DRIVE");
  cmd->add_option("--at", o->place, "On drives kept there")->type_name("PLACE");
  cmd->add_flag("--files", o->query.files, "List the files that match");
  cmd->callback([&session, o] { session.action = [&session, o] { return find(session, *o); }; });
}

void add_show(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("show", "All about a shoot, a volume or a drive")->group(kWhich);
  auto what = std::make_shared<std::string>();
  cmd->add_option("WHAT", *what, "Shoot, volume or drive")->required();
  cmd->callback([&session, what] { session.action = [&session, what] { return show(session, *what); }; });
}

void add_where(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("where", "Which drives hold a file")->group(kWhich);
  auto files = std::make_shared<std::vector<std::string>>();
  cmd->add_option("FILE", *files, "Name, path, pattern, or SHA-256")->required();
  cmd->callback([&session, files] { session.action = [&session, files] { return where(session, *files); }; });
}

}  // namespace darkshelf::cli
