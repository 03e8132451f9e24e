#include "support/shelf/shelf.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/shelf/raw_image.hpp"

namespace darkshelf::testing {

namespace {

constexpr std::int64_t kPhotoTime = 1'780'000'000'123'456'789;

}  // namespace

Shelf::Shelf(const std::vector<std::string>& drives, Watcher* watcher, std::uint64_t seed)
    : fs_(io::posix(), watcher != nullptr ? *watcher : quiet_),
      world_(*core::parse_time("2026-12-31T12:00:00Z"), seed) {
  catalog_ = std::make_unique<catalog::Catalog>(
      catalog::Catalog::create(io::posix(), path("catalog.db"), world_, "darkshelf test"));
  for (const std::string& label : drives) {
    io::posix().make_dir(path(label));
    rituals::Context context{io::posix(), world_, {}, *catalog_};
    rituals::AddDriveRequest add;
    add.path = path(label);
    add.label = label;
    rituals::add_drive(context, add);
  }
}

rituals::Context Shelf::context() {
  guards_.push_back(std::make_unique<io::DriveGuard>(fs_));
  return {*guards_.back(), world_, {}, *catalog_};
}

io::Path Shelf::add_shoot(const std::string& name, unsigned files, std::size_t bytes) {
  const io::Path folder = path("shoots") / name;
  for (unsigned i = 0; i < files; ++i) {
    const io::Path photo = folder / fmt::format("IMG_{:04}.CR3", i);
    make_file(photo, bytes + 1000 * i, i + 1);
    io::posix().set_mtime(photo, kPhotoTime + i);
  }
  return folder;
}

rituals::SealRequest Shelf::request(const io::Path& shoot, const std::vector<std::string>& drives) const {
  rituals::SealRequest request;
  request.shoots = {shoot};
  for (const std::string& drive : drives) request.targets.push_back({drive});
  request.volume_bytes = 1 << 20;
  return request;
}

rituals::SealReport Shelf::seal(const io::Path& shoot, const std::vector<std::string>& drives) {
  rituals::Context with = context();
  return rituals::seal(with, rituals::plan_seal(with, request(shoot, drives)));
}

void Shelf::require_restored(const std::string& shoot) const {
  std::map<std::string, std::string> expected;
  for (auto& [name, content] : contents_below(path("shoots") / shoot)) expected[shoot + "/" + name] = content;
  const auto back = contents_below(path("back"));
  for (const auto& [name, content] : back) {
    CAPTURE(name);
    REQUIRE(expected.contains(name));
    REQUIRE((content == expected.at(name)));
  }
  REQUIRE_FALSE(expected.empty());
  REQUIRE(back.size() == expected.size());
}

void Shelf::reopen() {
  catalog_.reset();
  catalog_ = std::make_unique<catalog::Catalog>(catalog::Catalog::open(
      io::posix(), path("catalog.db"), catalog::Catalog::Access::kWrite, world_, "darkshelf test"));
}

}  // namespace darkshelf::testing
