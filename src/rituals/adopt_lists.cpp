#include "rituals/adopt_lists.hpp"

#include <algorithm>
#include <array>

#include "core/text.hpp"

namespace darkshelf::rituals {

namespace {

constexpr std::size_t kMostEntries = 5'000'000;
constexpr std::size_t kLongestLine = 64 << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::optional<Checksum> kind_of_hex(std::string_view hex) {
  if (hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return {};
  if (hex.size() == 32) return Checksum::kMd5;
  if (hex.size() == 40) return Checksum::kSha1;
  if (hex.size() == 64) return Checksum::kSha256;
  return {};
}

/// coreutils writes a name with a newline or a backslash so, and a backslash in front of the line.
std::string unescaped(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) {
      ++i;
      out += name[i] == 'n' ? '\n' : name[i] == 'r' ? '\r' : name[i];
    } else {
      out += name[i];
    }
  }
  return out;
}

template <typename Line>
void each_line(std::string_view text, Line line) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    if (!one.empty() && one.size() <= kLongestLine) line(one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// What stands between <name> and </name>, from `at`; empty where it does not.
std::string_view element(std::string_view text, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  const std::size_t begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find(close, begin);
  if (end == std::string_view::npos) return {};
  return text.substr(begin + open.size(), end - begin - open.size());
}

std::string without_entities(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  while (!text.empty()) {
    const auto known = std::find_if(kEntities.begin(), kEntities.end(),
                                    [&](const auto& entity) { return text.starts_with(entity.first); });
    out += known == kEntities.end() ? text.front() : known->second;
    text.remove_prefix(known == kEntities.end() ? 1 : known->first.size());
  }
  return out;
}

}  // namespace

bool is_checksum_list(const std::string& name) {
  const std::string folded = lower(name);
  for (const char* ending : {".md5", ".md5sum", ".sha1", ".sha1sum", ".sha256", ".sha256sum", ".mhl", ".hashdeep"}) {
    if (folded.ends_with(ending) && folded.size() > std::string_view(ending).size()) return true;
  }
  static constexpr std::array<std::string_view, 18> kNames = {
      "md5sums",           "md5sums.txt",         "md5sum.txt",        "sha1sums",
      "sha1sums.txt",      "sha1sum.txt",         "sha256sums",        "sha256sums.txt",
      "sha256sum.txt",     "checksums.txt",       "checksum.txt",      "hashdeep.txt",
      "hashes.txt",        "manifest-md5.txt",    "manifest-sha1.txt", "manifest-sha256.txt",
      "checksums.md5.txt", "checksums.sha256.txt"};
  return std::find(kNames.begin(), kNames.end(), folded) != kNames.end();
}

void ChecksumLists::add(const std::string& path, const std::string& text, std::int64_t mtime_ns) {
  const std::size_t list = verdicts_.size();
  verdicts_.push_back({path, mtime_ns, 0, 0, 0, {}, {}});
  const std::string_view front = std::string_view(text).substr(0, 4096);
  if (front.find("HASHDEEP-1") != std::string_view::npos) {
    take_hashdeep(list, text);
  } else if (front.find("<hashlist") != std::string_view::npos) {
    take_mhl(list, text);
  } else {
    take_lines(list, text);
  }
  const ListVerdict& verdict = verdicts_[list];
  if (verdict.unread + verdict.missing == 0)
    verdicts_[list].problem = "holds no MD5, SHA-1 or SHA-256 that could be compared";
}

void ChecksumLists::add_unreadable(const std::string& path, const std::string& problem) {
  verdicts_.push_back({path, 0, 0, 0, 0, {}, problem});
}

const std::vector<Listed>& ChecksumLists::of(const std::string& path) const {
  static const std::vector<Listed> kNone;
  const auto found = files_.find(path);
  return found == files_.end() ? kNone : found->second;
}

bool ChecksumLists::wants(const std::string& path, Checksum kind) const {
  const auto& by = of(path);
  return std::any_of(by.begin(), by.end(), [&](const Listed& listed) { return listed.kind == kind; });
}

void ChecksumLists::read(const std::string& path, const std::string& md5, const std::string& sha1,
                         const std::string& sha256) {
  for (const Listed& listed : of(path)) {
    const std::string& is = listed.kind == Checksum::kMd5 ? md5 : listed.kind == Checksum::kSha1 ? sha1 : sha256;
    if (is.empty()) continue;
    ListVerdict& verdict = verdicts_[listed.list];
    --verdict.unread;
    if (is == listed.hex)
      ++verdict.agree;
    else
      verdict.differ.push_back(path);
  }
}

std::string ChecksumLists::resolved(const std::string& list, std::string named) const {
  if (named.find('/') == std::string::npos) std::replace(named.begin(), named.end(), '\\', '/');
  const bool absolute = named.starts_with('/') || (named.size() > 2 && named[1] == ':');
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < named.size();) {
    const std::size_t end = std::min(named.find('/', at), named.size());
    const std::string part = named.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return {};  // no list speaks of what lies beside it
    parts.push_back(part);
  }
  const std::size_t slash = list.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : list.substr(0, slash + 1);
  const auto from = [&](std::size_t first) {
    std::string path;
    for (std::size_t i = first; i < parts.size(); ++i) path += (i == first ? "" : "/") + parts[i];
    return path;
  };
  const std::string beside = folder + from(0);
  if (!absolute || there_.contains(beside)) return beside;
  // As it was called where the drive was mounted then.
  for (std::size_t first = 0; first < parts.size(); ++first) {
    for (const std::string& path : {from(first), folder + from(first)}) {
      if (there_.contains(path)) return path;
    }
  }
  return beside;
}

