// A drive that leaves in mid-work, and links on a drive: nothing is written, deleted or believed anywhere else.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "rituals/copy.hpp"
#include "rituals/repair.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

using core::Code;

/// After the nth call on a path of the drive it is pulled: its mount point stays behind, empty, on the system disk.
struct Pulled : Watcher {
  io::Path root;
  std::string call;
  unsigned nth = 0, seen = 0;

  void pull_at(const io::Path& drive, const std::string& which, unsigned when) {
    root = drive;
    call = which;
    nth = when;
    seen = 0;
  }
  void after(const Call& now) override {
    if (nth == 0 || now.call != call || !now.path.string().starts_with(root.string()) || ++seen != nth) return;
    nth = 0;
    io::posix().rename(root, root.string() + "-pulled");
    io::posix().make_dir(root);
  }
  void plug_in_again() {
    CHECK(io::posix().list(root).empty());  // nothing landed in the empty mount point
    io::posix().remove_dir(root);
    io::posix().rename(root.string() + "-pulled", root);
  }
};

Code code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const core::Error& error) {
    UNSCOPED_INFO(error.what());
    return error.code();
  }
  return Code::kCancelled;  // it went through
}

/// Both mean exit code 7: it left before it was looked at, or after.
bool left(Code code) { return code == Code::kDriveGone || code == Code::kDriveAbsent; }

std::size_t copies_on(Shelf& shelf, const std::string& label) {
  std::size_t count = 0;
  for (const catalog::Copy& copy : shelf.catalog().copies())
    count += shelf.catalog().drive(copy.drive)->label == label ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("leaving: a drive pulled while it is sealed on takes nothing elsewhere, and nothing is recorded") {
  const auto [call, nth] = GENERATE(table<std::string, unsigned>(
      {{"make_dirs", 1}, {"create", 1}, {"create", 4}, {"sync_dir", 1}, {"open_read", 3}, {"rename", 1}}));
  CAPTURE(call, nth);
  Pulled pulled;
  Shelf shelf({"A"}, &pulled);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  pulled.pull_at(shelf.path("A"), call, nth);
  CHECK(left(code_of([&] { shelf.seal(shoot, {"A"}); })));
  REQUIRE(pulled.nth == 0);
  CHECK(copies_on(shelf, "A") == 0);
  pulled.plug_in_again();
  const rituals::SealReport again = shelf.seal(shoot, {"A"});
  CHECK(again.failures.empty());
  CHECK(copies_on(shelf, "A") == 1);
}

TEST_CASE("leaving: of two drives the one that stays is sealed on") {
  Pulled pulled;
  Shelf shelf({"A", "B"}, &pulled);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  pulled.pull_at(shelf.path("B"), "create", 3);
  const rituals::SealReport report = shelf.seal(shoot, {"A", "B"});
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures.front().drive == "B");
  CHECK(report.failures.front().code == Code::kDriveGone);
  CHECK(copies_on(shelf, "A") == 1);
  CHECK(copies_on(shelf, "B") == 0);
  pulled.plug_in_again();
  CHECK(shelf.seal(shoot, {"A", "B"}).failures.empty());
  CHECK(copies_on(shelf, "B") == 1);
}

TEST_CASE("leaving: scrub, repair, restore and copy say that the drive is gone, and record nothing of it") {
  Pulled pulled;
  Shelf shelf({"A", "B"}, &pulled);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  const auto gone = [&](const std::string& call, unsigned nth, const std::string& drive,
                        const std::function<void(rituals::Context&)>& work) {
    CAPTURE(call, nth, drive);
    pulled.pull_at(shelf.path(drive), call, nth);
    rituals::Context context = shelf.context();
    const Code code = code_of([&] { work(context); });
    CAPTURE(static_cast<int>(code));
    CHECK(left(code));
    REQUIRE(pulled.nth == 0);
    for (const catalog::Copy& copy : shelf.catalog().copies()) CHECK(copy.health == catalog::CopyHealth::kGood);
    pulled.plug_in_again();
  };
  gone("open_read", 4, "A", [&](rituals::Context& context) { rituals::scrub(context, {"A", false, false, {}}); });
  gone("list", 1, "A", [&](rituals::Context& context) { rituals::scrub(context, {"A", false, false, {}}); });
  gone("open_read", 4, "A", [&](rituals::Context& context) { rituals::repair(context, {"A", {}, {}, false}); });
  for (const unsigned nth : {2u, 4u, 6u}) {  // while it is looked for, and in the midst of reading
    gone("open_read", nth, "A", [&](rituals::Context& context) {
      const rituals::RestoreReport report =
          rituals::restore(context, {{"2026-06-14_wedding"}, shelf.path("back" + std::to_string(nth)), "", {}});
      CHECK(report.lost.empty());
      if (!report.absent.empty()) throw core::Error(Code::kDriveAbsent, "told as not plugged in");  // the cli's exit 7
    });
  }
  rituals::CopyRequest copy;
  copy.what = {"2026-06-14_wedding"};
  copy.to = "B";
  gone("create", 2, "B", [&](rituals::Context& context) { rituals::copy(context, copy); });
  CHECK(copies_on(shelf, "B") == 0);
  for (const unsigned nth : {2u, 5u}) {  // the source
    gone("open_read", nth, "A", [&](rituals::Context& context) {
      const rituals::CopyReport report = rituals::copy(context, copy);
      CHECK(report.failed.empty());
      if (!report.absent.empty()) throw core::Error(Code::kDriveAbsent, "told as not plugged in");
    });
  }
  CHECK(copies_on(shelf, "B") == 0);
  rituals::Context context = shelf.context();
  const rituals::CopyReport report = rituals::copy(context, copy);
  CHECK(report.failed.empty());
  CHECK(report.absent.empty());
  CHECK(copies_on(shelf, "B") == 1);
}

