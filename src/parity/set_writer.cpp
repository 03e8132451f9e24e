#include "parity/set_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <utility>

namespace darkshelf::parity {

namespace par2 = formats::par2;

namespace {

constexpr std::size_t kTogether = 16;    // packets of a task: as many as there are lanes for MD5
constexpr std::size_t kRound = 4 << 20;  // bytes of packets that are made at a time
constexpr std::size_t kBlock = core::AlignedBuffer::kAlignment;
// Of a recovery packet: its MD5, what that covers, its data.
constexpr std::size_t kMd5At = 16, kHashedFrom = 32, kDataAt = par2::kHeaderBytes + 4;

std::uint64_t length_of(const par2::FileLayout& layout, std::size_t packet) {
  const std::uint64_t end = packet + 1 < layout.packets.size() ? layout.packets[packet + 1].offset : layout.bytes;
  return end - layout.packets[packet].offset;
}

par2::FileLayout layout_of(const SetFileContents& contents) {
  std::vector<std::uint64_t> lengths;
  for (const core::Bytes& packet : contents.critical) lengths.push_back(packet.size());
  const RecoveryPlan* plan = contents.plan;
  const auto recovery = plan == nullptr ? 0 : static_cast<std::uint32_t>(plan->request().exponents.size());
  return par2::lay_out(lengths, contents.creator.size(), recovery, plan == nullptr ? 0 : plan->request().slice_bytes);
}

/// A file from front to back: whole blocks, large and aligned, so that they can go past the page cache. They are hashed
/// and written while the next ones are made.
class BlockWriter {
 public:
  BlockWriter(io::File& file, std::size_t most_at_once, digest::Hashes hashes)
      : file_(file), hashes_(hashes), filling_(kBlock + most_at_once), full_(kBlock + most_at_once) {}
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;
  ~BlockWriter() {
    if (written_.valid()) written_.wait();
  }

  /// Where the next bytes go.
  core::MutableByteSpan room() { return filling_.span().subspan(left_); }
  void taken(std::size_t count) {
    if (written_.valid()) written_.get();
    std::swap(filling_, full_);
    const std::size_t end = left_ + count, whole = end / kBlock * kBlock;
    std::memcpy(filling_.data(), full_.data() + whole, end - whole);
    written_ = std::async(std::launch::async, [this, begin = left_, end, whole, at = offset_] {
      const core::ByteSpan bytes = std::as_const(full_).span();
      if (hashes_ == digest::Hashes::kPar2AndSha256) sha256_.update(bytes.subspan(begin, end - begin));
      if (whole != 0) file_.write_at(at, bytes.first(whole));
    });
    offset_ += whole;
    left_ = end - whole;
  }
  WrittenSetFile finish() {
    if (written_.valid()) written_.get();
    if (left_ != 0) file_.write_at(offset_, std::as_const(filling_).span().first(left_));
    WrittenSetFile written{"", offset_ + left_, {}};
    if (hashes_ == digest::Hashes::kPar2AndSha256) written.sha256 = sha256_.finish();
    return written;
  }

