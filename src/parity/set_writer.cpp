#include "parity/set_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace darkshelf::parity {

namespace par2 = formats::par2;

namespace {

constexpr std::size_t kTogether = 16;         // packets of a task: as many as there are lanes for MD5
constexpr std::size_t kMostOfTask = 4 << 20;  // bytes of them
// Of a recovery packet: its MD5, what that covers, its data.
constexpr std::size_t kMd5At = 16, kHashedFrom = 32, kDataAt = par2::kHeaderBytes + 4;

/// The sums are whole: packets are made and hashed side by side, and written as they are ready.
void write_whole(const SetFileWriter& file, const par2::Md5& set_id, const RecoveryRequest& plan,
                 const Accumulator& sums, const core::Work& work) {
  const std::size_t count = plan.exponents.size(), packet_bytes = kDataAt + plan.slice_bytes;
  const std::size_t together = std::clamp<std::size_t>(kMostOfTask / packet_bytes, 1, kTogether);
  std::atomic<std::size_t> next = 0;
  core::parallel_for(work.thread_count(), work.thread_count(), [&](std::size_t) {
    core::AlignedBuffer buffer(together * packet_bytes);
    const auto packet = [&](std::size_t i) { return buffer.span().subspan(i * packet_bytes, packet_bytes); };
    std::vector<const std::byte*> hashed;
    for (std::size_t i = 0; i < together; ++i) hashed.push_back(packet(i).data() + kHashedFrom);
    std::vector<par2::Md5> md5(together);
    for (std::size_t first = next.fetch_add(together); first < count; first = next.fetch_add(together)) {
      work.check();
      const std::size_t these = std::min(together, count - first);
      for (std::size_t i = 0; i < these; ++i) {
        const core::Bytes head = par2::encode_recovery_head(set_id, plan.exponents[first + i], plan.slice_bytes);
        std::copy(head.begin(), head.end(), packet(i).begin());
        sums.read(first + i, packet(i).subspan(kDataAt));
      }
      digest::md5_many(std::span(hashed).first(these), packet_bytes - kHashedFrom, md5);
      for (std::size_t i = 0; i < these; ++i) {
        std::memcpy(packet(i).data() + kMd5At, md5[i].data(), md5[i].size());
        file.write_recovery(first + i, 0, packet(i));
      }
    }
  });
}

/// Some columns of all packets at a time. Their hashes run on from pass to pass, and are written at the end.
void write_by_columns(const SetFileWriter& file, const par2::Md5& set_id, const RecoveryPlan& plan,
                      const std::function<const Accumulator&(std::size_t pass)>& sums, const core::Work& work) {
  const std::size_t count = plan.request().exponents.size();
  std::vector<core::Bytes> heads(count);
  std::vector<digest::Md5Stream> hashes(count);
  for (std::size_t i = 0; i < count; ++i) {
    heads[i] = par2::encode_recovery_head(set_id, plan.request().exponents[i], plan.request().slice_bytes);
    hashes[i].update(core::ByteSpan(heads[i]).subspan(kHashedFrom));
  }
  for (std::size_t pass = 0; pass < plan.passes().size(); ++pass) {
    const Accumulator& finished = sums(pass);
    const Columns columns = plan.passes()[pass];
    std::atomic<std::size_t> next = 0;
    core::parallel_for(work.thread_count(), work.thread_count(), [&](std::size_t) {
      core::AlignedBuffer part(columns.bytes());
      for (std::size_t i = next++; i < count; i = next++) {
        work.check();
        finished.read(i, part.span());
        hashes[i].update(part.span());
        file.write_recovery(i, kDataAt + columns.begin, part.span());
      }
    });
  }
  for (std::size_t i = 0; i < count; ++i) {
    const par2::Md5 md5 = hashes[i].finish();
    std::memcpy(heads[i].data() + kMd5At, md5.data(), md5.size());
    file.write_recovery(i, 0, heads[i]);
  }
}

}  // namespace

SetFileWriter::SetFileWriter(std::unique_ptr<io::File> file, par2::FileLayout layout)
    : file_(std::move(file)), layout_(std::move(layout)) {
  for (const par2::PlannedPacket& packet : layout_.packets) {
    if (packet.kind == par2::PlannedPacket::Kind::kRecovery) recovery_at_.push_back(packet.offset);
  }
}

void SetFileWriter::write_packets(const std::vector<core::Bytes>& critical, const core::Bytes& creator) const {
  for (const par2::PlannedPacket& packet : layout_.packets) {
    if (packet.kind == par2::PlannedPacket::Kind::kCritical) file_->write_at(packet.offset, critical[packet.index]);
    if (packet.kind == par2::PlannedPacket::Kind::kCreator) file_->write_at(packet.offset, creator);
  }
}

void SetFileWriter::write_recovery(std::size_t index, std::uint64_t offset, core::ByteSpan bytes) const {
  file_->write_at(recovery_at_[index] + offset, bytes);
}

void write_recovery(const SetFileWriter& file, const par2::Md5& set_id, const RecoveryPlan& plan,
                    const std::function<const Accumulator&(std::size_t pass)>& sums, const core::Work& work) {
  if (plan.passes().size() == 1) {
    write_whole(file, set_id, plan.request(), sums(0), work);
  } else {
    write_by_columns(file, set_id, plan, sums, work);
  }
}

}  // namespace darkshelf::parity
