#include "photo/group.hpp"

#include <algorithm>
#include <map>

#include "core/pictures.hpp"
#include "core/text.hpp"

namespace darkshelf::photo {

namespace {

std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::size_t name_at(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? 0 : slash + 1;
}
std::string_view without_ending(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos || dot <= name_at(path) ? path : path.substr(0, dot);
}
/// The folder as it is, the name folded: names in two folders that differ in case are two.
std::string key_of(std::string_view path) {
  const std::size_t at = name_at(path);
  return std::string(path.substr(0, at)) + folded(path.substr(at));
}

/// "X_01.CR2" to "X.CR2" and 1.
struct Version {
  std::string key;
  unsigned number = 0;
};
std::optional<Version> version_in(std::string_view key) {
  const std::string_view stem = without_ending(key);
  const std::size_t line = stem.rfind('_');
  if (line == std::string_view::npos || line <= name_at(key)) return {};
  const std::string_view digits = stem.substr(line + 1);
  if (digits.size() != 2 || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return {};
  }
  const unsigned number = static_cast<unsigned>((digits[0] - '0') * 10 + (digits[1] - '0'));
  if (number == 0) return {};
  return Version{std::string(stem.substr(0, line)) + std::string(key.substr(stem.size())), number};
}

int rank(std::string_view path) {
  switch (core::picture_kind(path.substr(name_at(path)))) {
    case core::PictureKind::kRaw:
      return 0;
    case core::PictureKind::kDeveloped:
      return 1;
    default:
      return 2;
  }
}

/// Where a file stands.
struct Place {
  std::size_t photo = 0, file = 0;
};

class Grouper {
 public:
  explicit Grouper(const std::vector<std::string>& paths) {
    std::vector<std::string> sidecars;
    for (const std::string& path : paths) {
      const std::string_view name = std::string_view(path).substr(name_at(path));
      if (core::picture_kind(name) != core::PictureKind::kNone) {
        picture(path);
      } else if (core::file_ending(name) == "xmp") {
        sidecars.push_back(path);
      }
    }
    settle();
    for (const std::string& path : sidecars) sidecar(path);
    for (Photo& photo : out_.photos) {
      std::stable_sort(photo.sidecars.begin(), photo.sidecars.end(), [](const Sidecar& a, const Sidecar& b) {
        return std::pair(a.version, !a.of) < std::pair(b.version, !b.of);
      });
      out_.raws += photo.has_raw;
      out_.raws_edited += photo.has_raw && !photo.sidecars.empty();
    }
  }
  Grouping take() { return std::move(out_); }

 private:
  void picture(const std::string& path) {
    const auto [at, is_new] = by_stem_.emplace(without_ending(key_of(path)), out_.photos.size());
    if (is_new) out_.photos.emplace_back();
    out_.photos[at->second].files.push_back(path);
  }
  void settle() {
    for (std::size_t p = 0; p < out_.photos.size(); ++p) {
      Photo& photo = out_.photos[p];
      std::stable_sort(photo.files.begin(), photo.files.end(),
                       [](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
      photo.has_raw = rank(photo.files.front()) == 0;
      for (std::size_t f = 0; f < photo.files.size(); ++f) by_name_.emplace(key_of(photo.files[f]), Place{p, f});
    }
  }
  void sidecar(const std::string& path) {
    const std::string key = std::string(without_ending(key_of(path)));
    if (const auto named = by_name_.find(key); named != by_name_.end()) return add(named->second, path, 0);
    if (const auto version = version_in(key)) {
      if (const auto named = by_name_.find(version->key); named != by_name_.end()) {
        return add(named->second, path, version->number);
      }
    }
    const auto photo = by_stem_.find(key);
    if (photo == by_stem_.end()) {
      out_.orphans.push_back(path);
    } else {
      out_.photos[photo->second].sidecars.push_back({path, {}, 0});
    }
  }
  void add(const Place& place, const std::string& path, unsigned version) {
    out_.photos[place.photo].sidecars.push_back({path, place.file, version});
  }

  Grouping out_;
  std::map<std::string, std::size_t> by_stem_;
  std::map<std::string, Place> by_name_;
};

}  // namespace

Grouping group_photos(const std::vector<std::string>& paths) { return Grouper(paths).take(); }

std::vector<std::size_t> sidecars_for(const Photo& photo, std::size_t file) {
  std::vector<std::size_t> out(photo.sidecars.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  const auto distance = [&](std::size_t i) {
    const Sidecar& one = photo.sidecars[i];
    const unsigned whose = one.of == file ? 0 : !one.of ? 1 : 2;
    return std::pair(one.version, whose);
  };
  std::stable_sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  return out;
}

std::optional<std::string> edits_missing(const Grouping& grouping) {
  if (grouping.raws < 10 || grouping.raws_edited > 0) return {};
  return core::with_commas(grouping.raws) + " RAW, 0 sidecars: your edits are not in this folder";
}

}  // namespace darkshelf::photo
