#pragma once
// SHA-1: only to compare with lists that others wrote. Nothing of darkshelf rests on it.

#include <array>
#include <memory>

#include "core/bytes.hpp"

namespace darkshelf::digest {

using Sha1 = std::array<std::byte, 20>;

class Sha1Stream {
 public:
  Sha1Stream();
  Sha1Stream(Sha1Stream&&) noexcept;
  Sha1Stream& operator=(Sha1Stream&&) noexcept;
  ~Sha1Stream();
  void update(core::ByteSpan bytes);
  Sha1 finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::digest
