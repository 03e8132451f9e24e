#include "cli/adopted.hpp"

#include <fmt/format.h>

#include "core/pictures.hpp"
#include "core/text.hpp"
#include "photo/record.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::cli {

namespace {

/// Was all of its picture there when it was read? Nothing for what is no picture, or of a kind without such a digest.
std::optional<bool> has_whole_picture(const formats::volume::Member& member) {
  const std::string name = member.path.substr(member.path.rfind('/') + 1);
  const std::string ending = core::file_ending(name);
  if (core::picture_kind(name) == core::PictureKind::kNone || core::picture_kind(name) == core::PictureKind::kFilm)
    return {};
  return photo::record_from_json(member.photo).image.has_value();
}

std::string date_of(const formats::volume::Member& member) {
  return core::format_date_for_people(core::Time(std::chrono::nanoseconds(member.mtime_ns)));
}

std::string path_on(catalog::Catalog& catalog, const core::Uuid& volume, const core::Uuid& drive,
                    const std::string& path) {
  const auto copy = rituals::copy_on(catalog, volume, drive);
  const auto known = catalog.volume(volume);
  if (!copy || !known) return path;
  if (!known->adopted) return "darkshelf/" + known->folder + " (" + path + ")";
  return rituals::adopted_file({}, *copy, path).string();
}

void tell_difference(Session& session, const catalog::Drive& drive, const catalog::DifferingFile& file) {
  Output& out = session.out();
  catalog::Catalog& catalog = session.catalog(catalog::Catalog::Access::kWrite);
  const auto other = catalog.drive(file.there_drive);
  const auto side = [&](const catalog::Drive& where, const core::Uuid& volume, const formats::volume::Member& member) {
    const auto whole = has_whole_picture(member);
    Json object = {{"drive", where.label}};
    put_path(object, "path", path_on(catalog, volume, where.id, member.path));
    object["bytes"] = member.bytes;
    object["mtime"] = core::format_time(core::Time(std::chrono::nanoseconds(member.mtime_ns)));
    object["whole_picture"] = whole ? Json(*whole) : Json(nullptr);
    return object;
  };
  const auto line = [&](const catalog::Drive& where, const core::Uuid& volume, const formats::volume::Member& member) {
    const auto whole = has_whole_picture(member);
    out.item(fmt::format("    {}: {}, {}, {}{}", core::printable(where.label),
                         core::printable(path_on(catalog, volume, where.id, member.path)), date_of(member),
                         core::format_size(member.bytes),
                         !whole   ? ""
                         : *whole ? ", its picture is whole"
                                  : ", its picture could not be told"));
  };
  if (!other) return;
  line(drive, file.here_volume, file.here);
  line(*other, file.there_volume, file.there);
  out.object("differing_file", {{"here", side(drive, file.here_volume, file.here)},
                                {"there", side(*other, file.there_volume, file.there)}});
}

}  // namespace

void tell_standing(Session& session, const catalog::Drive& drive, const std::vector<catalog::ShootStanding>& standing) {
  Output& out = session.out();
  catalog::Catalog& catalog = session.catalog(catalog::Catalog::Access::kWrite);
  const std::string label = core::printable(drive.label);
  constexpr std::size_t kShown = 10;
  std::uint64_t photos = 0, files = 0, only_photos = 0, only_files = 0, only_bytes = 0, missing = 0, differs = 0,
                only_shoots = 0;
  for (const catalog::ShootStanding& one : standing) {
    photos += one.photos;
    files += one.files;
    only_photos += one.only_photos;
    only_files += one.only_files;
    only_bytes += one.only_bytes;
    only_shoots += one.only_files > 0 ? 1 : 0;
    missing += one.missing.size();
    differs += one.differs.size();
  }
  bool may_retire = false;
  if (files > 0 && only_files == 0) {
    out.line(fmt::format("Everything on {} is on other drives too.", label));
    const shelf::Status status = session.status({drive.id});
    may_retire = status.met();
    out.line(may_retire
                 ? fmt::format("The policy is met without it: it may be retired (darkshelf drive mark {} retired).",
                               core::shell_quote(drive.label))
                 : "The policy is not met without it: keep it.");
  } else if (only_files > 0) {
    out.line(out.paint(Color::kAmber,
                       fmt::format("The only copy anywhere of {} in {} ({}) is on {}.",
                                   rituals::photos_and_files(only_photos, only_files),
                                   core::count_of(only_shoots, "shoot"), core::format_size(only_bytes), label)));
  }
  for (const catalog::ShootStanding& one : standing) {
    const auto shoot = catalog.shoot(one.shoot);
    const std::string name = shoot ? core::printable(shoot->name) : one.shoot.text();
    if (!one.missing.empty()) {
      out.line(fmt::format("{} of {} {} elsewhere and not on {}:", core::count_of(one.missing.size(), "file"), name,
                           one.missing.size() == 1 ? "is" : "are", label));
      for (std::size_t i = 0; i < one.missing.size() && (i < kShown || out.verbose()); ++i)
        out.item("    " + core::printable(one.missing[i]));
      if (one.missing.size() > kShown && !out.verbose())
        out.line(fmt::format("    … and {} more (-v shows all)", core::with_commas(one.missing.size() - kShown)));
    }
    if (one.differs.empty()) continue;
    out.line(out.paint(Color::kAmber, fmt::format("{} of {} {} elsewhere:", core::count_of(one.differs.size(), "file"),
                                                  name, one.differs.size() == 1 ? "differs" : "differ")));
    for (std::size_t i = 0; i < one.differs.size() && (i < kShown || out.verbose() || out.json()); ++i)
      tell_difference(session, drive, one.differs[i]);
    if (one.differs.size() > kShown && !out.verbose())
      out.line(fmt::format("    … and {} more (-v shows all)", core::with_commas(one.differs.size() - kShown)));
  }
  out.object("standing", {{"drive", drive.label},
                          {"photos", photos},
                          {"files", files},
                          {"only_photos", only_photos},
                          {"only_files", only_files},
                          {"only_bytes", only_bytes},
                          {"missing_here", missing},
                          {"differs", differs},
                          {"may_be_retired", may_retire}});
}

}  // namespace darkshelf::cli
