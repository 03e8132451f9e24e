// Any bytes as members.jsonl.

#include "formats/volume/tag_files.hpp"
#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::formats::volume;
  darkshelf::fuzz::round_trip(data, size, f::decode_members, f::encode_members);
  return 0;
}
