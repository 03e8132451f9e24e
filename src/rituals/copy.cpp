#include "rituals/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "rituals/drives.hpp"
#include "rituals/mend.hpp"
#include "rituals/seal_parts.hpp"

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
    const bool about_source = error.path().string().starts_with(from.string());
    if (error.code() == Code::kUnrepairable || error.code() == Code::kCorrupt ||
        (error.code() == Code::kIo && about_source))
      return false;
    throw;
  }
}

void copy_mended(Context& context, const catalog::Volume& volume, const io::Path& from, const io::Path& folder,
                 CopiedBytes& copied) {
  const Examination examination =
      examine(context, from, volume.info.volume, known_seal(volume), Depth::kEverything, io::ReadMode::kDirect);
  if (!examination.repairable()) {
    throw Error(Code::kUnrepairable,
                examination.loaded ? fmt::format("{} of its slices are lost and only {} recovery slices are sound",
                                                 examination.lost.size(), examination.payload_parity.recovery.size())
                                   : examination.failure);
  }
  copied.bytes = 0;
  copied.mended = true;
  copied.mended_slices = examination.lost.size();
  io::Path work = folder;
  work += ".work";
  io::remove_tree(context.fs, work);
  const SealedSource source = SealedSource::mend(context, examination, work, false);
  if (!copy_files(context, source, folder, copied)) {
    throw Error(Code::kCorrupt, fmt::format("the volume in {} changed while it was copied", from.string()));
  }
}

void check_room(Context& context, const catalog::Volume& volume, const AttachedDrive& target) {
  const io::Space space = context.fs.space(target.root);
  const std::uint64_t needed = 2 * volume.bytes_on_drive + (16 << 20) + space.total / 100;
  if (needed > space.free) {
    throw Error(Code::kNoSpace,
                fmt::format("no room for {} on {}: {} needed with what it must keep free, {} free", volume.folder,
                            target.drive.label, core::format_size(needed), core::format_size(space.free)));
  }
  if (volume.info.layout == fv::Layout::kTar && volume.info.payload_bytes > space.max_file_bytes) {
    throw Error(Code::kUsage, fmt::format("{} holds a file of {}, and the file system of {} takes none above {}",
                                          volume.folder, core::format_size(volume.info.payload_bytes),
                                          target.drive.label, core::format_size(space.max_file_bytes)));
  }
}

/// What prove() compares a folder with when nothing was written just now.
WrittenVolume as_written(const catalog::Volume& volume) {
  WrittenVolume written;
  written.info = volume.info;
  written.seal = volume.seal;
  written.tagmanifest = volume.tagmanifest;
  return written;
}

}  // namespace

CopiedBytes copy_volume(Context& context, const catalog::Volume& volume, const io::Path& from,
                        const AttachedDrive& target) {
  io::FileSystem& fs = context.fs;
  CopiedBytes copied;
  const io::Path folder = incoming_folder(target, volume.info.volume);
  check_room(context, volume, target);
  try {
    io::remove_tree(fs, folder);
    fs.make_dirs(folder);
    if (!copy_intact(context, volume, from, folder, copied)) {
      io::remove_tree(fs, folder);
      fs.make_dirs(folder);
      copy_mended(context, volume, from, folder, copied);
    }
    core::stop_point("copy.written");
    give_sealed_times(fs, folder, volume.info);
    io::sync_tree(fs, folder);
    core::stop_point("copy.synced");
    copied.readback_cached = prove(context, folder, as_written(volume));
    core::stop_point("copy.proven");
    copied.replaced = fs.stat(target.volume_folder(volume)).has_value();
    put_in_place(context, target, volume, Place::kReplace);
    core::stop_point("copy.renamed");
  } catch (...) {
    try {
      io::remove_tree(fs, folder);
    } catch (const Error&) {  // the drive may be gone; the next run cleans up
    }
    throw;
  }
  context.catalog.record_copy(volume.info.volume, target.drive.id, context.world.now(), copied.readback_cached);
  core::stop_point("copy.recorded");
  return copied;
}

