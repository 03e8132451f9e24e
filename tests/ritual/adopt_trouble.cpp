// A drive that fails, changes or leaves while it is adopted; and lists of checksums that others left there.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "rituals/adopt.hpp"
#include "rituals/adopt_lists.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/failing_drive.hpp"
#include "support/process.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"
#include "support/stops.hpp"

namespace darkshelf::testing {
namespace {

using core::Code;

void fill(const io::Path& root, unsigned files) {
  for (unsigned i = 0; i < files; ++i)
    make_file(root / "2025-05-05_walk" / ("IMG_" + std::to_string(100 + i) + ".CR2"), 20'000 + 100 * i, i + 1);
}

void replace(const io::Path& path, std::size_t bytes, std::uint64_t seed) {
  io::posix().remove_file(path);
  make_file(path, bytes, seed);
}

rituals::AdoptRequest request_for(const io::Path& root) {
  rituals::AdoptRequest request;
  request.path = root;
  request.label = "old";
  request.part_files = 4;
  return request;
}

/// Does something once, before the nth read of a file.
struct BeforeRead final : Watcher {
  std::string name;
  std::function<void()> action;
  void before(const Call& call) override {
    if (call.call != "read_at" || !action || call.path.filename().string() != name) return;
    const auto once = std::exchange(action, {});
    once();
  }
};

std::uint64_t files_known(catalog::Catalog& catalog) {
  std::uint64_t files = 0;
  for (const catalog::Volume& volume : catalog.volumes(catalog::Volumes::kAdopted)) files += volume.info.content_files;
  return files;
}

}  // namespace

TEST_CASE(
    "adopt: a file that cannot be read, and one that changes meanwhile, are left out and told, the rest is taken in") {
  Faults faults;
  Shelf shelf({}, &faults);
  const io::Path root = shelf.path("drive");
  fill(root, 9);
  faults.unreadable("IMG_103.CR2", 4096, 100);
  rituals::Context context = shelf.context();
  const auto report = rituals::adopt(context, request_for(root));
  REQUIRE(report.unreadable.size() == 1);
  CHECK(report.unreadable[0].path == "2025-05-05_walk/IMG_103.CR2");
  CHECK(files_known(shelf.catalog()) == 8);
  faults.nothing();
  rituals::Context later = shelf.context();
  const auto again = rituals::adopt(later, request_for(root));
  CHECK(again.unreadable.empty());
  CHECK(again.files_read == 1);
  CHECK(files_known(shelf.catalog()) == 9);

  BeforeRead changes;
  Shelf other({}, &changes, 8);
  fill(other.path("drive"), 5);
  changes.name = "IMG_102.CR2";
  changes.action = [&] { replace(other.path("drive") / "2025-05-05_walk" / "IMG_102.CR2", 30'000, 77); };
  rituals::Context with = other.context();
  const auto changed = rituals::adopt(with, request_for(other.path("drive")));
  REQUIRE(changed.unreadable.size() == 1);
  CHECK(changed.unreadable[0].path == "2025-05-05_walk/IMG_102.CR2");
}

TEST_CASE("adopt: a drive that is pulled keeps what was taken in, and the same call goes on there") {
  BeforeRead pulls;
  Shelf shelf({}, &pulls);
  const io::Path root = shelf.path("drive");
  fill(root, 12);
  pulls.name = "IMG_109.CR2";
  pulls.action = [&] {
    io::posix().rename(root, root.string() + "-pulled");
    io::posix().make_dir(root);
  };
  rituals::Context context = shelf.context();
  Code code = Code::kCancelled;
  try {
    rituals::adopt(context, request_for(root));
  } catch (const core::Error& error) {
    code = error.code();
  }
  CHECK(code == Code::kDriveGone);
  CHECK(files_known(shelf.catalog()) == 8);
  io::posix().remove_dir(root);
  io::posix().rename(root.string() + "-pulled", root);
  rituals::Context later = shelf.context();
  CHECK(rituals::adopt(later, request_for(root)).files_read == 4);
  CHECK(files_known(shelf.catalog()) == 12);
}

TEST_CASE("adopt: Ctrl-C keeps what was taken in, and one part cut where the last run stopped makes the same volumes") {
  core::Cancel cancel;
  BeforeRead stops;
  Shelf shelf({}, &stops), whole({}, nullptr, 9);
  for (const Shelf* one : {&shelf, &whole}) fill(one->path("drive"), 10);
  stops.name = "IMG_106.CR2";
  stops.action = [&] { cancel.request(); };
  rituals::Context context = shelf.context();
  context.work.cancel = &cancel;
  std::string told;
  try {
    rituals::adopt(context, request_for(shelf.path("drive")));
  } catch (const core::Error& error) {
    CHECK(error.code() == Code::kCancelled);
    told = error.what();
  }
  CHECK(told.find("4 photos (4 files) of old are taken in, of 10 photos (10 files)") != std::string::npos);
  rituals::Context later = shelf.context(), once = whole.context();
  rituals::adopt(later, request_for(shelf.path("drive")));
  rituals::adopt(once, request_for(whole.path("drive")));
  std::set<std::string> a, b;
  std::set<core::Uuid> groups;
  for (const catalog::Volume& volume : shelf.catalog().volumes(catalog::Volumes::kAdopted)) {
    a.insert(volume.info.volume.text() + std::to_string(volume.info.part) + std::to_string(volume.info.parts));
    groups.insert(volume.info.group);
  }
  for (const catalog::Volume& volume : whole.catalog().volumes(catalog::Volumes::kAdopted))
    b.insert(volume.info.volume.text() + std::to_string(volume.info.part) + std::to_string(volume.info.parts));
  CHECK(a == b);
  CHECK(a.size() == 3);
  CHECK(groups.size() == 1);
}

TEST_CASE("adopt: a check that is cut short goes on where it stopped") {
  Shelf shelf({});
  const io::Path root = shelf.path("drive");
  fill(root, 10);
  rituals::Context context = shelf.context();
  rituals::adopt(context, request_for(root));
  rituals::ScrubRequest request;
  request.drive = "old";
  request.budget = std::chrono::seconds(0);
  const auto first = rituals::scrub(context, request);
  CHECK(first.adopted.not_read == 3);
  CHECK(first.adopted.volumes == 0);
  request.budget.reset();
  const auto second = rituals::scrub(context, request);
  CHECK(second.adopted.volumes == 3);
  CHECK(second.adopted.files == 10);
  CHECK(second.since.has_value());
  CHECK_FALSE(second.adopted.damage());
  for (const catalog::Copy& copy : shelf.catalog().copies(catalog::Volumes::kAdopted)) CHECK(copy.checked.has_value());
}

TEST_CASE("adopt: bad sectors cost the files they are in") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Shelf shelf({}, nullptr, 31);
  FailingDrive drive(shelf.path("."), "old", 32 << 20);
  fill(drive.mount_point(), 6);
  const std::uint64_t place = drive.place_of(drive.mount_point() / "2025-05-05_walk" / "IMG_102.CR2", 8192);
  drive.trouble("eio", place, 4096);
  rituals::Context context = shelf.context();
  const auto report = rituals::adopt(context, request_for(drive.mount_point()));
  REQUIRE(report.unreadable.size() == 1);
  CHECK(report.unreadable[0].path == "2025-05-05_walk/IMG_102.CR2");
  CHECK(files_known(shelf.catalog()) == 5);
}

TEST_CASE("adopt: odd names, deep folders, links, empty files and what claims to be a list") {
  Shelf shelf({});
  const io::Path root = shelf.path("drive"), shoot = root / "2025-01-01_odd";
  for (const char* name : {"a\nb.jpg", "  .jpg", "\xff\xfe.CR2", "-rf.NEF", "x'\"$`.jpg", "ends.md5"})
    make_file(shoot / name, 100, 9);
  make_file(shoot / "empty.CR2", 0, 1);
  io::Path deep = shoot;
  for (int i = 0; i < 60; ++i) deep /= "d";
  make_file(deep / "deep.jpg", 50, 4);
  io::posix().make_symlink("/etc/passwd", shoot / "link");
  io::posix().make_hard_link(shoot / "-rf.NEF", shoot / "z-hard.NEF");
  rituals::Context context = shelf.context();
  const auto report = rituals::adopt(context, request_for(root));
  CHECK(report.unreadable.empty());
  REQUIRE(report.lists.size() == 1);
  CHECK_FALSE(report.lists[0].problem.empty());
  CHECK(files_known(shelf.catalog()) == 9);
  rituals::Context again = shelf.context();
  CHECK(rituals::adopt(again, request_for(root)).files_read == 0);
}

TEST_CASE("adopt: lists of checksums are believed where they say what is read, and tell what differs") {
  Shelf shelf({});
  const io::Path root = shelf.path("drive"), shoot = root / "2025-05-05_walk";
  fill(root, 6);
  ProcessOptions in;
  in.folder = shoot;
  const auto sh = [&](const std::string& command) {
    const ProcessResult result = run_process({"bash", "-c", command}, in);
    REQUIRE(result.exit_code == 0);
  };
  sh("md5sum *.CR2 > checksums.md5; sha1sum --tag *.CR2 > SHA1SUMS; sha256sum *.CR2 > all.sha256");
  sh("printf '<hashlist version=\"1.1\"><hash><file>IMG_100.CR2</file><md5>%s</md5></hash></hashlist>' $(md5sum < "
     "IMG_100.CR2 | cut -c1-32) > reel.mhl");
  sh("printf '%%%%%%%% HASHDEEP-1.0\\n%%%%%%%% size,md5,sha256,filename\\n## x\\n20000,%s,%s,/mnt/old/2025-05-05_walk/"
     "IMG_100.CR2\\n' $(md5sum < IMG_100.CR2 | cut -c1-32) $(sha256sum < IMG_100.CR2 | cut -c1-64) > hashdeep.txt");
  sh("printf '%032d  ../../etc/passwd\\n%032d  nowhere.CR2\\n%032d  IMG_101.CR2\\n' 1 2 3 > lies.md5");
  rot(shoot / "IMG_103.CR2", 5000, 3);
  rituals::Context context = shelf.context();
  const auto report = rituals::adopt(context, request_for(root));
  std::map<std::string, const rituals::ListVerdict*> lists;
  for (const rituals::ListVerdict& list : report.lists)
    lists[list.path.substr(std::string("2025-05-05_walk/").size())] = &list;
  REQUIRE(lists.size() == 6);
  for (const char* name : {"checksums.md5", "SHA1SUMS", "all.sha256"}) {
    CAPTURE(name);
    CHECK(lists[name]->agree == 5);
    CHECK(lists[name]->differ == std::vector<std::string>{"2025-05-05_walk/IMG_103.CR2"});
  }
  CHECK(lists["reel.mhl"]->agree == 1);
  CHECK(lists["hashdeep.txt"]->agree == 1);
  CHECK(lists["lies.md5"]->agree == 0);
  CHECK(lists["lies.md5"]->missing == 1);
  CHECK(lists["lies.md5"]->differ == std::vector<std::string>{"2025-05-05_walk/IMG_101.CR2"});
}

TEST_CASE("adopt: shoots are told by what lies in the folders, and nothing is in none of them") {
  Shelf shelf({});
  const io::Path root = shelf.path("drive");
  for (const char* path : {"2019/2019-01-01 a/1.CR2", "2019/2019-02-02 b/RAW/1.CR2", "2019/2019-02-02 b/JPEG/1.JPG",
                           "Photos/2020/x/1.NEF", "Photos/2020/y/2.NEF", "DCIM/100CANON/1.JPG", "top.jpg",
                           "software/setup.exe", "lonely/deep/deeper/still/1.jpg"})
    make_file(root / path, 100, 3);
  rituals::Context context = shelf.context();
  const auto report = rituals::adopt(context, request_for(root));
  std::set<std::string> folders;
  std::uint64_t files = 0;
  for (const rituals::AdoptedShoot& shoot : report.shoots) {
    folders.insert(shoot.folder);
    files += shoot.files;
  }
  CHECK(files == 9);
  CHECK(folders == std::set<std::string>{"", "2019/2019-01-01 a", "2019/2019-02-02 b", "Photos/2020/x", "Photos/2020/y",
                                         "DCIM", "lonely/deep/deeper"});
  auto request = request_for(shelf.path("drive2"));
  request.label = "second";
  request.each = 1;
  run_process({"cp", "-a", root.string(), shelf.path("drive2").string()});
  rituals::Context other = shelf.context();
  folders.clear();
  for (const rituals::AdoptedShoot& shoot : rituals::adopt(other, request).shoots) folders.insert(shoot.folder);
  CHECK(folders == std::set<std::string>{"", "2019", "Photos", "DCIM", "software", "lonely"});
}

}  // namespace darkshelf::testing
