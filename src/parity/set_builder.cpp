#include "parity/set_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/par2/packets.hpp"
#include "parity/file_chains.hpp"
#include "parity/recovery_plan.hpp"
#include "parity/set_writer.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kHead = 16384;
constexpr std::uint64_t kBatches = 4;  // so far the chains over the whole file may be behind
constexpr std::uint64_t kWorthThreads = 512 << 10;
constexpr std::size_t kTogether = 16;  // slices of a task: as many as there are lanes for MD5

void check(const std::vector<SetFile>& files, const SetOptions& options) {
  const auto refuse = [](const std::string& sentence) { throw Error(Code::kUsage, sentence); };
  if (files.empty()) refuse("a PAR2 set needs a file to protect");
  if (options.slice_bytes == 0 || options.slice_bytes % 4 != 0) {
    refuse(fmt::format("a slice of {} bytes: it has to be a multiple of 4", options.slice_bytes));
  }
  for (const SetFile& file : files) {
    if (file.bytes == 0)
      refuse(fmt::format("{} is empty, and PAR2 protects no empty files", core::printable(file.name)));
    if (files.size() > 1 && !file.md5_16k)
      refuse(fmt::format("the first bytes of {} are not known", core::printable(file.name)));
  }
  const std::uint64_t slices = slice_count(files, options.slice_bytes);
  if (slices > par2::kMaxSlices) {
    throw Error(Code::kUsage,
                fmt::format("slices of {} bytes would make {} of them, more than the {} of PAR2", options.slice_bytes,
                            slices, par2::kMaxSlices),
                "take larger slices, or fewer files in one set");
  }
  if (std::uint64_t{options.first_exponent} + options.recovery_slices > par2::kMaxExponent + 1) {
    refuse(fmt::format("{} recovery slices from number {} on are more than PAR2 has", options.recovery_slices,
                       options.first_exponent));
  }
}

/// What is gathered before it is hashed and summed.
struct Batches {
  std::uint64_t bytes, count;
  Batches(std::uint64_t slice_bytes, const core::Work& work)
      : bytes(std::max<std::uint64_t>(1, std::min<std::uint64_t>(kReadTogether, work.memory / 8) / slice_bytes) *
              slice_bytes),
        count(std::clamp<std::uint64_t>(work.memory / 8 / bytes, 1, kBatches)) {}
};

}  // namespace

RecoveryPlan recovery_plan(const std::vector<SetFile>& files, const SetOptions& options, const core::Work& work) {
  check(files, options);
  RecoveryRequest request;
  request.slice_bytes = options.slice_bytes;
  request.slices = static_cast<std::uint32_t>(slice_count(files, options.slice_bytes));
  for (std::uint32_t i = 0; i < options.recovery_slices; ++i)
    request.exponents.push_back(static_cast<std::uint16_t>(options.first_exponent + i));
  const Batches batches(options.slice_bytes, work);
  const std::uint64_t held = batches.bytes * batches.count;
  request.memory = work.memory > held ? work.memory - held : 0;
  request.threads = work.thread_count();
  return RecoveryPlan(std::move(request));
}

std::uint64_t slice_count(const std::vector<SetFile>& files, std::uint64_t slice_bytes) {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0}, [&](std::uint64_t sum, const SetFile& file) {
    return sum + core::divide_up(file.bytes, slice_bytes);
  });
}

struct SetBuilder::State {
  State(std::vector<SetFile> set_files, SetOptions set_options, const core::Work& set_work)
      : files(std::move(set_files)),
        options(std::move(set_options)),
        work(set_work),
        plan(recovery_plan(files, options, work)),
        digests(files.size()),
        chains(options.hashes, options.slice_bytes) {
    const Batches shape(options.slice_bytes, work);
    for (std::uint64_t i = 0; i < shape.count; ++i) batches.emplace_back(shape.bytes);
    if (!plan.passes().empty()) sums.emplace(plan, 0);
    number();
  }

