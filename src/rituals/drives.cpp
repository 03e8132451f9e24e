#include "rituals/drives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/block_devices.hpp"
#include "rituals/quarantine.hpp"
#include "shelf/identity.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

std::string kind_of(const io::Medium& medium) {
  if (medium.network) return "nas";
  if (medium.removable && !medium.rotational) return "flash";
  return medium.rotational ? "hdd" : "ssd";
}

void check_kind(const std::string& kind) {
  for (const char* known : {"hdd", "ssd", "flash", "nas"}) {
    if (kind == known) return;
  }
  throw Error(Code::kUsage,
              fmt::format("unknown kind of drive \"{}\"; there are hdd, ssd, flash and nas", core::printable(kind)),
              "leave --kind out, and the medium tells");
}

void check_label(Context& context, const std::string& label) {
  if (!fd::is_label(label)) {
    throw Error(Code::kUsage,
                fmt::format("\"{}\" is no good label: 1 to 60 characters, no slash, no comma, no leading dash",
                            core::printable(label)),
                "a label is what is written on the drive, such as 2026-A");
  }
  for (const catalog::Drive& drive : context.catalog.drives()) {
    if (drive.label == label) {
      throw Error(Code::kUsage, fmt::format("a drive is called \"{}\" already", label), "darkshelf drive list");
    }
  }
}

std::optional<core::Uuid> place_id(Context& context, const std::string& name) {
  if (name.empty()) return {};
  const auto place = context.catalog.find_place(name);
  if (!place) {
    throw Error(Code::kUsage, fmt::format("no place is called \"{}\"", core::printable(name)),
                fmt::format("darkshelf place add {}", core::shell_quote(name)));
  }
  return place->id;
}

/// A drive inside a drive would be scrubbed, counted and ejected with it.
void check_not_nested(io::FileSystem& fs, const io::Path& root) {
  for (io::Path above = root.parent_path(); !above.empty(); above = above.parent_path()) {
    if (fs.stat(above / std::string(fd::kIdentity))) {
      throw Error(Code::kWrongDrive,
                  fmt::format("{} lies inside the archive drive at {}", root.string(), above.string()),
                  "name the folder where the new drive is mounted");
    }
    if (above == above.root_path()) break;
  }
}

void check_no_identity(Context& context, const io::Path& root) {
  const io::Path file = root / std::string(fd::kIdentity);
  if (!context.fs.stat(file)) {
    if (volume::volume_folders(context.fs, root).empty()) return;
    throw Error(Code::kWrongDrive,
                fmt::format("{} holds sealed volumes, but no {}: it was a drive already", root.string(), fd::kIdentity),
                fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string())));
  }
  fd::DriveIdentity found;
  try {
    found = fd::decode_identity(io::read_text(context.fs, file, 64 << 10));
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat || ends_all(error)) throw;
    throw Error(Code::kWrongDrive,
                fmt::format("{} was a drive already, but its {} is damaged: {}", core::printable(root.string()),
                            fd::kIdentity, error.what()),
                fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string())));
  }
  if (const auto known = context.catalog.drive(found.id)) {
    throw Error(Code::kWrongDrive, fmt::format("{} is {} already", root.string(), known->label),
                "darkshelf drive list");
  }
  throw Error(
      Code::kWrongDrive,
      fmt::format("{} is the archive drive \"{}\" of another catalog", root.string(), core::printable(found.label)),
      fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
}

void write_identity(io::FileSystem& fs, const io::Path& root, const fd::DriveIdentity& identity) {
  fs.make_dirs(root / std::string(fd::kFolder));
  io::write_file_durably(fs, root / std::string(fd::kIdentity), core::as_bytes(fd::encode_identity(identity)));
}

