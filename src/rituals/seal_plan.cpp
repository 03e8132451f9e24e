#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/seal.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/seal_payload.hpp"
#include "rituals/wear.hpp"
#include "shelf/identity.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kCatalogCopyAllowance = 16 << 20;

std::vector<DriveLoad> attach_targets(Context& context, const SealRequest& request,
                                      std::vector<std::vector<std::size_t>>& targets) {
  if (request.targets.empty()) throw Error(Code::kUsage, "no drive is named", "darkshelf seal SHOOT --to DRIVE");
  std::vector<DriveLoad> loads;
  for (const auto& target : request.targets) {
    std::vector<std::size_t> indices;
    for (const std::string& text : target) {
      const catalog::Drive drive = attach(context, text, Visit::kReadOnly).drive;
      for (const DriveLoad& earlier : loads) {
        if (earlier.drive.drive.id == drive.id) {
          throw Error(Code::kUsage,
                      fmt::format("{} is named twice: each --to is one full copy, on drives of its own", drive.label),
                      "name each drive once");
        }
      }
      DriveLoad load{attach(context, text, Visit::kWrite)};
      require_writable(context, load.drive);
      // What a killed run left half-made goes before anything is written.
      load.free = context.fs.space(load.drive.root).free;
      for (const io::Path& path : half_made(context, load.drive)) load.free += tree_bytes(context.fs, path);
      indices.push_back(loads.size());
      loads.push_back(std::move(load));
    }
    if (indices.empty()) throw Error(Code::kUsage, "--to names no drive");
    targets.push_back(std::move(indices));
  }
  return loads;
}

void check_apart(const io::Path& source, const std::vector<DriveLoad>& drives) {
  for (const DriveLoad& load : drives) {
    if (io::lies_in(load.drive.root, source)) {
      throw Error(Code::kUsage,
                  fmt::format("the drive {} ({}) lies inside the shoot {}", load.drive.drive.label,
                              load.drive.root.string(), source.string()),
                  "name a folder that no drive lies in");
    }
    if (io::lies_in(source, load.drive.folder())) {
      throw Error(Code::kUsage,
                  fmt::format("{} is part of the archive on {} already", source.string(), load.drive.drive.label),
                  "darkshelf restore, or darkshelf copy");
    }
  }
}

std::vector<io::Path> shoot_folders(Context& context, const SealRequest& request, Plan& plan) {
  if (request.shoots.empty()) throw Error(Code::kUsage, "no shoot is named", "darkshelf seal FOLDER --to DRIVE");
  std::vector<io::Path> folders;
  for (const io::Path& argument : request.shoots) {
    const auto stat = context.fs.stat_following(argument);
    if (!stat)
      throw Error(Code::kNotFound, fmt::format("there is no shoot {}", core::printable(argument.string())),
                  "look at how the folder is called (ls), and name it as it is");
    if (stat->type != io::FileType::kDirectory) {
      throw Error(Code::kUsage,
                  fmt::format("{} is not a folder: a shoot is a folder", core::printable(argument.string())),
                  "name the folder it lies in");
    }
    const io::Path folder = context.fs.canonical(argument);
    const volume::ShootFolders found = volume::find_shoots(context.fs, folder, request.each);
    if (found.looks_like_year && !request.as_one) {
      const std::string quoted = core::shell_quote(argument.string());
      throw Error(Code::kUsage,
                  fmt::format("{} has no pictures of its own, but {} with pictures: are these its shoots?",
                              core::printable(argument.string()), core::count_of(found.with_pictures, "subfolder")),
                  fmt::format("darkshelf seal {0} --each …   (every folder in it is a shoot), or\n"
                              "      darkshelf seal {0} --each=0 …   (all of it is one shoot)",
                              quoted));
    }
    folders.insert(folders.end(), found.shoots.begin(), found.shoots.end());
    plan.loose.insert(plan.loose.end(), found.loose.begin(), found.loose.end());
  }
  std::set<io::Path> seen;
  std::erase_if(folders, [&](const io::Path& folder) { return !seen.insert(folder).second; });
  return folders;
}

