#pragma once
// SHA-256, MD5 and CRC-32: streaming and one-shot. Pure: no I/O. Objects are not thread-safe; different ones are
// independent.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

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

Sha256 sha256(core::ByteSpan bytes);
Md5 md5(core::ByteSpan bytes);

/// CRC-32 as zlib and Ethernet have it (polynomial 0xEDB88320 reflected, initial and final XOR 0xFFFFFFFF). Pass the
/// earlier value to go on; 0 starts.
std::uint32_t crc32(core::ByteSpan bytes, std::uint32_t earlier = 0);
/// The same, as if `count` zero bytes followed.
std::uint32_t crc32_zeros(std::uint32_t earlier, std::uint64_t count);

/// What is kept of one slice. The slice is `bytes` followed by zeros up to slice_bytes (PAR2's last slice of a file)
/// for MD5 and CRC-32; SHA-256 is over the bytes themselves, unpadded.
struct SliceDigests {
  Md5 md5;
  std::uint32_t crc32;
  Sha256 sha256;
};
SliceDigests slice_digests(core::ByteSpan bytes, std::uint64_t slice_bytes);

}  // namespace darkshelf::digest
