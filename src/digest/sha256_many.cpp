// SHA-256 of many messages, two at a time: each fills the pauses of the other.

#include <algorithm>

#include "digest/digest.hpp"
#include "digest/sha256_rounds.hpp"

namespace darkshelf::digest {

#ifdef __x86_64__
namespace {

struct Ending {  // what is left behind the last whole block, a one bit, zeros and the length
  std::byte bytes[128] = {};
  std::size_t blocks;
  Ending(const std::byte* message, std::uint64_t length) : blocks(length % 64 < 56 ? 1 : 2) {
    const std::size_t left = length % 64;
    if (left != 0) std::memcpy(bytes, message + (length - left), left);
    bytes[left] = std::byte{0x80};
    for (std::size_t i = 0; i < 8; ++i)
      bytes[64 * blocks - 1 - i] = static_cast<std::byte>(length * 8 >> (8 * i) & 0xFF);
  }
};

[[gnu::target("sha,sse4.1")]] void compress(Sha256Rounds (&state)[2], const std::byte* first, const std::byte* second,
                                            std::size_t blocks) {
  Sha256Rounds one = state[0], two = state[1];
  for (std::size_t block = 0; block < blocks; ++block) {
    const Sha256Rounds one_before = one, two_before = two;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) {
      one.four(i, first + 64 * block);
      two.four(i, second + 64 * block);
    }
    one.add(one_before);
    two.add(two_before);
  }
  state[0] = one;
  state[1] = two;
}

[[gnu::target("sha,sse4.1")]] void hash_two(const std::byte* first, const std::byte* second, std::uint64_t bytes,
                                            Sha256* out) {
  Sha256Rounds state[2];
  state[0].start();
  state[1].start();
  const Ending first_end(first, bytes), second_end(second, bytes);
  compress(state, first, second, bytes / 64);
  compress(state, first_end.bytes, second_end.bytes, first_end.blocks);
  out[0] = state[0].digest();
  out[1] = state[1].digest();
}

}  // namespace
#endif

void sha256_many(std::span<const std::byte* const> messages, std::uint64_t bytes, std::span<Sha256> out) {
  std::size_t first = 0;
#ifdef __x86_64__
  if (cpu_has_sha()) {
    for (; first + 2 <= messages.size(); first += 2) hash_two(messages[first], messages[first + 1], bytes, &out[first]);
  }
#endif
  for (; first < messages.size(); ++first) out[first] = sha256({messages[first], static_cast<std::size_t>(bytes)});
}

}  // namespace darkshelf::digest
