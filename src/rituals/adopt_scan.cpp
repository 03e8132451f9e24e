#include "rituals/adopt_scan.hpp"

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/protect.hpp"
#include "volume/litter.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace {

constexpr std::size_t kDeepest = 200;  // as a scan of a shoot goes

struct Folder {
  io::Path path;
  bool pictures = false;  // of its own
  std::vector<Folder> below;

  bool holds_pictures() const {
    return pictures || std::any_of(below.begin(), below.end(), [](const Folder& one) { return one.holds_pictures(); });
  }
  bool is_like_a_shoot() const {
    return pictures || std::any_of(below.begin(), below.end(), [](const Folder& one) { return one.pictures; });
  }
};

/// What cannot be listed has nothing in it here; the scan of what it lies in tells of it.
Folder tree_at(io::FileSystem& fs, const io::Path& path, const core::Work& work, std::size_t depth) {
  work.check();
  Folder folder;
  folder.path = path;
  const auto entries = io::list_if_readable(fs, path);
  if (!entries || depth > kDeepest || (depth > 0 && volume::is_archive(fs, path))) return folder;
  for (const io::Entry& entry : *entries) {
    if (volume::is_of_no_shoot(entry.name) || entry.name.ends_with(".lrdata")) continue;
    if (entry.type == io::FileType::kRegular) folder.pictures |= volume::is_picture(entry.name);
    if (entry.type == io::FileType::kDirectory) folder.below.push_back(tree_at(fs, path / entry.name, work, depth + 1));
  }
  return folder;
}

/// What darkshelf puts on a drive beside its archive.
bool is_ours(std::string_view name) {
  return is_protection(name) || (name.starts_with("START-HERE photo archive ") && name.ends_with(".txt"));
}

bool is_year(const std::string& name) {
  return name.size() == 4 && (name.starts_with("19") || name.starts_with("20")) &&
         name.find_first_not_of("0123456789") == std::string::npos;
}

/// Do shoots lie in it, rather than being one?
bool holds_shoots(const Folder& folder) {
  if (is_year(folder.path.filename().string())) return true;
  constexpr std::ptrdiff_t kMany = 3;
  const auto& below = folder.below;
  if (std::count_if(below.begin(), below.end(), [](const Folder& one) { return one.is_like_a_shoot(); }) >= kMany)
    return true;
  return std::any_of(below.begin(), below.end(), [](const Folder& one) {
    const bool dated = core::leading_date(one.path.filename().string()).has_value();
    return one.holds_pictures() && (dated || !one.pictures);
  });
}

void choose(const Folder& folder, bool top, std::vector<io::Path>& shoots) {
  const bool is_shoot = !top && (folder.pictures || (folder.is_like_a_shoot() && !holds_shoots(folder)));
  if (is_shoot) return shoots.push_back(folder.path);
  for (const Folder& one : folder.below) choose(one, false, shoots);
}

void at_depth(const Folder& folder, unsigned depth, std::vector<io::Path>& shoots) {
  for (const Folder& one : folder.below) {
    if (depth == 1)
      shoots.push_back(one.path);
    else
      at_depth(one, depth - 1, shoots);
  }
}

}  // namespace

std::vector<FoundShoot> find_all(io::FileSystem& fs, const io::Path& root, std::optional<unsigned> each,
                                 const std::string& name, const core::Work& work) {
  const io::Path archive = root / std::string(formats::drive::kFolder);
  volume::AsItIs loose{each == 0U ? name : std::string(kLooseName), {}, is_ours};
  if (volume::is_archive(fs, archive)) loose.skip.insert(archive);
  std::vector<io::Path> shoots;
  if (each != 0U) {
    Folder top = tree_at(fs, root, work, 0);
    std::erase_if(top.below, [&](const Folder& one) { return one.path == archive && loose.skip.contains(archive); });
    if (each)
      at_depth(top, *each, shoots);
    else
      choose(top, true, shoots);
  }
  std::vector<FoundShoot> found;
  for (const io::Path& folder : shoots) {
    loose.skip.insert(folder);
    found.push_back({io::below(folder, root), false, volume::scan_as_it_is(fs, folder, {{}, {}, is_ours}, work)});
  }
  found.push_back({"", each != 0U, volume::scan_as_it_is(fs, root, loose, work)});
  return found;
}

}  // namespace darkshelf::rituals
