// A part of a shoot that was taken in, as the catalog has it.

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/adopt_shoot.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;

namespace {

constexpr std::string_view kCreator = "darkshelf 1 (adopted as it was, not sealed)";

/// Equal for equal contents, wherever and by whom they are taken in: two catalogs that know the same folder know one
/// volume. `number`: of equal folders on one drive.
core::Uuid id_of(const digest::Sha256& seal, unsigned number) {
  const digest::Sha256 hash =
      digest::sha256(core::as_bytes(fmt::format("darkshelf adopted {} {}", core::to_hex(seal), number)));
  core::Uuid id;
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = (id.bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  id.bytes[8] = (id.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return id;
}

/// The list of the files' digests, under the name a sealed volume has it; of names alone something that no other drive
/// has.
fv::ManifestEntry list_of(const std::vector<fv::Member>& members, bool names_only, const core::Uuid& drive) {
  if (!names_only) {
    std::vector<fv::ManifestEntry> entries;
    for (const fv::Member& member : members) {
      if (member.type == fv::MemberType::kFile) entries.push_back({member.sha256, member.path});
    }
    return {digest::sha256(core::as_bytes(fv::encode_manifest(std::move(entries)))), std::string(fv::kPhotos)};
  }
  digest::Sha256Stream names;
  names.update(core::as_bytes(drive.text()));
  for (const fv::Member& member : members)
    names.update(core::as_bytes(fmt::format("\n{} {} {}", member.bytes, member.mtime_ns, member.path)));
  return {names.finish(), "names"};
}

}  // namespace

void ShootIntake::record(Context& context, std::vector<fv::Member> members, core::Time read, unsigned number) {
  const fv::ManifestEntry list = list_of(members, names_only_, drive_->id);
  catalog::Volume volume;
  volume.adopted = true;
  volume.tagmanifest = fv::encode_manifest({list});
  volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
  fv::BagInfo& info = volume.info;
  std::vector<std::string> paths;
  for (const fv::Member& member : members) {
    if (!holds_bytes(member)) continue;
    paths.push_back(member.path);
    info.content_bytes += member.bytes;
    if (member.type == fv::MemberType::kFile) ++info.slices;
  }
  const auto how = names_only_ ? catalog::Catalog::Taken::kNamesOnly : catalog::Catalog::Taken::kRead;
  for (unsigned equal = 0;; ++equal) {
    info.volume = id_of(volume.seal, equal);
    const auto known = context.catalog.volume(info.volume);
    if (!known) break;
    const auto here = copy_on(context.catalog, info.volume, drive_->id);
    if (here && here->folder != found_.folder) continue;  // an equal folder beside it
    if (recorded_.contains(info.volume)) continue;
    if (!here) ++out_.further_copies;
    recorded_.insert(info.volume);
    return context.catalog.record_adopted_copy(info.volume, drive_->id, read, found_.folder, how);
  }
  info.content_files = info.payload_files = paths.size();
  info.payload_bytes = volume.bytes_on_drive = info.content_bytes;
  info.photos = volume::count_photos(paths);
  info.group = group_;
  info.shoot = out_.shoot;
  info.shoot_name = core::printable(found_.source.name);
  info.shoot_date = out_.date;
  info.title = out_.title;
  info.part = number;
  info.parts = parts_;
  info.layout = fv::Layout::kFiles;
  info.slice_bytes = info.tag_slice_bytes = 4;  // a slice is a file, however long
  info.writer = context.catalog.writer();
  info.creator = std::string(kCreator);
  info.sealed = context.catalog.next_time();
  context.catalog.record_volume(volume, members);
  core::stop_point("adopt.volume-recorded");
  context.catalog.record_adopted_copy(info.volume, drive_->id, read, found_.folder, how);
  recorded_.insert(info.volume);
  core::stop_point("adopt.part-recorded");
}

}  // namespace darkshelf::rituals
