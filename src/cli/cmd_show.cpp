#include <fmt/format.h>

#include <map>
#include <set>

#include "cli/commands.hpp"
#include "cli/holdings.hpp"
#include "cli/signed.hpp"
#include "cli/wear.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
namespace fv = formats::volume;

namespace {

void print_photos(Output& out, const catalog::ShootPhotos& photos) {
  const auto some = [&](const char* what, const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 12;
    if (names.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < names.size() && (i < kShown || out.verbose()); ++i)
      text += (i == 0 ? "" : ", ") + core::printable(names[i]);
    if (names.size() > kShown && !out.verbose()) text += fmt::format(" … and {} more", names.size() - kShown);
    out.line(fmt::format("{}: {}", what, text));
  };
  if (!photos.first_day.empty()) {
    out.line(photos.first_day == photos.last_day
                 ? "Taken on " + photos.first_day
                 : fmt::format("Taken from {} to {}", photos.first_day, photos.last_day));
  }
  some("Cameras", photos.cameras);
  some("Lenses", photos.lenses);
  some("Keywords", photos.keywords);
}

int show_shoot(Session& session, const catalog::Shoot& shoot) {
  Output& out = session.out();
  const auto by_id = status_of_shoots(session, {shoot});
  const auto status = by_id.find(shoot.id);
  out.line(out.paint(Color::kBold, heading_of(shoot)));
  out.line(fmt::format("{}, {}", rituals::photos_and_files(shoot.photos, shoot.files), core::format_size(shoot.bytes)));
  const catalog::ShootPhotos photos = session.catalog(Access::kRead).photos_of(shoot.id);
  print_photos(out, photos);
  if (!shoot.note.empty()) out.line("Note: " + core::printable(shoot.note));
  if (shoot.keep_copies) out.line(fmt::format("Keep: {}", core::count_of(*shoot.keep_copies, "copy", "copies")));
  Json volumes = Json::array();
  if (status != by_id.end()) {
    for (const shelf::VolumeStatus& volume : status->second.volumes) {
      const auto& info = volume.volume.info;
      out.line(fmt::format("{}  {}  {}",
                           volume.volume.adopted ? "taken in as it was, not sealed" : volume.volume.folder,
                           core::count_of(info.photos, "photo"), core::format_size(volume.volume.bytes_on_drive)));
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
  object["cameras"] = photos.cameras;
  object["lenses"] = photos.lenses;
  object["keywords"] = photos.keywords;
  object["first_day"] = photos.first_day;
  object["last_day"] = photos.last_day;
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
  const auto shoot = session.catalog(Access::kRead).shoot(info.shoot);
  const auto by_id = status_of_shoots(session, shoot ? std::vector{*shoot} : std::vector<catalog::Shoot>{});
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
  std::map<core::Uuid, std::map<core::Uuid, shelf::ShootStatus>> known;  // by shoot
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
      const auto [at, fresh] = known.try_emplace(volume->info.shoot);
      if (const auto shoot = fresh ? catalog.shoot(volume->info.shoot) : std::nullopt)
        at->second = status_of_shoots(session, {*shoot});
      const auto& by_id = at->second;
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
