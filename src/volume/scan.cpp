#include "volume/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "core/error.hpp"
#include "core/text.hpp"
#include "volume/litter.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::volume {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kDeepest = 200;  // folders within folders

class Scan {
 public:
  Scan(io::FileSystem& fs, const std::vector<std::string>& excludes, const core::Work& work)
      : fs_(fs), excludes_(excludes), work_(work) {}
  Scan(io::FileSystem& fs, const AsItIs& how, const core::Work& work) : fs_(fs), work_(work), as_it_is_(&how) {}

  SourceShoot run(const io::Path& folder) {
    const auto stat = fs_.stat_following(folder);
    if (!stat) throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(folder.string())));
    if (stat->type != io::FileType::kDirectory) {
      throw Error(Code::kNotFound, fmt::format("{} is a file; a shoot is a folder", core::printable(folder.string())));
    }
    out_.folder = fs_.canonical(folder);
    out_.name = as_it_is_ != nullptr && !as_it_is_->name.empty() ? as_it_is_->name : out_.folder.filename().string();
    if (as_it_is_ == nullptr) refuse_archive(archive_around(fs_, out_.folder));
    add_folder(out_.folder, out_.name, *stat);
    walk(out_.folder, out_.name, 1);
    std::sort(out_.entries.begin(), out_.entries.end(),
              [](const auto& a, const auto& b) { return a.member.path < b.member.path; });
    name_hard_links();
    count();
    find_date();
    return std::move(out_);
  }

 private:
  bool is_excluded(const std::string& name, const std::string& path) const {
    const std::string below = path.substr(std::min(path.size(), out_.name.size() + 1));
    return std::any_of(excludes_.begin(), excludes_.end(), [&](const std::string& glob) {
      return core::glob_match(glob, name) || core::glob_match(glob, below);
    });
  }

  void leave_out(const std::string& path, const std::string& reason) { out_.left_out.push_back({path, reason}); }

  SourceEntry entry_for(const io::Path& source, const std::string& path, const io::Stat& stat, fv::MemberType type) {
    SourceEntry entry;
    entry.member.type = type;
    entry.member.path = path;
    entry.member.mtime_ns = stat.mtime_ns;
    entry.member.mode = stat.mode;
    entry.source = source;
    entry.ctime_ns = stat.ctime_ns;
    if (type != fv::MemberType::kSymlink && as_it_is_ == nullptr) {
      for (auto& [name, value] : fs_.xattrs(source)) {
        if (core::is_utf8(name)) {
          entry.member.xattrs[name] = value;
        } else {
          leave_out(path, fmt::format("its attribute {} has a name that is not UTF-8; the file itself is sealed",
                                      core::printable(name)));
        }
      }
    }
    return entry;
  }

  void add_folder(const io::Path& source, const std::string& path, const io::Stat& stat) {
    out_.entries.push_back(entry_for(source, path, stat, fv::MemberType::kDirectory));
  }

  void walk(const io::Path& folder, const std::string& below, std::size_t depth) {
    work_.check();
    if (depth > kDeepest) {
      out_.unreadable.push_back({below, fmt::format("folders within folders more than {} deep", kDeepest)});
      return;
    }
    std::vector<io::Entry> entries;
    try {
      entries = fs_.list(folder);
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      out_.unreadable.push_back({below, fmt::format("cannot be read: {}", error.what())});
      return;
    }
    if (as_it_is_ == nullptr) {
      refuse_archive(is_archive(fs_, folder) ? folder : io::Path());
      refuse_open_lightroom(folder, entries);
    } else if (is_archive(fs_, folder)) {
      return leave_out(below, "an archive of darkshelf");
    }
    for (const io::Entry& entry : entries) visit(folder / entry.name, entry.name, below + "/" + entry.name, depth);
  }

  static void refuse_archive(const io::Path& archive) {
    if (archive.empty()) return;
    throw Error(Code::kUsage,
                fmt::format("{} is the archive of a drive: what is sealed is not sealed again",
                            core::printable(archive.string())),
                "darkshelf copy DRIVE --to DRIVE brings its volumes to another drive; give the folders of the shoots");
  }

  void refuse_open_lightroom(const io::Path& folder, const std::vector<io::Entry>& entries) {
    for (const io::Entry& entry : entries) {
      if (!entry.name.ends_with(".lrcat.lock")) continue;
      throw Error(Code::kFailed,
                  fmt::format("the Lightroom catalog in {} is open: what is sealed now could not be opened later",
                              core::printable(folder.string())),
                  "close Lightroom and type the same command again");
    }
  }

  void visit(const io::Path& source, const std::string& name, const std::string& path, std::size_t depth) {
    if (as_it_is_ != nullptr && as_it_is_->skip.contains(source)) return;
    if (as_it_is_ != nullptr && as_it_is_->is_ours != nullptr && as_it_is_->is_ours(name))
      return leave_out(path, "darkshelf put it there");
    if (is_of_no_shoot(name)) return leave_out(path, "left by the operating system");
    if (name.ends_with(".lrdata")) return leave_out(path, "previews that Lightroom makes again");
    if (is_excluded(name, path)) return leave_out(path, "excluded");
    try {
      const auto stat = fs_.stat(source);
      if (!stat) return;  // gone between listing and looking
      switch (stat->type) {
        case io::FileType::kDirectory:
          add_folder(source, path, *stat);
          return walk(source, path, depth + 1);
        case io::FileType::kSymlink: {
          SourceEntry entry = entry_for(source, path, *stat, fv::MemberType::kSymlink);
          entry.member.link = fs_.read_link(source);
          entry.member.mode = 0777;
          out_.entries.push_back(std::move(entry));
          return;
        }
        case io::FileType::kRegular: {
          SourceEntry entry = entry_for(source, path, *stat, fv::MemberType::kFile);
          entry.member.bytes = stat->bytes;
          if (stat->links > 1) inodes_[{stat->device, stat->inode}].push_back(path);
          out_.entries.push_back(std::move(entry));
          return;
        }
        case io::FileType::kOther:
          return leave_out(path, "neither a file, a folder nor a link");
      }
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      out_.unreadable.push_back({path, fmt::format("cannot be read: {}", error.what())});
    }
  }

  /// Of several names of one file the first in order carries the bytes.
  void name_hard_links() {
    std::map<std::string, std::string> first_of;
    for (auto& [inode, paths] : inodes_) {
      const std::string first = *std::min_element(paths.begin(), paths.end());
      for (const std::string& path : paths) {
        if (path != first) first_of[path] = first;
      }
    }
    for (SourceEntry& entry : out_.entries) {
      const auto link = first_of.find(entry.member.path);
      if (link == first_of.end()) continue;
      entry.member.type = fv::MemberType::kHardLink;
      entry.member.link = link->second;
      entry.member.bytes = 0;
    }
  }

  void count() {
    std::vector<std::string> paths;
    for (const SourceEntry& entry : out_.entries) {
      if (entry.member.type != fv::MemberType::kFile && entry.member.type != fv::MemberType::kHardLink) continue;
      paths.push_back(entry.member.path);
      out_.bytes += entry.member.bytes;
    }
    out_.files = paths.size();
    out_.photos = count_photos(paths);
  }

  void find_date() {
    if (const auto leading = core::leading_date(out_.name)) {
      out_.date = leading->date;
      out_.date_from = SourceShoot::DateFrom::kName;
      return;
    }
    std::vector<std::int64_t> times;
    for (const SourceEntry& entry : out_.entries) {
      if (entry.member.type == fv::MemberType::kFile && is_picture(entry.source.filename().string()))
        times.push_back(entry.member.mtime_ns);
    }
    if (times.empty()) return;
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    out_.date = core::format_date(core::Time(std::chrono::nanoseconds(*middle)));
    out_.date_from = SourceShoot::DateFrom::kTimes;
    if (core::parse_date(out_.date)) return;
    out_.date.clear();  // a time that cannot be meant
    out_.date_from = SourceShoot::DateFrom::kNothing;
  }

  io::FileSystem& fs_;
  const std::vector<std::string> excludes_{};
  const core::Work& work_;
  const AsItIs* as_it_is_ = nullptr;  // null: to be sealed
  SourceShoot out_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::string>> inodes_;
};

