#pragma once
// Bytes: little-endian fields, hexadecimal and base64 text, buffers aligned for O_DIRECT and vector units.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace darkshelf::core {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;
using Bytes = std::vector<std::byte>;

inline ByteSpan as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(std::string_view text) {
  const ByteSpan bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// Unsigned little-endian field of sizeof(T) bytes at `at`, which must have room for it.
template <typename T>
T load_le(const std::byte* at) {
  T value{};
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(std::to_integer<std::uint8_t>(at[i])) << (8 * i)));
  }
  return value;
}
template <typename T>
void store_le(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<std::byte>(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// a + b and a * b, or nothing on overflow: for lengths that come from a drive.
inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return {};
  return out;
}
inline std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return {};
  return out;
}
inline std::uint64_t divide_up(std::uint64_t value, std::uint64_t unit) { return value / unit + (value % unit != 0); }
inline std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return divide_up(value, unit) * unit; }

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteSpan bytes);
/// The bytes of an even-length hexadecimal text (either case); nothing if it is not one.
std::optional<Bytes> from_hex(std::string_view text);
template <std::size_t N>
std::optional<std::array<std::byte, N>> digest_from_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != N) return {};
  std::array<std::byte, N> out{};
  std::memcpy(out.data(), bytes->data(), N);
  return out;
}

/// Standard base64 with padding (RFC 4648 section 4).
std::string to_base64(ByteSpan bytes);
std::optional<Bytes> from_base64(std::string_view text);

/// A zero-filled buffer aligned to 4096 bytes: good for O_DIRECT and every vector width. Movable, not copyable. Large
/// ones take no memory before they are written to, and ask for huge pages.
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 4096;
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size);
  std::byte* data() noexcept { return data_.get(); }
  const std::byte* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  MutableByteSpan span() noexcept { return {data_.get(), size_}; }
  ByteSpan span() const noexcept { return {data_.get(), size_}; }
  /// Takes the memory for the bytes [from, from + count) of a large buffer now rather than when they are written to, if
  /// the system can do that. Contents stay. Threads may do it to parts of their own.
  void populate(std::size_t from, std::size_t count) noexcept;

 private:
  struct Free {
    Free() noexcept : mapped(0) {}
    explicit Free(std::size_t mapped_bytes) noexcept : mapped(mapped_bytes) {}
    std::size_t mapped;  // 0: from the heap
    void operator()(std::byte* data) const noexcept;
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace darkshelf::core
