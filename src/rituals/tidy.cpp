#include "rituals/tidy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/examine.hpp"
#include "rituals/wear.hpp"
#include "shelf/policy.hpp"
#include "volume/litter.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr int kDeepest = 200;

class Tidying {
 public:
  Tidying(Context& context, const std::string& drive)
      : context_(context), drive_(attach(context, drive, Visit::kWrite)) {
    const std::string label = drive_.drive.label;
    if (!drive_.lock) {
      throw Error(Code::kWrongDrive, fmt::format("{} is read-only: nothing can be removed from it", label),
                  "mount it for writing, and type the same command again; what was left there harms nothing");
    }
    look_at_wear(context, drive_);
    if (const std::string why = shelf::why_failing(context.catalog, drive_.drive.id); !why.empty()) {
      throw Error(Code::kWrongDrive,
                  fmt::format("the medium of {} is failing ({}): nothing is removed from it", label, why),
                  fmt::format("darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(label)));
    }
    report_.drive = drive_.drive;
  }

  TidyReport run() {
    for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id))
      known_.emplace(drive_.volume_folder(volume), volume);
    for (const io::Path& folder : volume::volume_folders(context_.fs, drive_.root)) volumes_.insert(folder);
    for (const auto& [folder, volume] : known_) volumes_.insert(folder);
    const io::Path root = context_.fs.canonical(drive_.root);
    for (const io::Path& mount : io::mounts_in(context_.fs, drive_.root))
      mounts_.insert(mount.lexically_relative(root));
    walk(std::string(fd::kFolder), 0);
    return std::move(report_);
  }

 private:
  bool is_kept_aside(const std::string& below) const {
    return below == fd::kIncoming || below == fd::kJournal || below == fd::kQuarantine;
  }

  void walk(const std::string& below, int depth) {
    if (depth > kDeepest || is_kept_aside(below)) return;
    const io::Path folder = drive_.root / below;
    if (mounts_.contains(below)) return;  // of another drive, or of another folder
    if (volumes_.contains(folder) && !protect(folder, below)) return;
    bool removed = false;
    for (const io::Entry& entry : context_.fs.list(folder)) {
      context_.work.check();
      const std::string path = below + "/" + entry.name;
      if (volume::is_litter(entry.name) && entry.name != volume::kLostAndFound) {
        removed |= take(path, entry);
      } else if (entry.type == io::FileType::kDirectory) {
        walk(path, depth + 1);
      }
    }
    if (removed) context_.fs.sync_dir(folder);
  }

  /// All that the seal of the volume lists is out of bounds from now on; false if nobody can tell what that is.
  bool protect(const io::Path& folder, const std::string& below) {
    try {
      const auto known = known_.find(folder);
      const auto seal = known == known_.end() ? std::nullopt : known_seal(known->second);
      const volume::LoadedVolume loaded =
          volume::load_volume(context_.fs, folder, seal, io::ReadMode::kCached, context_.work);
      for (const auto* list : {&loaded.tagmanifest, &loaded.manifest}) {
        for (const fv::ManifestEntry& entry : *list) sealed_.insert(below + "/" + entry.path);
      }
      return true;
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      report_.left.push_back(
          {below, 0, fmt::format("its lists cannot be had, and nothing in it was touched: {}", error.what()), false});
      return false;
    }
  }

  /// The path itself, or anything in it.
  bool is_sealed(const std::string& path) const {
    const auto inside = sealed_.lower_bound(path + "/");
    return sealed_.contains(path) || (inside != sealed_.end() && inside->starts_with(path + "/"));
  }

  /// Is it what its name says? macOS begins each "._NAME" with the same four bytes.
  std::string why_not(const std::string& path, const io::Entry& entry) {
    if (is_sealed(path)) return "the seal lists it";
    if (std::any_of(mounts_.begin(), mounts_.end(), [&](const io::Path& mount) { return io::lies_in(mount, path); }))
      return "something else is mounted there";
    if (entry.type == io::FileType::kSymlink) return {};
    const auto wanted = volume::is_litter_folder(entry.name) ? io::FileType::kDirectory : io::FileType::kRegular;
    if (entry.type != wanted) return "it only has such a name";
    if (!entry.name.starts_with("._")) return {};
    core::Bytes first(4);
    first.resize(context_.fs.open_read(drive_.root / path)->read_at(0, first));
    return core::as_text(first) == std::string_view("\x00\x05\x16\x07", 4)
               ? ""
               : "it only has such a name, macOS writes other bytes";
  }

  bool take(const std::string& path, const io::Entry& entry) {
    const io::Path file = drive_.root / path;
    try {
      if (std::string why = why_not(path, entry); !why.empty()) {
        report_.left.push_back({path, 0, std::move(why), false});
        return false;
      }
      const std::uint64_t bytes = entry.type == io::FileType::kSymlink ? 0 : tree_bytes(context_.fs, file);
      if (entry.type == io::FileType::kDirectory)
        io::remove_tree(context_.fs, file);
      else
        context_.fs.remove_file(file);
      report_.removed.push_back({path, bytes, "", false});
      report_.bytes += bytes;
      return true;
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      report_.left.push_back({path, 0, error.what(), true});
      return false;
    }
  }

  Context& context_;
  AttachedDrive drive_;
  std::map<io::Path, catalog::Volume> known_;
  std::set<io::Path> volumes_;
  std::set<io::Path> mounts_;     // below the drive's root
  std::set<std::string> sealed_;  // paths below the drive's root
  TidyReport report_;
};

}  // namespace

TidyReport tidy(Context& context, const std::string& drive) { return Tidying(context, drive).run(); }

}  // namespace darkshelf::rituals