/// Throws when this looks like an archive drive that somebody formatted: what is written now may destroy what can still
/// be rescued.
void check_not_formatted(Context& context, const io::Medium& medium, const catalog::Evidence& evidence) {
  const std::vector<catalog::Drive> drives = context.catalog.drives();
  std::vector<core::Uuid> there;
  for (const auto& [drive, root] : plugged_in(context.fs, drives)) there.push_back(drive);
  for (const catalog::Drive& drive : drives) {  // not mounted, and there all the same: another partition
    const bool seen = !drive.evidence.fs_id.empty() &&
                      context.fs.stat_following(io::Path("/dev/disk/by-uuid") / drive.evidence.fs_id).has_value();
    if (seen) there.push_back(drive.id);
  }
  const auto was = shelf::formatted_over(drives, evidence, there);
  if (!was) return;
  const auto disk = medium.device.empty() ? std::nullopt : io::disk_of(context.fs, medium.device);
  throw Error(Code::kWrongDrive,
              fmt::format("this was {} ({} {}). Formatted? Don't write: its {} may still be rescued", was->label,
                          core::printable(evidence.model), core::printable(evidence.serial),
                          core::count_of(was->volumes, "volume")),
              fmt::format("umount {} && darkshelf rescue {}   (if nothing on it is needed: darkshelf drive mark {} "
                          "destroyed; if it is another disk in the same case: drive add … --new)",
                          core::shell_quote(medium.mount_point.string()),
                          core::shell_quote((disk ? disk->path : io::Path(medium.device)).string()),
                          core::shell_quote(was->label)));
}

/// Why this medium counts together with one that is known already.
std::vector<std::string> same_disk_warnings(Context& context, const catalog::Evidence& evidence) {
  std::set<std::string> shared;
  for (const catalog::Drive& other : context.catalog.drives()) {
    if (shelf::same_disk(other.evidence, evidence)) shared.insert(other.label);
  }
  std::vector<std::string> warnings;
  for (const std::string& label : shared) {
    warnings.push_back(fmt::format("on the same disk as {}: their copies count once", label));
  }
  return warnings;
}

std::optional<core::Uuid> drive_id(Context& context, const std::string& text) {
  if (text.empty()) return {};
  const auto drive = context.catalog.find_drive(text);
  if (!drive) {
    throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(text)),
                "darkshelf drive list");
  }
  return drive->id;
}

io::Path folder_given(io::FileSystem& fs, const io::Path& path) {
  const auto stat = fs.stat_following(path);
  if (!stat || stat->type != io::FileType::kDirectory) {
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(path.string())),
                "plug the drive in, and give the folder where it is mounted");
  }
  return fs.canonical(path);
}

bool has_text_of(Context& context, const io::Path& root, const catalog::Drive& drive) {
  return context.fs.stat(root / fd::root_start_here_name(drive.label)).has_value();
}

/// What is said where an archive lies and neither its drive.json nor anything else tells which drive it is.
Error nothing_tells(Context& context, const io::Path& root) {
  const std::vector<catalog::Drive> known = context.catalog.drives();
  const bool is_known =
      std::any_of(known.begin(), known.end(), [&](const auto& drive) { return has_text_of(context, root, drive); });
  // Its own copy of a catalog can tell, unless it has done so already.
  const bool may_tell = !is_known && has_catalog_copy(context.fs, root);
  return Error(Code::kWrongDrive,
               fmt::format("{} is damaged or missing, and nothing else tells which drive this is",
                           core::printable((root / std::string(fd::kIdentity)).string())),
               may_tell ? fmt::format("darkshelf catalog recover {}   (takes in the copy of the catalog on it)",
                                      core::shell_quote(root.string()))
                        : "copy darkshelf/drive.json of this drive from a backup, or drive add it anew after moving "
                          "its folder darkshelf aside");
}

/// The identity on the drive being accepted.
fd::DriveIdentity identity_to_accept(Context& context, const io::Path& root, const catalog::Evidence& evidence) {
  const io::Path file = root / std::string(fd::kIdentity);
  const bool there = context.fs.stat(file).has_value();
  try {
    if (there) return fd::decode_identity(io::read_text(context.fs, file, 64 << 10));
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat) throw;
  }
  if (const auto drive = drive_by_evidence(context, root, evidence))
    return {fd::kFormat, drive->id, drive->label, drive->added, drive->catalog_mode};
  if (there || context.fs.stat(root / std::string(fd::kSeals))) throw nothing_tells(context, root);
  throw Error(Code::kWrongDrive,
              fmt::format("{} is no archive drive: there is no {} in it", root.string(), fd::kIdentity),
              fmt::format("darkshelf drive add {} --label LABEL", core::shell_quote(root.string())));
}

