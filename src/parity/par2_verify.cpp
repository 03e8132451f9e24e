#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "parity/par2_parts.hpp"
#include "parity/slice_check.hpp"
#include "parity/slice_search.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 1 << 20;
constexpr std::uint64_t kHead = 16384;

std::unique_ptr<io::File> open_if_file(io::FileSystem& fs, const io::Path& path) {
  const auto stat = fs.stat_following(path);
  if (!stat || stat->type != io::FileType::kRegular) return nullptr;
  return fs.open_read(path);
}

/// MD5 of the first `limit` bytes; nothing when they cannot be read.
std::optional<par2::Md5> md5_of(io::File& file, std::uint64_t limit, const core::Work& work) {
  core::AlignedBuffer buffer(kChunk);
  digest::Md5Stream md5;
  try {
    for (std::uint64_t offset = 0; offset < limit;) {
      work.check();
      const std::size_t got =
          file.read_at(offset, buffer.span().first(std::min<std::uint64_t>(kChunk, limit - offset)));
      if (got == 0) break;
      md5.update(buffer.span().first(got));
      offset += got;
    }
  } catch (const Error& error) {
    if (!io::is_read_error(error)) throw;
    return {};
  }
  return md5.finish();
}

/// Of a file with the right length; `proven`: all slices are in place.
bool is_whole(io::File& there, const NumberedFile& file, const SetState& state, bool proven, const core::Work& work) {
  const par2::FileDescription& wanted = file.description;
  const bool doubtful = file.checksums == nullptr || state.scan.contradicted.contains(wanted.id);
  if (doubtful) return md5_of(there, wanted.bytes, work) == wanted.md5;
  return proven && md5_of(there, std::min(kHead, wanted.bytes), work) == wanted.md5_16k;
}

class Look {
 public:
  Look(io::FileSystem& fs, const std::vector<io::Path>& extra, const core::Work& work, SetState& state)
      : fs_(fs), extra_(extra), work_(work), state_(state) {}

  void run() {
    for (const NumberedFile& file : state_.files) look_in_place(file);
    for (std::size_t i = 0; i < state_.files.size(); ++i) {
      if (state_.report.files[i].state != FileState::kIntact) look_for_misnamed(i);
    }
    search_for_slices();
    for (std::size_t i = 0; i < state_.files.size(); ++i) count_lost(i);
    report_recovery_damage();
  }

 private:
  std::uint64_t slice_bytes() const { return state_.scan.main->slice_bytes; }

  void take_all(const NumberedFile& file, const io::Path& path) {
    for (std::uint32_t s = 0; s < file.slice_count; ++s)
      state_.slices[file.first_slice + s] = SlicePlace{path, s * slice_bytes()};
  }

  void look_in_place(const NumberedFile& file) {
    VerifiedFile verified;
    verified.name = file.description.name;
    verified.bytes = file.description.bytes;
    const io::Path path = place_of(state_.folder, file.description.name);
    const auto there = open_if_file(fs_, path);
    verified.state = there ? FileState::kDamaged : FileState::kMissing;
    if (there) {
      work_.told().begin(fmt::format("reading {}", core::printable(file.description.name)), file.description.bytes);
      Damaged damaged{path, {}};
      const bool proven = take_slices_in_place(file, *there, damaged);
      if (there->stat().bytes == file.description.bytes && is_whole(*there, file, state_, proven, work_)) {
        verified.state = FileState::kIntact;
        in_place_.insert(identity_of(there->stat()));
        take_all(file, path);
      } else {
        damaged_.push_back(std::move(damaged));
      }
      work_.told().end();
    }
    state_.report.files.push_back(std::move(verified));
  }

  struct Damaged {
    io::Path path;
    std::vector<SliceSearch::Range> gaps;  // all but the slices in their places
  };

