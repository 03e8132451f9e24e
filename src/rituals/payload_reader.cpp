#include "rituals/payload_reader.hpp"

#include <algorithm>
#include <array>
#include <future>

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kBatch = 8 << 20;
constexpr std::size_t kBlock = 4096;
/// Read from other places before a mismatch is read again: more than the buffer of most disks. Not for ever: where
/// everything is damaged there is nothing that might heal.
constexpr std::uint64_t kElsewhere = 64 << 20;
constexpr unsigned kTimesElsewhere = 8;

/// kHealed: read wrong at first.
enum class SliceState : char { kIntact, kHealed, kDamaged, kUnreadable };

bool is_sound(SliceState state) { return state == SliceState::kIntact || state == SliceState::kHealed; }

/// Slices [first, first + count) of one file, read ahead while the ones before are hashed.
struct Batch {
  core::AlignedBuffer buffer;
  std::uint32_t first = 0, count = 0;  // within the file
  std::size_t got = 0;
  std::vector<io::BadStretch> bad;  // of the file
  std::exception_ptr failure;
};

/// Checks one file of the payload.
class FileReader {
 public:
  FileReader(Context& context, const volume::LoadedVolume& loaded, const volume::ProtectedFile& protected_file,
             const io::Path& path, io::ReadMode mode, const SliceObserver& on_slice)
      : context_(context),
        loaded_(loaded),
        protected_(protected_file),
        path_(path),
        mode_(mode),
        file_(context.fs.open_read(path, mode)),
        on_slice_(on_slice),
        states_(protected_file.slice_count, SliceState::kIntact) {}

  /// `wanted`: of the volume's slices. What was read before `stop` said so is in read().
  std::vector<SliceState> run(const std::vector<SliceRange>& wanted, const std::function<bool()>& stop) {
    for (const SliceRange& range : wanted) {
      const std::uint32_t first = std::max(range.first, protected_.first_slice);
      const std::uint32_t end = std::min(range.first + range.count, protected_.first_slice + protected_.slice_count);
      if (first >= end) continue;
      run(first - protected_.first_slice, end - protected_.first_slice, stop);
      if (stopped_) break;
    }
    if (!stopped_) come_back();
    return std::move(states_);
  }

  bool is_direct() const { return file_->is_direct(); }

  std::uint64_t bytes_read() const { return bytes_read_; }
  const std::vector<SliceRange>& read() const { return read_; }  // of the volume's slices
  bool stopped() const { return stopped_; }

