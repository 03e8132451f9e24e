#pragma once
// All that is wanted of one file, in this process: what the worker does, and what fuzzers and tests call.

#include <functional>

#include "photo/extract.hpp"

namespace darkshelf::photo {

/// Hands each piece to `tell` (encoded, see extract.hpp) as soon as it is there, the safest first: a decoder that dies
/// of the thumbnail has told the metadata before. Throws nothing but what `tell` throws. initialise_exiv2() comes
/// first.
void examine(const Request& request, const std::function<void(const core::Bytes&)>& tell);

/// The life of a worker process, from its first request to its last; its exit code.
int serve_as_worker();

}  // namespace darkshelf::photo
