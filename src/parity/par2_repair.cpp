#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "parity/par2_parts.hpp"
#include "parity/reconstruct.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 1 << 20;

/// Keeps the last file open: slices are read in order, mostly of one file.
class SliceFiles {
 public:
  explicit SliceFiles(io::FileSystem& fs) : fs_(fs) {}
  void read(const io::Path& path, std::uint64_t offset, core::MutableByteSpan into) {
    if (!file_ || path != path_) {
      file_ = fs_.open_read(path);
      path_ = path;
    }
    const std::size_t got = file_->read_at(offset, into);
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(got), into.end(), std::byte{});
  }

 private:
  io::FileSystem& fs_;
  io::Path path_;
  std::unique_ptr<io::File> file_;
};

class Repair {
 public:
  Repair(io::FileSystem& fs, SetState& state, const core::Work& work)
      : fs_(fs), state_(state), work_(work), reader_(fs) {}

  RepairReport run() {
    RepairReport report;
    report.before = state_.report;
    if (!state_.report.repairable()) {
      throw Error(Code::kUnrepairable,
                  fmt::format("{} are lost and only {} recovery slices are sound: nothing was touched",
                              core::count_of(state_.report.lost, "slice"), state_.report.recovery_slices));
    }
    plan_renames();
    try {
      for (std::size_t i = 0; i < state_.files.size(); ++i) {
        const FileState found = state_.report.files[i].state;
        if (found != FileState::kIntact && !renamed_.contains(i)) begin(i);
      }
      copy_intact();
      rebuild_lost();
      for (const Rebuilt& rebuilt : rebuilt_) finish(rebuilt);
    } catch (...) {
      for (const Rebuilt& rebuilt : rebuilt_) {
        try {
          if (fs_.stat(rebuilt.temporary)) fs_.remove_file(rebuilt.temporary);
        } catch (const Error&) {  // the first error tells more
        }
      }
      throw;
    }
    for (const Rebuilt& rebuilt : rebuilt_) put_in_place(rebuilt.temporary, rebuilt.index, report);
    for (const std::size_t i : renamed_) put_in_place(state_.report.files[i].found, i, report);
    return report;
  }

 private:
  struct Rebuilt {
    std::size_t index;
    io::Path temporary;
    std::unique_ptr<io::File> file;
  };

  /// A misnamed file is renamed where that takes nothing away: not from under the name of another protected file (two
  /// may have changed places), not a second time, not through a link, not off to another file system. All others are
  /// copied.
  void plan_renames() {
    std::set<FileIdentity> taken;
    for (const NumberedFile& file : state_.files) {
      if (const auto stat = fs_.stat_following(place_of(state_.folder, file.description.name)))
        taken.insert(identity_of(*stat));
    }
    for (std::size_t i = 0; i < state_.files.size(); ++i) {
      if (state_.report.files[i].state != FileState::kMisnamed) continue;
      const auto stat = fs_.stat(state_.report.files[i].found);
      if (!stat || stat->type != io::FileType::kRegular) continue;
      const auto folder = fs_.stat(place_with_folders(i).parent_path());
      if (folder && folder->device == stat->device && taken.insert(identity_of(*stat)).second) renamed_.insert(i);
    }
  }

  io::Path place_with_folders(std::size_t index) {
    const io::Path place = place_of(state_.folder, state_.files[index].description.name);
    require_no_links(place);
    fs_.make_dirs(place.parent_path());
    return place;
  }

  /// The same for the same file of the same set, so that what a killed repair left is taken away by the next; and a
  /// name nobody gives to a file of his own.
  io::Path temporary_for(const io::Path& place, const std::string& name) const {
    digest::Sha256Stream sha256;
    sha256.update(state_.scan.set_id);
    sha256.update(core::as_bytes(name));
    return place.parent_path() / (".darkshelf-rebuilding-" + core::to_hex(sha256.finish()).substr(0, 32));
  }

  void begin(std::size_t index) {
    const io::Path place = place_with_folders(index);
    const io::Path temporary = temporary_for(place, state_.files[index].description.name);
    if (fs_.stat(temporary)) fs_.remove_file(temporary);
    auto file = fs_.create(temporary);
    file->truncate(state_.files[index].description.bytes);
    rebuilt_.push_back({index, temporary, std::move(file)});
  }

  /// A link among the folders of a name would lead the repair somewhere else.
  void require_no_links(const io::Path& place) {
    for (io::Path folder = place.parent_path(); folder != state_.folder && !folder.empty();
         folder = folder.parent_path()) {
      const auto stat = fs_.stat(folder);
      if (stat && stat->type == io::FileType::kSymlink) {
        throw Error(Code::kFailed,
                    fmt::format("{} is a link; nothing is written through it", core::printable(folder.string())));
      }
    }
  }

  std::uint64_t slice_bytes() const { return state_.scan.main->slice_bytes; }

