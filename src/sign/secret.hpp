#pragma once
// Bytes that nobody else may see: kept out of swap as far as the system allows, wiped when they are let go.

#include "core/bytes.hpp"

namespace darkshelf::sign {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  core::MutableByteSpan span() noexcept { return {data_, size_}; }
  core::ByteSpan span() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// Only the first `size` bytes count from now on.
  void shorten(std::size_t size) noexcept;
  bool operator==(const Secret& other) const noexcept;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// For memory that others own: it is overwritten, whatever the compiler thinks of that.
void wipe(void* data, std::size_t size) noexcept;

}  // namespace darkshelf::sign
