#include "rituals/drives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/drive_parts.hpp"
#include "rituals/former_drive.hpp"
#include "rituals/identity_file.hpp"
#include "rituals/quarantine.hpp"
#include "shelf/identity.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

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

std::optional<core::Uuid> place_id(Context& context, const std::string& name) {
  if (name.empty()) return {};
  const auto place = context.catalog.find_place(name);
  if (!place) {
    throw Error(Code::kUsage, fmt::format("no place is called \"{}\"", core::printable(name)),
                fmt::format("darkshelf place add {}", core::shell_quote(name)));
  }
  return place->id;
}

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

namespace {

/// `label`: what the new drive shall be called.
void check_no_identity(Context& context, const io::Path& root, const std::string& label) {
  const io::Path file = root / std::string(fd::kIdentity);
  if (const io::Looked there = io::look_at(context.fs, file); !there.stat && !there.unreadable) {
    std::vector<io::Path> unreadable;
    if (volume::volume_folders(context.fs, root, &unreadable).empty() && unreadable.empty()) return;
    throw Error(Code::kWrongDrive,
                fmt::format("{} holds sealed volumes, but no {}: it was a drive already", root.string(), fd::kIdentity),
                fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string())));
  }
  fd::DriveIdentity found;
  try {
    const auto read = read_identity(context.fs, root);
    if (!read) throw Error(Code::kCorrupt, "it is no file");
    found = *read;
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat || ends_all(error)) throw;
    if (io::is_read_error(error))
      throw identity_not_readable(root, drive_by_evidence(context.fs, context.catalog.drives(), root));
    throw Error(Code::kWrongDrive,
                fmt::format("{} was a drive already, but its {} is damaged: {}", core::printable(root.string()),
                            fd::kIdentity, error.what()),
                fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string())));
  }
  if (const auto known = context.catalog.drive(found.id)) {
    const std::string quoted = core::shell_quote(root.string());
    if (is_another_medium(context, root, *known)) {
      throw Error(
          Code::kWrongDrive,
          fmt::format("{} says it is {} already: another medium, with all that was on it", root.string(), known->label),
          fmt::format("darkshelf drive add {0} --label {1} --clone-of {2}   (it is a copy), or\n"
                      "      darkshelf drive accept {0} --as moved   (it took the place of {2})",
                      quoted, core::shell_quote(label), core::shell_quote(known->label)));
    }
    throw Error(Code::kWrongDrive, fmt::format("{} is {} already", root.string(), known->label),
                "darkshelf drive list");
  }
  throw Error(Code::kWrongDrive,
              fmt::format("{} is the archive drive \"{}\" already, which this catalog does not know: it is of another "
                          "catalog, or adding it was interrupted",
                          root.string(), core::printable(found.label)),
              fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
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

std::optional<catalog::Drive> drive_named(Context& context, const std::string& text) {
  if (text.empty()) return {};
  auto drive = context.catalog.find_drive(text);
  if (!drive) {
    throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(text)),
                "darkshelf drive list");
  }
  return drive;
}

/// Does the folder hold all of that drive, its identity too?
bool claims_to_be(io::FileSystem& fs, const io::Path& root, const catalog::Drive& drive) {
  try {
    const auto found = read_identity(fs, root);
    return found && found->id == drive.id;
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
    return false;
  }
}

}  // namespace

void check_label(Context& context, const std::string& label) {
  if (!fd::is_label(label)) {
    throw Error(
        Code::kUsage,
        fmt::format("\"{}\" is no good label: 1 to 60 characters, no slash, no comma, no leading dash, not . or ..",
                    core::printable(label)),
        "a label is what is written on the drive, such as 2026-A");
  }
  for (const catalog::Drive& drive : context.catalog.drives()) {
    if (drive.label == label) {
      throw Error(Code::kUsage, fmt::format("a drive is called \"{}\" already", label), "darkshelf drive list");
    }
  }
}

