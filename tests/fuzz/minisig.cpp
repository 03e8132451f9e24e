// Any bytes as a public key, a secret key and a signature. corpus/minisig: inputs that a run of it found new ways with.

#include "formats/minisig/minisig.hpp"

#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::formats::minisig;
  darkshelf::fuzz::round_trip(data, size, f::decode_public_key, f::encode_public_key);
  darkshelf::fuzz::round_trip(data, size, f::decode_public_key_line, f::public_key_line);
  darkshelf::fuzz::round_trip(data, size, f::decode_secret_key, f::encode_secret_key);
  darkshelf::fuzz::round_trip(data, size, f::decode_signature, f::encode_signature);
  return 0;
}