/// A copy must not be all there is: the drive itself would be absent for good.
void require_clone(Context& context, const io::Path& root, const catalog::Drive& known,
                   const fd::DriveIdentity& identity, const catalog::Evidence& evidence) {
  if (shelf::judge(identity, known, evidence).claim != shelf::Claim::kFits) return;
  std::vector<io::Path> others = io::mount_points();
  if (known.evidence.path != root.string()) others.emplace_back(known.evidence.path);
  for (const io::Path& other : others) {
    const auto there = context.fs.stat_following(other), here = context.fs.stat_following(root);
    if (!there || (there->device == here->device && there->inode == here->inode)) continue;
    try {
      const std::string text = io::read_text(context.fs, other / std::string(fd::kIdentity), 64 << 10);
      if (fd::decode_identity(text).id == identity.id) return;
    } catch (const Error&) {  // not the original
    }
  }
  throw Error(Code::kWrongDrive,
              fmt::format("{} looks like {} itself, and no other medium that claims to be it is plugged in",
                          root.string(), known.label),
              "plug in both; the one that is the copy is accepted as a copy");
}

/// The volumes that lie on a clone are there, but nobody has read them yet: they count after the first scrub.
void record_clone(Context& context, const io::Path& root, const core::Uuid& original, const core::Uuid& clone) {
  for (const catalog::Volume& volume : context.catalog.volumes_on(original)) {
    if (context.fs.stat(root / std::string(fd::kFolder) / volume.folder)) {
      context.catalog.record_copy(volume.info.volume, clone, context.world.now(), true);
    }
  }
}

/// The accepted drive, with the texts and the catalog copy of who it is now. Failing that it is accepted all the same:
/// the next scrub tells.
catalog::Drive refreshed(Context& context, const io::Path& root, const fd::DriveIdentity& identity) {
  catalog::Drive drive = *context.catalog.drive(identity.id);
  try_to_refresh(context, AttachedDrive{drive, root, io::medium_of(root), identity, nullptr});
  return drive;
}

}  // namespace

bool has_catalog_copy(io::FileSystem& fs, const io::Path& root) {
  const io::Path folder = root / std::string(fd::kCatalogFolder);
  const auto stat = fs.stat(folder);
  if (!stat || stat->type != io::FileType::kDirectory) return false;
  const auto entries = fs.list(folder);
  return std::any_of(entries.begin(), entries.end(), [](const io::Entry& entry) {
    return entry.name.starts_with("catalog-") && entry.name.ends_with(".db");
  });
}

std::optional<catalog::Drive> drive_by_evidence(Context& context, const io::Path& root,
                                                const catalog::Evidence& evidence) {
  std::vector<catalog::Drive> likely = shelf::drives_with_evidence(context.catalog.drives(), evidence);
  std::erase_if(likely, [&](const catalog::Drive& drive) {
    return evidence.fs_id.empty() || drive.evidence.fs_id != evidence.fs_id;
  });
  const auto only_one = [&](const auto& fits) -> std::optional<catalog::Drive> {
    if (std::count_if(likely.begin(), likely.end(), fits) != 1) return {};
    return *std::find_if(likely.begin(), likely.end(), fits);
  };
  if (auto drive = only_one([&](const catalog::Drive& d) { return d.evidence.path == root.string(); })) return drive;
  return only_one([&](const catalog::Drive& d) { return has_text_of(context, root, d); });  // mounted elsewhere now
}

