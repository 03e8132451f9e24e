#include "cli/adopted.hpp"

#include <fmt/format.h>

#include <set>

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

const char* in_words(const rituals::AdoptedFinding& finding) {
  using Kind = rituals::FindingKind;
  if (finding.edited) return "edited: what is written about it changed, the picture did not";
  switch (finding.kind) {
    case Kind::kUnreadable:
      return "cannot be read";
    case Kind::kMissing:
      return "gone";
    case Kind::kDamaged:
      return "damaged: other contents under the same date";
    default:
      return "changed: other contents";
  }
}

std::string list_of(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) text += (text.empty() ? "" : ", ") + core::printable(label);
  return text;
}

}  // namespace

int tell_adopted_check(Session& session, const rituals::ScrubReport& report) {
  Output& out = session.out();
  const rituals::AdoptedCheck& check = report.adopted;
  if (!check.any()) {
    if (report.only_adopted)
      out.note(fmt::format("Nothing was taken in from {} yet: darkshelf adopt {} --label {}",
                           core::printable(report.drive.label), core::shell_quote(report.root.string()),
                           core::shell_quote(report.drive.label)));
    return kGood;
  }
  const std::string label = core::printable(report.drive.label), quoted = core::shell_quote(report.drive.label);
  const std::string again =
      fmt::format("darkshelf adopt {} --label {}", core::shell_quote(report.root.string()), quoted);
  std::uint64_t bad = 0, edited = 0, photos_bad = 0;
  constexpr std::size_t kShown = 10;
  for (const rituals::AdoptedFinding& finding : check.findings) {
    ++(finding.edited ? edited : bad);
    Json object = {{"kind", finding.edited ? "edited" : rituals::name_of(finding.kind)},
                   {"shoot", finding.shoot.text()},
                   {"elsewhere", finding.elsewhere},
                   {"message", core::printable(finding.reason)}};
    put_path(object, "path", finding.path);
    out.object("adopted_finding", std::move(object));
    if (!finding.edited &&
        core::picture_kind(finding.path.substr(finding.path.rfind('/') + 1)) != core::PictureKind::kNone)
      ++photos_bad;
  }
  if (bad == 0 && check.volumes + check.read_before > 0) {
    std::string text = fmt::format("{} on {} {} unchanged since {} taken in",
                                   rituals::photos_and_files(check.photos, check.files - std::min(check.files, edited)),
                                   label, check.files == 1 ? "is" : "are", check.files == 1 ? "it was" : "they were");
    if (check.not_read > 0) text = "What was read is as it was: " + text;
    out.line(out.paint(Color::kGreen, fmt::format("{} ({} read).", text, core::format_size(check.bytes_read))));
  } else if (bad > 0) {
    out.line(out.paint(
        Color::kRed,
        fmt::format("{} on {} {} not what {} taken in{}:", core::count_of(bad, "file"), label, bad == 1 ? "is" : "are",
                    bad == 1 ? "was" : "were",
                    photos_bad > 0 && photos_bad != bad ? fmt::format(", {} of them pictures", photos_bad) : "")));
  }
  std::size_t shown = 0;
  for (const rituals::AdoptedFinding& finding : check.findings) {
    if (finding.edited && !out.verbose()) continue;
    if (++shown > kShown && !out.verbose()) continue;
    out.item(fmt::format("    {}: {}{}", core::printable(finding.path), in_words(finding),
                         finding.elsewhere.empty() ? "" : "; as it was on " + list_of(finding.elsewhere)));
  }
  if (shown > kShown && !out.verbose())
    out.line(fmt::format("    … and {} more (-v shows all)", core::with_commas(shown - kShown)));
  if (check.healed > 0)
    out.note(fmt::format("{} read wrong at first, and right when read again: look at the cable.",
                         core::count_of(check.healed, "file was", "files were")));
  if (edited > 0)
    out.line(fmt::format("{} edited since: what is written about {} changed, no picture did. To take that in: {}",
                         core::count_of(edited, "file was", "files were"), edited == 1 ? "it" : "them", again));
  if (!check.added.empty())
    out.line(fmt::format("{} new there. To take {} in: {}", core::count_of(check.added.size(), "file is", "files are"),
                         check.added.size() == 1 ? "it" : "them", again));
  if (check.names_only > 0)
    out.line(fmt::format("Some of {} is known by name alone and cannot be compared. To read it: {}", label, again));
  if (check.not_read > 0)
    out.line(fmt::format("Time is up: the rest was not read. To go on there: darkshelf scrub {}", quoted));
  std::set<std::string> sets;
  for (const rituals::AdoptedFinding& finding : check.findings) {
    if (!finding.edited && !finding.protection.empty()) sets.insert(finding.protection);
  }
  for (const std::string& set : sets)
    out.line(fmt::format("Recovery data lie beside them: darkshelf par2 repair {}", core::shell_quote(set)));
  if (bad > 0) {
    out.line(check.is_elsewhere()
                 ? fmt::format("All of that is on other drives. Next: darkshelf restore SHOOT --to DIR   (from one of "
                               "them); what {} has now becomes what is known by: {}",
                               label, again)
                 : fmt::format("No other drive is known to have all of that as it was. Look for it in backups before "
                               "{} is written to; then: {}",
                               label, again));
  }
  out.object("adopted_check", {{"drive", report.drive.label},
                               {"volumes", check.volumes},
                               {"read_before", check.read_before},
                               {"not_read", check.not_read},
                               {"names_only", check.names_only},
                               {"photos", check.photos},
                               {"files", check.files},
                               {"bad", bad},
                               {"edited", edited},
                               {"added", check.added.size()},
                               {"bytes_read", check.bytes_read}});
  if (bad == 0) return kGood;
  return check.is_elsewhere() ? kDamageRepairable : kDamageBeyondRepair;
}

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
    shelf::Situation situation{{}, {drive.id}};
    for (const auto& [id, root] : session.plugged_in()) situation.plugged_in.insert(id);
    may_retire = shelf::status_of(catalog, shelf::policy_from(catalog.policy()), session.now(), situation).met();
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
