#include "parity/set_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <numeric>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/par2/packets.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kHead = 16384;
constexpr std::uint64_t kBatch = 8 << 20;  // input gathered before the hashes are shared out over threads
constexpr std::uint64_t kWorthThreads = 512 << 10;

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

}  // namespace

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
        plan(make_plan()),
        digests(files.size()),
        buffer(batch_bytes()) {
    if (!plan.passes().empty()) sums.emplace(plan, 0);
    number();
  }

  std::uint64_t batch_bytes() const {
    const std::uint64_t most = std::min<std::uint64_t>(kBatch, work.memory / 8);
    return std::max<std::uint64_t>(1, most / options.slice_bytes) * options.slice_bytes;
  }

  RecoveryPlan make_plan() const {
    check(files, options);
    RecoveryRequest request;
    request.slice_bytes = options.slice_bytes;
    request.slices = static_cast<std::uint32_t>(slice_count(files, options.slice_bytes));
    for (std::uint32_t i = 0; i < options.recovery_slices; ++i)
      request.exponents.push_back(static_cast<std::uint16_t>(options.first_exponent + i));
    request.memory = work.memory > batch_bytes() ? work.memory - batch_bytes() : 0;
    request.threads = work.thread_count();
    return RecoveryPlan(std::move(request));
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

  void append(core::ByteSpan bytes) {
    FileDigests& file = digests[current];
    file.bytes += bytes.size();
    if (file.bytes > files[current].bytes) {
      throw Error(Code::kCorrupt,
                  fmt::format("{} is longer than it was said to be", core::printable(files[current].name)));
    }
    if (head_bytes < kHead) {
      const auto part = bytes.first(std::min<std::uint64_t>(bytes.size(), kHead - head_bytes));
      head.update(part);
      head_bytes += part.size();
    }
    while (!bytes.empty()) {
      const std::size_t part = std::min(bytes.size(), buffer.size() - filled);
      std::memcpy(buffer.data() + filled, bytes.data(), part);
      filled += part;
      bytes = bytes.subspan(part);
      if (filled == buffer.size()) flush();
    }
  }

  /// Hashes what is gathered and adds it to the sums. The chains over the whole file, where each step waits for the one
  /// before, run beside all the rest.
  void flush() {
    if (filled == 0) return;
    const core::ByteSpan all = std::as_const(buffer).span().first(filled);
    if (filled < kWorthThreads) {
      md5.update(all);
      if (with_sha256()) sha256.update(all);
      take_slices(all);
    } else {
      auto md5_chain = std::async(std::launch::async, [&] { md5.update(all); });
      auto sha256_chain = std::async(std::launch::async, [&] {
        if (with_sha256()) sha256.update(all);
      });
      take_slices(all);
      md5_chain.get();
      sha256_chain.get();
    }
    filled = 0;
  }

  bool with_sha256() const { return options.hashes == digest::Hashes::kPar2AndSha256; }

  void take_slices(core::ByteSpan all) {
    constexpr std::size_t kTogether = 16;  // slices of a task: as many as there are lanes for MD5
    FileDigests& file = digests[current];
    const std::size_t first = file.slices.size(), count = core::divide_up(filled, options.slice_bytes);
    file.slices.resize(first + count);
    const auto slice = [&](std::size_t i) {
      const std::size_t at = i * options.slice_bytes;
      return all.subspan(at, std::min<std::size_t>(options.slice_bytes, all.size() - at));
    };
    core::parallel_for(
        filled < kWorthThreads ? 1 : work.thread_count(), core::divide_up(count, kTogether), [&](std::size_t task) {
          const std::size_t begin = task * kTogether, slices = std::min(kTogether, count - begin);
          const std::size_t at = begin * options.slice_bytes;
          digest::slice_digests(all.subspan(at, std::min<std::size_t>(slices * options.slice_bytes, all.size() - at)),
                                options.slice_bytes, options.hashes,
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
      sums->add(parts);
    }
  }

  void end_file() {
    flush();
    FileDigests& file = digests[current];
    file.md5 = md5.finish();
    if (with_sha256()) file.sha256 = sha256.finish();
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
  core::AlignedBuffer buffer;
  std::size_t filled = 0;
  std::size_t current = 0;
  bool open = false;
  digest::Md5Stream md5, head;
  digest::Sha256Stream sha256;
  std::uint64_t head_bytes = 0;
};

namespace {

/// A .par2 file as laid out; recovery data comes pass by pass.
class SetFileWriter {
 public:
  SetFileWriter(std::unique_ptr<io::File> file, par2::FileLayout layout)
      : file_(std::move(file)), layout_(std::move(layout)) {}

  void write_packets(const std::vector<core::Bytes>& critical, const core::Bytes& creator) {
    for (const par2::PlannedPacket& packet : layout_.packets) {
      if (packet.kind == par2::PlannedPacket::Kind::kCritical) file_->write_at(packet.offset, critical[packet.index]);
      if (packet.kind == par2::PlannedPacket::Kind::kCreator) file_->write_at(packet.offset, creator);
      if (packet.kind == par2::PlannedPacket::Kind::kRecovery) recovery_at_.push_back(packet.offset);
    }
  }
  void write_head(std::size_t index, core::ByteSpan head) { file_->write_at(recovery_at_[index], head); }
  void write_columns(std::size_t index, std::uint64_t column, core::ByteSpan bytes) {
    file_->write_at(recovery_at_[index] + par2::kHeaderBytes + 4 + column, bytes);
  }

 private:
  std::unique_ptr<io::File> file_;
  par2::FileLayout layout_;
  std::vector<std::uint64_t> recovery_at_;
};

}  // namespace

SetBuilder::SetBuilder(std::vector<SetFile> files, SetOptions options, const core::Work& work)
    : state_(std::make_unique<State>(std::move(files), std::move(options), work)) {}
SetBuilder::~SetBuilder() = default;

void SetBuilder::begin_file(std::size_t index) {
  State& s = *state_;
  if (s.open || index >= s.files.size() || s.digests[index].bytes != 0)
    throw Error(Code::kFailed, "files of a PAR2 set came in a wrong order");
  s.current = index;
  s.open = true;
}

void SetBuilder::append(core::ByteSpan bytes) { state_->append(bytes); }
void SetBuilder::end_file() { state_->end_file(); }

void SetBuilder::write(const CreateFile& create, const ReadBack& read_back) {
  State& s = *state_;
  par2::Md5 set_id{};
  const std::vector<core::Bytes> critical = s.critical_packets(set_id);
  const core::Bytes creator = par2::encode(set_id, par2::Creator{s.options.creator});
  std::vector<std::uint64_t> lengths;
  for (const core::Bytes& packet : critical) lengths.push_back(packet.size());
  const std::vector<std::string> names = file_names();
  SetFileWriter(create(names[0]), par2::lay_out(lengths, creator.size(), 0, s.options.slice_bytes))
      .write_packets(critical, creator);
  if (s.options.recovery_slices == 0) return;

  const std::size_t count = s.options.recovery_slices;
  SetFileWriter file(create(names[1]),
                     par2::lay_out(lengths, creator.size(), s.options.recovery_slices, s.options.slice_bytes));
  file.write_packets(critical, creator);
  std::vector<core::Bytes> heads(count);
  std::vector<digest::Md5Stream> hashes(count);  // run on over the passes: columns come in order
  for (std::size_t i = 0; i < count; ++i) {
    heads[i] = par2::encode_recovery_head(set_id, s.plan.request().exponents[i], s.options.slice_bytes);
    hashes[i].update(core::ByteSpan(heads[i]).subspan(32));
  }
  const std::size_t together = 4 * std::size_t{s.work.thread_count()};
  for (std::size_t pass = 0; pass < s.plan.passes().size(); ++pass) {
    if (pass > 0) s.accumulate_again(pass, read_back);
    s.sums->finish();
    const Columns columns = s.plan.passes()[pass];
    std::vector<core::Bytes> parts(std::min(together, count), core::Bytes(columns.bytes()));
    for (std::size_t first = 0; first < count; first += parts.size()) {
      s.work.check();
      const std::size_t these = std::min(parts.size(), count - first);
      core::parallel_for(s.work.thread_count(), these, [&](std::size_t i) {
        s.sums->read(first + i, parts[i]);
        hashes[first + i].update(parts[i]);
      });
      for (std::size_t i = 0; i < these; ++i) file.write_columns(first + i, columns.begin, parts[i]);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const par2::Md5 md5 = hashes[i].finish();
    std::memcpy(heads[i].data() + 16, md5.data(), md5.size());
    file.write_head(i, heads[i]);
  }
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
