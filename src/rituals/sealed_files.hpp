#pragma once
// What is sealed of a shoot, and whether a file of a folder is among it by name, length and time.

#include <map>
#include <optional>
#include <string>

#include "catalog/catalog.hpp"

namespace darkshelf::rituals {

/// By path, which begins with the shoot's folder.
using SealedFiles = std::map<std::string, formats::volume::Member>;

/// What is sealed of a shoot, the newest version of every path; `without` is a group that is not looked at.
SealedFiles sealed_files(catalog::Catalog& catalog, const core::Uuid& shoot,
                         const std::optional<core::Uuid>& without = {},
                         catalog::Volumes which = catalog::Volumes::kSealed);

/// Is it a file, by its only or by one of several names?
bool holds_bytes(const formats::volume::Member& member);
/// Is it the same file, by all that can be told without reading it?
bool same_file(const formats::volume::Member& a, const formats::volume::Member& b);

}  // namespace darkshelf::rituals
