#include "rituals/payload_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/text.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kBatch = 8 << 20;
constexpr std::size_t kBlock = 4096;

enum class SliceState : char { kIntact, kDamaged, kUnreadable };

/// Slices [first, first + count) of one file, read ahead while the ones before are hashed.
struct Batch {
  core::AlignedBuffer buffer;
  std::uint32_t first = 0, count = 0;  // within the file
  std::size_t got = 0;
  std::exception_ptr failure;
};

/// Checks one file of the payload.
class FileReader {
 public:
  FileReader(Context& context, const volume::LoadedVolume& loaded, const volume::ProtectedFile& protected_file,
             io::File& file, const SliceObserver& on_slice)
      : context_(context),
        loaded_(loaded),
        protected_(protected_file),
        file_(file),
        on_slice_(on_slice),
        states_(protected_file.slice_count, SliceState::kIntact) {}

  std::vector<SliceState> run() {
    const std::uint64_t room = std::min<std::uint64_t>(kBatch, context_.work.memory / 8);
    const auto together = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, room / slice_bytes()));
    std::array<Batch, 2> batches;
    for (Batch& batch : batches)
      batch.buffer = core::AlignedBuffer(
          core::round_up(std::min<std::uint64_t>(together, protected_.slice_count) * slice_bytes(), kBlock));
    prepare(batches[0], 0, together);
    read(batches[0]);
    for (std::size_t turn = 0; batches[turn % 2].count > 0; ++turn) {
      context_.work.check();
      Batch &now = batches[turn % 2], &next = batches[(turn + 1) % 2];
      prepare(next, now.first + now.count, together);
      core::parallel_for(context_.work.thread_count(), now.count + 1, [&](std::size_t task) {
        if (task == 0) return read(next);
        compare(now, static_cast<std::uint32_t>(task - 1));
      });
      settle(now);
    }
    return std::move(states_);
  }

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::uint64_t slice_bytes() const { return loaded_.info.slice_bytes; }
  std::uint64_t length_of(std::uint32_t slice) const {
    return std::min(slice_bytes(), protected_.bytes - slice * slice_bytes());
  }
  const digest::Sha256& wanted(std::uint32_t slice) const { return loaded_.slices[protected_.first_slice + slice]; }

  void prepare(Batch& batch, std::uint32_t first, std::uint32_t together) {
    batch.first = first;
    batch.count = std::min(together, protected_.slice_count - first);
    batch.got = 0;
    batch.failure = nullptr;
  }

  void read(Batch& batch) {
    if (batch.count == 0) return;
    try {
      batch.got = file_.read_at(batch.first * slice_bytes(),
                                batch.buffer.span().first(core::round_up(batch.count * slice_bytes(), kBlock)));
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
    const bool intact = bytes.size() == length_of(slice) && digest::sha256(bytes) == wanted(slice);
    states_[slice] = intact ? SliceState::kIntact : SliceState::kDamaged;
  }

  /// In order, on one thread: what failed or does not fit is read again, intact slices are handed on.
  void settle(Batch& batch) {
    core::AlignedBuffer again;
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const std::uint32_t slice = batch.first + i;
      core::ByteSpan bytes = bytes_of(batch, i);
      if (batch.failure || states_[slice] != SliceState::kIntact) {
        context_.work.check();
        if (again.size() == 0) again = core::AlignedBuffer(core::round_up(slice_bytes(), kBlock));
        bytes = read_again(slice, again);
      }
      if (states_[slice] == SliceState::kIntact && on_slice_) on_slice_(protected_.first_slice + slice, bytes);
      bytes_read_ += length_of(slice);
      context_.work.told().advance(length_of(slice));
    }
  }

  core::ByteSpan read_again(std::uint32_t slice, core::AlignedBuffer& into) {
    const std::uint64_t length = length_of(slice);
    try {
      const std::size_t got = std::min<std::uint64_t>(file_.read_at(slice * slice_bytes(), into.span()), length);
      const core::ByteSpan bytes = into.span().first(got);
      const bool intact = got == length && digest::sha256(bytes) == wanted(slice);
      states_[slice] = intact ? SliceState::kIntact : SliceState::kDamaged;
      return bytes;
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      states_[slice] = SliceState::kUnreadable;
      return {};
    }
  }

  Context& context_;
  const volume::LoadedVolume& loaded_;
  const volume::ProtectedFile& protected_;
  io::File& file_;
  const SliceObserver& on_slice_;
  std::vector<SliceState> states_;
  std::uint64_t bytes_read_ = 0;
};

void add_findings(const volume::ProtectedFile& file, const std::vector<SliceState>& states, std::uint64_t slice_bytes,
                  Examination& out) {
  for (const SliceState wanted : {SliceState::kDamaged, SliceState::kUnreadable}) {
    FileFinding finding;
    finding.kind = wanted == SliceState::kDamaged ? FindingKind::kDamaged : FindingKind::kUnreadable;
    finding.path = file.path;
    for (std::uint32_t s = 0; s < states.size(); ++s) {
      if (states[s] != wanted) continue;
      const std::uint32_t slice = file.first_slice + s;
      out.lost.push_back(slice);
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

}  // namespace

void read_payload(Context& context, io::ReadMode mode, const SliceObserver& on_slice, Examination& out) {
  const volume::LoadedVolume& loaded = *out.loaded;
  for (const volume::ProtectedFile& protected_file : loaded.files) {
    context.work.check();
    const io::Path path = out.folder / protected_file.path;
    const auto stat = context.fs.stat(path);
    std::vector<SliceState> states(protected_file.slice_count, SliceState::kDamaged);
    if (!stat || stat->type != io::FileType::kRegular) {
      FileFinding finding{FindingKind::kMissing,
                          protected_file.path,
                          {{protected_file.first_slice, protected_file.slice_count}},
                          protected_file.bytes};
      for (std::uint32_t s = 0; s < protected_file.slice_count; ++s) out.lost.push_back(protected_file.first_slice + s);
      out.findings.push_back(std::move(finding));
      continue;
    }
    std::unique_ptr<io::File> file;
    try {
      file = context.fs.open_read(path, mode);
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      std::fill(states.begin(), states.end(), SliceState::kUnreadable);
      add_findings(protected_file, states, loaded.info.slice_bytes, out);
      continue;
    }
    out.readback_cached |= mode == io::ReadMode::kDirect && !file->is_direct();
    FileReader reader(context, loaded, protected_file, *file, on_slice);
    states = reader.run();
    out.bytes_read += reader.bytes_read();
    add_findings(protected_file, states, loaded.info.slice_bytes, out);
    if (stat->bytes > protected_file.bytes) {
      out.findings.push_back({FindingKind::kDamaged,
                              protected_file.path,
                              {},
                              stat->bytes - protected_file.bytes});  // bytes behind its end
    }
  }
  std::sort(out.lost.begin(), out.lost.end());
}

}  // namespace darkshelf::rituals
