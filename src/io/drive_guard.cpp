#include "io/drive_guard.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

/// An open file of a drive: what goes wrong with it is looked into.
class GuardedFile final : public File {
  template <typename Work>
  auto guarded(Work work) {
    drive_->require_answering();
    try {
      return work();
    } catch (const Error& error) {
      drive_->failed(error);
      throw;
    }
  }

 public:
  GuardedFile(std::unique_ptr<File> below, std::shared_ptr<ConfinedDrive> drive, const Patience& patience)
      : below_(std::move(below)),
        drive_(std::move(drive)),
        path_(std::make_shared<const Path>(below_->path())),
        reads_(*below_, *drive_, path_, patience) {
    below_->answer_within(patience.answer_within);
  }

  std::size_t read_at(std::uint64_t offset, core::MutableByteSpan into) override {
    drive_->require_answering();
    return reads_.read(offset, into);
  }
  void write_at(std::uint64_t offset, core::ByteSpan bytes) override {
    guarded([&] { below_->write_at(offset, bytes); });
    drive_->bad().sound(*path_, offset, bytes.size());
  }
  void truncate(std::uint64_t bytes) override {
    guarded([&] { below_->truncate(bytes); });
  }
  void sync() override {
    guarded([&] { below_->sync(); });
  }
  Stat stat() override {
    return guarded([&] { return below_->stat(); });
  }
  void set_mtime(std::int64_t mtime_ns) override {
    guarded([&] { below_->set_mtime(mtime_ns); });
  }
  void set_mode(std::uint32_t mode) override {
    guarded([&] { below_->set_mode(mode); });
  }
  bool is_direct() const override { return below_->is_direct(); }
  const Path& path() const override { return below_->path(); }

 private:
  std::unique_ptr<File> below_;
  std::shared_ptr<ConfinedDrive> drive_;
  std::shared_ptr<const Path> path_;
  SectorReads reads_;
};

}  // namespace

std::vector<UnreadablePlaces> DriveGuard::unreadable_below(const Path& folder) {
  const Drive drive = drive_of(folder);
  return drive ? drive->bad().below(folder) : std::vector<UnreadablePlaces>{};
}

void DriveGuard::forget(const Path& path) {
  if (const Drive drive = drive_of(path)) drive->bad().forget(path);
}

void DriveGuard::confine(const Path& root, const std::string& drive, const Path& folder) {
  auto confined = std::make_shared<ConfinedDrive>(below_, root, drive, folder, patience_.answer_within);
  const std::unique_lock hold(mutex_);
  const auto known =
      std::find_if(drives_.begin(), drives_.end(), [&](const Drive& one) { return one->root() == root; });
  if (known == drives_.end()) {
    drives_.push_back(std::move(confined));
  } else if (!(*known)->is_same(*confined)) {  // else what was learned of it stays
    *known = std::move(confined);
  }
}

DriveGuard::Drive DriveGuard::drive_of(const Path& path) const {
  const std::shared_lock hold(mutex_);
  const auto found =
      std::find_if(drives_.begin(), drives_.end(), [&](const Drive& drive) { return drive->holds(path); });
  return found == drives_.end() ? nullptr : *found;
}

Path DriveGuard::stranger(const ConfinedDrive& drive, const Path& path, Last last) {
  const std::string &whole = path.native(), &start = drive.root().native();
  for (std::size_t end = start.size(); end < whole.size();) {
    end = std::min(whole.find('/', end + 1), whole.size());
    const Path at(whole.substr(0, end));
    const auto found = below_.stat(at);
    if (!found) return {};
    const bool is_last = end == whole.size();
    const bool folder = found->type == FileType::kDirectory && found->device == drive.device();
    if (is_last && last == Last::kAny) return {};
    if (is_last && last == Last::kNoLink) return found->type == FileType::kSymlink ? at : Path();
    if (!folder && (found->type == FileType::kSymlink || found->type == FileType::kDirectory)) return at;
    if (!folder) return {};  // a file where a folder should be: the call itself says so
  }
  return {};
}

void DriveGuard::require(const Drive& drive, const Path& path, Last last) {
  if (!drive) return;
  drive->require_there();
  if (const Path found = stranger(*drive, path, last); !found.empty()) {
    throw Error(Code::kWrongDrive,
                core::printable(found.string()) + " leads away from the drive " + drive->name() +
                    ": it is a link or another file system, which darkshelf never makes; nothing was done there",
                "look where it leads, and remove it if nothing needs it");
  }
}

template <typename Work>
auto DriveGuard::guarded(const Path& path, Last last, Work work) {
  const Drive drive = drive_of(path);
  try {
    require(drive, path, last);
    return work();
  } catch (const Error& error) {
    const bool about_name = error.os_error() == EILSEQ;  // of a file that is read it tells of its bytes
    if (drive && !about_name) drive->failed(error);
    throw;
  }
}

