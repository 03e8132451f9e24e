#include "io/confined_drive.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/paths.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kBlock = core::AlignedBuffer::kAlignment;
constexpr unsigned kErrorsUntilGone = 64;
constexpr std::size_t kFilesToChooseFrom = 1000, kFilesToAsk = 8;

/// What the system says of a device that it no longer has.
bool is_about_device(const Error& error) {
  switch (error.os_error()) {
    case ENODEV:
    case ENXIO:
    case ENOMEDIUM:
    case ENOTCONN:
    case ESHUTDOWN:
    case ESTALE:
    case EREMOTEIO:
    case EHOSTDOWN:
    case ENOLINK:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

ConfinedDrive::ConfinedDrive(FileSystem& below, Path root, std::string name, Path folder,
                             std::chrono::milliseconds answer_within)
    : below_(below), name_(std::move(name)), answer_within_(answer_within) {
  try {
    const auto now = below_.stat_following(root);
    if (!now || now->type != FileType::kDirectory)
      throw Error(Code::kDriveGone, core::printable(root.string()) + " is no longer there");
    const bool lasting = below_.space(root).lasting_inodes;
    root_ = {std::move(root), now->device, lasting ? now->inode : 0};
    const auto inside = folder.empty() ? std::nullopt : below_.stat(folder);
    if (inside && inside->type == FileType::kDirectory)
      folder_ = {std::move(folder), inside->device, lasting ? inside->inode : 0};
  } catch (const Error& error) {
    if (!is_read_error(error) && !is_about_device(error)) throw;
    throw Error(Code::kDriveGone, name_ + " does not answer: " + error.what(),
                "look at its cable, plug it in again and type the same command");
  }
}

bool ConfinedDrive::holds(const Path& path) const { return lies_in(path, root_.path); }

bool ConfinedDrive::is_same(const ConfinedDrive& now) const {
  return !gone_ && name_ == now.name_ && root_ == now.root_ && folder_ == now.folder_;
}

void ConfinedDrive::require_answering() const {
  if (!gone_) return;
  const std::lock_guard hold(mutex_);
  throw Error(Code::kDriveGone, name_ + " " + why_,
              "look at its cable, plug it in again and type the same command; nothing was recorded since the last good "
              "read");
}

void ConfinedDrive::leave(const std::string& why) {
  {
    const std::lock_guard hold(mutex_);
    if (!gone_) why_ = why;
    gone_ = true;
  }
  require_answering();
  std::abort();  // it has thrown
}

bool ConfinedDrive::is_as_it_was(const Folder& folder) {
  if (folder.path.empty()) return true;
  try {
    const auto now = below_.stat_following(folder.path);
    return now && now->device == folder.device && (folder.inode == 0 || now->inode == folder.inode);
  } catch (const Error&) {
    return false;
  }
}

void ConfinedDrive::require_there() {
  require_answering();
  for (const Folder& folder : {std::cref(root_), std::cref(folder_)}) {
    if (!is_as_it_was(folder))
      leave("left in mid-work: " + core::printable(folder.path.string()) + " is no longer the folder it was");
  }
}

void ConfinedDrive::good(const std::shared_ptr<const Path>& file, std::uint64_t offset, bool from_medium) {
  const std::lock_guard hold(mutex_);
  errors_in_a_row_ = 0;
  const Place place{file, offset / kBlock * kBlock, from_medium};
  for (Place* kept : {&first_, &last_}) {
    const bool better = kept->file == nullptr || (from_medium && !kept->from_medium);
    const bool newer = kept == &last_ && from_medium == kept->from_medium;
    if (better || newer) *kept = place;
  }
}

ConfinedDrive::Answer ConfinedDrive::ask(const Place& place) {
  if (!place.file) return Answer::kNotThere;
  core::AlignedBuffer block(kBlock);
  try {
    const auto file = below_.open_read(*place.file, ReadMode::kDirect);
    file->answer_within(answer_within_);
    return file->read_at(place.offset, block.span()) > 0 ? Answer::kGood : Answer::kNotThere;
  } catch (const Unanswered&) {
    return Answer::kHangs;
  } catch (const Error& error) {
    return is_read_error(error) || is_about_device(error) ? Answer::kNone : Answer::kNotThere;
  }
}

bool ConfinedDrive::gives_anything_but(const Path& file) {
  std::vector<std::pair<Path, std::uint64_t>> files;  // with their lengths
  const auto add_files = [&](const Path& folder, auto&& add, int depth) -> void {
    try {
      for (const Entry& entry : below_.list(folder)) {
        const Path path = folder / entry.name;
        if (files.size() >= kFilesToChooseFrom) return;
        if (entry.type == FileType::kDirectory && depth > 0) add(path, add, depth - 1);
        if (entry.type != FileType::kRegular || path == file) continue;
        if (const auto stat = below_.stat(path); stat && stat->bytes > 0 && stat->device == root_.device)
          files.emplace_back(path, stat->bytes);
      }
    } catch (const Error&) {  // nothing of this folder then
    }
  };
  if (!folder_.path.empty()) add_files(folder_.path, add_files, 3);
  if (files.size() < kFilesToChooseFrom) add_files(root_.path, add_files, 0);
  std::uint64_t turn = 0;
  Place first, last;
  {
    const std::lock_guard hold(mutex_);
    turn = turns_++;
    first = first_;
    last = last_;
  }
  const std::size_t asked = std::min(kFilesToAsk, files.size());
  for (std::size_t i = 0; i < asked; ++i) {
    // Far from each other, and elsewhere at every turn: neither one bad region nor what it remembers shall decide.
    const auto& [path, bytes] = files[(turn + i * files.size() / asked) % files.size()];
    const Place place{std::make_shared<const Path>(path), (turn * 7919 + i) % core::divide_up(bytes, kBlock) * kBlock,
                      true};
    const auto is_at = [&](const Place& known) {
      return known.file && *known.file == *place.file && known.offset == place.offset;
    };
    if (is_at(first) || is_at(last)) continue;
    const Answer answer = ask(place);
    if (answer == Answer::kHangs) return false;
    if (answer != Answer::kGood) continue;
    good(place.file, place.offset, true);
    return true;
  }
  return false;
}

void ConfinedDrive::failed(const Error& error, bool again) {
  if (error.code() == Code::kDriveGone) return;
  if (dynamic_cast<const Unanswered*>(&error) != nullptr)
    leave(std::string("does not answer: ") + error.what() + ", and the work on it ends here");
  require_there();
  if (!is_read_error(error) && !is_about_device(error)) return;
  Place first, last;
  unsigned in_a_row = 0;
  {
    const std::lock_guard hold(mutex_);
    in_a_row = again ? errors_in_a_row_ : ++errors_in_a_row_;
    first = first_;
    last = last_;
  }
  const std::string what = error.what();
  if (!last.file || in_a_row >= kErrorsUntilGone) {
    if (gives_anything_but(error.path())) return;
    leave(!last.file ? "left in mid-work: it does not answer (" + what + ")"  // and never did
                     : "left in mid-work: it stopped answering (" + what +
                           "; 64 errors without one good read, and no other file can be read either)");
  }
  Answer answer = ask(last);
  if (answer == Answer::kNotThere) answer = ask(first);  // what was read last is removed since
  if (answer == Answer::kNone || answer == Answer::kHangs)
    leave("left in mid-work: it stopped answering (" + what +
          "; what could be read before cannot be read any more either)");
}

}  // namespace darkshelf::io