/// What a `drive add` of this label has left that was killed before the catalog knew the drive.
std::optional<fd::DriveIdentity> half_made(Context& context, const io::Path& root, const std::string& label) {
  const io::Path folder = root / std::string(fd::kFolder);
  const auto stat = context.fs.stat(folder);
  if (!stat || stat->type != io::FileType::kDirectory) return {};
  const auto entries = context.fs.list(folder);
  if (entries.size() != 1 || entries.front().type != io::FileType::kRegular) return {};
  try {
    auto found = read_identity(context.fs, root);
    if (found && found->label == label && !context.catalog.drive(found->id)) return found;
  } catch (const Error& error) {
    if (ends_all(error)) throw;
  }
  return {};
}

void write_identity(io::FileSystem& fs, const io::Path& root, const fd::DriveIdentity& identity) {
  fs.make_dirs(root / std::string(fd::kFolder));
  io::write_file_durably(fs, root / std::string(fd::kIdentity), core::as_bytes(fd::encode_identity(identity)));
}

io::Path folder_given(io::FileSystem& fs, const io::Path& path) {
  const auto stat = fs.stat_following(path);
  if (!stat || stat->type != io::FileType::kDirectory) {
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(path.string())),
                "plug the drive in, and give the folder where it is mounted");
  }
  return fs.canonical(path);
}

bool has_catalog_copy(io::FileSystem& fs, const io::Path& root) {
  const io::Path folder = root / std::string(fd::kCatalogFolder);
  const auto stat = fs.stat(folder);
  if (!stat || stat->type != io::FileType::kDirectory) return false;
  const auto entries = fs.list(folder);
  return std::any_of(entries.begin(), entries.end(), [](const io::Entry& entry) {
    return entry.name.starts_with("catalog-") && entry.name.ends_with(".db");
  });
}

void require_writable_medium(Context& context, const io::Path& root, const io::Medium& medium,
                             const std::string& what) {
  if (!medium.read_only && !context.fs.space(root).read_only) return;
  throw Error(Code::kWrongDrive, fmt::format("{} is read-only: nothing can be {}", root.string(), what),
              "mount it for writing (some cards and drives have a switch), and type the same command again");
}

/// The drive of this label, where a `drive add` that was killed has recorded it and not finished its texts.
std::optional<catalog::Drive> half_added(Context& context, const io::Path& root, const AddDriveRequest& request) {
  const auto drive = context.catalog.find_drive(request.label);
  if (!drive || drive->label != request.label || drive->volumes > 0 || drive->place_name != request.place ||
      !request.clone_of.empty() || !claims_to_be(context.fs, root, *drive))
    return {};
  std::vector<std::string> files = {std::string(fd::kStartHere), fd::root_start_here_name(drive->label)};
  if (drive->catalog_mode != "none") files.emplace_back(fd::kCurrent);
  const bool finished = std::all_of(files.begin(), files.end(),
                                    [&](const std::string& file) { return context.fs.stat(root / file).has_value(); });
  if (finished || is_another_medium(context, root, *drive)) return {};
  return drive;
}

/// A drive that was adopted becomes one that is written to, and stays who it is.
AddedDrive make_archive_of(Context& context, const io::Path& root, const catalog::Drive& adopted,
                           const AddDriveRequest& request) {
  io::FileSystem& fs = context.fs;
  if (adopted.label != request.label) {
    throw Error(Code::kUsage,
                fmt::format("{} was adopted as {}", core::printable(root.string()), core::printable(adopted.label)),
                fmt::format("darkshelf drive add {} --label {}   (and then drive rename, if it shall be called {})",
                            core::shell_quote(root.string()), core::shell_quote(adopted.label),
                            core::shell_quote(request.label)));
  }
  AddedDrive added;
  added.medium = io::medium_of(fs, root);
  require_writable_medium(context, root, added.medium, "sealed onto it");
  const catalog::Evidence evidence = evidence_of(added.medium, root);
  added.warnings = same_disk_warnings(context, evidence);
  std::erase_if(added.warnings, [&](const std::string& warning) {
    return warning.starts_with(fmt::format("on the same disk as {}:", adopted.label));
  });
  fs.confine(root, adopted.label, {});
  const fd::DriveIdentity identity{fd::kFormat, adopted.id, fd::label_from(adopted.label), adopted.added,
                                   adopted.catalog_mode};
  write_identity(fs, root, identity);
  fs.confine(root, adopted.label, root / std::string(fd::kFolder));
  context.catalog.record_drive_seen(adopted.id, evidence);
  added.drive = *context.catalog.drive(adopted.id);
  refresh_drive(context, AttachedDrive{added.drive, root, added.medium, identity, nullptr});
  return added;
}

