#include "rituals/adopted_drive.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/identity_file.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

bool is_folder(io::FileSystem& fs, const io::Path& path) {
  const auto stat = fs.stat_following(path);
  return stat && stat->type == io::FileType::kDirectory;
}

/// Is anything there that was taken in from it? Nothing was yet: nothing speaks against it.
bool holds_some_of(io::FileSystem& fs, catalog::Catalog& catalog, const catalog::Drive& drive, const io::Path& root) {
  const std::vector<catalog::Volume> volumes = catalog.volumes_on(drive.id, catalog::Volumes::kAdopted);
  constexpr std::size_t kLooked = 100;
  for (std::size_t i = 0; i < volumes.size() && i < kLooked; ++i) {
    const auto copy = copy_on(catalog, volumes[i].info.volume, drive.id);
    if (!copy) continue;
    if (!copy->folder.empty() && io::look_at(fs, root / copy->folder).stat) return true;
    if (!copy->folder.empty()) continue;
    for (const formats::volume::Member& member : catalog.members_of(volumes[i].info.volume)) {
      if (member.type == formats::volume::MemberType::kFile &&
          io::look_at(fs, adopted_file(root, *copy, member.path)).stat)
        return true;
    }
  }
  return volumes.empty();
}

bool same_place(const catalog::Drive& drive, const catalog::Evidence& now) {
  const catalog::Evidence& before = drive.evidence;
  if (!before.fs_id.empty() && !now.fs_id.empty()) return before.fs_id == now.fs_id && before.below == now.below;
  return before.path == now.path;
}

bool fits(io::FileSystem& fs, catalog::Catalog& catalog, const catalog::Drive& drive, const io::Path& root,
          const catalog::Evidence& now) {
  if (!same_place(drive, now)) return false;
  const fd::DriveIdentity claimed{fd::kFormat, drive.id, drive.label, drive.added, drive.catalog_mode};
  if (shelf::judge(claimed, drive, now).claim != shelf::Claim::kFits) return false;
  const bool whole_system = !now.fs_id.empty() && now.below.empty();
  return whole_system || holds_some_of(fs, catalog, drive, root);
}

}  // namespace

std::vector<io::Path> roots_of_adopted(io::FileSystem& fs, catalog::Catalog& catalog, const catalog::Drive& drive) {
  std::vector<io::Path> found;
  if (!drive.adopted) return found;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
  const auto look = [&](const io::Path& root) {
    try {
      if (root.empty() || !is_folder(fs, root) || identity_at(fs, root)) return;
      const auto stat = fs.stat_following(root);
      const std::pair key{stat->device, stat->inode};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) return;
      seen.push_back(key);
      if (fits(fs, catalog, drive, root, evidence_of(io::medium_of(fs, root), root))) found.push_back(root);
    } catch (const Error& error) {  // what does not answer is not there
      if (error.code() == Code::kCancelled) throw;
    }
  };
  look(drive.evidence.path);
  for (const io::Path& mount : io::mount_points())
    look(drive.evidence.below.empty() ? mount : mount / drive.evidence.below);
  return found;
}

std::optional<catalog::Drive> adopted_at(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& root) {
  std::vector<catalog::Drive> adopted = catalog.drives();
  std::erase_if(adopted, [](const catalog::Drive& drive) { return !drive.adopted; });
  if (adopted.empty() || identity_at(fs, root)) return {};
  const catalog::Evidence now = evidence_of(io::medium_of(fs, root), root);
  std::erase_if(adopted, [&](const catalog::Drive& drive) { return !fits(fs, catalog, drive, root, now); });
  if (adopted.size() > 1) {  // a copy of a whole medium: the one that was here
    std::erase_if(adopted, [&](const catalog::Drive& drive) { return drive.evidence.path != root.string(); });
  }
  return adopted.size() == 1 ? std::optional(adopted.front()) : std::nullopt;
}

std::optional<catalog::Drive> maybe_adopted_at(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& root) {
  const catalog::Evidence now = evidence_of(io::medium_of(fs, root), root);
  std::vector<catalog::Drive> likely = catalog.drives();
  std::erase_if(likely, [&](const catalog::Drive& drive) {
    const catalog::Evidence& before = drive.evidence;
    const bool alike = same_place(drive, now) || before.path == now.path ||
                       (!now.serial.empty() && before.serial == now.serial && before.below == now.below);
    return !drive.adopted || !alike;
  });
  return likely.size() == 1 ? std::optional(likely.front()) : std::nullopt;
}

std::map<core::Uuid, io::Path> plugged_in_adopted(io::FileSystem& fs, catalog::Catalog& catalog) {
  std::map<core::Uuid, io::Path> found;
  for (const catalog::Drive& drive : catalog.drives()) {
    if (!drive.adopted) continue;
    if (const auto roots = roots_of_adopted(fs, catalog, drive); !roots.empty()) found.emplace(drive.id, roots.front());
  }
  return found;
}

Error adopted_is_not_written(const catalog::Drive& drive, const io::Path& root) {
  return Error(Code::kWrongDrive,
               fmt::format("{} was adopted as it is: nothing is ever written to it", core::printable(drive.label)),
               fmt::format("darkshelf drive add {} --label {}   (makes it an archive drive; what is on it stays)",
                           core::shell_quote(root.string()), core::shell_quote(drive.label)));
}

Error adopted_can_be_sealed(Context& context, const std::string& what, const catalog::Volume& adopted) {
  io::Path folder = "FOLDER";
  const auto plugged = plugged_in_adopted(context.fs, context.catalog);
  for (const catalog::Copy& copy : context.catalog.copies_of(adopted.info.volume)) {
    const auto root = plugged.find(copy.drive);
    if (root == plugged.end()) continue;
    folder = adopted_folder(root->second, copy);
    break;
  }
  return Error(Code::kUsage,
               fmt::format("{} was taken in as it was, and is not sealed: it is only read where it lies", what),
               fmt::format("darkshelf seal {} --to DRIVE   (what is sealed can be copied, signed and discarded)",
                           core::shell_quote(folder.string())));
}

Error adopted_in_doubt(const catalog::Drive& drive, const io::Path& root) {
  return Error(Code::kWrongDrive,
               fmt::format("{} may be {}, which was adopted, but does not look like it: another size or disk, or "
                           "nothing is there of what was taken in",
                           core::printable(root.string()), core::printable(drive.label)),
               fmt::format("darkshelf drive accept {0} --as moved   (it is {1}), or\n"
                           "      darkshelf adopt {0} --label NEW   (it is another one)",
                           core::shell_quote(root.string()), core::shell_quote(drive.label)));
}

io::Path adopted_folder(const io::Path& root, const catalog::Copy& copy) {
  return copy.folder.empty() ? root : root / copy.folder;
}

io::Path adopted_file(const io::Path& root, const catalog::Copy& copy, const std::string& member_path) {
  const std::size_t slash = member_path.find('/');
  const io::Path folder = adopted_folder(root, copy);
  return slash == std::string::npos ? folder : folder / member_path.substr(slash + 1);
}

std::optional<catalog::Copy> copy_on(catalog::Catalog& catalog, const core::Uuid& volume, const core::Uuid& drive) {
  for (catalog::Copy& copy : catalog.copies_of(volume)) {
    if (copy.drive == drive) return std::move(copy);
  }
  return {};
}

}  // namespace darkshelf::rituals
