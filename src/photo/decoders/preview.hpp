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

/// A smaller picture of a JPEG, inside it, that is large enough for a thumbnail of ours: decoded in a tenth of the
/// time. Phones put one into EXIF, cameras one behind the picture (Multi-Picture Format, CIPA DC-007). One of another
/// shape is of what the picture was before somebody cropped it: it does not count.
std::optional<core::ByteSpan> preview_of_jpeg(core::ByteSpan jpeg);

}  // namespace darkshelf::photo
