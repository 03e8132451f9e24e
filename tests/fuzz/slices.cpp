// Any bytes as slices.sha256.

#include "formats/volume/tag_files.hpp"
#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::formats::volume;
  darkshelf::fuzz::round_trip(data, size, f::decode_slices, f::encode_slices);
  return 0;
}