AddedDrive add_drive(Context& context, const AddDriveRequest& request) {
  io::FileSystem& fs = context.fs;
  const io::Path root = folder_given(fs, request.path);
  check_label(context, request.label);
  check_no_identity(context, root);
  check_not_nested(fs, root);

  AddedDrive added;
  added.medium = io::medium_of(root);
  const io::Space space = fs.space(root);
  if (added.medium.read_only || space.read_only) {
    throw Error(Code::kWrongDrive, fmt::format("{} is read-only: nothing can be sealed onto it", root.string()),
                "mount it for writing (some cards and drives have a switch), and type the same command again");
  }
  if (request.catalog_mode != "full" && request.catalog_mode != "own" && request.catalog_mode != "none") {
    throw Error(Code::kUsage,
                fmt::format("--catalog takes full, own or none, not \"{}\"", core::printable(request.catalog_mode)));
  }
  const catalog::Evidence evidence = evidence_of(added.medium, root);
  catalog::NewDrive drive;
  drive.clone_of = drive_id(context, request.clone_of);
  drive.kind = request.kind.empty() ? kind_of(added.medium) : request.kind;
  check_kind(drive.kind);
  if (!drive.clone_of && !request.is_new) check_not_formatted(context, added.medium, evidence);
  added.warnings = same_disk_warnings(context, evidence);
  if (space.max_file_bytes < (std::uint64_t{1} << 40)) {
    added.warnings.push_back(
        fmt::format("this file system takes no file above {}: seal with --volume-size 3GiB, or format it as exFAT",
                    core::format_size(space.max_file_bytes)));
  }

  fd::DriveIdentity identity;
  identity.id = context.world.new_id();
  identity.label = request.label;
  identity.created = context.world.now();
  identity.catalog_mode = request.catalog_mode;
  drive.id = identity.id;
  drive.label = request.label;
  drive.note = request.note;
  drive.catalog_mode = request.catalog_mode;
  drive.place = place_id(context, request.place);
  drive.evidence = evidence;
  // The identity is on the drive before the catalog knows it: a crash between the two leaves a drive that `catalog
  // recover` takes in, never a catalog that waits for a drive that does not exist.
  fs.confine(root, request.label, {});
  write_identity(fs, root, identity);
  fs.confine(root, request.label, root / std::string(fd::kFolder));  // it is there only now
  core::stop_point("drive.identity-written");
  context.catalog.record_drive(drive);
  context.catalog.record_drive_seen(drive.id, evidence);
  added.drive = *context.catalog.drive(drive.id);
  refresh_drive(context, AttachedDrive{added.drive, root, added.medium, identity, nullptr});
  return added;
}

catalog::Drive accept_drive(Context& context, const io::Path& path, const std::string& as, const std::string& label) {
  if (as != "moved" && as != "copy") throw Error(Code::kUsage, "--as takes moved or copy");
  const io::Path root = folder_given(context.fs, path);
  context.fs.confine(root, core::printable(root.string()), root / std::string(fd::kFolder));
  const catalog::Evidence evidence = evidence_of(io::medium_of(root), root);
  fd::DriveIdentity identity = identity_to_accept(context, root, evidence);
  const io::Path text_of_original = root / fd::root_start_here_name(identity.label);
  const auto known = context.catalog.drive(identity.id);
  if (!known) {
    throw Error(Code::kWrongDrive, fmt::format("{} is of another catalog", root.string()),
                fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
  }
  if (as == "moved") {
    clear_the_way(context.fs, AttachedDrive{*known, root, {}, identity, nullptr}, std::string(fd::kIdentity),
                  context.world.now());
    write_identity(context.fs, root, identity);  // as it was, or made whole again
    context.catalog.record_drive_accepted(known->id, evidence, as);
    context.catalog.record_drive_seen(known->id, evidence);
    return refreshed(context, root, identity);
  }
  require_clone(context, root, *known, identity, evidence);
  identity.id = context.world.new_id();
  identity.label = label.empty() ? known->label + " copy" : label;
  identity.created = context.world.now();
  check_label(context, identity.label);
  catalog::NewDrive drive;
  drive.id = identity.id;
  drive.label = identity.label;
  drive.kind = known->kind;
  drive.catalog_mode = known->catalog_mode;
  drive.clone_of = known->id;
  drive.evidence = evidence;
  write_identity(context.fs, root, identity);
  if (context.fs.stat(text_of_original)) context.fs.remove_file(text_of_original);  // it would name another drive
  context.catalog.record_drive(drive);
  context.catalog.record_drive_seen(drive.id, evidence);
  record_clone(context, root, known->id, drive.id);
  return refreshed(context, root, identity);
}

Ejected eject_drive(Context& context, const std::string& text) {
  AttachedDrive drive = attach(context, text, Visit::kWrite);
  const bool read_only = drive.lock == nullptr;
  if (!read_only) refresh_drive(context, drive);
  drive.lock.reset();
  if (drive.medium.mount_point == drive.root && drive.root != "/") {
    io::unmount(drive.root);
    return Ejected::kUnmounted;
  }
  if (!read_only) context.fs.sync_dir(drive.root);
  return Ejected::kSyncedOnly;
}

}  // namespace darkshelf::rituals
