#include "rituals/sealed_files.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;

bool holds_bytes(const fv::Member& member) {
  return member.type == fv::MemberType::kFile || member.type == fv::MemberType::kHardLink;
}

SealedFiles sealed_files(catalog::Catalog& catalog, const core::Uuid& shoot, const std::optional<core::Uuid>& without,
                         catalog::Volumes which) {
  SealedFiles newest;
  for (const catalog::Volume& volume : catalog.volumes_of(shoot, which)) {  // oldest first
    if (volume.info.group == without) continue;
    for (fv::Member& member : catalog.members_of(volume.info.volume)) newest[member.path] = std::move(member);
  }
  return newest;
}

bool same_file(const fv::Member& a, const fv::Member& b) {
  if (!holds_bytes(a) || !holds_bytes(b)) return a.type == b.type && a.link == b.link;
  // A hard link has no bytes of its own in the catalog; by path it is the same file if its time is.
  const bool both_files = a.type == fv::MemberType::kFile && b.type == fv::MemberType::kFile;
  return (!both_files || a.bytes == b.bytes) && a.mtime_ns == b.mtime_ns;
}

}  // namespace darkshelf::rituals
