#include "io/paths.hpp"

#include <catch2/catch.hpp>

namespace darkshelf::testing {

TEST_CASE("paths: a folder holds itself and what is below it, not its neighbours with longer names") {
  CHECK(io::lies_in("/media/A", "/media/A"));
  CHECK(io::lies_in("/media/A/darkshelf/drive.json", "/media/A"));
  CHECK_FALSE(io::lies_in("/media/AB/darkshelf", "/media/A"));
  CHECK_FALSE(io::lies_in("/media", "/media/A"));
  CHECK_FALSE(io::lies_in("media/A", "/media/A"));
  CHECK(io::lies_in("/media/A/x", "/media/A/"));
  CHECK(io::lies_in("/media/A", "/media/A//"));
  CHECK(io::lies_in("/", "/"));
  CHECK(io::lies_in("/media", "/"));
  CHECK_FALSE(io::lies_in("media", "/"));
  CHECK_FALSE(io::lies_in("", "/media"));
  CHECK_FALSE(io::lies_in("/media", ""));  // an error that names no file is about none
  CHECK_FALSE(io::lies_in("", ""));
}

TEST_CASE("paths: what lies in a folder is named from there") {
  CHECK(io::below("/media/A/darkshelf/drive.json", "/media/A") == "darkshelf/drive.json");
  CHECK(io::below("/media/A/x", "/media/A/") == "x");
  CHECK(io::below("/media/A", "/media/A").empty());
  CHECK(io::below("/darkshelf/seals", "/") == "darkshelf/seals");
}

}  // namespace darkshelf::testing
