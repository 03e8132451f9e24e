#include "rituals/context.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/catalog_copies.hpp"
#include "rituals/drives.hpp"
#include "rituals/former_drive.hpp"
#include "rituals/identity_file.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

/// What a folder says which drive it is.
struct Claim {
  std::optional<fd::DriveIdentity> identity;  // nothing if it holds none
  bool unreadable = false;                    // or the medium does not give it
};

Claim claim_at(io::FileSystem& fs, const io::Path& root, io::ReadMode mode = io::ReadMode::kCached) {
  const io::Path file = root / std::string(fd::kIdentity);
  refuse_link(fs, root);
  const io::Looked there = io::look_at(fs, file);
  if (!there.stat) return {{}, there.unreadable};
  const std::string accept = fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string()));
  if (!there.is(io::FileType::kRegular)) {
    const bool is_folder = there.is(io::FileType::kDirectory);
    throw Error(Code::kWrongDrive,
                fmt::format("{} is {}, and no file, which would tell the drive", core::printable(file.string()),
                            is_folder                          ? "a folder"
                            : there.is(io::FileType::kSymlink) ? "a link"
                                                               : "a pipe or a device"),
                accept);
  }
  try {
    return {read_identity(fs, root, mode), false};
  } catch (const Error& error) {
    if (io::is_read_error(error)) return {{}, true};
    if (error.code() != Code::kCorrupt) throw;
    throw Error(Code::kWrongDrive, fmt::format("{} is damaged: {}", file.string(), error.what()), accept);
  }
}

/// A folder that cannot be read or understood simply is not the drive being looked for.
Claim claim_if_sound(io::FileSystem& fs, const io::Path& root) {
  try {
    return claim_at(fs, root);
  } catch (const Error&) {
    return {};
  }
}

/// Which drive it must be whose identity the medium does not give. Throws kDriveGone where it gives nothing else
/// either.
std::optional<catalog::Drive> likely_at(io::FileSystem& fs, const std::vector<catalog::Drive>& drives,
                                        const io::Path& root) {
  try {
    return drive_by_evidence(fs, drives, root);
  } catch (const Error& error) {
    if (!io::is_read_error(error)) throw;
    throw Error(Code::kDriveGone, fmt::format("the drive at {} does not answer: {}", root.string(), error.what()),
                "look at its cable, plug it in again, and type the same command");
  }
}

/// Where something says it is this drive; where nothing does, what must be it although its identity cannot be read.
std::vector<io::Path> roots_of(Context& context, const catalog::Drive& drive) {
  io::FileSystem& fs = context.fs;
  std::vector<io::Path> found, silent;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;  // one folder reached by two paths is one drive
  for (const io::Path& root : roots_to_look_at(context.catalog, drive.evidence.path)) {
    const Claim claim = claim_if_sound(fs, root);
    if (claim.unreadable) silent.push_back(root);
    if (!claim.identity || claim.identity->id != drive.id) continue;
    try {
      const auto stat = fs.stat_following(root);
      if (!stat) continue;
      const std::pair key{stat->device, stat->inode};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
      seen.push_back(key);
      found.push_back(root);
    } catch (const Error&) {  // it has just left
    }
  }
  for (const io::Path& root : silent) {
    if (!found.empty()) break;
    try {
      const auto likely = likely_at(fs, context.catalog.drives(), root);
      if (likely && likely->id == drive.id) found.push_back(root);
    } catch (const Error&) {
      if (root == drive.evidence.path) throw;  // of another one's place nothing is known
    }
  }
  return found;
}

/// An archive lies there, and no file tells which drive it is.
bool lacks_identity(io::FileSystem& fs, const io::Path& root) {
  if (root.empty()) return false;
  try {
    const auto folder = fs.stat(root / std::string(fd::kFolder));
    return folder && folder->type == io::FileType::kDirectory && !fs.stat(root / std::string(fd::kIdentity)) &&
           fs.stat(root / std::string(fd::kSeals));
  } catch (const Error&) {  // what does not answer lacks nothing
    return false;
  }
}

/// A drive that is not found by its id may lie where it was last, with an identity that cannot be understood.
void tell_why_not_there(io::FileSystem& fs, const io::Path& root) {
  if (root.empty()) return;
  try {
    if (claim_at(fs, root).unreadable) throw identity_not_readable(root, {});
  } catch (const Error& error) {
    if (error.code() != Code::kIo) throw;
  }
}

