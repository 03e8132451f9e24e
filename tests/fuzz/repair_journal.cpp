// Any bytes as the journal of a repair.

#include "rituals/repair_journal.hpp"

#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::rituals;
  darkshelf::fuzz::round_trip(data, size, f::decode_journal, f::encode_journal);
  return 0;
}
