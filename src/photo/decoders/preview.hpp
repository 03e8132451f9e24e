#pragma once
// Pictures inside pictures: what a RAW file or a large JPEG has for showing. Only the worker calls it.

#include <optional>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::photo {

/// JPEGs that a file has besides its picture and that are large enough for a thumbnail of ours, best first: the
/// smallest of those, since it is decoded fastest. If none is large enough, the largest of the others. `picture` may be
/// any kind that exiv2 knows.
std::vector<core::Bytes> previews_in(core::ByteSpan picture);

/// The large thumbnail that many cameras put behind the picture of a JPEG (Multi-Picture Format, CIPA DC-007): decoded
/// in a tenth of the picture's time. Nothing if there is none of a good size.
std::optional<core::ByteSpan> preview_behind(core::ByteSpan jpeg);

}  // namespace darkshelf::photo
