#include "rituals/restore_adopted.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

AdoptedFiles::AdoptedFiles(Context& context, const std::vector<AttachedDrive>& drives, const catalog::Volume& volume,
                           const std::set<std::string>& wanted)
    : context_(context), members_(context.catalog.members_of(volume.info.volume)) {
  std::map<core::Uuid, std::vector<std::pair<catalog::Copy, const AttachedDrive*>>> copies;  // of adopted volumes
  for (const AttachedDrive& drive : drives) {
    for (const catalog::Volume& one : context.catalog.volumes_on(drive.drive.id, catalog::Volumes::kAdopted)) {
      const auto copy = copy_on(context.catalog, one.info.volume, drive.drive.id);
      if (copy && !copy->names_only) copies[one.info.volume].emplace_back(*copy, &drive);
    }
  }
  if (copies.empty()) return;
  for (const fv::Member& member : members_) {
    if (member.type != fv::MemberType::kFile || !wanted.contains(member.path) || member.sha256 == digest::Sha256{})
      continue;
    for (const catalog::FoundFile& found : context.catalog.by_sha256(member.sha256)) {
      for (const auto& [copy, drive] : copies[found.volume]) {
        const io::Path path = adopted_file(drive->root, copy, found.member.path);
        const io::Looked there = io::look_at(context.fs, path);
        if (there.is(io::FileType::kRegular) && there.stat->bytes == member.bytes) {
          std::vector<Place>& places = places_[member.sha256];
          const bool good = copy.health == catalog::CopyHealth::kGood;
          places.insert(good ? places.begin() : places.end(), Place{path, drive->drive.label});
        }
      }
    }
  }
}

bool AdoptedFiles::try_others(const std::set<std::string>& lacking) {
  bool others = false;
  std::set<digest::Sha256> passed;
  for (const fv::Member& member : members_) {
    if (member.type != fv::MemberType::kFile || !lacking.contains(member.path)) continue;
    const auto places = places_.find(member.sha256);
    if (places == places_.end() || places->second.empty()) continue;
    if (passed.insert(member.sha256).second) places->second.erase(places->second.begin());
    others |= !places->second.empty();
  }
  open_.reset();
  return others;
}

void AdoptedFiles::read_member(const fv::Member& member, std::uint64_t offset, core::MutableByteSpan into) const {
  const auto place = places_.find(member.sha256);
  const auto lost = [&] {
    return Error(Code::kUnrepairable, fmt::format("{} lies on no drive that is plugged in as it was taken in",
                                                  core::printable(member.path)));
  };
  if (place == places_.end() || place->second.empty()) throw lost();
  if (!open_ || opened_ != member.sha256) {
    open_ = context_.fs.open_read(place->second.front().path, io::ReadMode::kDirect);
    labels_.insert(place->second.front().label);
    opened_ = member.sha256;
  }
  if (open_->read_at(offset, into) != into.size()) throw lost();
}

}  // namespace darkshelf::rituals
