// MD5 of many messages at once. One message is a chain of dependent steps that leaves most of a CPU idle; independent
// messages fill the lanes of its vectors.

#include <bit>
#include <cstring>

#include "digest/digest.hpp"
#include "digest/md5_numbers.hpp"

namespace darkshelf::digest {

namespace {

static_assert(std::endian::native == std::endian::little);  // words are taken from messages as they lie

#define DARKSHELF_LANES 4
#define DARKSHELF_TARGET
namespace lanes4 {
#include "digest/md5_lanes_body.hpp"
}
#undef DARKSHELF_LANES
#undef DARKSHELF_TARGET

#ifdef __x86_64__
#define DARKSHELF_LANES 8
#define DARKSHELF_TARGET [[gnu::target("avx2")]]
namespace lanes8 {
#include "digest/md5_lanes_body.hpp"
}
#undef DARKSHELF_LANES
#undef DARKSHELF_TARGET

#define DARKSHELF_LANES 16
#define DARKSHELF_TARGET [[gnu::target("avx512f")]]
namespace lanes16 {
#include "digest/md5_lanes_body.hpp"
}
#undef DARKSHELF_LANES
#undef DARKSHELF_TARGET
#endif

struct Width {
  std::size_t lanes;
  void (*hash)(const std::byte* const* messages, std::size_t count, std::uint64_t bytes, Md5* out);
};

std::vector<Width> widths() {
  std::vector<Width> possible = {{lanes4::kLanes, lanes4::hash}};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) possible.push_back({lanes8::kLanes, lanes8::hash});
  if (__builtin_cpu_supports("avx512f")) possible.push_back({lanes16::kLanes, lanes16::hash});
#endif
  return possible;
}

}  // namespace

std::vector<std::size_t> md5_lanes() {
  std::vector<std::size_t> lanes;
  for (const Width& width : widths()) lanes.push_back(width.lanes);
  return lanes;
}

void md5_many(std::span<const std::byte* const> messages, std::uint64_t bytes, std::span<Md5> out, std::size_t lanes) {
  static const std::vector<Width> kWidths = widths();
  const Width* chosen = &kWidths.back();
  for (const Width& width : kWidths) {
    if (width.lanes == lanes) chosen = &width;
  }
  for (std::size_t first = 0; first < messages.size(); first += chosen->lanes) {
    const std::size_t count = std::min(chosen->lanes, messages.size() - first);
    if (count == 1) {  // nothing to share the lanes with
      out[first] = md5({messages[first], static_cast<std::size_t>(bytes)});
    } else {
      chosen->hash(messages.data() + first, count, bytes, out.data() + first);
    }
  }
}

}  // namespace darkshelf::digest