/// A drive that the catalog has away, and that is here all the same. What it holds counts again once somebody says so.
void tell_state(Context& context, const catalog::Drive& drive) {
  if (drive.state == catalog::DriveState::kOnShelf) return;
  const std::string label = core::printable(drive.label), quoted = core::shell_quote(drive.label);
  const bool lent = drive.state == catalog::DriveState::kLent;
  context.note(
      fmt::format(
          "{} is {}, as far as the catalog knows, and plugged in here. Its copies count again once {}.", label,
          lent ? "lent to " + core::printable(drive.lent_to) : fmt::format("marked {}", catalog::name_of(drive.state)),
          lent ? "it is said to be back" : "it is marked found"),
      lent ? fmt::format("darkshelf drive return {}", quoted) : fmt::format("darkshelf drive mark {} found", quoted));
}

/// Whoever names a path means the drive that was there.
void tell_other_place(Context& context, const io::Path& root, const catalog::Drive& found) {
  if (found.evidence.path == root.string()) return;
  for (const catalog::Drive& other : context.catalog.drives()) {
    if (other.id == found.id || other.evidence.path != root.string()) continue;
    context.note(fmt::format("{} is {} now; at the last visit {} was there.", core::printable(root.string()),
                             core::printable(found.label), core::printable(other.label)),
                 "");
    return;
  }
}

/// Which other drive lies where this one was; "" if none.
std::string who_is_there(Context& context, const io::Path& root) {
  const auto identity = root.empty() ? std::nullopt : identity_at(context.fs, root);
  if (!identity) return {};
  const auto other = context.catalog.drive(identity->id);
  return fmt::format(" At {} lies {} now.", core::printable(root.string()),
                     core::printable(other ? other->label : identity->label));
}

void record_visit(Context& context, AttachedDrive& drive, const catalog::Evidence& evidence) {
  const catalog::Drive& known = drive.drive;
  const bool news =
      !known.here || !(known.evidence == evidence) || context.world.now() - known.last_seen > std::chrono::hours(1);
  if (!news) return;
  context.catalog.record_drive_seen(known.id, evidence);
  drive.drive = *context.catalog.drive(drive.identity.id);
}

AttachedDrive open_root(Context& context, const io::Path& root, const core::Uuid& id, Visit visit) {
  const std::string quoted = core::shell_quote(root.string());
  const auto known = context.catalog.drive(id);
  context.fs.confine(root, known ? known->label : core::printable(root.string()), root / std::string(fd::kFolder));
  // Only now is it certain which folder this is; and this is the first block that the guard may ask for again.
  const Claim claim = claim_at(context.fs, root, io::ReadMode::kDirect);
  if (claim.unreadable && (!known || visit == Visit::kWrite)) throw identity_not_readable(root, known);
  if (!claim.unreadable && (!claim.identity || claim.identity->id != id))
    throw Error(Code::kDriveGone, fmt::format("the drive at {} left just now", root.string()), "plug it in again");
  const fd::DriveIdentity identity = claim.unreadable ? fd::DriveIdentity{fd::kFormat, id, fd::label_from(known->label),
                                                                          known->added, known->catalog_mode}
                                                      : *claim.identity;
  if (!known) {
    throw Error(Code::kWrongDrive,
                fmt::format("{} says it is the archive drive \"{}\" ({}), which this catalog has never seen",
                            root.string(), core::printable(identity.label), identity.id.text().substr(0, 8)),
                fmt::format("darkshelf catalog recover {}", quoted));
  }
  AttachedDrive drive{*known, root, io::medium_of(context.fs, root), identity, nullptr, claim.unreadable};
  const catalog::Evidence evidence = evidence_of(drive.medium, root);
  const shelf::Judgement judgement = shelf::judge(identity, known, evidence);
  if (judgement.claim != shelf::Claim::kFits) {
    throw Error(Code::kWrongDrive,
                fmt::format("{} says it is {}, but it does not look like it: {}", root.string(), known->label,
                            fmt::join(judgement.differences, "; ")),
                fmt::format("darkshelf drive accept {0} --as moved   (same drive, moved to another disk), or\n"
                            "      darkshelf drive accept {0} --as copy    (a copy of it)",
                            quoted));
  }
  if (visit != Visit::kReadOnly && !claim.unreadable && !drive.is_read_only(context.fs)) {
    drive.lock = context.fs.lock(root / std::string(fd::kLock), fmt::format("the drive {}", known->label),
                                 fmt::format("darkshelf, drive {}", known->label));
  }
  record_visit(context, drive, evidence);
  tell_state(context, drive.drive);
  if (claim.unreadable) {
    const Error why = identity_not_readable(root, known);
    context.note(why.what(), why.hint());
  }
  if (drive.lock) note_unknown_facts(context, drive);
  return drive;
}

