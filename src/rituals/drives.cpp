#include "rituals/drives.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "shelf/identity.hpp"

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
  throw Error(Code::kUsage, fmt::format("unknown kind of drive \"{}\"; there are hdd, ssd, flash and nas", core::printable(kind)));
}

void check_label(Context& context, const std::string& label) {
  const bool clean = !label.empty() && label.size() <= 60 && core::is_utf8(label) && label.find('/') == std::string::npos &&
                     label.find(',') == std::string::npos && label.front() != '-' && core::printable(label) == label;
  if (!clean) {
    throw Error(Code::kUsage, fmt::format("\"{}\" is no good label: 1 to 60 characters, no slash, no comma, no leading dash",
                                          core::printable(label)));
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
      throw Error(Code::kWrongDrive, fmt::format("{} lies inside the archive drive at {}", root.string(), above.string()));
    }
    if (above == above.root_path()) break;
  }
}

void check_no_identity(Context& context, const io::Path& root) {
  const io::Path file = root / std::string(fd::kIdentity);
  if (!context.fs.stat(file)) return;
  const fd::DriveIdentity found = fd::decode_identity(io::read_text(context.fs, file, 64 << 10));
  if (const auto known = context.catalog.drive(found.id)) {
    throw Error(Code::kWrongDrive, fmt::format("{} is {} already", root.string(), known->label), "darkshelf drive list");
  }
  throw Error(Code::kWrongDrive,
              fmt::format("{} is the archive drive \"{}\" of another catalog", root.string(), core::printable(found.label)),
              fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
}

void write_identity(io::FileSystem& fs, const io::Path& root, const fd::DriveIdentity& identity) {
  fs.make_dirs(root / std::string(fd::kFolder));
  io::write_file_durably(fs, root / std::string(fd::kIdentity), core::as_bytes(fd::encode_identity(identity)));
}

}  // namespace

AddedDrive add_drive(Context& context, const AddDriveRequest& request) {
  io::FileSystem& fs = context.fs;
  const auto stat = fs.stat_following(request.path);
  if (!stat || stat->type != io::FileType::kDirectory) {
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(request.path.string())),
                "plug the drive in, and give the folder where it is mounted");
  }
  const io::Path root = fs.canonical(request.path);
  check_label(context, request.label);
  check_no_identity(context, root);
  check_not_nested(fs, root);

  AddedDrive added;
  added.medium = io::medium_of(root);
  const io::Space space = fs.space(root);
  if (added.medium.read_only || space.read_only) {
    throw Error(Code::kWrongDrive, fmt::format("{} is read-only: nothing can be sealed onto it", root.string()));
  }
  const catalog::Evidence evidence = evidence_of(added.medium, root);
  const std::string kind = request.kind.empty() ? kind_of(added.medium) : request.kind;
  check_kind(kind);
  if (request.catalog_mode != "full" && request.catalog_mode != "own" && request.catalog_mode != "none") {
    throw Error(Code::kUsage, fmt::format("--catalog takes full, own or none, not \"{}\"", core::printable(request.catalog_mode)));
  }

  catalog::NewDrive drive;
  if (!request.clone_of.empty()) {
    const auto original = context.catalog.find_drive(request.clone_of);
    if (!original) {
      throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(request.clone_of)), "darkshelf drive list");
    }
    drive.clone_of = original->id;
  }
  for (const catalog::Drive& other : shelf::drives_with_evidence(context.catalog.drives(), evidence)) {
    const bool same_medium = !evidence.serial.empty() && other.evidence.serial == evidence.serial &&
                             other.evidence.fs_id != evidence.fs_id;
    if (same_medium && other.state == catalog::DriveState::kOnShelf && !drive.clone_of && other.evidence.bytes == evidence.bytes) {
      throw Error(Code::kWrongDrive,
                  fmt::format("this was {} ({} {}). Formatted? Don't write: its {} may still be rescued", other.label,
                              evidence.model, evidence.serial, core::count_of(other.volumes, "volume")),
                  fmt::format("darkshelf drive mark {} destroyed   (only if nothing on it is needed)", core::shell_quote(other.label)));
    }
    added.warnings.push_back(fmt::format("on the same disk as {}: their copies count once", other.label));
  }
  for (const catalog::Drive& other : context.catalog.drives()) {
    const bool told = std::any_of(added.warnings.begin(), added.warnings.end(),
                                  [&](const std::string& w) { return w.find(" " + other.label + ":") != std::string::npos; });
    if (!told && !evidence.disk.empty() && other.evidence.disk == evidence.disk) {
      added.warnings.push_back(fmt::format("on the same disk as {}: their copies count once", other.label));
    }
  }
  if (space.max_file_bytes < (std::uint64_t{1} << 40)) {
    added.warnings.push_back(fmt::format("this file system takes no file above {}: seal with --volume-size 3GiB, or format it as exFAT",
                                         core::format_size(space.max_file_bytes)));
  }

  fd::DriveIdentity identity;
  identity.id = context.world.new_id();
  identity.label = request.label;
  identity.created = context.world.now();
  identity.catalog_mode = request.catalog_mode;
  drive.id = identity.id;
  drive.label = request.label;
  drive.kind = kind;
  drive.note = request.note;
  drive.catalog_mode = request.catalog_mode;
  drive.place = place_id(context, request.place);
  drive.evidence = evidence;
  // The identity is on the drive before the catalog knows it: a crash between the two leaves a drive that `catalog recover`
  // takes in, never a catalog that waits for a drive that does not exist.
  write_identity(fs, root, identity);
  core::stop_point("drive.identity-written");
  context.catalog.record_drive(drive);
  context.catalog.record_drive_seen(drive.id, evidence);
  added.drive = *context.catalog.drive(drive.id);
  refresh_drive(context, AttachedDrive{added.drive, root, added.medium, identity, nullptr});
  return added;
}

