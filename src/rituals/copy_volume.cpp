// One volume from a folder to a folder: quickly while every hash fits, mended where one does not.

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/findings.hpp"
#include "rituals/mend.hpp"
#include "rituals/parcel_file.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/signatures.hpp"
#include "rituals/twins.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;

/// Modification times a copied file must have: layout files keeps the photos' own.
std::map<std::string, std::int64_t> payload_times(const volume::LoadedVolume& loaded) {
  std::map<std::string, std::int64_t> times;
  if (loaded.info.layout != fv::Layout::kFiles) return times;
  for (const fv::Member& member : loaded.members) {
    if (member.type == fv::MemberType::kFile) times["data/" + member.path] = member.mtime_ns;
  }
  return times;
}

/// Writes every sealed file below `folder`; false as soon as one is not what the seal says.
bool copy_files(Context& context, const SealedSource& source, const io::Path& folder, CopiedBytes& copied) {
  const volume::LoadedVolume& loaded = source.volume();
  std::map<std::string, digest::Sha256> wanted;
  for (const auto* list : {&loaded.tagmanifest, &loaded.manifest}) {
    for (const fv::ManifestEntry& entry : *list) wanted[entry.path] = entry.sha256;
  }
  wanted[std::string(fv::kTagManifest)] = loaded.seal;
  const auto times = payload_times(loaded);
  core::AlignedBuffer buffer(kChunk);
  for (const auto& [path, bytes] : source.files()) {
    const io::Path to = folder / path;
    context.fs.make_dirs(to.parent_path());
    const auto file = context.fs.create(to);
    digest::Sha256Stream sha256;
    for (std::uint64_t offset = 0; offset < bytes;) {
      context.work.check();
      const auto part = buffer.span().first(std::min<std::uint64_t>(kChunk, bytes - offset));
      source.read(path, offset, part);
      core::parallel_for(2, 2,
                         [&](std::size_t side) { side == 0 ? sha256.update(part) : file->write_at(offset, part); });
      offset += part.size();
      copied.bytes += part.size();
      context.work.told().advance(part.size());
    }
    if (sha256.finish() != wanted.at(path)) return false;
    if (const auto time = times.find(path); time != times.end()) file->set_mtime(time->second);
  }
  return true;
}

/// The quick way: read once, trusting nothing but the hashes. False when the source needs mending.
bool copy_intact(Context& context, const catalog::Volume& volume, const io::Path& from, const io::Path& folder,
                 CopiedBytes& copied) {
  try {
    Examination plain;
    plain.volume = volume.info.volume;
    plain.folder = from;
    plain.loaded = volume::load_volume(context.fs, from, known_seal(volume), io::ReadMode::kCached, context.work);
    if (!plain.loaded->findings.empty()) return false;
    return copy_files(context, SealedSource::as_is(context, plain), folder, copied);
  } catch (const Error& error) {
    // A source that cannot be read here or there is mended; a target that cannot be written ends the copy.
    const bool about_source = io::lies_in(error.path(), from);
    if (error.code() == Code::kUnrepairable || error.code() == Code::kCorrupt ||
        (error.code() == Code::kIo && about_source))
      return false;
    throw;
  }
}

void copy_mended(Context& context, const catalog::Volume& volume, const CopySource& from, const Elsewhere& others,
                 const io::Path& folder, CopiedBytes& copied) {
  const auto look = [&](const volume::KnownSeal& known) {
    return examine(context, from.folder, volume.info.volume, known, Depth::kEverything, io::ReadMode::kDirect);
  };
  Examination examination = look(*known_seal(volume));
  if (from.drive != nullptr) record_damage(context, *from.drive, volume, examination);
  const bool lists_lost = !examination.loaded && health_of(examination) != catalog::CopyHealth::kMissing;
  if (lists_lost && !others.nowhere())
    examination = look(with_elsewhere(*known_seal(volume), volume.info.volume, others));
  if (!examination.loaded) throw Error(Code::kUnrepairable, examination.failure);
  const bool alone = examination.repairable() && !lists_lost;
  if (!alone && others.nowhere()) {
    throw Error(Code::kUnrepairable, fmt::format("{} of its slices are lost and only {} recovery slices are sound",
                                                 examination.lost.size(), examination.payload_parity.recovery.size()));
  }
  copied.bytes = 0;
  copied.mended = health_of(examination) != catalog::CopyHealth::kGood;
  copied.mended_slices = examination.lost.size();
  io::Path work = folder;
  work += ".work";
  io::remove_tree(context.fs, work);
  const SealedSource source =
      SealedSource::mend(context, examination, work, SealedSource::Need::kEverything, alone ? Elsewhere{} : others);
  if (!alone) {
    for (const auto& [label, slices] : source.origin().from_twins) copied.helpers.push_back(label);
  }
  if (!copy_files(context, source, folder, copied)) {
    throw Error(Code::kCorrupt, fmt::format("the volume in {} changed while it was copied", from.folder.string()));
  }
}