AddedDrive add_drive(Context& context, const AddDriveRequest& request) {
  io::FileSystem& fs = context.fs;
  const io::Path root = folder_given(fs, request.path);
  if (half_added(context, root, request)) {
    const AttachedDrive drive = attach(context, root.string(), Visit::kWrite);
    refresh_drive(context, drive);
    return {drive.drive, drive.medium, same_disk_warnings(context, evidence_of(drive.medium, root))};
  }
  if (const auto adopted = adopted_at(fs, context.catalog, root))
    return make_archive_of(context, root, *adopted, request);
  check_label(context, request.label);
  const auto original = drive_named(context, request.clone_of);
  const bool clone = original && claims_to_be(fs, root, *original);
  const auto begun = half_made(context, root, request.label);
  if (!clone && !begun) check_no_identity(context, root, request.label);
  check_not_nested(fs, root);

  AddedDrive added;
  added.medium = io::medium_of(fs, root);
  require_writable_medium(context, root, added.medium, "sealed onto it");
  if (request.catalog_mode != "full" && request.catalog_mode != "own" && request.catalog_mode != "none") {
    throw Error(Code::kUsage,
                fmt::format("--catalog takes full, own or none, not \"{}\"", core::printable(request.catalog_mode)));
  }
  const catalog::Evidence evidence = evidence_of(added.medium, root);
  catalog::NewDrive drive;
  if (original) drive.clone_of = original->id;
  drive.kind = request.kind.empty() ? kind_of(added.medium) : request.kind;
  check_kind(drive.kind);
  if (!original && !request.is_new) require_no_former_drive(context, root);
  drive.label = request.label;
  drive.note = request.note;
  drive.catalog_mode = request.catalog_mode;
  drive.place = place_id(context, request.place);
  drive.evidence = evidence;
  added.warnings = same_disk_warnings(context, evidence);
  const io::Space space = fs.space(root);
  if (space.max_file_bytes < (std::uint64_t{1} << 40)) {
    added.warnings.push_back(
        fmt::format("this file system takes no file above {}: seal with --volume-size 3GiB, or format it as exFAT",
                    core::format_size(space.max_file_bytes)));
  }
  fs.confine(root, request.label, clone ? root / std::string(fd::kFolder) : io::Path());
  if (clone) {
    added.drive = accept_copy(context, root, *original, std::move(drive));
    return added;
  }

  fd::DriveIdentity identity;
  identity.id = drive.id = begun ? begun->id : context.world.new_id();
  identity.label = request.label;
  identity.created = context.world.now();
  identity.catalog_mode = request.catalog_mode;
  // The identity is on the drive before the catalog knows it: a crash between the two leaves a drive that `catalog
  // recover` takes in, never a catalog that waits for a drive that does not exist.
  write_identity(fs, root, identity);
  fs.confine(root, request.label, root / std::string(fd::kFolder));  // it is there only now
  core::stop_point("drive.identity-written");
  context.catalog.record_drive(drive);
  core::stop_point("drive.recorded");
  context.catalog.record_drive_seen(drive.id, evidence);
  added.drive = *context.catalog.drive(drive.id);
  refresh_drive(context, AttachedDrive{added.drive, root, added.medium, identity, nullptr});
  return added;
}

Ejected eject_drive(Context& context, const std::string& text) {
  AttachedDrive drive = attach(context, text, Visit::kCheck);
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
