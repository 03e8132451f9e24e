// MD5 and SHA-256 of one message at once. Each is a chain of steps that wait for one another: MD5's in the CPU's plain
// arithmetic, SHA-256's in its own instructions. Step beside step, SHA-256 costs next to nothing beside MD5.

#include <algorithm>

#include "digest/digest.hpp"
#include "digest/md5_numbers.hpp"
#include "digest/sha256_rounds.hpp"

namespace darkshelf::digest {

#ifdef __x86_64__
namespace {

struct Both {
  std::uint32_t md5[4];
  Sha256Rounds sha256;
};

/// MD5's block and SHA-256's are the same but at the end, where each has its own way to tell the length.
[[gnu::target("sha,sse4.1")]] void compress(Both& state, const std::byte* md5_blocks, const std::byte* sha256_blocks,
                                            std::size_t blocks) {
  Sha256Rounds sha256 = state.sha256;
  std::uint32_t sum[4];
  std::copy_n(state.md5, 4, sum);
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::byte *md5_block = md5_blocks + 64 * block, *sha256_block = sha256_blocks + 64 * block;
    const Sha256Rounds before = sha256;
    std::uint32_t a = sum[0], b = sum[1], c = sum[2], d = sum[3];
#pragma GCC unroll 64
    for (unsigned step = 0; step < 64; ++step) {
      std::uint32_t message = 0, rest = 0, mixed = 0;  // `mixed` has what waits for b, the step just before
      std::memcpy(&message, md5_block + 4 * kWordOfStep[step], 4);
      rest = a + message + kSines[step];
      if (step < 16) {
        mixed = d ^ (b & (c ^ d));
      } else if (step < 32) {
        rest += c & ~d;
        mixed = d & b;
      } else if (step < 48) {
        mixed = b ^ (c ^ d);
      } else {
        mixed = c ^ (b | ~d);
      }
      const unsigned turn = kTurns[step / 16][step % 4];
      const std::uint32_t turned = rest + mixed;
      a = d;
      d = c;
      c = b;
      b += turned << turn | turned >> (32 - turn);
      if (step % 4 == 3) sha256.four(step / 4, sha256_block);
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
    sha256.add(before);
  }
  std::copy_n(sum, 4, state.md5);
  state.sha256 = sha256;
}

[[gnu::target("sha,sse4.1")]] void begin(Both& state) {
  std::copy_n(kMd5Start, 4, state.md5);
  state.sha256.start();
}

[[gnu::target("sha,sse4.1")]] std::pair<Md5, Sha256> end(Both& state, const std::byte* left, std::uint64_t bytes) {
  const std::size_t count = bytes % 64, blocks = count < 56 ? 1 : 2;
  std::byte md5_end[128] = {};
  std::copy_n(left, count, md5_end);
  md5_end[count] = std::byte{0x80};
  std::byte sha256_end[128];
  std::copy_n(md5_end, 128, sha256_end);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto byte = static_cast<std::byte>(bytes * 8 >> (8 * i) & 0xFF);
    md5_end[64 * blocks - 8 + i] = byte;
    sha256_end[64 * blocks - 1 - i] = byte;
  }
  compress(state, md5_end, sha256_end, blocks);
  std::pair<Md5, Sha256> out;
  for (std::size_t i = 0; i < 4; ++i) core::store_le<std::uint32_t>(out.first.data() + 4 * i, state.md5[i]);
  out.second = state.sha256.digest();
  return out;
}

}  // namespace
#endif

struct Md5Sha256Stream::State {
#ifdef __x86_64__
  Both both;
  std::byte held[64] = {};  // the first `bytes % 64` of a block
  std::uint64_t bytes = 0;
#endif
  Md5Stream md5;  // these two where there are no such instructions
  Sha256Stream sha256;
};

Md5Sha256Stream::Md5Sha256Stream() : state_(std::make_unique<State>()) {
#ifdef __x86_64__
  if (is_quick()) begin(state_->both);
#endif
}
Md5Sha256Stream::~Md5Sha256Stream() = default;

bool Md5Sha256Stream::is_quick() {
#ifdef __x86_64__
  return cpu_has_sha();
#else
  return false;
#endif
}

void Md5Sha256Stream::update(core::ByteSpan bytes) {
  State& s = *state_;
  if (!is_quick()) {
    s.md5.update(bytes);
    s.sha256.update(bytes);
    return;
  }
#ifdef __x86_64__
  const std::size_t held = s.bytes % 64;
  s.bytes += bytes.size();
  if (held != 0) {
    const std::size_t part = std::min(bytes.size(), 64 - held);
    std::copy_n(bytes.begin(), part, s.held + held);
    bytes = bytes.subspan(part);
    if (held + part < 64) return;
    compress(s.both, s.held, s.held, 1);
  }
  const std::size_t blocks = bytes.size() / 64;
  compress(s.both, bytes.data(), bytes.data(), blocks);
  bytes = bytes.subspan(64 * blocks);
  std::copy(bytes.begin(), bytes.end(), s.held);
#endif
}

std::pair<Md5, Sha256> Md5Sha256Stream::finish() {
  State& s = *state_;
#ifdef __x86_64__
  if (is_quick()) {
    const auto digests = end(s.both, s.held, s.bytes);
    begin(s.both);
    s.bytes = 0;
    return digests;
  }
#endif
  const Md5 md5 = s.md5.finish();
  return {md5, s.sha256.finish()};
}

}  // namespace darkshelf::digest
