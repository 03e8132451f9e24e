#include "volume/scan.hpp"

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using formats::volume::MemberType;
using volume::SourceShoot;

std::vector<std::string> paths_of(const SourceShoot& shoot) {
  std::vector<std::string> paths;
  for (const auto& entry : shoot.entries) paths.push_back(entry.member.path);
  return paths;
}

std::vector<std::string> names_of(const std::vector<io::Path>& folders) {
  std::vector<std::string> names;
  for (const io::Path& folder : folders) names.push_back(folder.filename().string());
  return names;
}

void file_of(const io::Path& path, const char* day) {
  make_file(path, 10, 1);
  io::posix().set_mtime(path, core::parse_date(day)->time_since_epoch().count());
}

}  // namespace

TEST_CASE("pictures: by their ending, RAW and JPEG and sidecar of one picture are one photo") {
  for (const char* name : {"a.CR3", "a.nef", "b.JPEG", "c.tiff", "film.MOV", "x.y.dng"})
    CHECK(volume::is_picture(name));
  for (const char* name : {"a.xmp", "a", ".jpg", "notes.txt", "a.lrcat", "jpg", ""})
    CHECK_FALSE(volume::is_picture(name));
  CHECK(volume::count_photos({"s/a.CR3", "s/a.JPG", "s/a.xmp", "s/b.JPG"}) == 2);
  CHECK(volume::count_photos({"s/raw/a.CR3", "s/jpeg/a.JPG"}) == 2);  // other folders: other pictures
  CHECK(volume::count_photos({"s/only.xmp", "s/notes.txt"}) == 0);
  CHECK(volume::count_photos({}) == 0);
}

TEST_CASE("scan: entries stand in the order of their bytes, a folder before what is in it") {
  TempDir temp;
  const io::Path folder = temp / "2026-01-01_x";
  for (const char* name : {"b.JPG", "a/z.JPG", "a-b.JPG", "a.JPG", "B.JPG", "a/deep/\xC3\xA9.JPG"})
    make_file(folder / name, 5, 1);
  io::posix().make_dir(folder / "empty");
  io::posix().make_symlink("nowhere", folder / "link");
  const SourceShoot shoot = volume::scan_shoot(io::posix(), folder, {}, {});
  const std::string s = "2026-01-01_x";
  CHECK(paths_of(shoot) == std::vector<std::string>{s, s + "/B.JPG", s + "/a", s + "/a-b.JPG", s + "/a.JPG",
                                                    s + "/a/deep", s + "/a/deep/\xC3\xA9.JPG", s + "/a/z.JPG",
                                                    s + "/b.JPG", s + "/empty", s + "/link"});
  CHECK(shoot.entries.back().member.type == MemberType::kSymlink);
  CHECK(shoot.entries.back().member.link == "nowhere");
  CHECK(shoot.files == 6);
  CHECK(shoot.photos == 6);
  CHECK(shoot.bytes == 30);
  CHECK(shoot.date == "2026-01-01");
  CHECK(shoot.date_from == volume::SourceShoot::DateFrom::kName);
}

TEST_CASE("scan: of several names of one file the first carries the bytes") {
  TempDir temp;
  make_file(temp / "s" / "m.JPG", 100, 1);
  io::posix().make_hard_link(temp / "s" / "m.JPG", temp / "s" / "z.JPG");
  io::posix().make_dir(temp / "s" / "a");
  io::posix().make_hard_link(temp / "s" / "m.JPG", temp / "s" / "a" / "first.JPG");
  const SourceShoot shoot = volume::scan_shoot(io::posix(), temp / "s", {}, {});
  CHECK(shoot.bytes == 100);
  CHECK(shoot.files == 3);
  for (const auto& entry : shoot.entries) {
    if (entry.member.type == MemberType::kDirectory) continue;
    const bool first = entry.member.path == "s/a/first.JPG";
    CHECK(entry.member.type == (first ? MemberType::kFile : MemberType::kHardLink));
    CHECK(entry.member.link == (first ? "" : "s/a/first.JPG"));
  }
}

TEST_CASE("scan: without a date in the name it is the median of the pictures' times") {
  TempDir temp;
  file_of(temp / "s" / "a.JPG", "2019-01-01");
  file_of(temp / "s" / "b.JPG", "2026-05-04");
  file_of(temp / "s" / "c.JPG", "2026-05-05");
  file_of(temp / "s" / "notes.txt", "2001-01-01");
  const SourceShoot shoot = volume::scan_shoot(io::posix(), temp / "s", {}, {});
  CHECK(shoot.date == "2026-05-04");
  CHECK(shoot.date_from == volume::SourceShoot::DateFrom::kTimes);
  make_file(temp / "t" / "notes.txt", 1, 1);
  CHECK(volume::scan_shoot(io::posix(), temp / "t", {}, {}).date.empty());
}

TEST_CASE("scan: excludes fit the name or the path below the shoot, and take folders whole") {
  TempDir temp;
  for (const char* name : {"a.JPG", "a.tmp", "out/b.JPG", "raw/out.JPG", "raw/c.JPG", "raw/d.CR3"})
    make_file(temp / "s" / name, 5, 1);
  const SourceShoot shoot = volume::scan_shoot(io::posix(), temp / "s", {"*.tmp", "out", "raw/*.JPG"}, {});
  CHECK(paths_of(shoot) == std::vector<std::string>{"s", "s/a.JPG", "s/raw", "s/raw/d.CR3"});
  CHECK(shoot.left_out.size() == 4);
  for (const auto& left : shoot.left_out) CHECK(left.reason == "excluded");
}

TEST_CASE("shoots: a year is known by three folders with pictures and none of its own") {
  TempDir temp;
  const io::Path year = temp / "2026";
  make_file(year / "a" / "1.JPG", 5, 1);
  make_file(year / "b" / "RAW" / "1.NEF", 5, 1);
  make_file(year / "papers" / "x.pdf", 5, 1);
  const auto look = [&](unsigned depth) { return volume::find_shoots(io::posix(), year, depth); };
  CHECK_FALSE(look(0).looks_like_year);
  make_file(year / "c" / "1.JPG", 5, 1);
  CHECK(look(0).looks_like_year);
  CHECK(names_of(look(0).shoots) == std::vector<std::string>{"2026"});
  make_file(year / "loose.JPG", 5, 1);
  CHECK_FALSE(look(0).looks_like_year);
  CHECK(names_of(look(1).shoots) == std::vector<std::string>{"a", "b", "c", "papers"});
  CHECK(names_of(look(1).loose) == std::vector<std::string>{"loose.JPG"});
  CHECK(names_of(look(2).shoots) == std::vector<std::string>{"RAW"});
  CHECK(look(2).loose.size() == 3);
  CHECK_THROWS(volume::find_shoots(io::posix(), temp / "none", 0));
}

}  // namespace darkshelf::testing