class Allocator {
 public:
  Allocator(io::FileSystem& fs, std::vector<DriveLoad>& drives, const std::vector<std::vector<std::size_t>>& targets)
      : fs_(fs), drives_(drives), targets_(targets) {}

  /// Chooses a drive of every target for a volume; drives that hold it already are given in `there`.
  std::vector<std::size_t> place(std::uint64_t bytes, std::uint64_t largest_file, const std::string& what,
                                 const std::set<std::size_t>& there) {
    std::vector<std::size_t> chosen;
    for (std::size_t t = 0; t < targets_.size(); ++t)
      chosen.push_back(place_on(targets_[t], bytes, largest_file, what, there));
    return chosen;
  }

 private:
  std::size_t place_on(const std::vector<std::size_t>& target, std::uint64_t bytes, std::uint64_t largest_file,
                       const std::string& what, const std::set<std::size_t>& there) {
    for (const std::size_t index : target) {
      if (there.contains(index)) return index;
    }
    for (const std::size_t index : target) {
      DriveLoad& load = drives_[index];
      const io::Space space = fs_.space(load.drive.root);
      if (largest_file > space.max_file_bytes) {
        throw Error(Code::kUsage,
                    fmt::format("{} would hold a file of {}, and the file system of {} takes none above {}", what,
                                core::format_size(largest_file), load.drive.drive.label,
                                core::format_size(space.max_file_bytes)),
                    "seal with --volume-size 3GiB (one photo or film above 4 GiB does not fit such a drive at all), or "
                    "format the drive as exFAT");
      }
      const std::uint64_t reserve = reserve_of(load, bytes, space);
      if (load.bytes + bytes + reserve <= load.free) {
        load.reserve = reserve;
        load.bytes += bytes;
        ++load.volumes;
        return index;
      }
    }
    std::string room;
    for (const std::size_t index : target) {
      const DriveLoad& load = drives_[index];
      const std::uint64_t reserve = reserve_of(load, bytes, fs_.space(load.drive.root));
      room += fmt::format("{}{}: {} needed with what it must keep free, {} free", room.empty() ? "" : "; ",
                          load.drive.drive.label, core::format_size(load.bytes + bytes + reserve),
                          core::format_size(load.free));
    }
    throw Error(Code::kNoSpace, fmt::format("no room for {} ({}): {}", what, core::format_size(bytes), room),
                "name one more drive (--to A,B spreads one copy over two drives)");
  }

  /// What the drive keeps free once a volume of so many bytes is on it, too.
  static std::uint64_t reserve_of(const DriveLoad& load, std::uint64_t bytes, const io::Space& space) {
    return std::max(load.reserve, bytes + kCatalogCopyAllowance + space.total / 100);
  }

  io::FileSystem& fs_;
  std::vector<DriveLoad>& drives_;
  const std::vector<std::vector<std::size_t>>& targets_;
};

std::set<std::size_t> holders(Context& context, const catalog::Volume& volume, const std::vector<DriveLoad>& drives) {
  std::set<std::size_t> there;
  for (const catalog::Copy& copy : context.catalog.copies_of(volume.info.volume)) {
    for (std::size_t i = 0; i < drives.size(); ++i) {
      const AttachedDrive& drive = drives[i].drive;
      if (drive.drive.id != copy.drive || copy.health != catalog::CopyHealth::kGood) continue;
      if (context.fs.stat(drive.volume_folder(volume))) there.insert(i);  // somebody may have removed it since
    }
  }
  return there;
}

