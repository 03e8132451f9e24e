#pragma once
// Names that operating systems leave everywhere by themselves.

#include <string_view>

namespace darkshelf::volume {

/// Left by macOS or Windows: harmless, and worth nothing to anybody. lost+found is none: it is the file system's own.
bool is_litter(std::string_view name);
/// The same for folders; what is left of the names are files.
bool is_litter_folder(std::string_view name);
inline constexpr std::string_view kLostAndFound = "lost+found";
/// What belongs to no shoot: litter, lost+found, and the trash of Linux desktops.
bool is_of_no_shoot(std::string_view name);

}  // namespace darkshelf::volume