catalog::Drive accept_drive(Context& context, const io::Path& path, const std::string& as, const std::string& label) {
  io::FileSystem& fs = context.fs;
  if (as != "moved" && as != "copy") throw Error(Code::kUsage, "--as takes moved or copy");
  if (!fs.stat_following(path)) throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(path.string())));
  const io::Path root = fs.canonical(path);
  const io::Path file = root / std::string(fd::kIdentity);
  if (!fs.stat(file)) {
    throw Error(Code::kWrongDrive, fmt::format("{} is no archive drive: there is no {} in it", root.string(), fd::kIdentity),
                fmt::format("darkshelf drive add {} --label LABEL", core::shell_quote(path.string())));
  }
  fd::DriveIdentity identity = fd::decode_identity(io::read_text(fs, file, 64 << 10));
  const auto known = context.catalog.drive(identity.id);
  if (!known) {
    throw Error(Code::kWrongDrive, fmt::format("{} is of another catalog", root.string()),
                fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
  }
  const catalog::Evidence evidence = evidence_of(io::medium_of(root), root);
  if (as == "moved") {
    context.catalog.record_drive_accepted(known->id, evidence, as);
    context.catalog.record_drive_seen(known->id, evidence);
    return *context.catalog.drive(known->id);
  }
  const std::string new_label = label.empty() ? known->label + " copy" : label;
  check_label(context, new_label);
  identity.id = context.world.new_id();
  identity.label = new_label;
  identity.created = context.world.now();
  catalog::NewDrive drive;
  drive.id = identity.id;
  drive.label = new_label;
  drive.kind = known->kind;
  drive.catalog_mode = known->catalog_mode;
  drive.clone_of = known->id;
  drive.evidence = evidence;
  write_identity(fs, root, identity);
  context.catalog.record_drive(drive);
  context.catalog.record_drive_seen(drive.id, evidence);
  // What lies on it is claimed, not proven: health follows from the first scrub.
  return *context.catalog.drive(drive.id);
}

Ejected eject_drive(Context& context, const std::string& text) {
  AttachedDrive drive = attach(context, text, Visit::kWrite);
  const bool read_only = drive.lock == nullptr;
  context.catalog.record_drive_returned(drive.drive.id);
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
