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
        if (there.is(io::FileType::kRegular) && there.stat->bytes == member.bytes)
          places_.try_emplace(member.sha256, Place{path, drive->drive.label});
      }
    }
  }
}

std::set<std::string> AdoptedFiles::labels() const {
  std::set<std::string> labels;
  for (const auto& [sha256, place] : places_) labels.insert(place.label);
  return labels;
}

void AdoptedFiles::read_member(const fv::Member& member, std::uint64_t offset, core::MutableByteSpan into) const {
  const auto place = places_.find(member.sha256);
  const auto lost = [&] {
    return Error(Code::kUnrepairable, fmt::format("{} lies on no drive that is plugged in as it was taken in",
                                                  core::printable(member.path)));
  };
  if (place == places_.end()) throw lost();
  if (!open_ || opened_ != member.sha256) {
    open_ = context_.fs.open_read(place->second.path, io::ReadMode::kDirect);
    opened_ = member.sha256;
  }
  if (open_->read_at(offset, into) != into.size()) throw lost();
}

}  // namespace darkshelf::rituals