bool has_pictures(io::FileSystem& fs, const io::Path& folder) {
  const auto entries = fs.list(folder);
  return std::any_of(entries.begin(), entries.end(), [](const io::Entry& entry) {
    return entry.type == io::FileType::kRegular && is_picture(entry.name) && !is_of_no_shoot(entry.name);
  });
}

/// Pictures in the folder itself, or in a folder right below it (RAW/, JPEG/).
bool is_like_a_shoot(io::FileSystem& fs, const io::Path& folder) {
  if (has_pictures(fs, folder)) return true;
  for (const io::Entry& entry : fs.list(folder)) {
    if (entry.type == io::FileType::kDirectory && !is_of_no_shoot(entry.name) && has_pictures(fs, folder / entry.name))
      return true;
  }
  return false;
}

void shoots_at(io::FileSystem& fs, const io::Path& folder, unsigned depth, ShootFolders& out) {
  for (const io::Entry& entry : fs.list(folder)) {
    const io::Path path = folder / entry.name;
    if (is_of_no_shoot(entry.name)) continue;
    if (entry.type == io::FileType::kRegular && is_picture(entry.name)) out.loose.push_back(path);
    if (entry.type != io::FileType::kDirectory) continue;
    if (depth == 1) {
      out.shoots.push_back(path);
    } else {
      shoots_at(fs, path, depth - 1, out);
    }
  }
}

}  // namespace

SourceShoot scan_shoot(io::FileSystem& fs, const io::Path& folder, const std::vector<std::string>& excludes,
                       const core::Work& work) {
  return Scan(fs, excludes, work).run(folder);
}

SourceShoot scan_as_it_is(io::FileSystem& fs, const io::Path& folder, const AsItIs& how, const core::Work& work) {
  return Scan(fs, how, work).run(folder);
}

ShootFolders find_shoots(io::FileSystem& fs, const io::Path& argument, unsigned depth) {
  const auto stat = fs.stat_following(argument);
  if (!stat || stat->type != io::FileType::kDirectory) {
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", core::printable(argument.string())));
  }
  const io::Path folder = fs.canonical(argument);
  ShootFolders out;
  if (depth > 0) {
    shoots_at(fs, folder, depth, out);
    return out;
  }
  out.shoots.push_back(folder);
  for (const io::Entry& entry : fs.list(folder)) {
    const io::Path path = folder / entry.name;
    if (entry.type == io::FileType::kDirectory && !is_of_no_shoot(entry.name) && is_like_a_shoot(fs, path))
      ++out.with_pictures;
  }
  out.looks_like_year = out.with_pictures >= 3 && !has_pictures(fs, folder);
  return out;
}

}  // namespace darkshelf::volume
