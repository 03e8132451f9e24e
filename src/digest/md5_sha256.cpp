// MD5 and SHA-256 of one message, and SHA-256 of stretches of it, at once. MD5 is a chain of steps in the CPU's plain
// arithmetic that wait for one another. SHA-256's instructions run beside them, and up to three messages that share a
// block (the whole, a slice, a photo in it) share its schedule too: step beside step, they cost little more than MD5.

#include <algorithm>

#include "core/error.hpp"
#include "digest/digest.hpp"
#include "digest/md5_numbers.hpp"
#include "digest/sha256_rounds.hpp"

namespace darkshelf::digest {

#ifdef __x86_64__
namespace {

constexpr std::size_t kBlock = 64;

/// Whole blocks into MD5 and into N states of SHA-256.
template <std::size_t N>
[[gnu::target("sha,sse4.1")]] void compress(std::uint32_t (&md5)[4], Sha256State* const* states, const std::byte* data,
                                            std::size_t blocks) {
  Sha256State sha256[N + 1];
  for (std::size_t i = 0; i < N; ++i) sha256[i] = *states[i];
  std::uint32_t sum[4];
  std::copy_n(md5, 4, sum);
  for (; blocks > 0; --blocks, data += kBlock) {
    Sha256State before[N + 1];
    for (std::size_t i = 0; i < N; ++i) before[i] = sha256[i];
    Sha256Words words;
    std::uint32_t a = sum[0], b = sum[1], c = sum[2], d = sum[3];
#pragma GCC unroll 64
    for (unsigned step = 0; step < 64; ++step) {
      std::uint32_t message = 0, rest = 0, mixed = 0;  // `mixed` has what waits for b, the step just before
      std::memcpy(&message, data + 4 * kWordOfStep[step], 4);
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
      if (N > 0 && step % 4 == 3) {
        const __m128i four = words.four(step / 4, data);
#pragma GCC unroll 3
        for (std::size_t i = 0; i < N; ++i) sha256[i].four(four);
      }
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
    for (std::size_t i = 0; i < N; ++i) sha256[i].add(before[i]);
  }
  std::copy_n(sum, 4, md5);
  for (std::size_t i = 0; i < N; ++i) *states[i] = sha256[i];
}

using Compress = void (*)(std::uint32_t (&)[4], Sha256State* const*, const std::byte*, std::size_t);
constexpr Compress kCompress[] = {compress<0>, compress<1>, compress<2>, compress<3>};

[[gnu::target("sha,sse4.1")]] void start(Sha256State& state) { state.start(); }
[[gnu::target("sha,sse4.1")]] Sha256 end(Sha256State& state, const std::byte* left, std::uint64_t length) {
  return state.end(left, length);
}

}  // namespace

struct Md5Sha256Stream::State {
  explicit State(std::uint64_t bytes_of_slice) : slice_bytes(bytes_of_slice) { begin(); }

  void begin() {
    std::copy_n(kMd5Start, 4, md5);
    start(whole);
    if (slice_bytes != 0) start(slice);
    taken = 0;
    next_part = 0;
    in_part = false;
    stretches.clear();
    out = {};
  }

  /// Whole blocks. What begins or ends, begins or ends before a block, or ends within it.
  void take(const std::byte* data, std::size_t blocks) {
    while (blocks > 0) {
      turn_of_slice();
      turn_of_parts(data, kBlock);
      std::uint64_t run = blocks;
      if (slice_bytes != 0) run = std::min(run, (slice_bytes - taken % slice_bytes) / kBlock);
      if (next_part < stretches.size())
        run = std::min(run, ((in_part ? stretches[next_part].end : stretches[next_part].begin) - taken) / kBlock);
      Sha256State* states[3] = {&whole};
      std::size_t count = 1;
      if (slice_bytes != 0) states[count++] = &slice;
      if (in_part) states[count++] = &part;
      kCompress[count](md5, states, data, run);
      data += kBlock * run;
      blocks -= run;
      taken += kBlock * run;
    }
  }

  void turn_of_slice() {
    if (slice_bytes == 0 || taken == 0 || taken % slice_bytes != 0) return;
    out.slices.push_back(end(slice, nullptr, slice_bytes));
    start(slice);
  }