TEST_CASE("leaving: a mounted drive pulled in mid-seal and in mid-copy: nothing lands on the disk below") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  struct Unmounting : Watcher {
    LoopDrive* drive = nullptr;
    unsigned nth = 0, seen = 0;
    void after(const Call& now) override {
      const bool there = nth != 0 && drive != nullptr && now.path.string().starts_with(drive->mount_point().string());
      if (!there || now.call == "stat" || now.call == "stat_following" || ++seen != nth) return;
      nth = 0;
      drive->pull();
    }
  };
  Unmounting unmounting;
  Shelf shelf({"B"}, &unmounting, 70'007);
  LoopDrive drive(shelf.path("B").parent_path(), "A", 32 << 20);
  unmounting.drive = &drive;
  rituals::AddDriveRequest add;
  add.path = drive.mount_point();
  add.label = "A";
  rituals::Context context = shelf.context();
  rituals::add_drive(context, add);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 100'000);
  const auto pulled_at = [&](unsigned nth, const std::function<void()>& work) {
    CAPTURE(nth);
    unmounting.nth = nth;
    unmounting.seen = 0;
    CHECK(left(code_of(work)));
    REQUIRE_FALSE(drive.plugged());
    CHECK(io::posix().list(drive.mount_point()).empty());
    CHECK(copies_on(shelf, "A") == 0);
    drive.plug();
  };
  for (const unsigned nth : {6u, 30u, 60u}) pulled_at(nth, [&] { shelf.seal(shoot, {"A"}); });
  shelf.seal(shoot, {"B"});
  rituals::CopyRequest copy;
  copy.what = {"2026-06-14_wedding"};
  copy.to = "A";
  for (const unsigned nth : {6u, 30u, 60u}) {
    pulled_at(nth, [&] {
      rituals::Context fresh = shelf.context();
      rituals::copy(fresh, copy);
    });
  }
  rituals::Context fresh = shelf.context();
  CHECK(rituals::copy(fresh, copy).failed.empty());
  CHECK(copies_on(shelf, "A") == 1);
  copy.to = "B";  // and from it
  io::remove_tree(io::posix(), volume::volume_folders(io::posix(), shelf.path("B")).front());
  for (const unsigned nth : {8u, 14u}) {
    unmounting.nth = nth;
    unmounting.seen = 0;
    rituals::Context from_it = shelf.context();
    const Code code = code_of([&] {
      const rituals::CopyReport report = rituals::copy(from_it, copy);
      CHECK(report.failed.empty());
      if (!report.absent.empty()) throw core::Error(Code::kDriveAbsent, "told as not plugged in");
    });
    CHECK((left(code) || drive.plugged()));
    if (!drive.plugged()) drive.plug();
  }
}

TEST_CASE("leaving: links in a drive's folder lead nowhere") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  shelf.keep();
  const std::string what =
      GENERATE(as<std::string>{}, ".incoming", ".repair", "2026", "seals", "quarantine", "catalog");
  CAPTURE(what);
  shelf.back();
  const io::Path folder = shelf.path("A") / "darkshelf" / what, outside = shelf.path("outside");
  const auto put_outside = [&] {
    if (io::posix().stat(folder)) {
      io::posix().rename(folder, outside);
    } else {
      io::posix().make_dir(outside);
    }
    make_file(outside / "precious.CR2", 1000, 5);
    make_file(outside / "d7c6002f-8d8e-4672-b031-12d9d5dda7a2" / "precious.CR2", 1000, 6);
    io::posix().make_symlink(outside.string(), folder);
  };
  put_outside();
  const auto before = files_below(outside);
  std::map<io::Path, core::Bytes> contents;
  for (const auto& [path, stat] : before) contents[path] = io::read_file(io::posix(), path, 1 << 30);

  make_file(shelf.shoots() / "2026-11-11_new" / "N.JPG", 5000, 9);
  const std::string fresh = (shelf.shoots() / "2026-11-11_new").string();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"seal", fresh, "--to", "A"},
                                                  {"copy", "harbour", "--to", "A"},
                                                  {"repair", "A"},
                                                  {"repair", "A", "--discard"},
                                                  {"discard", "harbour", "--from", "A", "--reason", "x"},
                                                  {"scrub", "A"}}) {
    const Outcome outcome = shelf.run(command);
    INFO(fmt::format("{}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.signal == 0);
    const auto after = files_below(outside);
    CHECK(after.size() == before.size());
    for (const auto& [path, bytes] : contents) {
      REQUIRE(after.contains(path));
      CHECK(io::read_file(io::posix(), path, 1 << 30) == bytes);
    }
  }
}

TEST_CASE("leaving: a folder darkshelf that is a link makes no drive") {
  ProgramShelf shelf({});
  io::posix().make_dirs(shelf.path("drive"));
  io::posix().make_dirs(shelf.path("outside"));
  io::posix().make_symlink(shelf.path("outside").string(), shelf.path("drive") / "darkshelf");
  const Outcome add = shelf.run({"drive", "add", shelf.path("drive").string(), "--label", "D"});
  INFO(add.out << add.err);
  CHECK(add.exit_code == 7);
  CHECK(io::posix().list(shelf.path("outside")).empty());
}

}  // namespace darkshelf::testing