/// As it was taken in: there is no identity to read, and no lock to take.
AttachedDrive open_adopted(Context& context, const catalog::Drive& known, const io::Path& root, Visit visit) {
  if (visit == Visit::kWrite) throw adopted_is_not_written(known, root);
  context.fs.confine(root, known.label, {});
  AttachedDrive drive{known,
                      root,
                      io::medium_of(context.fs, root),
                      {fd::kFormat, known.id, fd::label_from(known.label), known.added, known.catalog_mode},
                      nullptr,
                      false,
                      true};
  record_visit(context, drive, evidence_of(drive.medium, root));
  tell_state(context, drive.drive);
  return drive;
}

/// `thorough`: one that is nowhere may have been emptied or formatted.
AttachedDrive open_known(Context& context, const catalog::Drive& known, Visit visit, bool thorough) {
  io::FileSystem& fs = context.fs;
  std::vector<io::Path> roots = roots_of(context, known);
  if (roots.empty() && known.adopted) {
    roots = roots_of_adopted(fs, context.catalog, known);
    if (roots.size() == 1) return open_adopted(context, known, roots.front(), visit);
  }
  if (roots.size() > 1) {
    throw Error(Code::kWrongDrive,
                fmt::format("two media claim to be {}: {} and {}", known.label, roots[0].string(), roots[1].string()),
                fmt::format("darkshelf drive accept {} --as copy --label NEW", core::shell_quote(roots[1].string())));
  }
  if (roots.empty()) {
    if (lacks_identity(fs, known.evidence.path)) throw without_identity(known.evidence.path);
    tell_why_not_there(fs, known.evidence.path);
    if (thorough && !known.adopted) look_for_former_drive(context, known);
    const std::string place = known.place_name.empty() ? "" : fmt::format(" It should be at: {}.", known.place_name);
    throw Error(
        Code::kDriveAbsent,
        fmt::format("{} is not plugged in.{}{}", known.label, place, who_is_there(context, known.evidence.path)),
        "plug it in and type the same command again");
  }
  return open_root(context, roots.front(), known.id, visit);
}

}  // namespace

void Context::note(const std::string& text, const std::string& next) const {
  if (notes == nullptr) return;
  const bool known = std::any_of(notes->begin(), notes->end(), [&](const Note& one) { return one.text == text; });
  if (!known) notes->push_back({text, next});
}

Error without_identity(const io::Path& root) {
  return Error(Code::kWrongDrive,
               fmt::format("an archive lies in {}, but its {} is missing, which tells the drive",
                           core::printable(root.string()), fd::kIdentity),
               fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root.string())));
}

void refuse_link(io::FileSystem& fs, const io::Path& root) {
  const io::Path folder = root / std::string(fd::kFolder);
  if (!io::look_at(fs, folder).is(io::FileType::kSymlink)) return;
  throw Error(Code::kWrongDrive,
              fmt::format("{} is a link, which leads away from the drive: darkshelf never makes one",
                          core::printable(folder.string())),
              "put the folder itself in its place, and type the same command again");
}

