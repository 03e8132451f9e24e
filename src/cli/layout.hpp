#pragma once
// How wide text is on a terminal, and where its lines break.

#include <optional>
#include <string>
#include <vector>

namespace darkshelf::cli {

inline constexpr std::size_t kUsualColumns = 80;

/// Characters that fit on a line: what $COLUMNS says, else the width of the terminal behind this descriptor. Nothing
/// for a pipe or a file: their lines may be as long as they are.
std::optional<std::size_t> columns_of(int descriptor);

/// Characters a text takes on a terminal (wide scripts count twice, colours nothing). The text is valid UTF-8 or went
/// through core::printable.
std::size_t width_of(const std::string& text);
/// At most `width` characters, with "…" in the middle where some are missing.
std::string shortened(const std::string& text, std::size_t width);
/// Lines of at most `width` characters, broken at blanks; what follows the first is indented a little further. What
/// somebody may copy stays in one piece, however long: a quoted name, and a command to type behind ": " or "→ ".
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace darkshelf::cli
