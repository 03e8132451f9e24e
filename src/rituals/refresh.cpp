#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/catalog_copies.hpp"
#include "rituals/drives.hpp"
#include "rituals/quarantine.hpp"
#include "rituals/signatures.hpp"
#include "rituals/thumbnails.hpp"
#include "rituals/wear.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;

namespace {

/// One more than the last, and never one that is there.
std::uint64_t next_number(const std::vector<std::uint64_t>& ascending) {
  if (ascending.empty()) return 1;
  if (ascending.back() < kLastCopy) return ascending.back() + 1;
  std::uint64_t free = 1;
  while (std::binary_search(ascending.begin(), ascending.end(), free)) ++free;
  return free;
}

/// What the file system has put in the place of the file goes into quarantine first.
void write_anew(Context& context, const AttachedDrive& drive, const std::string& path, const std::string& text) {
  clear_the_way(context.fs, drive, path, context.world.now());
  io::write_file_durably(context.fs, drive.root / path, core::as_bytes(text));
}

/// A copy that is no file is moved away instead: nobody knows what is in it.
void remove_copy(Context& context, const AttachedDrive& drive, const std::string& name) {
  const std::string path = std::string(fd::kCatalogFolder) + "/" + name;
  if (!clear_the_way(context.fs, drive, path, context.world.now())) context.fs.remove_file(drive.root / path);
}

void write_catalog_copy(Context& context, const AttachedDrive& drive, const std::set<std::string>& damaged) {
  io::FileSystem& fs = context.fs;
  clear_the_way(fs, drive, std::string(fd::kCurrent), context.world.now());
  const io::Path folder = drive.root / std::string(fd::kCatalogFolder);
  fs.make_dirs(folder);
  std::vector<std::uint64_t> numbers;
  for (const io::Entry& entry : fs.list(folder)) {
    if (const auto number = copy_number(entry.name)) numbers.push_back(*number);
    if (entry.name.starts_with(".new-")) remove_copy(context, drive, entry.name);  // of a run that was killed
  }
  std::sort(numbers.begin(), numbers.end());
  const std::string name = fmt::format("catalog-{}.db", next_number(numbers));
  const io::Path fresh = folder / (".new-" + name);
  try {
    context.catalog.export_to(fs, fresh, drive.drive.catalog_mode, drive.drive.id);
  } catch (...) {
    if (fs.stat(fresh)) fs.remove_file(fresh);
    throw;
  }
  fs.rename(fresh, folder / name);
  fs.sync_dir(folder);
  core::stop_point("refresh.copy-written");
  fd::CurrentCatalog current;
  current.name = name;
  current.bytes = fs.stat(folder / name)->bytes;
  current.sha256 = sha256_of(context, folder / name, io::ReadMode::kDirect);
  write_anew(context, drive, std::string(fd::kCurrent), fd::encode_current(current));
  core::stop_point("refresh.current-written");
  remember_copy(context, drive, name, current.sha256);
  bool kept = false;  // the one before: two are kept
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const std::string old = fmt::format("catalog-{}.db", *number);
    const bool bad = damaged.contains(std::string(fd::kCatalogFolder) + "/" + old);
    if (!kept && !bad)
      kept = true;
    else if (bad || is_dispensable(context, drive, old))
      remove_copy(context, drive, old);
  }
}

void write_start_here(Context& context, const AttachedDrive& drive) {
  const shelf::Policy policy = shelf::policy_from(context.catalog.policy());
  fd::StartHere facts;
  facts.label = drive.drive.label;
  facts.owner = policy.owner;
  facts.phone = policy.phone;
  facts.place = drive.drive.place_name;
  facts.written = context.world.now();
  std::set<std::string> twins;
  for (const catalog::Volume& volume : context.catalog.volumes_on(drive.drive.id)) {
    const bool files = volume.info.layout == formats::volume::Layout::kFiles;
    (files ? facts.has_files_layout : facts.has_tar_layout) = true;
    if (facts.example_volume.empty()) {
      facts.example_volume = volume.folder;
      facts.example_base = formats::volume::base_name(volume.info);
    }
    for (const catalog::Copy& copy : context.catalog.copies_of(volume.info.volume)) {
      if (copy.drive == drive.drive.id) continue;
      if (const auto other = context.catalog.drive(copy.drive)) twins.insert(other->label);
    }
  }
  facts.twins.assign(twins.begin(), twins.end());
  const std::string text = fd::start_here(facts);
  for (const std::string& path : {std::string(fd::kStartHere), fd::root_start_here_name(drive.drive.label)})
    write_anew(context, drive, path, text);
}

/// A rename reaches the drive at its next visit.
void follow_rename(Context& context, const AttachedDrive& drive) {
  const std::string label = fd::label_from(drive.drive.label);  // catalogs of old may hold any text
  if (drive.identity.label == label) return;
  fd::DriveIdentity identity = drive.identity;
  const io::Path old_text = drive.root / fd::root_start_here_name(identity.label);
  identity.label = label;
  io::write_file_durably(context.fs, drive.root / std::string(fd::kIdentity),
                         core::as_bytes(fd::encode_identity(identity)));
  if (context.fs.stat(old_text)) context.fs.remove_file(old_text);
}

}  // namespace

void refresh_drive(Context& context, const AttachedDrive& drive, const std::set<std::string>& damaged) {
  if (shelf::is_failing(context.catalog, drive.drive.id)) return;  // what it holds is all that counts now
  follow_rename(context, drive);
  if (drive.drive.catalog_mode != "none") write_catalog_copy(context, drive, damaged);
  write_start_here(context, drive);
  write_keys(context, drive);
  write_thumbnails(context, drive);  // may be many; all that matters stands by now
}

std::string try_to_refresh(Context& context, const AttachedDrive& drive, const std::set<std::string>& damaged) {
  try {
    refresh_drive(context, drive, damaged);
    return {};
  } catch (const core::Error& error) {
    if (ends_all(error)) throw;
    return fmt::format("the copy of the catalog on {} is not refreshed: {}", drive.drive.label, error.what());
  }
}

}  // namespace darkshelf::rituals
