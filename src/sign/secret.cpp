#include "sign/secret.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <utility>

namespace darkshelf::sign {

Secret::Secret(std::size_t size) : size_(size) {
  if (::sodium_init() < 0) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(::sodium_malloc(std::max<std::size_t>(size, 1)));  // locked, between guard pages
  if (data_ == nullptr) throw std::bad_alloc();
  ::sodium_memzero(data_, size);
}

Secret::~Secret() { ::sodium_free(data_); }  // wipes it

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void Secret::shorten(std::size_t size) noexcept { size_ = std::min(size, size_); }

bool Secret::operator==(const Secret& other) const noexcept {
  return size_ == other.size_ && (size_ == 0 || ::sodium_memcmp(data_, other.data_, size_) == 0);
}

void wipe(void* data, std::size_t size) noexcept { ::sodium_memzero(data, size); }

}  // namespace darkshelf::sign
