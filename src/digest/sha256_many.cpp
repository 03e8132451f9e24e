// SHA-256 of many messages, two at a time: each fills the pauses of the other.

#include <algorithm>

#include "digest/digest.hpp"
#include "digest/sha256_rounds.hpp"

namespace darkshelf::digest {

#ifdef __x86_64__
namespace {

[[gnu::target("sha,sse4.1")]] void hash_two(const std::byte* first, const std::byte* second, std::uint64_t bytes,
                                            Sha256* out) {
  Sha256State one, two;
  one.start();
  two.start();
  const std::size_t whole = bytes / 64;
  for (std::size_t block = 0; block < whole; ++block) {
    const Sha256State one_before = one, two_before = two;
    Sha256Words one_words, two_words;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) {
      one.four(one_words.four(i, first + 64 * block));
      two.four(two_words.four(i, second + 64 * block));
    }
    one.add(one_before);
    two.add(two_before);
  }
  out[0] = one.end(first + 64 * whole, bytes);
  out[1] = two.end(second + 64 * whole, bytes);
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