 private:
  /// Slices [first, end) of the file.
  void run(std::uint32_t first, std::uint32_t end, const std::function<bool()>& stop) {
    const std::uint64_t room = std::min<std::uint64_t>(kBatch, context_.work.memory / 8);
    const auto together = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, room / slice_bytes()));
    std::array<Batch, 2> batches;
    for (Batch& batch : batches)
      batch.buffer =
          core::AlignedBuffer(core::round_up(std::min<std::uint64_t>(together, end - first) * slice_bytes(), kBlock));
    const auto upto = [&](std::uint32_t begin) { return std::min(together, end - begin); };
    read_.push_back({protected_.first_slice + first, 0});
    prepare(batches[0], first, upto(first));
    read(batches[0]);
    for (std::size_t turn = 0; batches[turn % 2].count > 0; ++turn) {
      if (!stop) context_.work.check();
      Batch &now = batches[turn % 2], &next = batches[(turn + 1) % 2];
      prepare(next, now.first + now.count, upto(now.first + now.count));
      auto reading = std::async(std::launch::async, [&] { read(next); });
      // One core is left to the reading: a disk that waits for its next request costs more than a core that waits. But
      // slices that are handed on take a core's time as well.
      core::parallel_for(std::max(2U, context_.work.thread_count()) - (on_slice_ ? 0 : 1), now.count,
                         [&](std::size_t task) { compare(now, static_cast<std::uint32_t>(task)); });
      if (stop && is_cancelled(now)) {
        stopped_ = true;
        return;
      }
      settle(now);
      reading.get();
      read_.back().count += now.count;
      // Asked after a buffer, never before the first: however short a visit is, it gets on.
      if (next.count > 0 && stop && stop()) {
        stopped_ = true;
        return;
      }
    }
  }

  std::uint64_t slice_bytes() const { return loaded_.info.slice_bytes; }
  std::uint64_t length_of(std::uint32_t slice) const {
    return std::min(slice_bytes(), protected_.bytes - slice * slice_bytes());
  }
  const digest::Sha256& wanted(std::uint32_t slice) const { return loaded_.slices[protected_.first_slice + slice]; }

  void prepare(Batch& batch, std::uint32_t first, std::uint32_t count) {
    batch.first = first;
    batch.count = count;
    batch.got = 0;
    batch.bad.clear();
    batch.failure = nullptr;
  }

  /// Ctrl-C in the midst of bad sectors.
  static bool is_cancelled(const Batch& batch) {
    try {
      if (batch.failure) std::rethrow_exception(batch.failure);
      return false;
    } catch (const Error& error) {
      return error.code() == Code::kCancelled;
    }
  }

  void read(Batch& batch) {
    if (batch.count == 0) return;
    try {
      batch.got = file_->read_at(batch.first * slice_bytes(),
                                 batch.buffer.span().first(core::round_up(batch.count * slice_bytes(), kBlock)));
    } catch (const io::UnreadableSectors& error) {  // all the rest was read
      batch.got = std::min<std::uint64_t>(batch.buffer.size(), protected_.bytes - batch.first * slice_bytes());
      batch.bad = error.stretches();
    } catch (const Error&) {
      batch.failure = std::current_exception();
    }
  }

  core::ByteSpan bytes_of(const Batch& batch, std::uint32_t index) const {
    const std::uint64_t at = index * slice_bytes();
    if (at >= batch.got) return {};
    return batch.buffer.span().subspan(at, std::min<std::uint64_t>(length_of(batch.first + index), batch.got - at));
  }

  void compare(const Batch& batch, std::uint32_t index) {
    if (batch.failure) return;
    const core::ByteSpan bytes = bytes_of(batch, index);
    const std::uint32_t slice = batch.first + index;
    if (touches(batch.bad, slice)) {
      states_[slice] = SliceState::kUnreadable;
      return;
    }
    const bool intact = bytes.size() == length_of(slice) && digest::sha256(bytes) == wanted(slice);
    states_[slice] = intact ? SliceState::kIntact : SliceState::kDamaged;
  }

  bool touches(const std::vector<io::BadStretch>& bad, std::uint32_t slice) const {
    const std::uint64_t begin = slice * slice_bytes(), end = begin + length_of(slice);
    return std::any_of(bad.begin(), bad.end(),
                       [&](const io::BadStretch& one) { return one.offset < end && begin < one.offset + one.bytes; });
  }

  /// In order, on one thread: what failed or does not fit is read again, intact slices are handed on.
  void settle(Batch& batch) {
    core::AlignedBuffer again;
    std::unique_ptr<io::File> anew;
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const std::uint32_t slice = batch.first + i;
      core::ByteSpan bytes = bytes_of(batch, i);
      if (batch.failure || states_[slice] == SliceState::kDamaged) {
        context_.work.check();
        if (!anew) {
          if (!batch.failure) read_elsewhere(batch);
          if (mode_ == io::ReadMode::kDirect) io::drop_block_cache(path_);
          anew = context_.fs.open_read(path_, mode_);
          again = core::AlignedBuffer(core::round_up(slice_bytes(), kBlock));
        }
        bytes = read_again(*anew, slice, again, !batch.failure);
      } else if (states_[slice] == SliceState::kUnreadable) {
        note_stepped_over(batch, slice);
      }
      if (is_sound(states_[slice]) && on_slice_) on_slice_(protected_.first_slice + slice, bytes);
      bytes_read_ += length_of(slice);
      context_.work.told().advance(length_of(slice));
    }
  }

  /// `differed`: it was read, and did not fit.
  core::ByteSpan read_again(io::File& file, std::uint32_t slice, core::AlignedBuffer& into, bool differed) {
    const std::uint64_t length = length_of(slice);
    try {
      const std::size_t got = std::min<std::uint64_t>(file.read_at(slice * slice_bytes(), into.span()), length);
      const core::ByteSpan bytes = into.span().first(got);
      const bool intact = got == length && digest::sha256(bytes) == wanted(slice);
      states_[slice] = !intact ? SliceState::kDamaged : differed ? SliceState::kHealed : SliceState::kIntact;
      return bytes;
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      states_[slice] = SliceState::kUnreadable;
      return {};
    }
  }

  /// What is read again shall come from the medium: the page cache is bypassed anyway, and the drive's own buffer has
  /// other things in it after this.
  void read_elsewhere(const Batch& batch) {
    if (times_elsewhere_++ >= kTimesElsewhere) return;
    constexpr std::uint64_t kParts = 8;
    core::AlignedBuffer buffer(kElsewhere / kParts);
    const std::uint64_t begin = batch.first * slice_bytes(), end = begin + batch.count * slice_bytes();
    for (std::uint64_t part = 0; part < kParts; ++part) {
      context_.work.check();
      const std::uint64_t at = protected_.bytes / kParts * part / kBlock * kBlock;
      const std::uint64_t bytes =
          std::min<std::uint64_t>(buffer.size(), core::round_up(protected_.bytes / kParts, kBlock) + kBlock);
      if (at < end && begin < at + bytes) continue;
      try {
        file_->read_at(at, buffer.span().first(bytes));
      } catch (const Error& error) {
        if (!io::is_read_error(error)) throw;
      }
    }
  }

  void note_stepped_over(const Batch& batch, std::uint32_t slice) {
    std::vector<io::BadStretch> asked = batch.bad;
    std::erase_if(asked, [](const io::BadStretch& one) { return !one.asked; });
    if (!touches(asked, slice)) stepped_over_.push_back(slice);
  }

  /// Behind a run of errors more was stepped over than is bad, perhaps: back from its far end, as long as it can be
  /// read.
  void come_back() {
    core::AlignedBuffer buffer;
    for (std::size_t i = stepped_over_.size(); i-- > 0;) {
      context_.work.check();
      const bool before_failed = i + 1 < stepped_over_.size() && stepped_over_[i] + 1 == stepped_over_[i + 1] &&
                                 states_[stepped_over_[i + 1]] == SliceState::kUnreadable;
      if (before_failed) continue;
      if (buffer.size() == 0) buffer = core::AlignedBuffer(core::round_up(slice_bytes(), kBlock));
      const std::uint32_t slice = stepped_over_[i];
      const core::ByteSpan bytes = read_again(*file_, slice, buffer, false);
      if (is_sound(states_[slice]) && on_slice_) on_slice_(protected_.first_slice + slice, bytes);
    }
  }

  Context& context_;
  const volume::LoadedVolume& loaded_;
  const volume::ProtectedFile& protected_;
  const io::Path& path_;
  io::ReadMode mode_;
  std::unique_ptr<io::File> file_;
  const SliceObserver& on_slice_;
  std::vector<SliceState> states_;
  std::vector<std::uint32_t> stepped_over_;  // slices nobody asked for, ascending
  unsigned times_elsewhere_ = 0;
  std::vector<SliceRange> read_;
  bool stopped_ = false;
  std::uint64_t bytes_read_ = 0;
};