namespace {

/// A folder that stands in its place while the catalog knows of no copy there: a copy that was killed between the two,
/// or one that another machine made; or one that was found bad, and may have been mended by other means. It counts if
/// it proves to be what was sealed; a `known_bad` one that does not is renewed.
bool take_what_is_there(Context& context, const catalog::Volume& volume, const AttachedDrive& target, bool known_bad) {
  const io::Path folder = target.volume_folder(volume);
  if (!context.fs.stat(folder)) return false;
  try {
    const bool cached = prove(context, folder, as_written(volume));
    context.catalog.record_copy(volume.info.volume, target.drive.id, context.world.now(), cached);
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    if (known_bad) return false;
    throw Error(Code::kFailed, fmt::format("{} is there already, and is damaged: {}", folder.string(), error.what()),
                fmt::format("darkshelf catalog recover {0}, then darkshelf repair {0}",
                            core::shell_quote(target.root.string())));
  }
  return true;
}

std::vector<catalog::Volume> lacking_copies(Context& context) {
  const shelf::Policy policy = shelf::policy_from(context.catalog.policy());
  std::vector<catalog::Volume> volumes;
  for (const shelf::ShootStatus& shoot : shelf::status_of(context.catalog, policy, context.world.now()).shoots) {
    for (const shelf::VolumeStatus& volume : shoot.volumes) {
      if (volume.light != shelf::Light::kGreen) volumes.push_back(volume.volume);
    }
  }
  return volumes;
}

void add_named(Context& context, const std::string& text, std::vector<catalog::Volume>& volumes) {
  const auto append = [&](const std::vector<catalog::Volume>& more) {
    volumes.insert(volumes.end(), more.begin(), more.end());
  };
  if (const auto drive = context.catalog.find_drive(text)) return append(context.catalog.volumes_on(drive->id));
  if (const auto volume = context.catalog.find_volume(text)) return append({*volume});
  const auto shoots = context.catalog.find_shoots(text);
  if (shoots.empty()) {
    throw Error(Code::kNotFound, fmt::format("no drive, shoot or volume is called \"{}\"", core::printable(text)),
                fmt::format("darkshelf find {}", core::shell_quote(text)));
  }
  if (shoots.size() > 1) {
    std::string names;
    for (const catalog::Shoot& shoot : shoots) names += fmt::format("\n  {} {}", shoot.date, shoot.name);
    throw Error(Code::kUsage,
                fmt::format("\"{}\" could be any of {} shoots:{}", core::printable(text), shoots.size(), names),
                "type the date and the name");
  }
  append(context.catalog.volumes_of(shoots.front().id));
}

}  // namespace

CopyReport copy(Context& context, const CopyRequest& request) {
  if (request.what.empty() && !request.missing) {
    throw Error(Code::kUsage, "nothing is named to copy",
                "darkshelf copy SHOOT --to DRIVE, or darkshelf copy --missing --to DRIVE");
  }
  std::vector<catalog::Volume> volumes;
  for (const std::string& text : request.what) add_named(context, text, volumes);
  if (request.missing) {
    const auto lacking = lacking_copies(context);
    volumes.insert(volumes.end(), lacking.begin(), lacking.end());
  }
  AttachedDrive target = attach(context, request.to, Visit::kWrite);
  require_writable(target);
  std::vector<AttachedDrive> sources;
  if (request.from.empty()) {
    sources = attached_drives(context);
  } else {
    sources.push_back(attach(context, request.from, Visit::kReadOnly));
    if (sources.front().drive.id == target.drive.id) throw Error(Code::kUsage, "--from and --to are the same drive");
  }

  CopyReport report;
  report.to = target.drive.label;
  std::set<core::Uuid> seen;
  for (const catalog::Volume& volume : volumes) {
    if (!seen.insert(volume.info.volume).second) continue;
    const auto copies = context.catalog.copies_of(volume.info.volume);
    const auto copy_on = [&](const core::Uuid& drive) {
      return std::find_if(copies.begin(), copies.end(), [&](const catalog::Copy& copy) { return copy.drive == drive; });
    };
    CopiedVolume copied{volume, "", 0, false, false};
    const auto on_target = copy_on(target.drive.id);
    if (on_target != copies.end() && on_target->health == catalog::CopyHealth::kGood &&
        context.fs.stat(target.volume_folder(volume))) {
      if (!request.missing) {
        copied.already_there = true;
        report.volumes.push_back(std::move(copied));
      }
      continue;
    }
    // The healthiest copy first.
    std::vector<std::pair<catalog::CopyHealth, const AttachedDrive*>> holders;
    for (const AttachedDrive& source : sources) {
      if (const auto it = copy_on(source.drive.id); it != copies.end() && source.drive.id != target.drive.id) {
        holders.emplace_back(it->health, &source);
      }
    }
    std::stable_sort(holders.begin(), holders.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (holders.empty()) {
      report.absent.push_back(volume);
      continue;
    }
    std::string reasons;
    bool gone = false;
    for (const auto& [health, source] : holders) {
      context.work.told().begin(fmt::format("copying {} from {}", volume.folder, source->drive.label),
                                volume.bytes_on_drive);
      try {
        if (take_what_is_there(context, volume, target, on_target != copies.end())) {
          copied.already_there = true;
          report.volumes.push_back(copied);
          reasons.clear();
          context.work.told().end();
          break;
        }
        const CopiedBytes bytes = copy_volume(context, volume, source->volume_folder(volume), target);
        copied.from = source->drive.label;
        copied.mended = bytes.mended;
        copied.replaced = bytes.replaced;
        copied.mended_slices = bytes.mended_slices;
        report.readback_cached = report.readback_cached || bytes.readback_cached;
        report.bytes += bytes.bytes;
        report.volumes.push_back(copied);
        reasons.clear();
        context.work.told().end();
        break;
      } catch (const Error& error) {
        context.work.told().end();
        if (error.code() == Code::kCancelled || error.code() == Code::kNoSpace) throw;
        if (error.code() == Code::kDriveGone) {
          if (has_left(context, target)) throw;
          gone = true;
        }
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", source->drive.label, error.what());
      }
    }
    if (!reasons.empty() && gone) {
      report.absent.push_back(volume);
    } else if (!reasons.empty()) {
      report.failed.emplace_back(volume, reasons);
    }
  }
  report.not_refreshed = try_to_refresh(context, target);
  return report;
}

}  // namespace darkshelf::rituals