  /// Whether all slices are in their places.
  bool take_slices_in_place(const NumberedFile& file, io::File& there, Damaged& damaged) {
    std::uint64_t gap = 0;
    const auto end_gap = [&](std::uint64_t begin, std::uint64_t end) {
      if (begin > gap) damaged.gaps.push_back({gap, begin});
      gap = end;
    };
    std::vector<bool> sound;
    if (file.checksums != nullptr) sound = slices_in_place(there, file, slice_bytes(), work_);
    for (std::uint32_t s = 0; s < sound.size(); ++s) {
      if (!sound[s]) continue;
      const std::uint64_t begin = s * slice_bytes();
      state_.slices[file.first_slice + s] = SlicePlace{damaged.path, begin};
      end_gap(begin, std::min(begin + slice_bytes(), file.description.bytes));
    }
    end_gap(~std::uint64_t{0}, 0);
    return file.checksums != nullptr && std::all_of(sound.begin(), sound.end(), [](bool is) { return is; });
  }

  /// A protected file that is in its place and right keeps its name: what is equal to it is copied from there, and
  /// stays missing or damaged until then.
  void look_for_misnamed(std::size_t index) {
    const NumberedFile& file = state_.files[index];
    std::optional<io::Path> twin;
    for (const io::Path& path : extra_) {
      const auto there = open_if_file(fs_, path);
      if (!there || there->stat().bytes != file.description.bytes) continue;
      if (md5_of(*there, std::min(kHead, file.description.bytes), work_) != file.description.md5_16k) continue;
      if (md5_of(*there, file.description.bytes, work_) != file.description.md5) continue;
      if (in_place_.contains(identity_of(there->stat()))) {
        twin = path;
        continue;
      }
      VerifiedFile& verified = state_.report.files[index];
      verified.state = FileState::kMisnamed;
      verified.found = path;
      take_all(file, path);
      return;
    }
    if (twin) take_all(file, *twin);
  }

  /// Bytes may have been inserted or lost: slices are looked for at every offset of damaged and extra files, except
  /// inside slices that are in their places.
  void search_for_slices() {
    take_equal_slices();
    if (slice_bytes() > work_.memory / 4) return;
    SliceSearch search(slice_bytes());
    for (const NumberedFile& file : state_.files) {
      for (std::uint32_t s = 0; file.checksums != nullptr && s < file.slice_count; ++s) {
        if (!state_.slices[file.first_slice + s]) search.want(file.first_slice + s, file.checksums->slices[s]);
      }
    }
    const auto search_in = [&](const io::Path& path, std::span<const SliceSearch::Range> ranges) {
      const auto there = search.empty() ? nullptr : open_if_file(fs_, path);
      if (!there) return;
      try {
        search.search(*there, ranges, work_, [&](std::uint32_t slice, std::uint64_t offset) {
          state_.slices[slice] = SlicePlace{path, offset};
        });
      } catch (const Error& error) {
        if (!io::is_read_error(error)) throw;  // what was found up to the bad sector counts
      }
    };
    for (const Damaged& damaged : damaged_) search_in(damaged.path, damaged.gaps);
    const SliceSearch::Range all{0, ~std::uint64_t{0}};
    for (const io::Path& path : extra_) search_in(path, {&all, 1});
  }

  /// A lost slice may have the content of one that is there: zeros, or a second copy of something.
  void take_equal_slices() {
    struct Slice {
      const NumberedFile* file;
      std::uint32_t index;
    };
    std::map<par2::Md5, std::vector<Slice>> lost;
    const auto for_slices = [&](bool found, const auto& body) {
      for (const NumberedFile& file : state_.files) {
        for (std::uint32_t s = 0; file.checksums != nullptr && s < file.slice_count; ++s) {
          if (state_.slices[file.first_slice + s].has_value() == found) body(Slice{&file, s});
        }
      }
    };
    const auto length_of = [&](const Slice& slice) {
      return std::min(slice_bytes(), slice.file->description.bytes - slice.index * slice_bytes());
    };
    for_slices(false,
               [&](const Slice& slice) { lost[slice.file->checksums->slices[slice.index].md5].push_back(slice); });
    if (lost.empty()) return;
    for_slices(true, [&](const Slice& slice) {
      const par2::SliceChecksum& checksum = slice.file->checksums->slices[slice.index];
      const auto equal = lost.find(checksum.md5);
      if (equal == lost.end()) return;
      for (const Slice& wanted : equal->second) {
        auto& place = state_.slices[wanted.file->first_slice + wanted.index];
        const bool fits = wanted.file->checksums->slices[wanted.index].crc32 == checksum.crc32;
        // Behind a shorter one stand not always zeros.
        if (!place && fits && length_of(wanted) <= length_of(slice))
          place = state_.slices[slice.file->first_slice + slice.index];
      }
    });
  }

