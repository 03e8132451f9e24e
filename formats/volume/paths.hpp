#pragma once
// Which paths a volume may hold; for the codecs of this folder.

#include <string>
#include <string_view>

namespace darkshelf::formats::volume {

/// Throws core::Error(kCorrupt) that begins with `where` when the path is absolute, empty, holds NUL, is longer than 64
/// KiB, or has an empty component, "." or "..".
void require_safe_path(std::string_view path, const std::string& where);

}  // namespace darkshelf::formats::volume
