#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/sealed_files.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::string_view kCreator = "darkshelf 1 (cold archive of photographs, PAR2 2.0)";

/// *Same shoot*: same folder name and at least one path with equal size and mtime in a sealed one; or in one that was
/// adopted from a drive: `sealed` stays empty then.
std::optional<core::Uuid> same_shoot(catalog::Catalog& catalog, const volume::SourceShoot& source,
                                     const std::optional<core::Uuid>& without, SealedFiles& sealed) {
  for (const catalog::Shoot& shoot : catalog.shoots()) {
    if (shoot.discarded || shoot.folder != core::printable(source.name)) continue;
    for (const catalog::Volumes which : {catalog::Volumes::kSealed, catalog::Volumes::kAdopted}) {
      SealedFiles members = sealed_files(catalog, shoot.id, without, which);
      for (const volume::SourceEntry& entry : source.entries) {
        if (entry.member.type != fv::MemberType::kFile) continue;
        const auto it = members.find(entry.member.path);
        if (it == members.end() || !same_file(it->second, entry.member)) continue;
        if (which == catalog::Volumes::kSealed) sealed = std::move(members);
        return shoot.id;
      }
    }
  }
  return {};
}

/// Its path below the shoot's folder.
std::string below_shoot(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? std::string() : path.substr(slash + 1);
}

/// The sealed shoot of another name whose files have the same places, sizes and times; "" if there is none.
std::string same_under_another_name(catalog::Catalog& catalog, const volume::SourceShoot& source) {
  for (const catalog::Shoot& shoot : catalog.shoots()) {
    if (shoot.discarded || shoot.files != source.files || shoot.bytes != source.bytes) continue;
    SealedFiles sealed;
    for (auto& [path, member] : sealed_files(catalog, shoot.id)) sealed[below_shoot(path)] = member;
    const auto is_there = [&](const volume::SourceEntry& entry) {
      if (entry.member.type != fv::MemberType::kFile) return true;
      const auto it = sealed.find(below_shoot(entry.member.path));
      return it != sealed.end() && same_file(it->second, entry.member);
    };
    if (std::all_of(source.entries.begin(), source.entries.end(), is_there)) return shoot.date + " " + shoot.name;
  }
  return {};
}

void compare(ShootPlan& shoot, const SealedFiles& sealed) {
  std::set<std::string> there;
  for (const volume::SourceEntry& entry : shoot.source.entries) {
    there.insert(entry.member.path);
    if (entry.member.type == fv::MemberType::kDirectory) continue;
    const auto it = sealed.find(entry.member.path);
    if (it == sealed.end()) {
      shoot.added.push_back(entry.member.path);
    } else if (!same_file(it->second, entry.member)) {
      shoot.changed.push_back(entry.member.path);
    }
  }
  for (const auto& [path, member] : sealed) {
    if (member.type != fv::MemberType::kDirectory && !there.contains(path)) shoot.gone.push_back(path);
  }
}

void as_full_file(io::FileSystem& fs, volume::SourceEntry& entry) {
  entry.member.type = fv::MemberType::kFile;
  entry.member.link.clear();
  if (const auto stat = fs.stat(entry.source)) entry.member.bytes = stat->bytes;
}

/// Keeps only entries that are new or changed, and the folders above them.
void keep_news(io::FileSystem& fs, ShootPlan& shoot) {
  std::set<std::string> wanted(shoot.added.begin(), shoot.added.end());
  wanted.insert(shoot.changed.begin(), shoot.changed.end());
  std::set<std::string> folders;
  for (const std::string& path : wanted) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      folders.insert(path.substr(0, slash));
    }
  }
  std::erase_if(shoot.source.entries, [&](const volume::SourceEntry& entry) {
    const bool folder = entry.member.type == fv::MemberType::kDirectory;
    return folder ? !folders.contains(entry.member.path) : !wanted.contains(entry.member.path);
  });
  for (volume::SourceEntry& entry :
       shoot.source.entries) {  // a hard link whose file stays behind becomes the file itself
    if (entry.member.type == fv::MemberType::kHardLink && !wanted.contains(entry.member.link)) as_full_file(fs, entry);
  }
  count_again(shoot.source);
}

