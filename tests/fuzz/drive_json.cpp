// Any bytes as drive.json.

#include "formats/drive/drive_files.hpp"
#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::formats::drive;
  darkshelf::fuzz::round_trip(data, size, f::decode_identity, f::encode_identity);
  return 0;
}
