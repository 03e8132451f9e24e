// A drive that does not look like itself any more: it was moved to another medium, or copied.

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/drive_parts.hpp"
#include "rituals/identity_file.hpp"
#include "rituals/quarantine.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

bool has_text_of(io::FileSystem& fs, const io::Path& root, const catalog::Drive& drive) {
  return io::look_at(fs, root / fd::root_start_here_name(drive.label)).stat.has_value();
}

/// What is said where an archive lies and neither its drive.json nor anything else tells which drive it is.
Error nothing_tells(Context& context, const io::Path& root) {
  const std::vector<catalog::Drive> known = context.catalog.drives();
  const bool is_known =
      std::any_of(known.begin(), known.end(), [&](const auto& drive) { return has_text_of(context.fs, root, drive); });
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
fd::DriveIdentity identity_to_accept(Context& context, const io::Path& root) {
  const io::Looked found = io::look_at(context.fs, root / std::string(fd::kIdentity));
  const bool there = found.stat.has_value();
  bool unreadable = found.unreadable;
  try {
    if (const auto identity = unreadable ? std::nullopt : read_identity(context.fs, root, io::ReadMode::kDirect))
      return *identity;
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat || ends_all(error)) throw;
    unreadable = io::is_read_error(error);
  }
  const auto drive = drive_by_evidence(context.fs, context.catalog.drives(), root);
  if (unreadable) throw identity_not_readable(root, drive);
  if (drive) return {fd::kFormat, drive->id, drive->label, drive->added, drive->catalog_mode};
  if (there || context.fs.stat(root / std::string(fd::kSeals))) throw nothing_tells(context, root);
  throw Error(Code::kWrongDrive,
              fmt::format("{} is no archive drive: there is no {} in it", root.string(), fd::kIdentity),
              fmt::format("darkshelf drive add {} --label LABEL", core::shell_quote(root.string())));
}

/// Where else something is plugged in that claims to be this drive; empty if nowhere.
io::Path other_claimant(Context& context, const io::Path& root, const catalog::Drive& known) {
  for (const io::Path& other : roots_to_look_at(context.catalog)) {
    try {
      const auto there = context.fs.stat_following(other), here = context.fs.stat_following(root);
      if (!there || !here || (there->device == here->device && there->inode == here->inode)) continue;
      const auto identity = identity_at(context.fs, other);
      if (identity && identity->id == known.id) return other;
    } catch (const Error&) {  // no such drive
    }
  }
  return {};
}

bool looks_like(Context& context, const io::Path& root, const catalog::Drive& known) {
  const fd::DriveIdentity claimed{fd::kFormat, known.id, known.label, known.added, known.catalog_mode};
  const catalog::Evidence evidence = evidence_of(io::medium_of(context.fs, root), root);
  return shelf::judge(claimed, known, evidence).claim == shelf::Claim::kFits;
}

/// A copy must not be all there is: the drive itself would be absent for good. Nor may the drive be taken for its copy
/// where its evidence tells the two apart.
void require_clone(Context& context, const io::Path& root, const catalog::Drive& known) {
  if (!looks_like(context, root, known)) return;
  const io::Path other = other_claimant(context, root, known);
  if (other.empty()) {
    throw Error(Code::kWrongDrive,
                fmt::format("{} looks like {} itself, and no other medium that claims to be it is plugged in",
                            core::printable(root.string()), known.label),
                "plug in both; the one that is the copy is accepted as a copy");
  }
  if (looks_like(context, other, known)) return;
  throw Error(Code::kWrongDrive,
              fmt::format("{} is {} itself; the copy of it is at {}", core::printable(root.string()), known.label,
                          core::printable(other.string())),
              fmt::format("darkshelf drive accept {} --as copy --label NEW", core::shell_quote(other.string())));
}

/// Only one can be the drive.
void require_alone(Context& context, const io::Path& root, const catalog::Drive& known) {
  const io::Path other = other_claimant(context, root, known);
  if (other.empty()) return;
  throw Error(Code::kWrongDrive,
              fmt::format("two media claim to be {}: {} and {}", known.label, core::printable(root.string()),
                          core::printable(other.string())),
              fmt::format("darkshelf drive accept {} --as copy --label NEW   (this one is a copy), or\n"
                          "      unplug {}, and type the same command again",
                          core::shell_quote(root.string()), core::shell_quote(other.string())));
}

/// The volumes that lie on a clone are there, but nobody has read them yet: they count after the first scrub.
void record_clone(Context& context, const io::Path& root, const core::Uuid& original, const core::Uuid& clone) {
  for (const catalog::Volume& volume : context.catalog.volumes_on(original)) {
    if (context.fs.stat(root / std::string(fd::kFolder) / volume.folder)) {
      context.catalog.record_unread_copy(volume.info.volume, clone, context.world.now());
    }
  }
}

