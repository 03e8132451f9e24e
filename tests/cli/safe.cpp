// "Am I safe?" as typed: work folders, what is covered, what is due, and the fire drill's commands.

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <set>

#include "rituals/covered.hpp"
#include "rituals/work.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Outcome expect(ProgramShelf& shelf, int exit_code, const std::vector<std::string>& command,
               const std::map<std::string, std::string>& environment = {}) {
  const Outcome outcome = shelf.run(command, environment);
  INFO(fmt::format("darkshelf {}\n{}{}", fmt::join(command, " "), outcome.out, outcome.err));
  CHECK(outcome.exit_code == exit_code);
  return outcome;
}

/// Two drives with all of it. As folders of one disk they are one copy, and that is what the policy asks for.
struct SafeShelf : ProgramShelf {
  SafeShelf() : ProgramShelf({"A", "B"}) {
    must({"policy", "set", "copies=1", "places=1", "offsite=0"});
    must(seal_command({"A", "B"}));
  }
};

}  // namespace

TEST_CASE("work: what somebody works in is told until all of it is sealed") {
  ProgramShelf shelf({"A", "B"});
  const io::Path work = shelf.shoots();
  const io::Path other = shelf.path("other.db");
  const Outcome first = shelf.run({"work", "add", work.string()}, {}, other);  // it makes a catalog
  CHECK(first.exit_code == 0);
  CHECK(has(shelf.run({}, {}, other).out, "Not on the shelf yet: 2 shoots, oldest "));

  shelf.must({"policy", "set", "copies=1", "places=1", "offsite=0"});
  shelf.must({"work", "add", work.string()});
  shelf.must({"work", "add", (work / ".." / "shoots").string()});  // the same one
  io::posix().make_dir(work / "texts");
  make_file(work / "texts" / "letter.txt", 100, 1);
  Outcome list = expect(shelf, 0, {"work", "list"});
  CHECK(has(list.out, "2026-09-01_harbour"));
  CHECK(has(list.out, "not yet"));
  CHECK_FALSE(has(list.out, "texts"));
  CHECK(list.out.find("shoots", list.out.find("SHOOT  ")) == list.out.find("shoots, oldest"));

  const Outcome status = expect(shelf, 0, {"status"});
  CHECK(has(status.out, "Not on the shelf yet: 2 shoots, oldest "));
  CHECK(has(expect(shelf, 0, {}).out, "Not on the shelf yet: 2 shoots"));
  shelf.must(shelf.seal_command({"A", "B"}));
  CHECK_FALSE(has(expect(shelf, 0, {"status"}).out, "Not on the shelf"));
  CHECK(has(expect(shelf, 0, {"work", "list"}).out, "yes"));

  make_file(work / "2026-09-01_harbour" / "DSC00099.JPG", 900, 1);
  CHECK(has(expect(shelf, 0, {"status"}).out, "Not on the shelf yet: 1 shoot in part, "));
  CHECK(has(expect(shelf, 0, {"work", "list"}).out, "partly: 1 file not"));
  CHECK(has(expect(shelf, 0, {}).out, "--update --to DRIVE"));
  io::posix().remove_file(work / "2026-09-01_harbour" / "DSC00099.JPG");

  // A folder with pictures of its own is a shoot itself.
  shelf.must({"work", "add", (work / "2026-09-01_harbour").string()});
  list = expect(shelf, 0, {"work", "list"});
  CHECK(has(list.out, "yes"));
  shelf.must({"work", "remove", (work / "2026-09-01_harbour").string() + "/"});

  // Gone is told, and no error.
  io::posix().rename(work, shelf.path("moved"));
  const Outcome gone = expect(shelf, 0, {"status"});
  CHECK(has(gone.out, "is not there now"));
  CHECK(has(gone.out, "darkshelf work remove"));
  shelf.must({"work", "remove", work.string()});
  CHECK(has(expect(shelf, 0, {"work", "list"}).out, "darkshelf work add DIR"));
}

TEST_CASE("work: what cannot be a work folder is refused with a sentence") {
  ProgramShelf shelf({"A"});
  CHECK(has(expect(shelf, 1, {"work", "add", shelf.path("none").string()}).err, "there is no folder"));
  make_file(shelf.path("file"), 10, 1);
  CHECK(has(expect(shelf, 2, {"work", "add", shelf.path("file").string()}).err, "is not a folder"));
  expect(shelf, 2, {"work", "add", (shelf.path("A") / "darkshelf").string()});
  CHECK(has(expect(shelf, 1, {"work", "remove", shelf.shoots().string()}).err, "is not among the work folders"));
  CHECK(shelf.run({"work", "list"}, {}, shelf.path("no.db")).exit_code == 2);
}

