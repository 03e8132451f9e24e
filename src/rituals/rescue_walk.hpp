#pragma once
// A medium from one end to the other, a window at a time, the next being read meanwhile. For rescue.cpp.

#include <functional>

#include "core/work.hpp"
#include "io/raw_medium.hpp"

namespace darkshelf::rituals {

/// What begins in [from, to) is to be looked for; `data` are the bytes from `base` on, up to `to` and `lookahead` bytes
/// behind it, or to the end of the medium. Returns where to look next, `to` or more.
using Look =
    std::function<std::uint64_t(core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to)>;

/// Looks at [begin, end); `after` is told after every window where the next begins.
void walk(io::RawMedium& medium, std::uint64_t begin, std::uint64_t end, std::uint64_t lookahead,
          const core::Work& work, const Look& look, const std::function<void(std::uint64_t next)>& after);

}  // namespace darkshelf::rituals
