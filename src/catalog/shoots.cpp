#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "volume/scan.hpp"

namespace darkshelf::catalog {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

std::string folded(const std::string& text) {
  std::string out = text;
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Shoot shoot_from(SQLite::Statement& row) {
  Shoot shoot;
  shoot.id = uuid_from(text_of(row.getColumn("id")));
  const std::string renamed = text_of(row.getColumn("renamed"));
  shoot.name = renamed.empty() ? text_of(row.getColumn("title")) : renamed;
  shoot.folder = text_of(row.getColumn("folder"));
  shoot.date = text_of(row.getColumn("date"));
  shoot.note = text_of(row.getColumn("note"));
  if (!row.getColumn("keep").isNull()) shoot.keep_copies = static_cast<unsigned>(row.getColumn("keep").getInt());
  shoot.discarded = row.getColumn("discarded").getInt() != 0;
  shoot.photos = static_cast<std::uint64_t>(row.getColumn("photos").getInt64());
  shoot.files = static_cast<std::uint64_t>(row.getColumn("files").getInt64());
  shoot.bytes = static_cast<std::uint64_t>(row.getColumn("bytes").getInt64());
  return shoot;
}

constexpr const char* kShoots = "SELECT * FROM shoots_now ";

}  // namespace

/// A shoot that was sealed more than once has its paths in several volumes: each counts once, as it is now.
void count_distinct(Ledger& state, Shoot& shoot) {
  auto rows = state.query(
      "SELECT m.path, m.bytes, max(o.place) FROM members m JOIN volumes v ON v.id = m.volume JOIN volumes_in_order o "
      "ON "
      "o.id = v.id WHERE v.shoot = ? AND m.type IN (0, 3) GROUP BY m.path");
  rows.bind(1, shoot.id.text());
  std::vector<std::string> paths;
  shoot.bytes = 0;
  while (rows.executeStep()) {
    paths.push_back(blob_of(rows.getColumn(0)));
    shoot.bytes += static_cast<std::uint64_t>(rows.getColumn(1).getInt64());
  }
  shoot.files = paths.size();
  shoot.photos = volume::count_photos(paths);
}

std::vector<Shoot> shoots_where(Ledger& state, const std::string& condition, const std::string& value) {
  auto rows = state.query(std::string(kShoots) + condition + " ORDER BY date, title, id");
  if (!condition.empty()) rows.bind(1, value);
  std::vector<Shoot> shoots;
  std::vector<bool> several;
  while (rows.executeStep()) {
    shoots.push_back(shoot_from(rows));
    several.push_back(rows.getColumn("sealings").getInt() > 1);
  }
  for (std::size_t i = 0; i < shoots.size(); ++i) {
    if (!several[i]) {
      auto only = state.query("SELECT grp FROM volumes WHERE shoot = ? LIMIT 1");
      only.bind(1, shoots[i].id.text());
      if (only.executeStep()) shoots[i].groups.push_back(uuid_from(text_of(only.getColumn(0))));
      continue;
    }
    count_distinct(state, shoots[i]);
    auto groups = state.query(
        "SELECT DISTINCT v.grp, o.sealing FROM volumes v JOIN volumes_in_order o ON o.id = v.id WHERE v.shoot = ? "
        "ORDER BY o.sealing");
    groups.bind(1, shoots[i].id.text());
    while (groups.executeStep()) shoots[i].groups.push_back(uuid_from(text_of(groups.getColumn(0))));
  }
  return shoots;
}

std::vector<Shoot> Catalog::shoots() {
  return guarded(state_->path, [&] { return shoots_where(*state_, "", ""); });
}

std::optional<Shoot> Catalog::shoot(const Uuid& id) {
  return guarded(state_->path, [&]() -> std::optional<Shoot> {
    auto found = shoots_where(*state_, "WHERE id = ?", id.text());
    if (found.empty()) return {};
    return std::move(found.front());
  });
}

std::vector<Shoot> Catalog::find_shoots(const std::string& text) {
  std::vector<Shoot> all = shoots();
  const std::string wanted = folded(text);
  const auto pick = [&](const auto& fits) {
    std::vector<Shoot> found;
    std::copy_if(all.begin(), all.end(), std::back_inserter(found), fits);
    return found;
  };
  const auto names_of = [](const Shoot& shoot) {
    return std::vector<std::string>{folded(shoot.name), folded(shoot.folder), folded(shoot.date + " " + shoot.name)};
  };
  const auto any_name = [&](const Shoot& shoot, const auto& fits) {
    const auto names = names_of(shoot);
    return std::any_of(names.begin(), names.end(), fits);
  };
  if (wanted.empty()) return {};
  auto found = pick([&](const Shoot& shoot) {
    return shoot.id.text() == wanted || any_name(shoot, [&](const std::string& name) { return name == wanted; });
  });
  if (found.empty()) found = pick([&](const Shoot& shoot) { return shoot.date == wanted; });
  if (found.empty() && wanted.size() >= 4)
    found = pick([&](const Shoot& shoot) { return shoot.id.text().starts_with(wanted); });
  if (found.empty())
    found = pick([&](const Shoot& shoot) {
      return any_name(shoot, [&](const std::string& name) { return name.starts_with(wanted); });
    });
  if (found.empty()) {
    found = pick([&](const Shoot& shoot) {
      return any_name(shoot, [&](const std::string& name) { return name.find(wanted) != std::string::npos; });
    });
  }
  const auto is_discarded = [](const Shoot& shoot) { return shoot.discarded; };
  if (!std::all_of(found.begin(), found.end(), is_discarded)) std::erase_if(found, is_discarded);
  return found;
}

std::optional<Shoot> Catalog::find_shoot(const std::string& text) {
  std::vector<Shoot> found = find_shoots(text);
  if (found.empty()) return {};
  if (found.size() == 1) return std::move(found.front());
  std::set<std::string> ids;
  for (const Shoot& shoot : found) ids.insert(shoot.id.text());
  std::size_t length = 8;
  const auto same = [&](const std::string& a, const std::string& b) {
    return a.substr(0, length) == b.substr(0, length);
  };
  while (std::adjacent_find(ids.begin(), ids.end(), same) != ids.end()) ++length;
  std::string names;
  for (const Shoot& shoot : found) {
    names += fmt::format("\n    {}  {} {}", shoot.id.text().substr(0, length),
                         shoot.date.empty() ? "undated   " : shoot.date, core::printable(shoot.name));
  }
  throw Error(
      Code::kUsage, fmt::format("\"{}\" could be any of these shoots:{}", core::printable(text), names),
      fmt::format("give the id in front instead of the name, such as {}", found.front().id.text().substr(0, length)));
}

void Catalog::record_shoot_renamed(const Uuid& shoot, const std::string& name) {
  state_->record("shoot-renamed", shoot.text(), "", {{"name", name}});
}
void Catalog::record_shoot_note(const Uuid& shoot, const std::string& note) {
  state_->record("shoot-note", shoot.text(), "", {{"text", note}});
}
void Catalog::record_shoot_keep(const Uuid& shoot, unsigned copies) {
  state_->record("shoot-keep", shoot.text(), "", {{"copies", copies}});
}
void Catalog::record_shoot_discarded(const Uuid& shoot, const std::string& reason) {
  state_->record("shoot-discarded", shoot.text(), "", {{"reason", reason}});
}

}  // namespace darkshelf::catalog
