#include "rituals/work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "core/pictures.hpp"
#include "core/text.hpp"
#include "rituals/restore_files.hpp"
#include "rituals/sealed_files.hpp"
#include "rituals/source_walk.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

class Looking {
 public:
  Looking(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, core::Time now)
      : fs_(fs), catalog_(catalog), work_(work), now_(now), shoots_(catalog.shoots()) {}

  WorkReport run() {
    for (const catalog::WorkFolder& folder : catalog_.work_folders()) out_.folders.push_back(look_at(folder));
    for (const auto state : {WorkShoot::State::kPartly, WorkShoot::State::kNotSealed}) {
      bool first = true;  // what is not sealed at all stands for both
      for (const WorkFolderReport& folder : out_.folders) {
        for (const WorkShoot& shoot : folder.shoots) {
          if (shoot.state != state) continue;
          ++(state == WorkShoot::State::kPartly ? out_.partly : out_.not_sealed);
          if (!first && shoot.days <= out_.oldest_days) continue;
          out_.oldest_days = shoot.days;
          out_.oldest = shoot.folder;
          first = false;
        }
      }
    }
    return std::move(out_);
  }

 private:
  WorkFolderReport look_at(const catalog::WorkFolder& folder) {
    WorkFolderReport report{folder, false, {}, {}};
    try {
      const auto stat = fs_.stat_following(folder.path);
      report.gone = !stat || stat->type != io::FileType::kDirectory;
      if (report.gone) return report;
      const volume::ShootFolders found = volume::find_shoots(fs_, folder.path, 1);
      const bool one = !found.loose.empty();
      for (const io::Path& path : one ? std::vector<io::Path>{fs_.canonical(folder.path)} : found.shoots) {
        if (seen_.insert(path).second) look_at_shoot(path, report);
      }
    } catch (const Error& error) {
      if (error.code() != Code::kIo && error.code() != Code::kUsage) throw;
      report.unreadable.emplace_back(error.what());
    }
    std::sort(report.shoots.begin(), report.shoots.end(), [](const WorkShoot& a, const WorkShoot& b) {
      return std::tie(a.date, a.name) < std::tie(b.date, b.name);
    });
    return report;
  }

  void look_at_shoot(const io::Path& folder, WorkFolderReport& report) {
    WorkShoot shoot;
    shoot.folder = folder;
    shoot.name = folder.filename().string();
    std::vector<fv::Member> files;
    std::vector<std::string> paths;
    std::int64_t newest = 0;
    try {
      const SourceWalk walk = walk_source(fs_, folder, work_, [&](const WalkedFolder& here) {
        for (const WalkedFile& file : here.files) {
          fv::Member member;
          member.path = shoot.name + "/" + file.below;
          member.bytes = file.stat.bytes;
          member.mtime_ns = file.stat.mtime_ns;
          shoot.bytes += member.bytes;
          if (volume::is_picture(file.path.filename().string())) newest = std::max(newest, member.mtime_ns);
          paths.push_back(member.path);
          files.push_back(std::move(member));
        }
      });
      for (const auto& [below, why] : walk.unreadable) report.unreadable.push_back(why);
    } catch (const Error& error) {
      if (error.code() != Code::kIo && error.code() != Code::kUsage) throw;
      report.unreadable.emplace_back(error.what());
      return;
    }
    shoot.photos = volume::count_photos(paths);
    shoot.files = files.size();
    if (shoot.photos == 0) return;
    compare(files, shoot);
    find_age(newest, shoot);
    report.shoots.push_back(std::move(shoot));
  }

  /// The sealed shoot of this name with at least one of its files; the most of them if there are several.
  void compare(const std::vector<fv::Member>& files, WorkShoot& shoot) {
    shoot.unsealed_files = files.size();
    for (const catalog::Shoot& known : shoots_) {
      if (known.discarded || known.folder != core::printable(shoot.name)) continue;
      const SealedFiles sealed = sealed_files(catalog_, known.id);
      const auto lacking = static_cast<std::uint64_t>(std::count_if(files.begin(), files.end(), [&](const auto& file) {
        const auto at = sealed.find(file.path);
        return at == sealed.end() || !same_file(at->second, file);
      }));
      shoot.unsealed_files = std::min(shoot.unsealed_files, lacking);
    }
    shoot.state = shoot.unsealed_files == files.size() ? WorkShoot::State::kNotSealed
                  : shoot.unsealed_files > 0           ? WorkShoot::State::kPartly
                                                       : WorkShoot::State::kSealed;
  }

  void find_age(std::int64_t newest, WorkShoot& shoot) const {
    core::Time when{std::chrono::nanoseconds(newest)};
    const auto leading = core::leading_date(shoot.name);
    const auto named = leading ? core::parse_date(leading->date) : std::nullopt;
    if (named) when = *named;
    shoot.date = core::format_date(when);
    shoot.days = std::max<std::int64_t>(std::chrono::floor<std::chrono::days>(now_ - when).count(), 0);
  }

  io::FileSystem& fs_;
  catalog::Catalog& catalog_;
  const core::Work& work_;
  core::Time now_;
  std::vector<catalog::Shoot> shoots_;
  std::set<io::Path> seen_;
  WorkReport out_;
};

}  // namespace

WorkReport look_at_work(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, core::Time now) {
  if (catalog.work_folders().empty()) return {};
  return Looking(fs, catalog, work, now).run();
}

io::Path folder_to_work_in(io::FileSystem& fs, const io::Path& argument) {
  const auto stat = fs.stat_following(argument);
  if (!stat)
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(argument.string())),
                "look at how the folder is called (ls), and name it as it is");
  if (stat->type != io::FileType::kDirectory)
    throw Error(Code::kUsage, fmt::format("{} is not a folder", core::printable(argument.string())),
                "name the folder it lies in");
  const io::Path folder = fs.canonical(argument);
  refuse_archive_around(fs, folder);
  return folder;
}

catalog::WorkFolder work_folder(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& argument) {
  const io::Path full = argument.is_absolute() ? argument : fs.canonical(".") / argument;
  std::vector<std::string> names = {full.lexically_normal().string()};
  while (names.front().size() > 1 && (names.front().ends_with('/') || names.front().ends_with("/."))) {
    names.front().resize(names.front().rfind('/'));
  }
  if (fs.stat_following(argument)) names.push_back(fs.canonical(argument).string());
  for (const catalog::WorkFolder& folder : catalog.work_folders()) {
    if (std::find(names.begin(), names.end(), folder.path) != names.end()) return folder;
  }
  throw Error(Code::kNotFound, fmt::format("{} is not among the work folders", core::printable(argument.string())),
              "darkshelf work list");
}

}  // namespace darkshelf::rituals
