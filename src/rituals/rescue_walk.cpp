#include "rituals/rescue_walk.hpp"

#include <algorithm>
#include <cstring>

namespace darkshelf::rituals {

namespace {

constexpr std::uint64_t kStep = 8 << 20, kBlock = core::AlignedBuffer::kAlignment;

}  // namespace

void walk(io::RawMedium& medium, std::uint64_t begin, std::uint64_t end, std::uint64_t lookahead,
          const core::Work& work, const Look& look, const std::function<void(std::uint64_t)>& after) {
  end = std::min(end, medium.bytes());
  if (begin >= end) return;
  lookahead = core::round_up(lookahead, kBlock);
  const std::uint64_t step = std::max(kStep, core::round_up(lookahead / 2, kBlock));
  core::AlignedBuffer window(lookahead + step), next(step);
  std::uint64_t base = begin / kBlock * kBlock, from = begin;
  std::size_t have = medium.read(base, window.span());
  for (;;) {
    work.check();
    const bool last = base + have >= medium.bytes() || base + step >= end;
    const std::uint64_t to = last ? end : base + step;
    std::size_t got = 0;
    core::parallel_for(std::min(2u, work.thread_count()), 2, [&](std::size_t side) {
      if (side == 0) {
        from = std::max(from, look(core::ByteSpan(window.data(), have), base, from, to));
      } else if (!last) {
        got = medium.read(base + have, next.span());
      }
    });
    work.told().advance(to - std::max(begin, base));
    if (last) return;
    after(std::max(from, to));
    std::memmove(window.data(), window.data() + step, lookahead);
    std::memcpy(window.data() + lookahead, next.data(), got);
    base += step;
    have = lookahead + got;
  }
}

}  // namespace darkshelf::rituals