/// The accepted drive, with the texts and the catalog copy of who it is now. Failing that it is accepted all the same:
/// the next scrub tells.
catalog::Drive refreshed(Context& context, const io::Path& root, const fd::DriveIdentity& identity) {
  catalog::Drive drive = *context.catalog.drive(identity.id);
  try_to_refresh(context, AttachedDrive{drive, root, io::medium_of(context.fs, root), identity, nullptr});
  return drive;
}

}  // namespace

std::optional<catalog::Drive> drive_by_evidence(io::FileSystem& fs, const std::vector<catalog::Drive>& drives,
                                                const io::Path& root) {
  const catalog::Evidence evidence = evidence_of(io::medium_of(fs, root), root);
  if (evidence.fs_id.empty()) return {};
  std::vector<catalog::Drive> likely = drives;
  std::erase_if(likely, [&](const catalog::Drive& drive) { return drive.evidence.fs_id != evidence.fs_id; });
  const auto only_one = [&](const auto& fits) -> std::optional<catalog::Drive> {
    if (std::count_if(likely.begin(), likely.end(), fits) != 1) return {};
    return *std::find_if(likely.begin(), likely.end(), fits);
  };
  if (auto drive = only_one([&](const catalog::Drive& d) { return d.evidence.path == root.string(); })) return drive;
  return only_one([&](const catalog::Drive& d) { return has_text_of(fs, root, d); });  // mounted elsewhere now
}

bool is_another_medium(Context& context, const io::Path& root, const catalog::Drive& known) {
  return !looks_like(context, root, known) || !other_claimant(context, root, known).empty();
}

catalog::Drive accept_copy(Context& context, const io::Path& root, const catalog::Drive& original,
                           catalog::NewDrive drive) {
  require_clone(context, root, original);
  check_label(context, drive.label);
  const io::Path text_of_original = root / fd::root_start_here_name(original.label);
  fd::DriveIdentity identity;
  identity.id = drive.id = context.world.new_id();
  identity.label = drive.label;
  identity.created = context.world.now();
  identity.catalog_mode = drive.catalog_mode;
  drive.clone_of = original.id;
  drive.evidence = evidence_of(io::medium_of(context.fs, root), root);
  write_identity(context.fs, root, identity);
  core::stop_point("accept.identity-written");
  context.catalog.record_drive(drive);
  context.catalog.record_drive_seen(drive.id, drive.evidence);
  record_clone(context, root, original.id, drive.id);
  if (context.fs.stat(text_of_original)) context.fs.remove_file(text_of_original);  // it would name another drive
  return refreshed(context, root, identity);
}

catalog::Drive accept_drive(Context& context, const io::Path& path, const std::string& as, const std::string& label) {
  if (as != "moved" && as != "copy") throw Error(Code::kUsage, "--as takes moved or copy");
  if (as == "moved" && !label.empty()) {
    throw Error(Code::kUsage, "a drive that has moved keeps its label: --label is for a copy",
                "darkshelf drive rename DRIVE NEW   (gives it another)");
  }
  const io::Path root = folder_given(context.fs, path);
  context.fs.confine(root, core::printable(root.string()), root / std::string(fd::kFolder));
  const io::Medium medium = io::medium_of(context.fs, root);
  const catalog::Evidence evidence = evidence_of(medium, root);
  if (const auto adopted =
          identity_at(context.fs, root) ? std::nullopt : maybe_adopted_at(context.fs, context.catalog, root)) {
    if (as == "copy") {
      throw Error(Code::kUsage, "a copy of an adopted drive is taken in as a drive of its own",
                  fmt::format("darkshelf adopt {} --label NEW", core::shell_quote(root.string())));
    }
    context.catalog.record_drive_accepted(adopted->id, evidence, as);
    context.catalog.record_drive_seen(adopted->id, evidence);
    return *context.catalog.drive(adopted->id);
  }
  const fd::DriveIdentity identity = identity_to_accept(context, root);
  const auto known = context.catalog.drive(identity.id);
  if (!known) {
    throw Error(Code::kWrongDrive,
                fmt::format("{} is the archive drive \"{}\", which this catalog does not know",
                            core::printable(root.string()), core::printable(identity.label)),
                fmt::format("darkshelf catalog recover {}", core::shell_quote(root.string())));
  }
  require_writable_medium(context, root, medium, "accepted");
  if (as == "copy") {
    catalog::NewDrive drive;
    drive.label = label.empty() ? known->label + " copy" : label;
    drive.kind = known->kind;
    drive.catalog_mode = known->catalog_mode;
    return accept_copy(context, root, *known, std::move(drive));
  }
  require_alone(context, root, *known);
  clear_the_way(context.fs, AttachedDrive{*known, root, {}, identity, nullptr}, std::string(fd::kIdentity),
                context.world.now());
  write_identity(context.fs, root, identity);  // as it was, or made whole again
  context.catalog.record_drive_accepted(known->id, evidence, as);
  context.catalog.record_drive_seen(known->id, evidence);
  return refreshed(context, root, identity);
}

}  // namespace darkshelf::rituals