void ChecksumLists::say(std::size_t list, const std::string& named, const std::string& hex) {
  const auto kind = kind_of_hex(hex);
  if (!kind || verdicts_[list].unread + verdicts_[list].missing >= kMostEntries) return;
  const std::string path = resolved(verdicts_[list].path, named);
  if (path.empty()) return;
  if (!there_.contains(path)) {
    ++verdicts_[list].missing;
    return;
  }
  ++verdicts_[list].unread;
  files_[path].push_back({list, *kind, lower(hex)});
}

/// "hex  name", "hex *name", "MD5 (name) = hex".
void ChecksumLists::take_lines(std::size_t list, std::string_view text) {
  each_line(text, [&](std::string_view line) {
    if (const std::size_t open = line.find(" ("), close = line.rfind(") = ");
        open != std::string_view::npos && open < 10 && close != std::string_view::npos && close > open) {
      return say(list, std::string(line.substr(open + 2, close - open - 2)), std::string(line.substr(close + 4)));
    }
    const bool escaped = line.starts_with('\\');
    if (escaped) line.remove_prefix(1);
    const std::size_t blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos) return;
    std::string_view name = line.substr(blank);
    name.remove_prefix(std::min(name.find_first_not_of(" \t"), name.size()));
    if (line.substr(blank).starts_with(" *")) name = line.substr(blank + 2);
    if (!name.empty()) say(list, escaped ? unescaped(name) : std::string(name), std::string(line.substr(0, blank)));
  });
}

void ChecksumLists::take_hashdeep(std::size_t list, std::string_view text) {
  std::vector<std::string> columns;
  each_line(text, [&](std::string_view line) {
    if (line.starts_with("%%%% ") && line.find("filename") != std::string_view::npos) {
      columns.clear();
      std::string_view rest = line.substr(5);
      while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        columns.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
    if (line.starts_with('%') || line.starts_with('#') || columns.empty()) return;
    std::string best;
    for (const std::string& column : columns) {
      if (column == "filename") break;
      const std::size_t comma = line.find(',');
      if (comma == std::string_view::npos) return;
      if (column == "md5" || column == "sha1" || column == "sha256") best = std::string(line.substr(0, comma));
      line.remove_prefix(comma + 1);
    }
    say(list, std::string(line), best);
  });
}

/// MHL 1.x: <hash><file>…</file><size>…</size><md5>…</md5>…</hash>
void ChecksumLists::take_mhl(std::size_t list, std::string_view text) {
  for (std::size_t at = text.find("<hash>"); at != std::string_view::npos; at = text.find("<hash>", at)) {
    const std::size_t end = std::min(text.find("</hash>", at), text.size());
    const std::string_view hash = text.substr(at, end - at);
    const std::string file = without_entities(element(hash, "file"));
    for (const char* kind : {"sha1", "md5", "sha256"}) {
      const std::string_view hex = element(hash, kind);
      if (hex.empty()) continue;
      say(list, file, std::string(hex));
      break;
    }
    at = end;
  }
}

}  // namespace darkshelf::rituals
