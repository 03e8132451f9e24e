#pragma once
// PAR2 packets anywhere in the raw bytes of a medium, whatever lies between them.

#include <cstdint>
#include <functional>

#include "formats/par2/packets.hpp"

namespace darkshelf::parity {

/// A sound packet: its MD5 fits and its body decodes.
struct CarvedPacket {
  std::uint64_t offset = 0;
  formats::par2::Header header;
  formats::par2::Body body;
  core::ByteSpan bytes;  // the whole packet; empty for recovery slices
};

/// The longest recovery slice that is taken for one: that of a file of two tebibytes.
inline constexpr std::uint64_t kLongestRawSlice = 64 << 20;

class PacketCarver {
 public:
  /// Reads into the whole span from an offset of the medium; false where it cannot.
  using Read = std::function<bool(std::uint64_t offset, core::MutableByteSpan into)>;
  using Found = std::function<void(const CarvedPacket&)>;

  /// `medium_bytes`: packets that claim to reach further are none. `read` is asked for what lies behind a window.
  PacketCarver(std::uint64_t medium_bytes, Read read, Found found);

  /// Looks for packets that begin in [from, to) of the medium, whose bytes from `base` on are `data` (at least up to
  /// `to`, and a header behind it where the medium goes on). Returns where to look next: `to`, or behind a packet that
  /// reaches further. The work is bounded by the bytes looked at: where headers claim lengths only to keep a reader
  /// busy, some of them are passed over.
  std::uint64_t carve(core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to);

 private:
  bool take(core::ByteSpan data, std::uint64_t base, std::uint64_t offset, std::uint64_t& length);
  bool hash_fits(core::ByteSpan data, std::uint64_t base, std::uint64_t offset, const formats::par2::Header& header,
                 core::Bytes& kept, std::uint64_t keep);

  std::uint64_t medium_bytes_;
  Read read_;
  Found found_;
  std::uint64_t credit_;  // bytes that may still be hashed for nothing
};

}  // namespace darkshelf::parity