  /// Parts that end within the `count` bytes at `data`, which come next, or begin there.
  void turn_of_parts(const std::byte* data, std::size_t count) {
    while (next_part < stretches.size()) {
      const Stretch& one = stretches[next_part];
      if (!in_part) {
        if (one.begin != taken) return;
        in_part = true;
        start(part);
      }
      if (one.end >= taken + kBlock || one.end > taken + count) return;
      out.parts.push_back(end(part, data, one.end - one.begin));
      in_part = false;
      ++next_part;
    }
  }

  Digests finish() {
    const std::size_t left = held_bytes;
    turn_of_slice();
    turn_of_parts(held, left);
    const std::uint64_t bytes = taken + left;
    if (slice_bytes != 0 && bytes % slice_bytes != 0) out.slices.push_back(end(slice, held, bytes % slice_bytes));
    Sha256End last(held, bytes);
    for (std::size_t i = 0; i < 8; ++i)  // MD5 tells the length the other way round
      last.bytes[kBlock * last.blocks - 8 + i] = static_cast<std::byte>(bytes * 8 >> (8 * i) & 0xFF);
    compress<0>(md5, nullptr, last.bytes, last.blocks);
    for (std::size_t i = 0; i < 4; ++i) core::store_le<std::uint32_t>(out.md5.data() + 4 * i, md5[i]);
    out.sha256 = end(whole, held, bytes);
    held_bytes = 0;
    Digests digests = std::move(out);
    begin();
    return digests;
  }

  struct Stretch {
    std::uint64_t begin, end;
  };
  std::uint64_t slice_bytes;
  std::uint32_t md5[4];
  Sha256State whole, slice, part;
  std::uint64_t taken = 0;  // in whole blocks
  std::byte held[kBlock] = {};
  std::size_t held_bytes = 0;  // of the block that is not whole yet
  std::vector<Stretch> stretches;
  std::size_t next_part = 0;  // the one that is next, or in_part
  bool in_part = false;
  Digests out;
};

bool Md5Sha256Stream::is_possible() { return cpu_has_sha(); }

Md5Sha256Stream::Md5Sha256Stream(std::uint64_t slice_bytes) {
  if (!is_possible() || slice_bytes % kBlock != 0)
    throw core::Error(core::Code::kFailed, "MD5 and SHA-256 cannot be computed at once here");
  state_ = std::make_unique<State>(slice_bytes);
}
Md5Sha256Stream::~Md5Sha256Stream() = default;

void Md5Sha256Stream::part(std::uint64_t begin, std::uint64_t end) {
  State& s = *state_;
  const std::uint64_t earliest = s.stretches.empty() ? 0 : s.stretches.back().end;
  if (begin % kBlock != 0 || begin < std::max(earliest, s.taken + s.held_bytes) || end <= begin)
    throw core::Error(core::Code::kFailed, "a part of a message that cannot be hashed along with it");
  s.stretches.push_back({begin, end});
}

void Md5Sha256Stream::update(core::ByteSpan bytes) {
  State& s = *state_;
  if (s.held_bytes != 0) {
    const std::size_t more = std::min(bytes.size(), kBlock - s.held_bytes);
    std::copy_n(bytes.begin(), more, s.held + s.held_bytes);
    s.held_bytes += more;
    bytes = bytes.subspan(more);
    if (s.held_bytes < kBlock) return;
    s.held_bytes = 0;
    s.take(s.held, 1);
  }
  s.take(bytes.data(), bytes.size() / kBlock);
  s.held_bytes = bytes.size() % kBlock;
  std::copy_n(bytes.end() - static_cast<std::ptrdiff_t>(s.held_bytes), s.held_bytes, s.held);
}

Md5Sha256Stream::Digests Md5Sha256Stream::finish() { return state_->finish(); }

#else

struct Md5Sha256Stream::State {};
bool Md5Sha256Stream::is_possible() { return false; }
Md5Sha256Stream::Md5Sha256Stream(std::uint64_t) {
  throw core::Error(core::Code::kFailed, "MD5 and SHA-256 cannot be computed at once here");
}
Md5Sha256Stream::~Md5Sha256Stream() = default;
void Md5Sha256Stream::part(std::uint64_t, std::uint64_t) {}
void Md5Sha256Stream::update(core::ByteSpan) {}
Md5Sha256Stream::Digests Md5Sha256Stream::finish() { return {}; }

#endif

}  // namespace darkshelf::digest
