// MD5's compression (RFC 1321 section 3.4) of several messages at once, a vector lane for each. Included by
// md5_many.cpp once for each width, inside a namespace of its own and behind DARKSHELF_LANES and DARKSHELF_TARGET. No
// include guard, no includes: it is a piece of that file.

inline constexpr std::size_t kLanes = DARKSHELF_LANES;
using Vector [[gnu::vector_size(4 * DARKSHELF_LANES)]] = std::uint32_t;

using Words [[gnu::vector_size(16)]] = std::uint32_t;  // four of one message, or one of four

/// The words of one block from each message, side by side: words[word][lane].
DARKSHELF_TARGET inline void side_by_side(std::uint32_t (*words)[kLanes], const std::byte* const* messages,
                                          std::size_t block) {
#pragma GCC unroll 4
  for (std::size_t lane = 0; lane < kLanes; lane += 4) {
#pragma GCC unroll 4
    for (std::size_t word = 0; word < 16; word += 4) {
      Words from[4];
      for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(&from[i], messages[lane + i] + 64 * block + 4 * word, sizeof(Words));
      const Words a = __builtin_shufflevector(from[0], from[1], 0, 4, 1, 5);
      const Words b = __builtin_shufflevector(from[2], from[3], 0, 4, 1, 5);
      const Words c = __builtin_shufflevector(from[0], from[1], 2, 6, 3, 7);
      const Words d = __builtin_shufflevector(from[2], from[3], 2, 6, 3, 7);
      const Words to[4] = {__builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7),
                           __builtin_shufflevector(c, d, 0, 1, 4, 5), __builtin_shufflevector(c, d, 2, 3, 6, 7)};
      for (std::size_t i = 0; i < 4; ++i) std::memcpy(words[word + i] + lane, &to[i], sizeof(Words));
    }
  }
}

/// `blocks` blocks of 64 bytes from each of kLanes messages; state[word][lane].
DARKSHELF_TARGET inline void compress(std::uint32_t (*state)[kLanes], const std::byte* const* messages,
                                      std::size_t blocks) {
  Vector sum[4];
  for (std::size_t i = 0; i < 4; ++i) std::memcpy(&sum[i], state[i], sizeof(Vector));
  alignas(64) std::uint32_t laid_out[2][16][kLanes];
  if (blocks > 0) side_by_side(laid_out[0], messages, 0);
  for (std::size_t block = 0; block < blocks; ++block) {
    // The next block is laid out ahead of its use: a load that spans stores still on their way would wait for them.
    const auto words = laid_out[block % 2];
    if (block + 1 < blocks) side_by_side(laid_out[(block + 1) % 2], messages, block + 1);
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
    for (std::size_t i = 0; i < 4; ++i) state[i][lane] = kMd5Start[i];
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