  /// Slices are numbered through the files in the order of their ids.
  void number() {
    if (files.size() == 1) return;
    std::vector<std::pair<par2::Md5, std::size_t>> ids;
    for (std::size_t i = 0; i < files.size(); ++i)
      ids.emplace_back(par2::file_id(*files[i].md5_16k, files[i].bytes, files[i].name), i);
    std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return par2::id_less(a.first, b.first); });
    std::uint32_t next = 0;
    for (const auto& [id, index] : ids) {
      digests[index].first_slice = next;
      next += static_cast<std::uint32_t>(core::divide_up(files[index].bytes, options.slice_bytes));
    }
  }

  /// Where the next bytes of the file go.
  core::MutableByteSpan room() { return batches[batch].span().subspan(filled); }

  void taken(std::size_t count) {
    FileDigests& file = digests[current];
    file.bytes += count;
    if (file.bytes > files[current].bytes) {
      throw Error(Code::kCorrupt,
                  fmt::format("{} is longer than it was said to be", core::printable(files[current].name)));
    }
    if (head_bytes < kHead) {
      const auto part = room().first(std::min<std::uint64_t>(count, kHead - head_bytes));
      head.update(part);
      head_bytes += part.size();
    }
    filled += count;
    if (room().empty()) flush();
  }

  /// Hashes what is gathered and adds it to the sums. The chains over the whole file go on meanwhile, and leave a core
  /// to the rest; the batch is used again when they are done with it.
  void flush() {
    if (filled == 0) return;
    const core::ByteSpan all = std::as_const(batches[batch]).span().first(filled);
    chains.update(all);
    take_slices(all);
    filled = 0;
    batch = (batch + 1) % batches.size();
    chains.settle(batches.size() - 1);
  }

  void take_slices(core::ByteSpan all) {
    FileDigests& file = digests[current];
    const std::size_t first = file.slices.size(), count = core::divide_up(filled, options.slice_bytes);
    file.slices.resize(first + count);
    const auto slice = [&](std::size_t i) {
      const std::size_t at = i * options.slice_bytes;
      return all.subspan(at, std::min<std::size_t>(options.slice_bytes, all.size() - at));
    };
    const unsigned threads = filled < kWorthThreads ? 1 : std::max(2U, work.thread_count()) - 1;
    core::parallel_for(threads, core::divide_up(count, kTogether), [&](std::size_t task) {
      const std::size_t begin = task * kTogether, slices = std::min(kTogether, count - begin);
      const std::size_t at = begin * options.slice_bytes;
      digest::slice_digests(all.subspan(at, std::min<std::size_t>(slices * options.slice_bytes, all.size() - at)),
                            options.slice_bytes, hashes_of_slices(),
                            std::span(file.slices).subspan(first + begin, slices));
    });
    if (sums) {
      const std::uint64_t columns = plan.passes().front().end;
      parts.clear();
      for (std::size_t i = 0; i < count; ++i) {
        const core::ByteSpan bytes = slice(i);
        parts.push_back({file.first_slice + static_cast<std::uint32_t>(first + i),
                         bytes.first(std::min<std::uint64_t>(bytes.size(), columns))});
      }
      sums->add(parts, threads);
    }
  }

  /// What the chains do not do.
  digest::Hashes hashes_of_slices() const { return chains.has_slices() ? digest::Hashes::kPar2 : options.hashes; }

  void end_file() {
    flush();
    FileDigests& file = digests[current];
    FileChains::Digests whole = chains.finish();
    file.md5 = whole.md5;
    file.sha256 = whole.sha256;
    file.parts = std::move(whole.parts);
    for (std::size_t i = 0; i < whole.slices.size(); ++i) file.slices[i].sha256 = whole.slices[i];
    file.md5_16k = head.finish();
    head_bytes = 0;
    const SetFile& planned = files[current];
    const bool length_fits = files.size() == 1 ? file.bytes > 0 : file.bytes == planned.bytes;
    if (!length_fits || (planned.md5_16k && file.md5_16k != *planned.md5_16k)) {
      throw Error(Code::kCorrupt, fmt::format("{} is not what it was a moment ago", core::printable(planned.name)));
    }
    open = false;
  }

  /// One more walk over all input for the columns of a later pass.
  void accumulate_again(std::size_t pass, const ReadBack& read_back) {
    sums.reset();
    sums.emplace(plan, pass);
    const Columns columns = plan.passes()[pass];
    core::Bytes part(columns.bytes());
    for (std::size_t f = 0; f < files.size(); ++f) {
      for (std::size_t s = 0; s < digests[f].slices.size(); ++s) {
        work.check();
        const std::uint64_t begin = s * options.slice_bytes + columns.begin;
        const std::uint64_t end = std::min(s * options.slice_bytes + columns.end, digests[f].bytes);
        if (begin >= end) continue;
        const core::MutableByteSpan into(part.data(), end - begin);
        read_back(f, begin, into);
        sums->add(digests[f].first_slice + static_cast<std::uint32_t>(s), into);
      }
    }
  }

  std::vector<core::Bytes> critical_packets(par2::Md5& set_id) const {
    std::vector<std::pair<par2::Md5, std::size_t>> ids;
    for (std::size_t i = 0; i < files.size(); ++i)
      ids.emplace_back(par2::file_id(digests[i].md5_16k, digests[i].bytes, files[i].name), i);
    std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return par2::id_less(a.first, b.first); });
    par2::Main main;
    main.slice_bytes = options.slice_bytes;
    for (const auto& [id, index] : ids) main.recovery_files.push_back(id);
    set_id = par2::set_id_of(main);
    std::vector<core::Bytes> packets = {par2::encode(set_id, main)};
    for (const auto& [id, i] : ids) {
      packets.push_back(par2::encode(
          set_id, par2::FileDescription{id, digests[i].md5, digests[i].md5_16k, digests[i].bytes, files[i].name}));
    }
    for (const auto& [id, i] : ids) {
      par2::FileSlices sums_of_file;
      sums_of_file.id = id;
      for (const digest::SliceDigests& slice : digests[i].slices)
        sums_of_file.slices.push_back({slice.md5, slice.crc32});
      packets.push_back(par2::encode(set_id, sums_of_file));
    }
    return packets;
  }

  std::vector<SetFile> files;
  SetOptions options;
  core::Work work;
  RecoveryPlan plan;
  std::optional<Accumulator> sums;
  std::vector<SlicePart> parts;  // of a batch
  std::vector<FileDigests> digests;
  std::vector<core::AlignedBuffer> batches;  // taken in turn, so that the chains may be behind
  std::size_t batch = 0, filled = 0;         // the one that is filled, and how far
  std::size_t current = 0;
  bool open = false;
  digest::Md5Stream head;
  std::uint64_t head_bytes = 0;
  FileChains chains;  // last: its threads read the batches
};

