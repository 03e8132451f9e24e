#include "rituals/adopt_shoot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/thumbnails.hpp"
#include "core/text.hpp"
#include "photo/record.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;

namespace {

/// The date in front of a folder's name tells the same as shoot_date.
std::string title_of(const std::string& name) {
  const auto date = core::leading_date(name);
  std::string rest = date ? name.substr(date->length) : name;
  rest.erase(0, std::min(rest.find_first_not_of(" _-."), rest.size()));
  return core::printable(rest.empty() ? name : rest);
}

}  // namespace

ShootIntake::ShootIntake(FoundShoot found, std::vector<KnownPart> known, bool names_only)
    : found_(std::move(found)), known_(std::move(known)), names_only_(names_only) {
  compare();
}

bool ShootIntake::is_as_known(const volume::SourceEntry& entry, const fv::Member& member) const {
  if (entry.member.type != member.type) return false;
  if (member.type == fv::MemberType::kHardLink) return entry.member.link == member.link;
  return entry.member.bytes == member.bytes && same_time(entry.member.mtime_ns, member.mtime_ns);
}

/// It may well be there: the folder could not be read.
bool ShootIntake::is_out_of_sight(const std::string& path) const {
  return std::any_of(found_.source.unreadable.begin(), found_.source.unreadable.end(), [&](const fv::LeftOut& one) {
    return path == one.path || (path.starts_with(one.path) && path[one.path.size()] == '/');
  });
}

std::string ShootIntake::below_root(const std::string& member_path) const {
  const std::size_t slash = member_path.find('/');
  const std::string below = slash == std::string::npos ? "" : member_path.substr(slash + 1);
  return found_.folder.empty() ? below : below.empty() ? found_.folder : found_.folder + "/" + below;
}

void ShootIntake::compare() {
  std::map<std::string_view, const volume::SourceEntry*> there;
  std::vector<std::string> paths;
  for (const volume::SourceEntry& entry : found_.source.entries) {
    if (!holds_bytes(entry.member)) continue;
    there[entry.member.path] = &entry;
    paths.push_back(entry.member.path);
  }
  for (photo::Photo& photo : photo::group_photos(paths).photos) {
    const std::string first = photo.files.front();
    leads_.emplace(first, std::move(photo));
  }
  std::set<std::string_view> covered;
  for (const KnownPart& part : known_) {
    const bool good = part.copy.health == catalog::CopyHealth::kGood;
    bool whole = good && (!part.copy.names_only || names_only_);
    for (const fv::Member& member : part.members) {
      if (!holds_bytes(member)) continue;
      const auto entry = there.find(member.path);
      const bool same = entry != there.end() ? is_as_known(*entry->second, member) : is_out_of_sight(member.path);
      whole = whole && same;
      if (part.copy.names_only && before_.contains(member.path)) continue;
      before_[member.path] = {&member, &part, good && !part.copy.names_only};
    }
    if (!whole) continue;
    kept_.insert(&part);
    for (const fv::Member& member : part.members) covered.insert(member.path);
  }
  for (std::size_t i = 0; i < found_.source.entries.size(); ++i) {
    const volume::SourceEntry& entry = found_.source.entries[i];
    if (!holds_bytes(entry.member) || covered.contains(entry.member.path)) continue;
    to_take_.push_back(i);
    const auto before = before_.find(entry.member.path);
    const bool reused = before != before_.end() && before->second.trusted && is_as_known(entry, *before->second.member);
    if (names_only_ || reused || entry.member.type != fv::MemberType::kFile) continue;
    ++files_to_read_;
    bytes_to_read_ += entry.member.bytes;
  }
}

std::vector<io::Path> ShootIntake::paths_to_read() const {
  std::vector<io::Path> paths;
  if (files_to_read_ == 0) return paths;
  for (const std::size_t i : to_take_) paths.push_back(found_.source.entries[i].source);
  return paths;
}