void place_volumes(Context& context, Plan& plan, ShootPlan& shoot, Allocator& allocator) {
  const std::string name = core::printable(shoot.source.name);
  if (shoot.kind == ShootPlanKind::kSealed) {
    for (const catalog::Volume& volume : context.catalog.volumes_of(*shoot.same_as)) {
      const auto there = holders(context, volume, plan.drives);
      const auto chosen = allocator.place(volume.bytes_on_drive, 0, name, there);
      std::vector<std::size_t> lacking;
      std::copy_if(chosen.begin(), chosen.end(), std::back_inserter(lacking),
                   [&](std::size_t i) { return !there.contains(i); });
      if (lacking.empty()) continue;
      shoot.kind = ShootPlanKind::kMissingCopies;
      shoot.to_copy.push_back(volume.info.volume);
      shoot.drives.push_back(std::move(lacking));
    }
    return;
  }
  for (std::size_t i = 0; i < shoot.volumes.size(); ++i) {
    const volume::Sizes& sizes = shoot.volumes[i].sizes;
    const auto there = already_in_place(context, shoot.infos[i], plan.drives);
    shoot.drives.push_back(allocator.place(sizes.bytes_on_drive, sizes.largest_file, name, there));
  }
}

std::chrono::seconds estimate_of(const Plan& plan, unsigned threads) {
  // A drive of the usual kind writes and reads 120 MB/s. Where that is no limit, digests and parity are: some 100 MB/s
  // a core (docs/performance.md).
  std::uint64_t longest = 0;
  for (const DriveLoad& load : plan.drives) longest = std::max(longest, load.bytes);
  const double moved = 2.0 * static_cast<double>(longest) / 120e6;
  double computed = 0;
  for (const ShootPlan& shoot : plan.shoots) {
    for (const volume::CutVolume& volume : shoot.volumes) {
      computed += static_cast<double>(volume.sizes.payload_bytes) / (100e6 * threads);
    }
  }
  return std::chrono::seconds(static_cast<std::int64_t>(std::max(moved, computed)) + 1);
}

void note_shared_disks(Plan& plan) {
  for (std::size_t i = 0; i < plan.drives.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const AttachedDrive& a = plan.drives[j].drive;
      const AttachedDrive& b = plan.drives[i].drive;
      if (shelf::same_disk(evidence_of(a.medium, a.root), evidence_of(b.medium, b.root))) {
        plan.notes.push_back(
            fmt::format("{} and {} are on one disk: they count as one copy", a.drive.label, b.drive.label));
      }
    }
  }
}

std::string explain_parity(const Plan& plan, const core::Work& work) {
  const volume::Sizes* largest = nullptr;
  for (const ShootPlan& shoot : plan.shoots) {
    for (const volume::CutVolume& volume : shoot.volumes) {
      if (largest == nullptr || volume.sizes.payload_bytes > largest->payload_bytes) largest = &volume.sizes;
    }
  }
  if (largest == nullptr || largest->slices == 0) return "";
  parity::SetOptions options;
  options.slice_bytes = largest->slice_bytes;
  options.recovery_slices = largest->recovery_slices;
  return parity::recovery_plan({{"payload", largest->slices * largest->slice_bytes, {}}}, options,
                               parity_work_beside_photos(work))
      .explanation();
}

}  // namespace

void require_writable(Context& context, const AttachedDrive& drive) {
  if (drive.lock == nullptr) {
    throw Error(Code::kWrongDrive, fmt::format("{} ({}) is read-only", drive.drive.label, drive.root.string()),
                "mount it for writing (some cards and drives have a switch), and type the same command again");
  }
  if (const std::string why = shelf::why_failing(context.catalog, drive.drive.id); !why.empty()) {
    throw Error(Code::kWrongDrive,
                fmt::format("the medium of {} is failing ({}): nothing is written to it", drive.drive.label, why),
                fmt::format("name another drive; and darkshelf copy {} --to ANOTHER-DRIVE",
                            core::shell_quote(drive.drive.label)));
  }
  if (drive.drive.state == catalog::DriveState::kOnShelf) return;
  throw Error(
      Code::kWrongDrive,
      fmt::format("{} is marked {}: nothing is written to it", drive.drive.label, catalog::name_of(drive.drive.state)),
      drive.drive.state == catalog::DriveState::kLent
          ? fmt::format("darkshelf drive return {}", core::shell_quote(drive.drive.label))
          : fmt::format("darkshelf drive mark {} found", core::shell_quote(drive.drive.label)));
}

