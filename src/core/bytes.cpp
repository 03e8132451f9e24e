#include "core/bytes.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace darkshelf::core {

namespace {
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

std::string to_hex(ByteSpan bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out += kHexDigits[std::to_integer<unsigned>(b) >> 4];
    out += kHexDigits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return {};
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return out;
}

std::string to_base64(ByteSpan bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? kBase64Digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::size_t padding = 0;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      if (c == '=' && i + 4 == text.size() && j >= 2) {
        ++padding;
        group <<= 6;
        continue;
      }
      const std::size_t value = kBase64Digits.find(c);
      if (value == std::string_view::npos || padding != 0) return {};
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    for (std::size_t j = 0; j < 3 - padding; ++j) out.push_back(static_cast<std::byte>(group >> (16 - 8 * j)));
  }
  return out;
}

AlignedBuffer::AlignedBuffer(std::size_t size) : size_(size) {
  constexpr std::size_t kWorthMapping = 1 << 20;
  if (size == 0) return;
  if (size >= kWorthMapping) {
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    ::madvise(mapped, size, MADV_HUGEPAGE);  // advice only: no harm where there are none
    data_ = {static_cast<std::byte*>(mapped), Free(size)};
    return;
  }
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, round_up(size, kAlignment))));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, size);
}

void AlignedBuffer::populate(std::size_t from, std::size_t count) noexcept {
#ifdef MADV_POPULATE_WRITE
  if (data_.get_deleter().mapped != 0 && from < size_)
    ::madvise(data_.get() + from, std::min(count, size_ - from), MADV_POPULATE_WRITE);  // advice only, as above
#endif
}

void AlignedBuffer::Free::operator()(std::byte* data) const noexcept {
  if (mapped != 0) {
    ::munmap(data, mapped);
  } else {
    std::free(data);
  }
}

}  // namespace darkshelf::core