AdoptedShoot ShootIntake::take_in(Context& context, const AdoptRequest& request, const catalog::Drive& drive,
                                  FileReader& reader, ChecksumLists& lists, KnownShoots& shoots, AdoptReport& report) {
  request_ = &request;
  drive_ = &drive;
  reader_ = &reader;
  lists_ = &lists;
  report_ = &report;
  const volume::SourceShoot& source = found_.source;
  out_.folder = found_.folder;
  out_.title = found_.loose ? fmt::format("{} of {}", kLooseName, drive.label) : title_of(source.name);
  out_.date = source.date;
  std::optional<core::Uuid> shoot;
  if (!known_.empty()) shoot = known_.front().volume.info.shoot;
  if (!shoot) shoot = shoots.same_as(source);
  out_.known = shoot.has_value();
  out_.shoot = shoot ? *shoot : context.world.new_id();
  shoots.add(out_.shoot, core::printable(source.name), source);

  std::vector<std::vector<std::size_t>> parts;
  std::uint64_t bytes = 0;
  for (const std::size_t i : to_take_) {
    if (parts.empty() || bytes >= request.part_bytes || parts.back().size() >= request.part_files) {
      parts.emplace_back();
      bytes = 0;
    }
    parts.back().push_back(i);
    bytes += source.entries[i].member.bytes;
  }
  settle_group(context, parts.size());
  for (const KnownPart* part : kept_) {
    for (const fv::Member& member : part->members) {
      if (member.type == fv::MemberType::kFile && !part->copy.names_only)
        lists.read(below_root(member.path), "", "", core::to_hex(member.sha256));
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i) take_part(context, parts[i], numbers_[i]);
  end_outdated(context);
  count();
  return std::move(out_);
}

/// The parts that are missing of a run that was killed belong to those it recorded.
void ShootIntake::settle_group(Context& context, std::size_t parts) {
  std::map<core::Uuid, std::set<unsigned>> groups;
  std::map<core::Uuid, unsigned> sizes;
  for (const KnownPart* part : kept_) {
    groups[part->volume.info.group].insert(part->volume.info.part);
    sizes[part->volume.info.group] = part->volume.info.parts;
  }
  for (const auto& [group, there] : groups) {
    if (there.size() + parts != sizes[group] || kept_.size() != there.size() || kept_.size() != known_.size()) continue;
    group_ = group;
    parts_ = sizes[group];
    for (unsigned number = 1; number <= parts_; ++number) {
      if (!there.contains(number)) numbers_.push_back(number);
    }
    return;
  }
  group_ = context.world.new_id();
  parts_ = static_cast<unsigned>(std::max<std::size_t>(parts, 1));
  for (unsigned number = 1; number <= parts_; ++number) numbers_.push_back(number);
}

/// Where the folder's name does not tell it: the day in the middle of those on which the photos were taken that are
/// read first. Once it is known it stays.
void ShootIntake::settle_date(const std::vector<FileRead>& results) {
  if (!known_.empty()) out_.date = known_.front().volume.info.shoot_date;
  if (!known_.empty() || !recorded_.empty() || found_.loose ||
      found_.source.date_from == volume::SourceShoot::DateFrom::kName)
    return;
  std::vector<std::string> days;
  for (const FileRead& result : results) {
    if (result.extract.metadata && result.extract.metadata->captured)
      days.push_back(result.extract.metadata->captured->text().substr(0, 10));
  }
  if (days.empty()) return;
  const auto middle = days.begin() + static_cast<std::ptrdiff_t>(days.size() / 2);
  std::nth_element(days.begin(), middle, days.end());
  if (core::parse_date(*middle)) out_.date = *middle;
}

/// They are a convenience: what goes wrong is a note, no failure.
void ShootIntake::keep_thumbnails(Context& context, std::vector<FileRead>& results) {
  std::vector<catalog::Thumbnail> thumbnails;
  for (FileRead& result : results) {
    if (result.problem.empty() && !result.extract.thumbnail.empty())
      thumbnails.push_back({result.sha256, std::move(result.extract.thumbnail)});
  }
  if (thumbnails.empty()) return;
  try {
    catalog::Thumbnails::for_writing(context.fs, context.catalog.path()).put(thumbnails);
  } catch (const core::Error& error) {
    if (core::ends_all(error)) throw;
    context.note(fmt::format("Thumbnails are not kept: {}", error.what()), error.hint());
  }
}

void ShootIntake::take_part(Context& context, const std::vector<std::size_t>& entries, unsigned number) {
  const volume::SourceShoot& source = found_.source;
  std::vector<FileToRead> files;
  std::map<std::size_t, std::size_t> reading;  // entry to file
  core::Time read = context.world.now();
  std::vector<fv::Member> members;
  for (const std::size_t i : entries) {
    const volume::SourceEntry& entry = source.entries[i];
    const auto before = before_.find(entry.member.path);
    const bool reused = before != before_.end() && before->second.trusted && is_as_known(entry, *before->second.member);
    if (names_only_ || reused || entry.member.type != fv::MemberType::kFile) continue;
    FileToRead file;
    file.path = entry.source;
    file.name = entry.member.path;
    const std::string path = below_root(entry.member.path);
    file.md5 = lists_->wants(path, Checksum::kMd5);
    file.sha1 = lists_->wants(path, Checksum::kSha1);
    file.picture = volume::is_picture(entry.source.filename().string());
    if (const auto lead = leads_.find(entry.member.path); lead != leads_.end()) {
      file.lead = true;
      for (const std::size_t s : photo::sidecars_for(lead->second, 0)) {
        const std::string& sidecar = lead->second.sidecars[s].path;
        file.sidecars.push_back(source.folder / sidecar.substr(sidecar.find('/') + 1));
      }
    }
    reading[i] = files.size();
    files.push_back(std::move(file));
  }
  std::vector<FileRead> results = reader_->read(files);
  settle_date(results);
  keep_thumbnails(context, results);
  for (const std::size_t i : entries) {
    const volume::SourceEntry& entry = source.entries[i];
    fv::Member member = entry.member;
    const auto before = before_.find(member.path);
    if (const auto at = reading.find(i); at != reading.end()) {
      const FileRead& result = results[at->second];
      if (!result.problem.empty()) {
        report_->unreadable.push_back({below_root(member.path), result.problem});
        dropped_.insert(member.path);
        continue;
      }
      member.bytes = result.stat.bytes;
      member.mtime_ns = result.stat.mtime_ns;
      member.sha256 = result.sha256;
      member.photo = result.photo;
      ++out_.hashed;
      lists_->read(below_root(member.path), result.md5, result.sha1, core::to_hex(result.sha256));
      if (result.extract.not_as_named) {
        report_->not_as_named.push_back({below_root(member.path), result.extract.not_as_named->reason});
      } else if (result.extract.failure != photo::Failure::kNone) {
        ++report_->undecoded;
      }
      if (before != before_.end() && before->second.member->sha256 != digest::Sha256{})
        tell_change(before->second, result, member);
    } else if (member.type == fv::MemberType::kHardLink) {
      if (dropped_.contains(member.link)) {
        report_->unreadable.push_back({below_root(member.path), "is a second name of a file that could not be read"});
        continue;
      }
    } else if (!names_only_) {
      member.sha256 = before->second.member->sha256;
      member.photo = before->second.member->photo;
      read = std::min(read, before->second.part->copy.checked.value_or(before->second.part->copy.made));
      lists_->read(below_root(member.path), "", "", core::to_hex(member.sha256));
    }
    if (before == before_.end()) ++out_.new_files;
    taken_.insert(member.path);
    members.push_back(std::move(member));
  }
  if (members.empty()) return;
  if (!others_told_) {
    std::set<std::string> known;
    for (const KnownPart* part : kept_) {
      for (const fv::Member& member : part->members) known.insert(member.path);
    }
    for (const volume::SourceEntry& entry : source.entries) {
      if (!holds_bytes(entry.member) && !known.contains(entry.member.path)) members.push_back(entry.member);
    }
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    others_told_ = true;
  }
  core::stop_point("adopt.part-read");
  record(context, std::move(members), read, number);
}

void ShootIntake::tell_change(const Before& before, const FileRead& read, const fv::Member& now) {
  ChangedFile changed{below_root(now.path)};
  if (before.member->sha256 == now.sha256) {
    if (is_as_known({now, {}, 0}, *before.member)) return;  // it was only read again
    changed.how = ChangedFile::How::kTouched;
  } else {
    const auto image = photo::record_from_json(before.member->photo).image;
    const bool same_picture = image && read.extract.digest && *image == *read.extract.digest;
    changed.how = same_picture ? ChangedFile::How::kEdited : ChangedFile::How::kChanged;
  }
  out_.changed.push_back(std::move(changed));
}

/// What was recorded before and does not lie there so any more. What of it is still there stands in other parts now.
void ShootIntake::end_outdated(Context& context) {
  std::set<std::string> kept, gone;
  for (const KnownPart* part : kept_) {
    for (const fv::Member& member : part->members) kept.insert(member.path);
  }
  for (const KnownPart& part : known_) {
    if (kept_.contains(&part) || recorded_.contains(part.volume.info.volume)) continue;
    for (const fv::Member& member : part.members) {
      if (!holds_bytes(member) || taken_.contains(member.path) || dropped_.contains(member.path)) continue;
      if (!kept.contains(member.path)) gone.insert(below_root(member.path));
    }
    context.catalog.record_copy_gone(part.volume.info.volume, drive_->id,
                                     part.copy.names_only ? "read and hashed since" : "taken in anew: it changed");
  }
  out_.gone.assign(gone.begin(), gone.end());
}

void ShootIntake::count() {
  std::vector<std::string> paths(taken_.begin(), taken_.end());
  for (const KnownPart* part : kept_) {
    for (const fv::Member& member : part->members) {
      if (holds_bytes(member)) paths.push_back(member.path);
    }
  }
  out_.files = paths.size();
  out_.photos = volume::count_photos(paths);
  const std::set<std::string> known(paths.begin(), paths.end());
  for (const volume::SourceEntry& entry : found_.source.entries) {
    if (known.contains(entry.member.path)) out_.bytes += entry.member.bytes;
  }
}

}  // namespace darkshelf::rituals
