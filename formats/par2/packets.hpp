#pragma once
// PAR2 2.0 packets: bytes to structures and back. See SPEC.md beside this file. Pure; never trusts a length.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/bytes.hpp"
#include "digest/digest.hpp"

namespace darkshelf::formats::par2 {

using Md5 = digest::Md5;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::uint32_t kMaxSlices = 32768;
inline constexpr std::uint32_t kMaxExponent = 65534;  // 65535 equals 0, and larger ones break other programs

struct Main {
  std::uint64_t slice_bytes = 0;
  std::vector<Md5> recovery_files;  // ids of the recovery set, in the order that numbers the slices
  std::vector<Md5> other_files;     // non-recovery set: read, never written
};
struct FileDescription {
  Md5 id, md5, md5_16k;
  std::uint64_t bytes = 0;
  std::string name;  // raw bytes, '/' between folders
};
struct SliceChecksum {
  Md5 md5;
  std::uint32_t crc32 = 0;
};
struct FileSlices {
  Md5 id;
  std::vector<SliceChecksum> slices;
};
/// Only where the data lies: recovery data is never copied by the decoder.
struct RecoverySlice {
  std::uint32_t exponent = 0;
  std::uint64_t data_offset = 0;  // from the start of the packet (68)
  std::uint64_t data_bytes = 0;
};
struct Creator {
  std::string text;
};
struct UnknownPacket {};
using Body = std::variant<Main, FileDescription, FileSlices, RecoverySlice, Creator, UnknownPacket>;

struct Header {
  std::uint64_t bytes = 0;  // of the whole packet
  Md5 packet_md5, set_id, type;
};

/// The header at the front of `bytes` (at least kHeaderBytes long) if magic and length are plausible; nothing
/// otherwise.
std::optional<Header> decode_header(core::ByteSpan bytes);
/// The body of a packet whose MD5 was checked. Nothing if it breaks the rules for its type; UnknownPacket for other
/// types. For RecoverySlice `body` need hold only its first 4 bytes when `body_bytes` tells the true length.
std::optional<Body> decode_body(const Header& header, core::ByteSpan body, std::uint64_t body_bytes);
bool is_recovery_slice(const Header& header);
/// MD5 over set id + type + body: what packet_md5 must be.
Md5 packet_md5(const Md5& set_id, const Md5& type, core::ByteSpan body);

/// Whole packets, byte for byte as every PAR2 encoder must write them.
core::Bytes encode_main_body(const Main& main);
Md5 set_id_of(const Main& main);  // MD5 of the Main body
core::Bytes encode(const Md5& set_id, const Main& main);
core::Bytes encode(const Md5& set_id, const FileDescription& file);
core::Bytes encode(const Md5& set_id, const FileSlices& slices);
core::Bytes encode(const Md5& set_id, const Creator& creator);
/// The first 68 bytes of a recovery packet; packet_md5 is left zero for the caller (it covers data that follows).
core::Bytes encode_recovery_head(const Md5& set_id, std::uint32_t exponent, std::uint64_t slice_bytes);

Md5 file_id(const Md5& md5_16k, std::uint64_t bytes, std::string_view name);
/// PAR2's order of ids: as 128-bit little-endian numbers.
bool id_less(const Md5& a, const Md5& b);

/// Where everything of a recovery file lies, fixed by SPEC.md: the packets in order. Deterministic in its arguments.
struct PlannedPacket {
  enum class Kind { kCritical, kRecovery, kCreator } kind;
  std::size_t index = 0;  // into the critical packets (Main, FileDesc…, IFSC…) or the recovery slices of this file
  std::uint64_t offset = 0;  // in the file
};
struct FileLayout {
  std::vector<PlannedPacket> packets;
  std::uint64_t bytes = 0;
};
/// `critical_bytes`: length of each critical packet in order. `recovery_count` 0 makes the index file (one copy of
/// all).
FileLayout lay_out(const std::vector<std::uint64_t>& critical_bytes, std::uint64_t creator_bytes,
                   std::uint32_t recovery_count, std::uint64_t slice_bytes);

/// "NAME.vol00000+03277.par2" for one file that holds all recovery slices, as SPEC.md says.
std::string recovery_file_name(std::string_view base, std::uint32_t first_exponent, std::uint32_t count);

}  // namespace darkshelf::formats::par2