/// What to do, taking the volumes of group `without` as not there.
ShootPlan decide(Context& context, const SealRequest& request, const volume::SourceShoot& source, bool unfinished,
                 const std::optional<core::Uuid>& without) {
  ShootPlan shoot;
  shoot.source = source;
  SealedFiles sealed;
  shoot.same_as = same_shoot(context.catalog, source, without, sealed);
  if (!shoot.same_as || sealed.empty()) return shoot;
  compare(shoot, sealed);
  if (request.again) {
    shoot.kind = ShootPlanKind::kAgain;
  } else if ((shoot.added.empty() && shoot.changed.empty()) || !(request.update || unfinished)) {
    shoot.kind = ShootPlanKind::kSealed;
  } else {
    shoot.kind = ShootPlanKind::kUpdated;
    keep_news(context.fs, shoot);
  }
  return shoot;
}

/// Layout files has no hard links: each name is a file of its own.
void unlink_hard_links(io::FileSystem& fs, volume::SourceShoot& source) {
  for (volume::SourceEntry& entry : source.entries) {
    if (entry.member.type == fv::MemberType::kHardLink) as_full_file(fs, entry);
  }
}

void cut(const SealRequest& request, fv::Layout layout, ShootPlan& shoot) {
  volume::CutOptions options;
  options.layout = layout;
  options.volume_bytes = request.volume_bytes;
  options.parity_percent = request.parity_percent;
  shoot.volumes = volume::cut_into_volumes(shoot.source, options);
}

/// Equal for two plans that would seal the same bytes the same way.
std::string fingerprint(const SealRequest& request, fv::Layout layout, const ShootPlan& shoot) {
  digest::Sha256Stream stream;
  const auto put = [&](std::string_view text) {
    stream.update(core::as_bytes(fmt::format("{}:", text.size())));
    stream.update(core::as_bytes(text));
  };
  put(fmt::format("{} {} {} {}", fv::name_of(layout), request.volume_bytes, request.parity_percent, request.again));
  put(shoot.source.date);
  put(request.name);
  for (const volume::SourceEntry& entry : shoot.source.entries) {
    const fv::Member& m = entry.member;
    put(m.path);
    put(fmt::format("{} {} {} {}", static_cast<int>(m.type), m.bytes, m.mtime_ns, m.mode));
    put(m.link);
  }
  return core::to_hex(stream.finish());
}

std::string title_of(const SealRequest& request, const volume::SourceShoot& source) {
  if (!request.name.empty()) return request.name;
  const auto date = core::leading_date(source.name);
  std::string rest = date ? source.name.substr(date->length) : source.name;
  rest.erase(0, rest.find_first_not_of(" _-."));
  return core::printable(rest.empty() ? source.name : rest);
}

void name_volumes(Context& context, const SealRequest& request, fv::Layout layout, ShootPlan& shoot,
                  const catalog::SealPlan* earlier) {
  shoot.group = earlier != nullptr ? earlier->group : context.world.new_id();
  shoot.planned = earlier != nullptr ? earlier->planned : context.catalog.next_time();
  const core::Uuid shoot_id = earlier != nullptr ? earlier->shoot
                              : shoot.same_as    ? *shoot.same_as
                                                 : context.world.new_id();
  for (std::size_t i = 0; i < shoot.volumes.size(); ++i) {
    fv::BagInfo info;
    info.volume = earlier != nullptr ? earlier->volumes[i].volume : context.world.new_id();
    info.group = shoot.group;
    info.shoot = shoot_id;
    info.shoot_name = core::printable(shoot.source.name);
    info.shoot_date = shoot.source.date;
    info.title = title_of(request, shoot.source);
    info.part = static_cast<unsigned>(i + 1);
    info.parts = static_cast<unsigned>(shoot.volumes.size());
    info.layout = layout;
    info.writer = context.catalog.writer();
    info.creator = std::string(kCreator);
    info.sealed = shoot.planned;
    shoot.infos.push_back(std::move(info));
  }
}