void add_findings(const volume::ProtectedFile& file, const std::vector<SliceState>& states, std::uint64_t slice_bytes,
                  Examination& out) {
  for (const SliceState wanted : {SliceState::kDamaged, SliceState::kUnreadable, SliceState::kHealed}) {
    FileFinding finding;
    finding.kind = wanted == SliceState::kDamaged      ? FindingKind::kDamaged
                   : wanted == SliceState::kUnreadable ? FindingKind::kUnreadable
                                                       : FindingKind::kHealed;
    finding.path = file.path;
    for (std::uint32_t s = 0; s < states.size(); ++s) {
      if (states[s] != wanted) continue;
      const std::uint32_t slice = file.first_slice + s;
      if (!is_sound(wanted)) out.lost.push_back(slice);
      finding.bytes += std::min(slice_bytes, file.bytes - s * slice_bytes);
      if (!finding.slices.empty() && finding.slices.back().first + finding.slices.back().count == slice) {
        ++finding.slices.back().count;
      } else {
        finding.slices.push_back({slice, 1});
      }
    }
    if (!finding.slices.empty()) out.findings.push_back(std::move(finding));
  }
}

void add_read(const std::vector<SliceRange>& ranges, std::vector<SliceRange>& out) {
  for (const SliceRange& range : ranges) {
    if (range.count == 0) continue;
    if (!out.empty() && out.back().first + out.back().count == range.first) {
      out.back().count += range.count;
    } else {
      out.push_back(range);
    }
  }
}

}  // namespace