CopiedBytes write_copy(Context& context, const catalog::Volume& volume, const CopySource& from, const Elsewhere& others,
                       const io::Path& folder) {
  CopiedBytes copied;
  io::remove_tree(context.fs, folder);
  context.fs.make_dirs(folder);
  // What is known as bad is not read a second time, up to its first bad sector, to learn it again.
  const bool known_bad =
      from.drive != nullptr && health_on(context, volume.info.volume, from.drive->id) != catalog::CopyHealth::kGood;
  if (known_bad || !copy_intact(context, volume, from.folder, folder, copied)) {
    io::remove_tree(context.fs, folder);
    context.fs.make_dirs(folder);
    copy_mended(context, volume, from, others, folder, copied);
  }
  copied.signature = signature_to_carry(context, volume, from.folder);
  if (!copied.signature.empty())
    context.fs.create(folder / std::string(fv::kSignature))->write_at(0, core::as_bytes(copied.signature));
  core::stop_point("copy.written");
  give_sealed_times(context.fs, folder, volume.info);
  io::sync_tree(context.fs, folder);
  core::stop_point("copy.synced");
  return copied;
}

/// Runs `work`, and leaves nothing half-made in `folder` when it fails.
template <class Work>
void or_remove(io::FileSystem& fs, const io::Path& folder, const Work& work) {
  try {
    work();
  } catch (...) {
    try {
      io::remove_tree(fs, folder);
    } catch (const Error&) {  // the drive may be gone; the next run cleans up
    }
    throw;
  }
}

/// What a drive keeps free: its largest volume, the catalog copy, and 1 %.
void require_free(const std::string& what, std::uint64_t bytes, std::uint64_t largest, const io::Space& space,
                  const AttachedDrive& target) {
  const std::uint64_t needed = bytes + largest + (16 << 20) + space.total / 100;
  if (needed <= space.free) return;
  throw Error(Code::kNoSpace,
              fmt::format("no room for {} on {}: {} needed with what it must keep free, {} free", what,
                          target.drive.label, core::format_size(needed), core::format_size(space.free)),
              "name fewer shoots and copy the others to one more drive, or make room on this one");
}

void check_room(Context& context, const catalog::Volume& volume, const AttachedDrive& target) {
  const io::Space space = context.fs.space(target.root);
  require_free(volume.folder, volume.bytes_on_drive, volume.bytes_on_drive, space, target);
  if (volume.info.layout == fv::Layout::kTar && volume.info.payload_bytes > space.max_file_bytes) {
    throw Error(Code::kUsage,
                fmt::format("{} holds a file of {}, and the file system of {} takes none above {}", volume.folder,
                            core::format_size(volume.info.payload_bytes), target.drive.label,
                            core::format_size(space.max_file_bytes)),
                "format the drive as exFAT, or name another");
  }
}

/// Every byte was the sealed one when it was handed to the target: what is another now, the target has changed.
bool prove_written(Context& context, const io::Path& folder, const WrittenVolume& written,
                   const AttachedDrive& target) {
  try {
    return prove(context, folder, written);
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    throw Error(Code::kFailed, fmt::format("{} does not give back what was written to it: {}",
                                           core::printable(target.drive.label), error.what()));
  }
}

}  // namespace

WrittenVolume as_written(const catalog::Volume& volume) {
  WrittenVolume written;
  written.info = volume.info;
  written.seal = volume.seal;
  written.tagmanifest = volume.tagmanifest;
  return written;
}

void check_room_for_all(Context& context, const std::vector<catalog::Volume>& volumes, const AttachedDrive& target) {
  std::set<core::Uuid> counted;
  std::uint64_t bytes = 0, largest = 0;
  for (const catalog::Volume& volume : volumes) {
    if (context.fs.stat(target.volume_folder(volume)) || !counted.insert(volume.info.volume).second) continue;
    bytes += volume.bytes_on_drive;
    largest = std::max(largest, volume.bytes_on_drive);
  }
  if (bytes > 0)
    require_free(core::count_of(counted.size(), "volume"), bytes, largest, context.fs.space(target.root), target);
}

CopiedBytes copy_volume(Context& context, const catalog::Volume& volume, const CopySource& from,
                        const Elsewhere& others, const AttachedDrive& target) {
  CopiedBytes copied;
  const io::Path folder = incoming_folder(target, volume.info.volume);
  check_room(context, volume, target);
  or_remove(context.fs, folder, [&] {
    copied = write_copy(context, volume, from, others, folder);
    WrittenVolume written = as_written(volume);
    written.signature = copied.signature;
    copied.readback_cached = prove_written(context, folder, written, target);
    core::stop_point("copy.proven");
    copied.replaced = context.fs.stat(target.volume_folder(volume)).has_value();
    put_in_place(context, target, volume, Place::kReplace);
    core::stop_point("copy.renamed");
  });
  context.catalog.record_copy(volume.info.volume, target.drive.id, context.world.now(), copied.readback_cached);
  record_signature(context, target.drive.id, volume, copied.signature);
  core::stop_point("copy.recorded");
  return copied;
}

CopiedBytes stage_volume(Context& context, const catalog::Volume& volume, const CopySource& from,
                         const Elsewhere& others, const io::Path& staged) {
  io::Path part = staged;
  part += ".part";
  CopiedBytes copied;
  or_remove(context.fs, part, [&] {
    copied = write_copy(context, volume, from, others, part);
    context.fs.rename(part, staged);
    context.fs.sync_dir(staged.parent_path());
  });
  core::stop_point("copy.staged");
  return copied;
}

}  // namespace darkshelf::rituals
