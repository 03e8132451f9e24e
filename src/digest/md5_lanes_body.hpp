// MD5's compression (RFC 1321 section 3.4) of several messages at once, a vector lane for each. Included by
// md5_many.cpp once for each width, inside a namespace of its own and behind DARKSHELF_LANES and DARKSHELF_TARGET. No
// include guard, no includes: it is a piece of that file.

inline constexpr std::size_t kLanes = DARKSHELF_LANES;
using Vector [[gnu::vector_size(4 * DARKSHELF_LANES)]] = std::uint32_t;

/// `blocks` blocks of 64 bytes from each of kLanes messages; state[word][lane].
DARKSHELF_TARGET inline void compress(std::uint32_t (*state)[kLanes], const std::byte* const* messages,
                                      std::size_t blocks) {
  Vector sum[4];
  for (std::size_t i = 0; i < 4; ++i) std::memcpy(&sum[i], state[i], sizeof(Vector));
  for (std::size_t block = 0; block < blocks; ++block) {
    alignas(64) std::uint32_t words[16][kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
#pragma GCC unroll 16
      for (std::size_t word = 0; word < 16; ++word)
        words[word][lane] = core::load_le<std::uint32_t>(messages[lane] + 64 * block + 4 * word);
    }
    Vector a = sum[0], b = sum[1], c = sum[2], d = sum[3];
#pragma GCC unroll 64
    for (unsigned step = 0; step < 64; ++step) {
      Vector mixed, message;
      if (step < 16) {
        mixed = d ^ (b & (c ^ d));
      } else if (step < 32) {
        mixed = c ^ (d & (b ^ c));
      } else if (step < 48) {
        mixed = b ^ c ^ d;
      } else {
        mixed = c ^ (b | ~d);
      }
      std::memcpy(&message, words[kWordOfStep[step]], sizeof(Vector));
      const unsigned turn = kTurns[step / 16][step % 4];
      const Vector turned = a + mixed + (message + kSines[step]);
      a = d;
      d = c;
      c = b;
      b += (turned << turn) | (turned >> (32 - turn));
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
  }
  for (std::size_t i = 0; i < 4; ++i) std::memcpy(state[i], &sum[i], sizeof(Vector));
}

/// MD5 of up to kLanes messages of the same length; lanes to spare do the first one again.
DARKSHELF_TARGET inline void hash(const std::byte* const* messages, std::size_t count, std::uint64_t bytes, Md5* out) {
  alignas(64) std::uint32_t state[4][kLanes];
  const std::byte* lanes[kLanes];
  std::byte ends[kLanes][128] = {};  // what is left behind the last whole block, a one bit, zeros and the length
  const std::size_t whole = bytes / 64, left = bytes % 64, end_blocks = left < 56 ? 1 : 2;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) state[i][lane] = kStart[i];
    lanes[lane] = messages[lane < count ? lane : 0];
    if (left != 0) std::memcpy(ends[lane], lanes[lane] + 64 * whole, left);
    ends[lane][left] = std::byte{0x80};
    core::store_le<std::uint64_t>(ends[lane] + 64 * end_blocks - 8, bytes * 8);
  }
  compress(state, lanes, whole);
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = ends[lane];
  compress(state, lanes, end_blocks);
  for (std::size_t lane = 0; lane < count; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) core::store_le<std::uint32_t>(out[lane].data() + 4 * i, state[i][lane]);
  }
}