  void write_slice(Rebuilt& to, std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
    const std::uint64_t offset = slice * slice_bytes() + column;
    const std::uint64_t length = state_.files[to.index].description.bytes;
    if (offset < length) to.file->write_at(offset, bytes.first(std::min<std::uint64_t>(bytes.size(), length - offset)));
  }

  void copy_intact() {
    for (Rebuilt& rebuilt : rebuilt_) {
      const NumberedFile& file = state_.files[rebuilt.index];
      constexpr std::uint32_t kTogether = 64;  // slices a thread takes at a time
      core::parallel_for(work_.thread_count(), core::divide_up(file.slice_count, kTogether), [&](std::size_t task) {
        const auto first = static_cast<std::uint32_t>(task * kTogether);
        SliceFiles reader(fs_);
        core::Bytes buffer(std::min<std::uint64_t>(slice_bytes(), kChunk));
        for (std::uint32_t s = first; s < std::min(first + kTogether, file.slice_count); ++s) {
          const auto& place = state_.slices[file.first_slice + s];
          const std::uint64_t length = std::min(slice_bytes(), file.description.bytes - s * slice_bytes());
          for (std::uint64_t column = 0; place && column < length; column += buffer.size()) {
            work_.check();
            const auto part =
                core::MutableByteSpan(buffer).first(std::min<std::uint64_t>(buffer.size(), length - column));
            reader.read(place->file, place->offset + column, part);
            write_slice(rebuilt, s, column, part);
          }
        }
      });
    }
  }

  void rebuild_lost() {
    ReconstructRequest request;
    request.slice_bytes = slice_bytes();
    request.slices = state_.report.slices;
    for (std::uint32_t i = 0; i < state_.slices.size(); ++i) {
      if (!state_.slices[i]) request.lost.push_back(i);
    }
    for (const RecoveryLocation& at : state_.scan.recovery) request.recovery.push_back(at.exponent);
    request.read_slice = [&](std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into) {
      read_intact(slice, offset, into);
    };
    request.read_recovery = [&](std::size_t index, std::uint64_t offset, core::MutableByteSpan into) {
      const RecoveryLocation& at = state_.scan.recovery[index];
      reader_.read(state_.scan.files[at.file], at.data_offset + offset, into);
    };
    request.write_slice = [&](std::uint32_t slice, std::uint64_t offset, core::ByteSpan bytes) {
      for (Rebuilt& rebuilt : rebuilt_) {
        const NumberedFile& file = state_.files[rebuilt.index];
        if (slice >= file.first_slice && slice < file.first_slice + file.slice_count)
          write_slice(rebuilt, slice - file.first_slice, offset, bytes);
      }
    };
    reconstruct(request, work_);
  }

  /// Behind the last slice of a protected file stand zeros, whatever stands there where its bytes were found.
  void read_intact(std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into) {
    const SlicePlace& place = *state_.slices[slice];
    const auto file =
        std::prev(std::upper_bound(state_.files.begin(), state_.files.end(), slice,
                                   [](std::uint32_t s, const NumberedFile& f) { return s < f.first_slice; }));
    const std::uint64_t length =
        std::min(slice_bytes(), file->description.bytes - (slice - file->first_slice) * slice_bytes());
    const std::uint64_t real = offset < length ? std::min<std::uint64_t>(into.size(), length - offset) : 0;
    if (real > 0) reader_.read(place.file, place.offset + offset, into.first(real));
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(real), into.end(), std::byte{});
  }

  void finish(const Rebuilt& rebuilt) {
    const NumberedFile& file = state_.files[rebuilt.index];
    const par2::FileDescription& wanted = file.description;
    work_.told().begin(fmt::format("checking {}", core::printable(wanted.name)), wanted.bytes);
    const bool right = is_whole_file(*rebuilt.file, file, state_, work_);
    work_.told().end();
    if (!right) {
      throw Error(Code::kUnrepairable,
                  fmt::format("what was rebuilt of {} is not what the set protects: nothing was touched",
                              core::printable(wanted.name)));
    }
    rebuilt.file->sync();
  }

  void put_in_place(const io::Path& from, std::size_t index, RepairReport& report) {
    const std::string& name = state_.files[index].description.name;
    const io::Path place = place_with_folders(index);
    if (fs_.stat(place)) {
      io::Path kept;
      for (int number = 1;; ++number) {
        kept = place;
        kept += "." + std::to_string(number);
        if (!fs_.stat(kept)) break;
      }
      fs_.rename(place, kept);
      report.kept.push_back(kept.string());
    }
    fs_.rename(from, place);
    fs_.sync_dir(place.parent_path());
    report.repaired.push_back(name);
  }

  io::FileSystem& fs_;
  SetState& state_;
  const core::Work& work_;
  SliceFiles reader_;
  std::vector<Rebuilt> rebuilt_;
  std::set<std::size_t> renamed_;  // misnamed files that only need their name back
};

}  // namespace

RepairReport repair_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                        const core::Work& work) {
  SetState state = look_at_set(fs, set, extra, work);
  return Repair(fs, state, work).run();
}

}  // namespace darkshelf::parity
