// Any bytes as the head of a request or a parcel. The last line of a head has its SHA-256, which chance never meets:
// the bytes are tried as they are, and as the lines before a last line that is right.

#include "formats/parcel/parcel.hpp"

#include <algorithm>

#include "round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace f = darkshelf::formats::parcel;
  const auto try_head = [](std::string_view text) {
    darkshelf::fuzz::round_trip(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), f::decode, f::encode);
  };
  std::string text(reinterpret_cast<const char*>(data), size);
  f::kind_of(text);
  try_head(std::string_view(text).substr(0, f::head_length(text).value_or(size)));
  if (size < 2) return 0;
  const unsigned bytes = (text[0] & 0xFFu) | (text[1] & 0xFFu) << 8;  // the sum a parcel tells
  text.erase(0, 2);
  if (!text.empty() && text.back() != '\n') text += '\n';
  const auto lines = std::count(text.begin(), text.end(), '\n');
  const auto hash = darkshelf::core::to_hex(darkshelf::digest::sha256(darkshelf::core::as_bytes(text)));
  try_head(text + "{\"end\":" + std::to_string(lines) + ",\"data\":" + std::to_string(bytes) + ",\"sha256\":\"" + hash +
           "\"}\n");
  return 0;
}
