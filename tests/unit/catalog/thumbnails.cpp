#include "catalog/thumbnails.hpp"

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

using catalog::Thumbnails;

namespace {

core::Bytes some_jpeg(std::size_t bytes, std::uint64_t seed) {
  core::Bytes jpeg = core::to_bytes(std::string("\xFF\xD8\xFF"));
  const core::Bytes noise = seeded_bytes(bytes, seed);
  jpeg.insert(jpeg.end(), noise.begin(), noise.end());
  return jpeg;
}
digest::Sha256 name(int number) { return digest::sha256(core::as_bytes(std::to_string(number))); }

}  // namespace

TEST_CASE("thumbnails: kept by the digest of the photo, found again, the first one stays") {
  TempDir temp;
  const io::Path catalog = temp / "catalog.db";
  CHECK_FALSE(Thumbnails::for_reading(io::posix(), catalog));
  {
    Thumbnails kept = Thumbnails::for_writing(io::posix(), catalog);
    std::vector<catalog::Thumbnail> some;
    for (int i = 0; i < 200; ++i) some.push_back({name(i), some_jpeg(12'000, static_cast<std::uint64_t>(i))});
    some.push_back({name(7), some_jpeg(100, 99)});                            // known already
    some.push_back({name(900), core::to_bytes(std::string("GIF89a"))});       // no JPEG
    some.push_back({name(901), some_jpeg(catalog::kMostThumbnailBytes, 1)});  // too large
    kept.put(some);
    CHECK(kept.count() == 200);
  }
  auto kept = Thumbnails::for_reading(io::posix(), catalog);
  REQUIRE(kept);
  CHECK(kept->get(name(7)) == some_jpeg(12'000, 7));
  CHECK_FALSE(kept->get(name(900)));
  CHECK_FALSE(kept->get(name(901)));
}

TEST_CASE("thumbnails: a file costs less than 16 KB a photo") {
  TempDir temp;
  {
    Thumbnails kept = Thumbnails::for_writing(io::posix(), temp / "catalog.db");
    std::vector<catalog::Thumbnail> some;
    for (int i = 0; i < 2000; ++i)
      some.push_back({name(i), some_jpeg(static_cast<std::size_t>(11'000 + i), static_cast<std::uint64_t>(i))});
    kept.put(some);
  }
  CHECK(io::posix().stat(temp / "catalog.db.thumbnails")->bytes / 2000 < 14'500);
}

TEST_CASE("thumbnails: a file that is damaged or somebody else's is put aside, and a new one begun") {
  TempDir temp;
  const io::Path file = temp / "catalog.db.thumbnails";
  { Thumbnails::for_writing(io::posix(), temp / "catalog.db").put({{name(1), some_jpeg(9000, 1)}}); }
  rot(file, 0, 90);
  CHECK_FALSE(Thumbnails::for_reading(io::posix(), temp / "catalog.db"));
  Thumbnails again = Thumbnails::for_writing(io::posix(), temp / "catalog.db");
  CHECK(again.count() == 0);
  again.put({{name(1), some_jpeg(9000, 1)}});
  CHECK(again.get(name(1)));
  CHECK(io::posix().stat(temp / "catalog.db.thumbnails.damaged"));
}

}  // namespace darkshelf::testing