void plan_into_catalog(Context& context, const Plan& plan, const ShootPlan& shoot) {
  for (const catalog::SealPlan& earlier : context.catalog.open_plans()) {
    if (earlier.group == shoot.group) return;  // resumed: it is there
    if (earlier.folder_path == shoot.source.folder.string()) context.catalog.record_seal_ended(earlier.group);
  }
  catalog::SealPlan recorded;
  recorded.group = shoot.group;
  recorded.shoot = shoot.infos.front().shoot;
  recorded.folder_path = shoot.source.folder.string();
  recorded.shoot_name = core::printable(shoot.source.name);
  recorded.planned = shoot.planned;
  recorded.options = shoot.fingerprint;
  for (std::size_t i = 0; i < shoot.volumes.size(); ++i) {
    catalog::PlannedVolume volume{
        shoot.infos[i].volume, shoot.infos[i].part, {}, shoot.volumes[i].sizes.bytes_on_drive};
    for (const std::size_t index : shoot.drives[i]) volume.drives.push_back(plan.drives[index].drive.drive.id);
    recorded.volumes.push_back(std::move(volume));
  }
  context.catalog.record_seal_planned(recorded);
}

Plan plan_seal(Context& context, const SealRequest& request) {
  Plan plan;
  plan.request = request;
  std::vector<std::vector<std::size_t>> targets;
  const std::vector<io::Path> folders = shoot_folders(context, request, plan);
  plan.drives = attach_targets(context, request, targets);
  note_shared_disks(plan);
  const fv::Layout layout = request.layout.value_or(shelf::policy_from(context.catalog.policy()).layout);
  if (folders.size() > 1 && (!request.name.empty() || !request.date.empty())) {
    throw Error(Code::kUsage, "--name and --date are for a single shoot",
                "seal the shoots one by one, or leave them out");
  }
  Allocator allocator(context.fs, plan.drives, targets);
  photo::Pool pool;
  for (const io::Path& folder : folders) {
    check_apart(folder, plan.drives);
    volume::SourceShoot source = volume::scan_shoot(context.fs, folder, request.excludes, context.work);
    if (source.files == 0) {
      if (folders.size() == 1)
        throw Error(Code::kUsage, fmt::format("the shoot {} is empty", core::printable(folder.string())),
                    "name a folder with photos in it");
      plan.notes.push_back(fmt::format("{} is empty: left out", core::printable(folder.string())));
      continue;
    }
    if (request.date.empty() && source.date_from != volume::SourceShoot::DateFrom::kName) {
      if (const std::string day = capture_date(context, pool, source); !day.empty()) {
        source.date = day;
        source.date_from = volume::SourceShoot::DateFrom::kPhotos;
      }
    }
    ShootPlan shoot = recognise(context, request, layout, std::move(source));
    place_volumes(context, plan, shoot, allocator);
    if (shoot.kind != ShootPlanKind::kSealed) {
      plan.bytes += shoot.source.bytes;
      plan.photos += shoot.source.photos;
      plan.files += shoot.source.files;
      if (shoot.kind != ShootPlanKind::kMissingCopies) shoot.pictures = look_at_pictures(context, shoot.source);
    }
    plan.shoots.push_back(std::move(shoot));
  }
  if (plan.shoots.empty())
    throw Error(Code::kUsage, "there is nothing to seal: every folder named is empty",
                "name folders with photos in them");
  plan.estimate = estimate_of(plan, context.work.thread_count());
  plan.parity_plan = explain_parity(plan, context.work);
  return plan;
}

}  // namespace darkshelf::rituals