void read_payload(Context& context, io::ReadMode mode, const SliceObserver& on_slice, const Portion* portion,
                  Examination& out) {
  const volume::LoadedVolume& loaded = *out.loaded;
  const std::vector<SliceRange> everything = {{0, loaded.info.slices}};
  const std::vector<SliceRange>& wanted = portion != nullptr ? portion->slices : everything;
  const std::function<bool()> stop = portion != nullptr ? portion->stop : nullptr;
  for (const volume::ProtectedFile& protected_file : loaded.files) {
    if (!out.read.empty() && stop && stop()) out.stopped = true;
    if (out.stopped) break;
    if (!stop) context.work.check();
    const SliceRange all_of_it{protected_file.first_slice, protected_file.slice_count};
    const io::Path path = out.folder / protected_file.path;
    const io::Looked there = io::look_at(context.fs, path);
    std::vector<SliceState> states(protected_file.slice_count, SliceState::kDamaged);
    const auto all_unreadable = [&] {
      std::fill(states.begin(), states.end(), SliceState::kUnreadable);
      add_findings(protected_file, states, loaded.info.slice_bytes, out);
      add_read({all_of_it}, out.read);
    };
    if (there.unreadable) {
      all_unreadable();
      continue;
    }
    if (!there.is(io::FileType::kRegular)) {
      FileFinding finding{FindingKind::kMissing, protected_file.path, {all_of_it}, protected_file.bytes};
      add_read({all_of_it}, out.read);
      for (std::uint32_t s = 0; s < protected_file.slice_count; ++s) out.lost.push_back(protected_file.first_slice + s);
      out.findings.push_back(std::move(finding));
      continue;
    }
    // Another length is news of all of it, whatever an earlier visit read.
    const std::vector<SliceRange> ranges =
        there.stat->bytes == protected_file.bytes ? wanted : std::vector<SliceRange>{all_of_it};
    const bool is_wanted = std::any_of(ranges.begin(), ranges.end(), [&](const SliceRange& range) {
      return range.first < all_of_it.first + all_of_it.count && all_of_it.first < range.first + range.count;
    });
    if (!is_wanted) continue;
    std::optional<FileReader> reader;
    try {
      reader.emplace(context, loaded, protected_file, path, mode, on_slice);
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      all_unreadable();
      continue;
    }
    out.readback_cached |= mode == io::ReadMode::kDirect && !reader->is_direct();
    states = reader->run(ranges, stop);
    out.bytes_read += reader->bytes_read();
    add_read(reader->read(), out.read);
    out.stopped = reader->stopped();
    add_findings(protected_file, states, loaded.info.slice_bytes, out);
    if (there.stat->bytes > protected_file.bytes) {
      out.findings.push_back({FindingKind::kDamaged,
                              protected_file.path,
                              {},
                              there.stat->bytes - protected_file.bytes});  // bytes behind its end
    }
  }
  std::sort(out.lost.begin(), out.lost.end());
}

}  // namespace darkshelf::rituals
