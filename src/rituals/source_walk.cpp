#include "rituals/source_walk.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "volume/litter.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kDeepest = 200;  // folders within folders, as in a seal

class Walking {
 public:
  Walking(io::FileSystem& fs, const core::Work& work, const std::function<void(const WalkedFolder&)>& each)
      : fs_(fs), work_(work), each_(each) {}

  SourceWalk run(const io::Path& folder) {
    walk(folder, "", 1);
    return std::move(out_);
  }

 private:
  void walk(const io::Path& folder, const std::string& below, std::size_t depth) {
    work_.check();
    if (depth > kDeepest) return unreadable(below, fmt::format("folders within folders more than {} deep", kDeepest));
    if (volume::is_archive(fs_, folder)) {
      throw Error(Code::kUsage,
                  fmt::format("{} is the archive of a drive, not a folder of photos", core::printable(folder.string())),
                  "darkshelf check DRIVE   (tells whether what is on a drive is intact)");
    }
    std::vector<io::Entry> entries;
    if (!or_unreadable(below, [&] { entries = fs_.list(folder); })) return;
    WalkedFolder here;
    std::vector<std::string> folders;
    for (const io::Entry& entry : entries) {
      const std::string path = below.empty() ? entry.name : below + "/" + entry.name;
      if (volume::is_of_no_shoot(entry.name) || entry.name.ends_with(".lrdata")) {
        ++out_.left_out;
        continue;
      }
      or_unreadable(path, [&] {
        const auto stat = fs_.stat(folder / entry.name);
        if (!stat) return;  // gone between listing and looking
        if (stat->type == io::FileType::kDirectory) folders.push_back(entry.name);
        if (stat->type == io::FileType::kSymlink) ++out_.links;
        if (stat->type == io::FileType::kOther) ++out_.left_out;
        if (stat->type == io::FileType::kRegular) here.files.push_back({folder / entry.name, path, *stat});
      });
    }
    if (!here.files.empty()) each_(here);
    here = {};
    for (const std::string& name : folders) walk(folder / name, below.empty() ? name : below + "/" + name, depth + 1);
  }

  void unreadable(const std::string& below, const std::string& why) { out_.unreadable.emplace_back(below, why); }

  template <typename Body>
  bool or_unreadable(const std::string& below, Body body) {
    try {
      body();
      return true;
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      unreadable(below, error.what());
      return false;
    }
  }

  io::FileSystem& fs_;
  const core::Work& work_;
  const std::function<void(const WalkedFolder&)>& each_;
  SourceWalk out_;
};

}  // namespace

SourceWalk walk_source(io::FileSystem& fs, const io::Path& folder, const core::Work& work,
                       const std::function<void(const WalkedFolder&)>& each) {
  return Walking(fs, work, each).run(folder);
}

}  // namespace darkshelf::rituals
