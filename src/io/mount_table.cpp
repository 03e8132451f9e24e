#include "io/mount_table.hpp"

#include <sstream>

namespace darkshelf::io {

namespace {

/// Blanks, tabs, newlines and backslashes stand as \040, \011, \012, \134.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
  std::istringstream parts{std::string(options)};
  for (std::string part; std::getline(parts, part, ',');) {
    if (part == wanted) return true;
  }
  return false;
}

bool holds(const std::string& mount_point, const std::string& path) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) && (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

std::vector<MountRow> parse_mountinfo(std::string_view text) {
  std::vector<MountRow> rows;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, number, root, point, options, word, type, source, super;
    if (!(words >> id >> parent >> number >> root >> point >> options)) continue;
    while (words >> word && word != "-") {  // optional fields
    }
    if (word != "-" || !(words >> type >> source)) continue;
    words >> super;
    rows.push_back(
        {number, unescaped(point), type, unescaped(source), has_option(options, "ro") || has_option(super, "ro")});
  }
  return rows;
}

const MountRow* row_of(const std::vector<MountRow>& rows, const Path& path) {
  const MountRow* best = nullptr;
  for (const MountRow& row : rows) {
    if (!holds(row.mount_point.string(), path.string())) continue;
    if (best == nullptr || row.mount_point.string().size() >= best->mount_point.string().size()) best = &row;
  }
  return best;
}

}  // namespace darkshelf::io