 private:
  io::File& file_;
  digest::Hashes hashes_;
  core::AlignedBuffer filling_, full_;
  std::size_t left_ = 0;      // bytes at the front of filling_, from before, that made no whole block
  std::uint64_t offset_ = 0;  // of filling_ in the file
  digest::Sha256Stream sha256_;
  std::future<void> written_;  // last: it uses all of the others
};

/// Recovery packets [first, first + count) of the file, one behind the other at `at`.
void make_recovery(std::byte* at, const SetFileContents& contents, const Accumulator& sums, std::size_t first,
                   std::size_t count) {
  const RecoveryRequest& request = contents.plan->request();
  const std::size_t packet_bytes = kDataAt + request.slice_bytes;
  std::vector<const std::byte*> hashed(count);
  std::vector<par2::Md5> md5(count);
  for (std::size_t i = 0; i < count; ++i) {
    const core::MutableByteSpan packet(at + i * packet_bytes, packet_bytes);
    const core::Bytes head =
        par2::encode_recovery_head(contents.set_id, request.exponents[first + i], request.slice_bytes);
    std::copy(head.begin(), head.end(), packet.begin());
    sums.read(first + i, packet.subspan(kDataAt));
    hashed[i] = packet.data() + kHashedFrom;
  }
  digest::md5_many(hashed, packet_bytes - kHashedFrom, md5);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(at + i * packet_bytes + kMd5At, md5[i].data(), md5[i].size());
}

/// The sums are whole, or there are none: all packets in order, those of a round made side by side.
WrittenSetFile write_in_order(io::File& file, const SetFileContents& contents, const par2::FileLayout& layout,
                              digest::Hashes hashes, const core::Work& work) {
  using Kind = par2::PlannedPacket::Kind;
  std::uint64_t longest = kRound;
  for (std::size_t i = 0; i < layout.packets.size(); ++i) longest = std::max(longest, length_of(layout, i));
  BlockWriter writer(file, std::min(longest, layout.bytes), hashes);
  const Accumulator* sums = contents.plan == nullptr ? nullptr : &contents.sums(0);
  struct Run {
    std::byte* at;
    std::size_t first, count;  // recovery packets
  };
  for (std::size_t next = 0; next < layout.packets.size();) {
    work.check();
    std::vector<Run> runs;
    std::uint64_t bytes = 0;
    for (; next < layout.packets.size(); ++next) {
      const par2::PlannedPacket& packet = layout.packets[next];
      const std::uint64_t length = length_of(layout, next);
      if (bytes != 0 && bytes + length > longest) break;
      std::byte* const at = writer.room().data() + bytes;
      bytes += length;
      if (packet.kind != Kind::kRecovery) {
        const core::Bytes& text = packet.kind == Kind::kCreator ? contents.creator : contents.critical[packet.index];
        std::copy(text.begin(), text.end(), at);
      } else if (!runs.empty() && runs.back().count < kTogether && runs.back().at + runs.back().count * length == at) {
        ++runs.back().count;
      } else {
        runs.push_back({at, packet.index, 1});
      }
    }
    core::parallel_for(work.thread_count(), runs.size(), [&](std::size_t i) {
      make_recovery(runs[i].at, contents, *sums, runs[i].first, runs[i].count);
    });
    writer.taken(bytes);
  }
  return writer.finish();
}

digest::Sha256 hash_of(io::File& file, const core::Work& work) {
  core::AlignedBuffer buffer(kRound);
  digest::Sha256Stream sha256;
  std::uint64_t offset = 0;
  for (std::size_t got = 0; (got = file.read_at(offset, buffer.span())) != 0; offset += got) {
    work.check();
    sha256.update(std::as_const(buffer).span().first(got));
  }
  return sha256.finish();
}

/// Some columns of all packets at a time. Their MD5s run on from pass to pass, and are written at the end.
WrittenSetFile write_by_columns(io::File& file, const SetFileContents& contents, const par2::FileLayout& layout,
                                digest::Hashes wanted, const core::Work& work) {
  const RecoveryPlan& plan = *contents.plan;
  std::vector<std::uint64_t> recovery_at;
  for (const par2::PlannedPacket& packet : layout.packets) {
    switch (packet.kind) {
      case par2::PlannedPacket::Kind::kCritical:
        file.write_at(packet.offset, contents.critical[packet.index]);
        break;
      case par2::PlannedPacket::Kind::kCreator:
        file.write_at(packet.offset, contents.creator);
        break;
      case par2::PlannedPacket::Kind::kRecovery:
        recovery_at.push_back(packet.offset);
    }
  }
  const std::size_t count = recovery_at.size();
  std::vector<core::Bytes> heads(count);
  std::vector<digest::Md5Stream> hashes(count);
  for (std::size_t i = 0; i < count; ++i) {
    heads[i] = par2::encode_recovery_head(contents.set_id, plan.request().exponents[i], plan.request().slice_bytes);
    hashes[i].update(core::ByteSpan(heads[i]).subspan(kHashedFrom));
  }
  for (std::size_t pass = 0; pass < plan.passes().size(); ++pass) {
    const Accumulator& finished = contents.sums(pass);
    const Columns columns = plan.passes()[pass];
    std::atomic<std::size_t> next = 0;
    core::parallel_for(work.thread_count(), work.thread_count(), [&](std::size_t) {
      core::AlignedBuffer part(columns.bytes());
      for (std::size_t i = next++; i < count; i = next++) {
        work.check();
        finished.read(i, part.span());
        hashes[i].update(part.span());
        file.write_at(recovery_at[i] + kDataAt + columns.begin, part.span());
      }
    });
  }
  for (std::size_t i = 0; i < count; ++i) {
    const par2::Md5 md5 = hashes[i].finish();
    std::memcpy(heads[i].data() + kMd5At, md5.data(), md5.size());
    file.write_at(recovery_at[i], heads[i]);
  }
  WrittenSetFile written{"", layout.bytes, {}};
  if (wanted == digest::Hashes::kPar2AndSha256) written.sha256 = hash_of(file, work);
  return written;
}

}  // namespace

WrittenSetFile write_set_file(io::File& file, const SetFileContents& contents, digest::Hashes hashes,
                              const core::Work& work) {
  const par2::FileLayout layout = layout_of(contents);
  if (contents.plan == nullptr || contents.plan->passes().size() == 1)
    return write_in_order(file, contents, layout, hashes, work);
  return write_by_columns(file, contents, layout, hashes, work);
}

}  // namespace darkshelf::parity
