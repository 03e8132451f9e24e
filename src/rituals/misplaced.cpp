#include "rituals/misplaced.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/signatures.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

std::optional<MisplacedVolume> misplaced_volume(Context& context, const AttachedDrive& drive, const io::Path& folder,
                                                const shelf::Link& link) {
  for (const catalog::Volume& volume : context.catalog.volumes_on(drive.drive.id)) {
    if (volume.info.volume != link.volume || core::to_hex(volume.seal) != link.seal) continue;
    const io::Path place = drive.volume_folder(volume);
    if (place == folder) return {};
    const io::Looked there = io::look_at(context.fs, place);
    return MisplacedVolume{folder, place, link.volume, there.stat.has_value() || there.unreadable};
  }
  return {};
}

std::optional<io::Path> renamed_folder_of(Context& context, const AttachedDrive& drive, const catalog::Volume& volume) {
  const io::Looked there = io::look_at(context.fs, drive.volume_folder(volume));
  if (there.stat || there.unreadable) return {};
  std::vector<io::Path> unreadable;
  for (const io::Path& folder : volume::volume_folders(context.fs, drive.root, &unreadable)) {
    const auto link = link_at(context, folder);
    const auto found = link ? misplaced_volume(context, drive, folder, *link) : std::nullopt;
    if (found && found->volume == volume.info.volume) return found->path;
  }
  return {};
}

std::string rename_back(const io::Path& path, const io::Path& belongs) {
  return fmt::format("mv {} {}", core::shell_quote(path.string()), core::shell_quote(belongs.string()));
}

}  // namespace darkshelf::rituals