void settle_date(const SealRequest& request, volume::SourceShoot& source, std::vector<std::string>& notes) {
  if (request.date.empty()) {
    using From = volume::SourceShoot::DateFrom;
    if (source.date_from == From::kNothing) notes.emplace_back("no date is known");
    if (source.date_from == From::kPhotos) notes.emplace_back("its date is the day its photos were taken");
    if (source.date_from == From::kTimes) notes.emplace_back("its date is that of its pictures' times");
    return;
  }
  if (request.date.size() != 10 || !core::parse_date(request.date)) {
    throw Error(Code::kUsage,
                fmt::format("--date takes a day like 2026-06-14, not \"{}\"", core::printable(request.date)));
  }
  source.date = request.date;
}

}  // namespace

ShootPlan recognise(Context& context, const SealRequest& request, fv::Layout layout, volume::SourceShoot source) {
  std::vector<std::string> notes;
  settle_date(request, source, notes);
  if (layout == fv::Layout::kFiles) unlink_hard_links(context.fs, source);
  const std::string folder = source.folder.string();
  bool unfinished = false;
  for (const catalog::SealPlan& plan : context.catalog.open_plans()) {
    if (plan.folder_path != folder) continue;
    unfinished = true;
    ShootPlan shoot = decide(context, request, source, false, plan.group);
    if (shoot.kind == ShootPlanKind::kSealed) continue;
    const std::string mark = fingerprint(request, layout, shoot);
    cut(request, layout, shoot);
    if (plan.options != mark || plan.volumes.size() != shoot.volumes.size()) continue;
    shoot.kind = ShootPlanKind::kResumed;
    shoot.notes = notes;
    shoot.fingerprint = mark;
    name_volumes(context, request, layout, shoot, &plan);
    return shoot;
  }
  // An interrupted seal whose source has changed since: what it sealed stays, what is missing or new is sealed now.
  ShootPlan shoot = decide(context, request, source, unfinished, {});
  if (!shoot.same_as) {
    const std::string other = same_under_another_name(context.catalog, shoot.source);
    if (!other.empty()) notes.push_back(fmt::format("the same files are sealed as {}", other));
  }
  shoot.notes = notes;
  if (shoot.kind == ShootPlanKind::kSealed) return shoot;
  shoot.fingerprint = fingerprint(request, layout, shoot);
  cut(request, layout, shoot);
  name_volumes(context, request, layout, shoot, nullptr);
  return shoot;
}

void count_again(volume::SourceShoot& source) {
  source.bytes = source.files = 0;
  std::vector<std::string> paths;
  for (const volume::SourceEntry& entry : source.entries) {
    if (!holds_bytes(entry.member)) continue;
    ++source.files;
    source.bytes += entry.member.type == fv::MemberType::kFile ? entry.member.bytes : 0;
    paths.push_back(entry.member.path);
  }
  source.photos = volume::count_photos(paths);
}

std::string folder_below(const fv::BagInfo& info) { return fv::year_folder(info) + "/" + fv::folder_name(info); }

std::set<std::size_t> already_in_place(Context& context, const fv::BagInfo& info,
                                       const std::vector<DriveLoad>& drives) {
  std::set<std::size_t> there;
  for (std::size_t i = 0; i < drives.size(); ++i) {
    if (context.fs.stat(drives[i].drive.folder() / folder_below(info))) there.insert(i);
  }
  return there;
}

io::Path incoming_folder(const AttachedDrive& drive, const core::Uuid& volume) {
  return drive.root / std::string(formats::drive::kIncoming) / volume.text();
}

}  // namespace darkshelf::rituals
