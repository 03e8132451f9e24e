#pragma once
// SHA-256, MD5 and CRC-32: streaming and one-shot. Pure: no I/O. Objects are not thread-safe; different ones are
// independent.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::digest {

using Sha256 = std::array<std::byte, 32>;
using Md5 = std::array<std::byte, 16>;

/// A running hash. finish() returns the digest and makes the object ready for a new message. Copyable: a copy goes on
/// from the same state.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(const Sha256Stream& other);
  Sha256Stream& operator=(const Sha256Stream& other);
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();
  void update(core::ByteSpan bytes);
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Md5Stream {
 public:
  Md5Stream();
  Md5Stream(const Md5Stream& other);
  Md5Stream& operator=(const Md5Stream& other);
  Md5Stream(Md5Stream&&) noexcept;
  Md5Stream& operator=(Md5Stream&&) noexcept;
  ~Md5Stream();
  void update(core::ByteSpan bytes);
  Md5 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Both of one message, and SHA-256 of its slices and of parts of it, in one thread and in little more time than MD5
/// takes alone. Only where the CPU has instructions for SHA-256.
class Md5Sha256Stream {
 public:
  static bool is_possible();
  /// `slice_bytes`: a multiple of 64; 0: no slices. Throws core::Error(kFailed) where this is not possible.
  explicit Md5Sha256Stream(std::uint64_t slice_bytes = 0);
  ~Md5Sha256Stream();
  /// The bytes [begin, end) of the message, which are still to come, are a message of their own, too. In order, none
  /// empty, not overlapping; begin is a multiple of 64. Throws core::Error(kFailed) otherwise.
  void part(std::uint64_t begin, std::uint64_t end);
  void update(core::ByteSpan bytes);
  struct Digests {
    Md5 md5{};
    Sha256 sha256{};
    std::vector<Sha256> slices;  // the last one of what there is of it
    std::vector<Sha256> parts;   // those that came to their end
  };
  /// Ready for a new message then.
  Digests finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 sha256(core::ByteSpan bytes);
Md5 md5(core::ByteSpan bytes);

/// CRC-32 as zlib and Ethernet have it (polynomial 0xEDB88320 reflected, initial and final XOR 0xFFFFFFFF). Pass the
/// earlier value to go on; 0 starts.
std::uint32_t crc32(core::ByteSpan bytes, std::uint32_t earlier = 0);
/// The same, as if `count` zero bytes followed.
std::uint32_t crc32_zeros(std::uint32_t earlier, std::uint64_t count);

/// MD5 of messages that are all `bytes` long, several at a time in the lanes of the CPU's vectors: out[i] is that of
/// messages[i]. `lanes` is one of md5_lanes(), for tests and measurements; 0 takes the most.
void md5_many(std::span<const std::byte* const> messages, std::uint64_t bytes, std::span<Md5> out,
              std::size_t lanes = 0);
std::vector<std::size_t> md5_lanes();
/// SHA-256 of messages that are all `bytes` long; two at a time where the CPU has instructions for it.
void sha256_many(std::span<const std::byte* const> messages, std::uint64_t bytes, std::span<Sha256> out);

/// What is kept of one slice. A slice that is shorter than slice_bytes (the last of a file) counts for MD5 and CRC-32
/// as if zeros followed, as PAR2 has it; SHA-256 is over the bytes themselves, unpadded.
struct SliceDigests {
  Md5 md5{};
  std::uint32_t crc32 = 0;
  Sha256 sha256{};
};
enum class Hashes { kPar2, kPar2AndSha256 };
/// Of consecutive slices: out.size() is divide_up(bytes.size(), slice_bytes). sha256 stays zero unless asked for.
void slice_digests(core::ByteSpan bytes, std::uint64_t slice_bytes, Hashes hashes, std::span<SliceDigests> out);

}  // namespace darkshelf::digest