TEST_CASE("work: what lies there is told without opening a single file") {
  struct Opened : Watcher {
    unsigned pictures = 0;
    void before(const Call& call) override {
      if (call.call == "open_read" && has(call.path.string(), "IMG_")) ++pictures;
    }
  } opened;
  Shelf shelf({"A"}, &opened);
  const io::Path shoot = shelf.add_shoot("2026-06-14 Smith", 4, 9'000);
  shelf.catalog().record_work_added(shoot.parent_path().string());
  rituals::Context context = shelf.context();
  auto report = rituals::look_at_work(context.fs, shelf.catalog(), context.work, shelf.world().now());
  CHECK(report.not_sealed == 1);
  CHECK(report.oldest_days == 200);
  CHECK(opened.pictures == 0);
  shelf.seal(shoot, {"A"});
  report = rituals::look_at_work(context.fs, shelf.catalog(), context.work, shelf.world().now());
  CHECK(report.not_sealed == 0);
  REQUIRE(report.folders.size() == 1);
  CHECK(report.folders[0].shoots.at(0).state == rituals::WorkShoot::State::kSealed);
}

TEST_CASE("covered: a folder may be deleted when all its content is safe, whatever it is called") {
  SafeShelf shelf;
  const io::Path folder = shelf.shoots();
  Outcome all = expect(shelf, 0, {"covered", folder.string()});
  CHECK(has(all.out, "12 photos (12 files)"));
  CHECK(has(all.out, "You may delete it."));
  io::posix().make_dirs(shelf.path("elsewhere") / "deep");
  io::posix().rename(folder / "2026-09-01_harbour" / "DSC00001.JPG", shelf.path("elsewhere") / "deep" / "x.jpg");
  make_file(shelf.path("elsewhere") / ".DS_Store", 10, 1);
  io::posix().make_symlink("/etc/passwd", shelf.path("elsewhere") / "link");
  all = expect(shelf, 0, {"covered", shelf.path("elsewhere").string()});
  CHECK(has(all.out, "1 photo (1 file)"));
  CHECK(has(all.out, "Besides: 1 entry that seal leaves out, 1 link not followed."));
  CHECK(has(all.out, "You may delete it."));

  // One byte of it changed: the length is known, the content is not.
  rot(shelf.path("elsewhere") / "deep" / "x.jpg", 10, 1);
  all = expect(shelf, 6, {"covered", shelf.path("elsewhere").string()});
  CHECK(has(all.out, "Never copied: 1 photo (1 file)"));
  CHECK(has(all.out, "deep/x.jpg"));
  CHECK(has(all.out, "Do not delete it."));
  CHECK(has(all.out, "darkshelf seal"));
  CHECK_FALSE(has(all.out, "You may"));
}

TEST_CASE("covered: too few copies, none that counts, deleted by its owner and never copied are told apart") {
  SafeShelf shelf;
  const std::string folder = shelf.shoots().string();
  shelf.must({"drive", "mark", "B", "lost"});
  shelf.must({"policy", "set", "copies=2"});
  Outcome told = expect(shelf, 6, {"covered", folder});
  CHECK(has(told.out, "On the shelf, on too few copies: 12 photos"));
  CHECK(has(told.out, "1 of 2 good copies"));
  CHECK(has(told.out, "darkshelf copy --missing --to DRIVE"));
  shelf.must({"drive", "lend", "A", "--to", "Paul"});
  told = expect(shelf, 6, {"covered", folder});
  CHECK(has(told.out, "Only on copies that do not count: 12 photos"));
  CHECK(has(told.out, "A is lent to Paul, B is lost"));
  shelf.must({"policy", "set", "copies=1"});
  shelf.must({"drive", "return", "A"});
  shelf.must({"drive", "mark", "B", "found"});
  shelf.must({"discard", "harbour", "--reason", "all of it blurred", "--confirm", "harbour"});
  make_file(shelf.shoots() / "new.CR3", 777, 1);
  make_file(shelf.shoots() / "new.xmp", 77, 1);
  told = expect(shelf, 6, {"covered", folder});
  CHECK(has(told.out, "On the shelf as the policy asks: 5 photos (5 files)"));
  CHECK(has(told.out, "Copied, then deleted by you: 7 photos (7 files)"));
  CHECK(has(told.out, ": all of it blurred"));
  CHECK(has(told.out, "… and 4 more (-v)"));
  CHECK(has(told.out, "Never copied: 1 photo (2 files)"));

  // Sealed again under another name it is on the shelf, whatever became of the other shoot.
  const io::Path again = shelf.shoots() / "Again";
  io::posix().make_dir(again);
  io::posix().rename(shelf.shoots() / "2026-09-01_harbour" / "DSC00001.JPG", again / "a.jpg");
  CHECK(has(expect(shelf, 6, {"covered", again.string()}).out, "deleted by you: 1 photo"));
  shelf.must({"seal", again.string(), "--to", "A"});
  CHECK(has(expect(shelf, 0, {"covered", again.string()}).out, "You may delete it."));
}

TEST_CASE("covered: only what may be known is read, and what cannot be read is told") {
  struct Reads : Watcher {
    std::set<std::string> opened;
    std::string hole;
    void before(const Call& call) override {
      if (call.call == "open_read" && has(call.path.string(), "look")) opened.insert(call.path.filename().string());
      if (call.call == "read_at" && !hole.empty() && has(call.path.string(), hole))
        throw core::Error(core::Code::kIo, "input/output error");
    }
  } reads;
  Shelf shelf({"A"}, &reads);
  const io::Path shoot = shelf.add_shoot("2026-06-14 Smith", 4, 9'000);
  shelf.seal(shoot, {"A"});
  io::posix().rename(shoot, shelf.path("look"));
  make_file(shelf.path("look") / "unknown.JPG", 123, 1);
  shelf.catalog().record_policy({{"copies", "1"}, {"places", "1"}, {"offsite", "0"}});
  rituals::Context context = shelf.context();
  const auto look = [&] {
    return rituals::covered(context.fs, shelf.catalog(), context.work, shelf.world().now() + std::chrono::hours(48), {},
                            {shelf.path("look")});
  };
  auto report = look();
  CHECK(report.of(rituals::Cover::kNever).files == 1);
  CHECK(reads.opened.size() == 4);
  CHECK_FALSE(reads.opened.contains("unknown.JPG"));
  reads.hole = "IMG_0002";
  report = look();
  CHECK(report.of(rituals::Cover::kUnreadable).files == 1);
  CHECK(report.of(rituals::Cover::kUnreadable).photos == 1);
  CHECK_FALSE(report.all_safe());
  core::Cancel cancel;
  cancel.request();
  context.work.cancel = &cancel;
  CHECK_THROWS_AS(look(), core::Error);
}

TEST_CASE("covered: bad input gets a sentence, and Ctrl-C stops it") {
  SafeShelf shelf;
  CHECK(has(expect(shelf, 1, {"covered", shelf.path("none").string()}).err, "there is no folder"));
  make_file(shelf.path("file.CR3"), 10, 1);
  CHECK(has(expect(shelf, 2, {"covered", shelf.path("file.CR3").string()}).err, "darkshelf where file.CR3"));
  CHECK(has(expect(shelf, 2, {"covered", shelf.path("A").string()}).err, "is the archive of a drive"));
  io::posix().make_dir(shelf.path("empty"));
  CHECK(has(expect(shelf, 0, {"covered", shelf.path("empty").string()}).out, "There is no file in it."));
  expect(shelf, 130, {"covered", shelf.shoots().string()},
         {{"DARKSHELF_STOP_AT", "covered.file:3"}, {"DARKSHELF_STOP_SIGNAL", std::to_string(SIGINT)}});
}

TEST_CASE("due: a calendar that other programs read, renewed in place, and no other file of yours") {
  SafeShelf shelf;
  shelf.must({"place", "add", "bank box; the one\\with, commas", "--offsite"});
  shelf.must({"drive", "move", "B", "--place", "bank box; the one\\with, commas"});
  const io::Path file = shelf.path("drives.ics");
  expect(shelf, 0, {"due", "--ics", file.string()});
  const std::string first = io::read_text(io::posix(), file, 1 << 20);
  io::posix().make_symlink("drives.ics", shelf.path("link.ics"));
  shelf.must({"policy", "set", "scrub-every=1s", "grace=10y"});  // all of it is due
  ::sleep(2);
  const Outcome due = expect(shelf, 6, {"due", "--ics", shelf.path("link.ics").string()});
  CHECK(has(due.out, "1. "));
  CHECK(has(due.out, "darkshelf check A"));
  CHECK(has(due.out, "darkshelf check B"));
  CHECK(io::posix().stat(shelf.path("link.ics"))->type == io::FileType::kSymlink);
  const std::string second = io::read_text(io::posix(), file, 1 << 20);
  CHECK(first != second);

  make_file(shelf.path("mine.ics"), 100, 1);
  const Outcome refused = expect(shelf, 2, {"due", "--ics", shelf.path("mine.ics").string()});
  CHECK(has(refused.err, "no calendar that darkshelf wrote"));
  CHECK(io::posix().stat(shelf.path("mine.ics"))->bytes == 100);
  expect(shelf, 2, {"due", "--ics", shelf.path("A").string()});

  const char* const kJudge = R"py(
import sys, datetime
for name in ("icalendar", "vobject"):
    try:
        __import__(name)
    except ImportError:
        sys.exit(77)
import icalendar, vobject
text = open(sys.argv[1], "rb").read()
calendar = icalendar.Calendar.from_ical(text)
events = calendar.walk("VEVENT")
assert len(events) == 2, events
places = set()
for event in events:
    assert isinstance(event["DTSTART"].dt, datetime.date) and not isinstance(event["DTSTART"].dt, datetime.datetime)
    assert event["DTEND"].dt - event["DTSTART"].dt == datetime.timedelta(days=1)
    assert event["UID"].endswith("@darkshelf") and "DTSTAMP" in event and event.walk("VALARM")
    places.add(str(event.get("LOCATION", "")))
assert "bank box; the one\\with, commas" in places, places
assert not [error for component in calendar.walk() for error in component.errors]
parsed = vobject.readOne(text.decode("utf-8"))
assert len(parsed.vevent_list) == 2
for event in parsed.vevent_list:
    assert event.validate(raiseException=True)
print(*sorted(str(event["UID"]) for event in events))
)py";
  std::vector<std::string> ids;
  for (const std::string& text : {first, second}) {
    io::write_file_durably(io::posix(), shelf.path("judged.ics"), core::as_bytes(text));
    const ProcessResult judged = run_process({"/usr/bin/python3", "-c", kJudge, shelf.path("judged.ics").string()});
    if (judged.exit_code == 77) return skip("python3-icalendar or python3-vobject is missing");
    INFO(judged.err);
    REQUIRE(judged.exit_code == 0);
    ids.push_back(judged.out);
  }
  CHECK(ids[0] == ids[1]);
}

TEST_CASE("fire drill: the commands it tells, typed, are enough") {
  SafeShelf shelf;
  for (const char* label : {"C", "D"}) {
    io::posix().make_dir(shelf.path(label));
    shelf.must({"drive", "add", shelf.path(label).string(), "--label", label});
  }
  shelf.must({"shoot", "rename", "harbour", "A"});  // as a drive is called
  Outcome drill = expect(shelf, 6, {"--json", "status", "--without", "A", "--without", "B"});
  CHECK(has(drill.out, "\"lost\":2"));
  drill = expect(shelf, 6, {"status", "--without", "A", "--without", "B"});
  CHECK(has(drill.out, "If A and B were gone"));
  CHECK(has(drill.out, "Lost for good: 2 shoots, 12 photos"));
  CHECK_FALSE(has(drill.out, "So that nothing would be lost"));  // it takes the same
  const std::size_t from = drill.out.find("So that the policy would still be met");
  REQUIRE(from != std::string::npos);
  unsigned typed = 0;
  for (std::size_t at = drill.out.find("darkshelf copy", from); at != std::string::npos;
       at = drill.out.find("darkshelf copy", at + 1)) {
    const std::string line = drill.out.substr(at + 10, drill.out.find('\n', at) - at - 10);
    const ProcessResult copied = run_process(
        {"bash", "-c",
         fmt::format("'{}' --catalog '{}' {}", DARKSHELF_EXECUTABLE, shelf.path("catalog.db").string(), line)});
    INFO(line << copied.out << copied.err);
    CHECK(copied.exit_code == 0);
    ++typed;
  }
  CHECK(typed >= 1);
  drill = expect(shelf, 0, {"status", "--without", "A", "--without", "B"});
  CHECK(has(drill.out, "Nothing would be lost for good."));
  CHECK(has(drill.out, "Still green: 2 shoots."));
  CHECK_FALSE(has(drill.out, "darkshelf copy"));
  CHECK(has(expect(shelf, 1, {"status", "--without", "nowhere"}).err, "no place and no drive is called"));
}

}  // namespace darkshelf::testing