template <typename Open>
std::unique_ptr<File> DriveGuard::opened(const Path& path, Open open) {
  std::unique_ptr<File> file = guarded(path, Last::kNoLink, open);
  if (Drive drive = drive_of(path)) return std::make_unique<GuardedFile>(std::move(file), std::move(drive), patience_);
  return file;
}

std::unique_ptr<File> DriveGuard::open_read(const Path& path, ReadMode mode) {
  std::unique_ptr<File> file = opened(path, [&] { return below_.open_read(path, mode); });
  // Past the cache outside the drives: a medium that is no drive yet, or no longer (rescue). It may hang as well.
  if (mode == ReadMode::kDirect && !drive_of(path)) file->answer_within(patience_.answer_within);
  return file;
}
std::unique_ptr<File> DriveGuard::create(const Path& path) {
  forget(path);
  return opened(path, [&] { return below_.create(path); });
}
std::unique_ptr<File> DriveGuard::open_write(const Path& path) {
  return opened(path, [&] { return below_.open_write(path); });
}
std::optional<Stat> DriveGuard::stat(const Path& path) {
  const Drive drive = drive_of(path);
  if (!drive) return below_.stat(path);
  const bool elsewhere = path != drive->root() && guarded(drive->root(), Last::kFolder, [&] {
                           return !stranger(*drive, path.parent_path(), Last::kFolder).empty();
                         });
  if (elsewhere) return {};
  return guarded(path, Last::kAny, [&] { return below_.stat(path); });
}
std::optional<Stat> DriveGuard::stat_following(const Path& path) {
  return guarded(path, Last::kNoLink, [&] { return below_.stat_following(path); });
}
std::vector<Entry> DriveGuard::list(const Path& folder) {
  return guarded(folder, Last::kFolder, [&] { return below_.list(folder); });
}
std::string DriveGuard::read_link(const Path& path) {
  return guarded(path, Last::kAny, [&] { return below_.read_link(path); });
}
std::map<std::string, std::string> DriveGuard::xattrs(const Path& path) {
  return guarded(path, Last::kAny, [&] { return below_.xattrs(path); });
}
Space DriveGuard::space(const Path& path) {
  return guarded(path, Last::kFolder, [&] { return below_.space(path); });
}
Path DriveGuard::canonical(const Path& path) {
  // Where a link leads is what it is asked for; only a drive that does not answer is told from one that has no such
  // path.
  const Drive drive = drive_of(path);
  if (drive) drive->require_answering();
  try {
    return below_.canonical(path);
  } catch (const Error& error) {
    if (drive) drive->failed(error);
    throw;
  }
}
void DriveGuard::make_dir(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.make_dir(path); });
}
void DriveGuard::make_dirs(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.make_dirs(path); });
}
void DriveGuard::rename(const Path& from, const Path& to) {
  guarded(from, Last::kAny, [] {});
  guarded(to, Last::kAny, [&] { below_.rename(from, to); });
  for (const Path& path : {from, to}) forget(path);
}
void DriveGuard::remove_file(const Path& path) {
  guarded(path, Last::kAny, [&] { below_.remove_file(path); });
}
void DriveGuard::remove_dir(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.remove_dir(path); });
}
void DriveGuard::make_symlink(const std::string& target, const Path& path) {
  guarded(path, Last::kAny, [&] { below_.make_symlink(target, path); });
}
void DriveGuard::make_hard_link(const Path& existing, const Path& path) {
  guarded(existing, Last::kNoLink, [] {});
  guarded(path, Last::kAny, [&] { below_.make_hard_link(existing, path); });
}
void DriveGuard::set_mtime(const Path& path, std::int64_t mtime_ns) {
  guarded(path, Last::kAny, [&] { below_.set_mtime(path, mtime_ns); });
}
void DriveGuard::set_mode(const Path& path, std::uint32_t mode) {
  guarded(path, Last::kNoLink, [&] { below_.set_mode(path, mode); });
}
void DriveGuard::set_xattr(const Path& path, const std::string& name, const std::string& value) {
  guarded(path, Last::kAny, [&] { below_.set_xattr(path, name, value); });
}
void DriveGuard::sync_dir(const Path& folder) {
  guarded(folder, Last::kFolder, [&] { below_.sync_dir(folder); });
}
std::unique_ptr<Lock> DriveGuard::lock(const Path& path, const std::string& what, const std::string& holder) {
  return guarded(path, Last::kNoLink, [&] { return below_.lock(path, what, holder); });
}

}  // namespace darkshelf::io