SetBuilder::SetBuilder(std::vector<SetFile> files, SetOptions options, const core::Work& work)
    : state_(std::make_unique<State>(std::move(files), std::move(options), work)) {}
SetBuilder::~SetBuilder() = default;

void SetBuilder::begin_file(std::size_t index, Sink sink) {
  State& s = *state_;
  if (s.open || index >= s.files.size() || s.digests[index].bytes != 0)
    throw Error(Code::kFailed, "files of a PAR2 set came in a wrong order");
  s.current = index;
  s.open = true;
  if (!sink) return s.chains.begin({});
  s.chains.begin([sink = std::move(sink), offset = std::uint64_t{0}](core::ByteSpan bytes) mutable {
    sink(offset, bytes);
    offset += bytes.size();
  });
}

void SetBuilder::append(core::ByteSpan bytes) {
  while (!bytes.empty()) {
    const core::MutableByteSpan to = room();
    const std::size_t part = std::min(bytes.size(), to.size());
    std::memcpy(to.data(), bytes.data(), part);
    taken(part);
    bytes = bytes.subspan(part);
  }
}
void SetBuilder::part(std::uint64_t bytes) {
  const std::uint64_t begin = state_->digests[state_->current].bytes;
  state_->chains.part(begin, begin + bytes);
}
core::MutableByteSpan SetBuilder::room() { return state_->room(); }
void SetBuilder::taken(std::size_t count) { state_->taken(count); }
void SetBuilder::end_file() { state_->end_file(); }

std::vector<WrittenSetFile> SetBuilder::write(const CreateFile& create, const ReadBack& read_back) {
  State& s = *state_;
  par2::Md5 set_id{};
  const std::vector<core::Bytes> critical = s.critical_packets(set_id);
  const core::Bytes creator = par2::encode(set_id, par2::Creator{s.options.creator});
  SetFileContents contents{critical, creator, set_id, nullptr, [&](std::size_t pass) -> const Accumulator& {
                             if (pass > 0) s.accumulate_again(pass, read_back);
                             s.sums->finish();
                             return *s.sums;
                           }};
  std::vector<WrittenSetFile> written;
  for (const std::string& name : file_names()) {
    written.push_back(write_set_file(*create(name), contents, s.options.hashes, s.work));
    written.back().name = name;
    contents.plan = &s.plan;  // the second file has the recovery slices
  }
  return written;
}

const FileDigests& SetBuilder::digests(std::size_t index) const { return state_->digests.at(index); }

std::vector<std::string> SetBuilder::file_names() const {
  const SetOptions& options = state_->options;
  std::vector<std::string> names = {options.base + ".par2"};
  if (options.recovery_slices > 0)
    names.push_back(par2::recovery_file_name(options.base, options.first_exponent, options.recovery_slices));
  return names;
}

std::string SetBuilder::plan_description() const { return state_->plan.description(); }

}  // namespace darkshelf::parity