  void count_lost(std::size_t index) {
    const NumberedFile& file = state_.files[index];
    for (std::uint32_t s = 0; s < file.slice_count; ++s) {
      if (!state_.slices[file.first_slice + s]) state_.report.files[index].lost.push_back(s);
    }
    state_.report.lost += static_cast<std::uint32_t>(state_.report.files[index].lost.size());
  }

  void report_recovery_damage() {
    std::set<std::string> names;
    for (const BadRange& bad : state_.scan.bad) {
      state_.report.damaged_recovery_bytes += bad.bytes;
      names.insert(state_.scan.files[bad.file].filename().string());
    }
    state_.report.damaged_recovery_files.assign(names.begin(), names.end());
  }

  io::FileSystem& fs_;
  const std::vector<io::Path>& extra_;
  const core::Work& work_;
  SetState& state_;
  std::vector<Damaged> damaged_;
  std::set<FileIdentity> in_place_;  // protected files that are right where they are
};

}  // namespace

bool VerifyReport::intact() const {
  const bool all = std::all_of(files.begin(), files.end(),
                               [](const VerifiedFile& file) { return file.state == FileState::kIntact; });
  return all && damaged_recovery_files.empty();
}

bool is_whole_file(io::File& there, const NumberedFile& file, const SetState& state, const core::Work& work) {
  if (there.stat().bytes != file.description.bytes) return false;
  bool proven = file.checksums != nullptr;
  if (proven) {
    const std::vector<bool> sound = slices_in_place(there, file, state.scan.main->slice_bytes, work);
    proven = std::all_of(sound.begin(), sound.end(), [](bool is) { return is; });
  }
  return is_whole(there, file, state, proven, work);
}

io::Path place_of(const io::Path& folder, const std::string& name) {
  bool safe = !name.empty() && name.find('\0') == std::string::npos;
  for (std::size_t start = 0; safe && start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string part = name.substr(start, end - start);
    safe = !part.empty() && part != "." && part != "..";
    start = end + 1;
  }
  if (!safe) {
    throw Error(Code::kCorrupt,
                fmt::format("the set names a file \"{}\", which would lie outside of its folder: nothing was touched",
                            core::printable(name)));
  }
  return folder / name;
}

SetState look_at_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                     const core::Work& work) {
  if (!fs.stat_following(set))
    throw Error(Code::kNotFound, fmt::format("there is no {}", core::printable(set.string())));
  SetState state;
  const std::vector<io::Path> files = files_of_set(fs, set);
  state.scan = scan_packets(fs, files, io::ReadMode::kCached, work);
  if (!state.scan.main) {
    throw Error(Code::kCorrupt,
                fmt::format("{} and the files that belong with it hold no PAR2 set whose main packet is sound",
                            core::printable(set.string())));
  }
  state.files = numbered_files(state.scan);
  state.folder = set.parent_path().empty() ? io::Path(".") : set.parent_path();
  std::uint32_t slices = 0;
  for (const NumberedFile& file : state.files) {
    place_of(state.folder, file.description.name);  // a hostile name ends it here
    slices += file.slice_count;
  }
  state.slices.resize(slices);
  state.report.slices = slices;
  state.report.recovery_slices = static_cast<std::uint32_t>(state.scan.recovery.size());
  Look(fs, extra, work, state).run();
  return state;
}

VerifyReport verify_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                        const core::Work& work) {
  return look_at_set(fs, set, extra, work).report;
}

}  // namespace darkshelf::parity
