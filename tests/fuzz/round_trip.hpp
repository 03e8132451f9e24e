#pragma once
// What every decoder of text from a drive must do with any bytes: refuse them with core::Error, or take them as
// something that its encoder writes and it takes again.
//
// cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_members
// mkdir corpus && build/fuzz/bin/fuzz_members -max_total_time=60 corpus formats/volume/vectors/valid

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace darkshelf::fuzz {

template <typename Decode, typename Encode>
void round_trip(const std::uint8_t* data, std::size_t size, const Decode& decode, const Encode& encode) {
  std::string written;
  try {
    written = encode(decode(std::string_view(reinterpret_cast<const char*>(data), size)));
  } catch (const core::Error&) {
    return;
  }
  if (encode(decode(written)) != written) std::abort();  // a throw here is a finding too
}

}  // namespace darkshelf::fuzz