Error identity_not_readable(const io::Path& root, const std::optional<catalog::Drive>& drive) {
  const std::string file = core::printable((root / std::string(fd::kIdentity)).string());
  return Error(Code::kWrongDrive,
               drive ? fmt::format("{} cannot be read: the medium of {} is failing, and nothing is written to it", file,
                                   core::printable(drive->label))
                     : fmt::format("{}, which tells the drive, cannot be read: the medium is failing", file),
               drive ? fmt::format("darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(drive->label))
                     : fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
}

catalog::Evidence evidence_of(const io::Medium& medium, const io::Path& root) {
  catalog::Evidence evidence;
  evidence.fs_id = medium.fs_id;
  evidence.fs_type = medium.fs_type;
  evidence.model = medium.model;
  evidence.serial = medium.serial;
  evidence.disk = medium.disk;
  evidence.bytes = medium.bytes;
  evidence.path = root.string();
  if (io::lies_in(root, medium.mount_point)) evidence.below = io::below(root, medium.mount_point);
  return evidence;
}

AttachedDrive attach(Context& context, const std::string& text, Visit visit) {
  io::FileSystem& fs = context.fs;
  if (const auto known = context.catalog.find_drive(text)) return open_known(context, *known, visit, true);
  const auto stat = text.empty() ? std::nullopt : fs.stat_following(text);
  if (!stat) {
    throw Error(Code::kNotFound,
                fmt::format("no drive is called \"{}\", and there is no such path", core::printable(text)),
                "darkshelf drive list");
  }
  const io::Path root = fs.canonical(text);
  const Claim claim = claim_at(fs, root);
  const auto& identity = claim.identity;
  if (claim.unreadable) {
    const auto likely = likely_at(fs, context.catalog.drives(), root);
    if (!likely) throw identity_not_readable(root, {});
    return open_root(context, root, likely->id, visit);
  }
  if (!identity) {
    if (const auto known = adopted_at(fs, context.catalog, root)) return open_adopted(context, *known, root, visit);
    if (const auto likely = maybe_adopted_at(fs, context.catalog, root)) throw adopted_in_doubt(*likely, root);
    if (lacks_identity(fs, root)) throw without_identity(root);
    require_no_former_drive(context, root);
    throw Error(Code::kWrongDrive,
                fmt::format("{} is no archive drive: there is no {} in it", root.string(), fd::kIdentity),
                fmt::format("darkshelf drive add {} --label LABEL   (if it never was one; if it was: write nothing to "
                            "it, and type darkshelf rescue)",
                            core::shell_quote(text)));
  }
  if (const auto known = context.catalog.drive(identity->id)) {
    tell_other_place(context, root, *known);
    for (const io::Path& other : roots_of(context, *known)) {
      if (fs.canonical(other) != root) {
        throw Error(Code::kWrongDrive,
                    fmt::format("two media claim to be {}: {} and {}", known->label, root.string(), other.string()),
                    fmt::format("darkshelf drive accept {} --as copy --label NEW",
                                core::shell_quote((root == known->evidence.path ? other : root).string())));
      }
    }
  }
  return open_root(context, root, identity->id, visit);
}

bool has_left(Context& context, const AttachedDrive& drive) {
  try {
    context.fs.stat(drive.folder());
    return false;
  } catch (const Error& error) {
    return error.code() == Code::kDriveGone;
  }
}

std::vector<AttachedDrive> attached_drives(Context& context) {
  std::vector<AttachedDrive> attached;
  for (const catalog::Drive& drive : context.catalog.drives()) {
    try {
      attached.push_back(open_known(context, drive, Visit::kReadOnly, false));
    } catch (const Error& error) {
      if (error.code() == Code::kCancelled) throw;
    }
  }
  return attached;
}

std::vector<io::Path> roots_to_look_at(catalog::Catalog& catalog, const io::Path& first) {
  std::vector<io::Path> roots;
  const auto add = [&](const io::Path& root) {
    if (!root.empty() && std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
  };
  add(first);
  for (const io::Path& root : io::mount_points()) add(root);
  for (const catalog::Drive& drive : catalog.drives()) add(drive.evidence.path);  // of another machine, maybe
  for (const std::string& path : catalog.paths_seen()) add(path);
  return roots;
}

std::map<core::Uuid, io::Path> plugged_in(io::FileSystem& fs, catalog::Catalog& catalog) {
  std::map<core::Uuid, io::Path> found;
  for (const io::Path& root : roots_to_look_at(catalog)) {
    const Claim claim = claim_if_sound(fs, root);
    if (claim.identity) found.emplace(claim.identity->id, root);
    if (!claim.unreadable) continue;
    try {
      if (const auto likely = likely_at(fs, catalog.drives(), root)) found.emplace(likely->id, root);
    } catch (const Error&) {  // it does not answer
    }
  }
  for (const auto& [drive, root] : plugged_in_adopted(fs, catalog)) found.emplace(drive, root);
  return found;
}

}  // namespace darkshelf::rituals
