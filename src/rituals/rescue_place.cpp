#include "rituals/rescue_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "io/mounts.hpp"
#include "rituals/restore_files.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

std::string_view name_of(RescueState state) {
  switch (state) {
    case RescueState::kRescuable:
      return "rescuable";
    case RescueState::kRescued:
      return "rescued";
    case RescueState::kPayloadOnly:
      return "payload-only";
    case RescueState::kBeyond:
      return "beyond";
    case RescueState::kWithoutLists:
      return "without-lists";
    case RescueState::kFailed:
      return "failed";
  }
  return "";
}

std::string identity_of(io::FileSystem& fs, const io::Path& source) {
  const auto stat = fs.stat_following(source);
  const std::string shown = core::printable(source.string());
  if (!stat)
    throw Error(Code::kNotFound, fmt::format("there is no device or image {}", shown),
                "darkshelf rescue   (lists the disks of this machine)");
  if (stat->type == io::FileType::kDirectory) {
    const io::Medium medium = io::medium_of(fs, source);
    throw Error(Code::kUsage, fmt::format("{} is a folder; a rescue reads the disk itself", shown),
                medium.device.empty() || medium.mount_point == "/"
                    ? "darkshelf rescue   (lists the disks of this machine)"
                    : fmt::format("umount {0} && darkshelf rescue {1}", core::shell_quote(medium.mount_point.string()),
                                  core::shell_quote(medium.device)));
  }
  // A pipe would be waited for, and a terminal has no end.
  if (stat->type != io::FileType::kRegular && !io::is_block_device(source))
    throw Error(Code::kUsage, fmt::format("{} is no disk and no image of one", shown),
                "darkshelf rescue   (lists the disks of this machine)");
  const std::uint64_t bytes = fs.open_read(source)->stat().bytes;
  const auto disk = io::disk_of(fs, source);
  const std::string name = disk && !disk->serial.empty() ? disk->serial : fs.canonical(source).string();
  return fmt::format("{} bytes, {}", bytes, core::printable(name));
}

io::Path existing(io::FileSystem& fs, const io::Path& folder) {
  io::Path at = folder;
  while (!at.empty() && !fs.stat_following(at)) at = at.parent_path();
  return fs.canonical(at.empty() ? io::Path(".") : at);
}

void require_free(io::FileSystem& fs, const RescueRequest& request) {
  const std::vector<io::MountedPart> mounted = io::mounted_of(fs, request.source);
  const std::string shown = core::printable(request.source.string());
  if (request.to) {
    refuse_archive_around(fs, *request.to);
    const io::Path above = existing(fs, *request.to);
    const io::Path mount_point = io::medium_of(fs, above).mount_point;
    const auto stat = fs.stat_following(above);
    if (stat && stat->type != io::FileType::kDirectory)
      throw Error(Code::kUsage, fmt::format("{} is no folder", core::printable(above.string())));
    for (const io::MountedPart& part : mounted) {
      if (part.mount_point == mount_point)
        throw Error(Code::kUsage,
                    fmt::format("{} lies on {} itself, which nothing may be written to",
                                core::printable(request.to->string()), shown),
                    "the same command with --to on another disk");
    }
  }
  for (const io::MountedPart& part : mounted) {
    if (part.read_only) continue;
    throw Error(Code::kInUse,
                fmt::format("{} is in use: {} is mounted at {}, and what writes there may destroy what can still be "
                            "rescued",
                            shown, core::printable(part.device), core::printable(part.mount_point.string())),
                fmt::format("umount {}   (then the same command again)", core::shell_quote(part.mount_point.string())));
  }
}

void require_same(const RescueProgress& progress, const std::string& identity, const io::Path& to, bool began,
                  io::FileSystem& fs) {
  const std::string shown = core::printable(to.string());
  if (!began) {
    if (fs.stat(to / std::string(fd::kFolder)))
      throw Error(Code::kUsage, fmt::format("{} holds an archive already", shown),
                  "the same command with --to and a folder that is new");
  } else if (progress.source != identity) {
    throw Error(Code::kUsage,
                fmt::format("{} is the rescue of another medium ({}); this one is {}", shown,
                            core::printable(progress.source), identity),
                "the same command with --to and a folder that is new");
  }
}

std::uint64_t room_for(const CarvedSet& payload) {
  constexpr std::uint64_t kChecksumCopies = 5, kChecksum = 20, kLine = 65, kRest = 1 << 20;
  const std::uint64_t size = payload.scan.main->slice_bytes;
  std::uint64_t recovery = std::max<std::uint64_t>(16, core::divide_up(payload.slices, 10));
  if (!payload.scan.recovery.empty())
    recovery = std::max<std::uint64_t>(recovery, payload.scan.recovery.back().exponent + 1);
  return payload.bytes + recovery * (size + 68) + payload.slices * (kChecksumCopies * kChecksum + 2 * kLine) + kRest;
}

bool has_shape_of(const volume::LoadedVolume& lists, const CarvedSet& payload) {
  if (lists.info.slice_bytes != payload.scan.main->slice_bytes || lists.files.size() != payload.files.size() ||
      lists.info.slices != payload.slices)
    return false;
  for (std::size_t i = 0; i < lists.files.size(); ++i) {
    const volume::ProtectedFile& a = lists.files[i];
    const parity::NumberedFile& b = payload.files[i];
    if (a.path != b.description.name || a.bytes != b.description.bytes || a.first_slice != b.first_slice) return false;
  }
  return true;
}

bool tells_of(const volume::LoadedVolume& lists, const FoundSlices& payload, io::RawMedium& medium) {
  core::Bytes slice(lists.info.slice_bytes);
  for (const auto& [number, place] : payload.places) {
    const auto bytes = core::MutableByteSpan(slice).first(volume::place_of(lists, number).value().bytes);
    if (medium.read_exactly(place, bytes)) return digest::sha256(bytes) == lists.slices[number];
  }
  return true;
}

void compare_with_catalog(RescueContext& context, const io::Path& source, RescueReport& report) {
  const auto disk = io::disk_of(context.fs, source);
  if (context.catalog == nullptr || !disk || disk->serial.empty()) return;
  std::set<std::string> found, missing;
  for (const RescuedVolume& volume : report.volumes) found.insert(volume.name);
  for (const catalog::Drive& drive : context.catalog->drives()) {
    if (drive.evidence.serial != disk->serial) continue;
    report.was.push_back(drive.label);
    for (const catalog::Volume& volume : context.catalog->volumes_on(drive.id)) {
      if (!found.contains(fv::base_name(volume.info))) missing.insert(fv::base_name(volume.info));
    }
  }
  report.not_found.assign(missing.begin(), missing.end());
}

std::vector<RescueDevice> rescue_devices(RescueContext& context, const io::DeviceTree& tree) {
  std::vector<RescueDevice> out;
  std::vector<catalog::Drive> drives;
  if (context.catalog != nullptr) drives = context.catalog->drives();
  for (io::BlockDevice& device : io::block_devices(context.fs, tree)) {
    RescueDevice one{std::move(device), {}, {}};
    for (const catalog::Drive& drive : drives) {
      const catalog::Evidence& known = drive.evidence;
      // A file system is a little smaller than the disk it is on, and never larger.
      const bool as_large = known.bytes != 0 && known.bytes <= one.device.bytes &&
                            one.device.bytes - known.bytes <= one.device.bytes / 12;
      if (!known.serial.empty() && known.serial == one.device.serial) {
        one.was.push_back(drive.label);
      } else if (as_large && (known.serial.empty() || one.device.serial.empty())) {
        one.like.push_back(drive.label);
      }
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace darkshelf::rituals
