// Bad sectors where they hurt most: under folders, under drive.json, under what lies beside the volumes. Each costs
// what lies there and nothing else.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "support/damage.hpp"
#include "support/failing_drive.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kBlock = 4096;

/// A failing drive F and a folder drive B with the same volumes, an empty one C.
struct Setting {
  Setting() : drive(shelf.path("."), "F", 64 << 20) {
    shelf.must({"drive", "add", drive.mount_point().string(), "--label", "F"});
    shelf.must(shelf.seal_command({"F", "B"}));
    sealed = shelf.volume_tree("B");
  }
  Outcome run(const std::vector<std::string>& command) {
    Outcome outcome = shelf.run(command);
    UNSCOPED_INFO(fmt::format("darkshelf {}\n{}{}", fmt::join(command, " "), outcome.out, outcome.err));
    return outcome;
  }
  /// The first block of each of these cannot be read, and nothing is in a cache.
  void spoil(const std::vector<io::Path>& paths) {
    for (const io::Path& path : paths) drive.trouble("eio", drive.first_block_of(path), kBlock);
    drive.unplug();
    drive.plug();
  }
  void mend() {
    drive.sound();
    drive.unplug();
    drive.plug();
  }
  /// When which file was changed last; what cannot be looked at is left out.
  std::map<std::string, std::int64_t> written() const {
    std::map<std::string, std::int64_t> all;
    const std::function<void(const io::Path&)> look = [&](const io::Path& here) {
      try {
        for (const io::Entry& entry : io::posix().list(here)) {
          if (entry.name == ".lock") continue;
          all[(here / entry.name).string()] = io::posix().stat(here / entry.name)->ctime_ns;
          if (entry.type == io::FileType::kDirectory) look(here / entry.name);
        }
      } catch (const core::Error& error) {
        if (!io::is_read_error(error)) throw;
      }
    };
    look(folder());
    return all;
  }
  void require_wedding(const io::Path& back) const {
    const std::string name = "2026-06-14_müller-wedding";
    REQUIRE(contents_below(back / name) == contents_below(shelf.shoots() / name));
  }
  io::Path folder() const { return drive.mount_point() / "darkshelf"; }
  std::string root() const { return drive.mount_point().string(); }

  ProgramShelf shelf{{"B", "C"}};
  FailingDrive drive;
  std::map<std::string, std::string> sealed;
};

bool tells(const Outcome& outcome, const std::string& words) {
  std::string joined;  // lines are broken at 80 columns
  for (const char c : outcome.out + outcome.err) {
    if (c != '\n' && c != ' ')
      joined += c;
    else if (!joined.empty() && joined.back() != ' ')
      joined += ' ';
  }
  return joined.find(words) != std::string::npos;
}

std::size_t open_unreadable(Setting& setting) {
  const Json shown = object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details");
  return static_cast<std::size_t>(
      std::count_if(shown.at("open_findings").begin(), shown.at("open_findings").end(),
                    [](const Json& finding) { return finding.at("kind") == "unreadable"; }));
}

}  // namespace

TEST_CASE("unreadable places: under a folder they cost what is in it, all else is read, told and recorded") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  const std::string which = GENERATE(as<std::string>{}, "volume", "data", "year");
  CAPTURE(which);
  Setting setting;
  const io::Path volume = setting.shelf.volumes("F").front();
  setting.spoil({which == "volume" ? volume : which == "data" ? volume / "data" : volume.parent_path()});
  const std::size_t lost = which == "year" ? ProgramShelf::kVolumes : 1;

  const Outcome scrub = setting.run({"--json", "scrub", "F"});
  CHECK(scrub.exit_code == 5);
  const auto volumes = objects(scrub.out, "scrubbed_volume");
  CHECK(volumes.size() == ProgramShelf::kVolumes);
  CHECK(static_cast<std::size_t>(std::count_if(volumes.begin(), volumes.end(),
                                               [](const Json& one) { return one.at("intact") == false; })) == lost);
  CHECK(object(scrub.out, "scrub_report").at("failing") == true);
  CHECK(open_unreadable(setting) >= lost);
  CHECK(tells(setting.run({"scrub", "F"}), "do not write to it. Next: darkshelf copy F --to ANOTHER-DRIVE"));
  CHECK(tells(setting.run({"status"}), "a copy of F to another drive (it is failing)"));
  CHECK(setting.run({"scrub", "F", "--repair"}).exit_code == 5);
  const Outcome repair = setting.run({"repair", "F"});
  CHECK(repair.exit_code == 5);
  CHECK_FALSE(tells(repair, "signature"));
  CHECK(setting.shelf.leftovers("F").empty());

  CHECK(setting.run({"copy", "F", "--to", "C"}).exit_code == 0);
  CHECK(setting.shelf.volume_tree("C") == setting.sealed);
  CHECK(setting.run({"restore", "wedding", "--to", setting.shelf.path("back").string()}).exit_code == 0);
  setting.require_wedding(setting.shelf.path("back"));
  setting.mend();
  CHECK(setting.run({"scrub", "F"}).exit_code == 0);
  CHECK(open_unreadable(setting) == 0);
  CHECK(setting.shelf.volume_tree("F") == setting.sealed);
}

TEST_CASE("unreadable places: under a folder of a volume, its twin has all of it, and nothing is written") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.spoil({setting.shelf.volumes("F").front()});
  const auto before = setting.written();
  const Outcome repair = setting.run({"repair", "F", "--with", "B"});
  CHECK(repair.exit_code == 4);
  CHECK(setting.written() == before);
  CHECK(tells(repair, "nothing was written to it"));
  CHECK(tells(repair, "Next: darkshelf copy F --to ANOTHER-DRIVE"));
  CHECK(tells(setting.run({"status"}), "The medium of F is failing"));  // no check has been made
}

TEST_CASE("unreadable places: under drive.json they take nothing from the drive but that it may be written to") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  const bool by_path = GENERATE(false, true);
  Setting setting;
  setting.spoil({setting.folder() / "drive.json"});
  const std::string named = by_path ? setting.root() : "F";
  CAPTURE(named);

  const Outcome scrub = setting.run({"scrub", named});
  CHECK(scrub.exit_code == 4);
  CHECK(tells(scrub, "unreadable: darkshelf/drive.json"));
  CHECK(tells(scrub, "darkshelf copy F --to ANOTHER-DRIVE"));
  CHECK(tells(setting.run({"status"}), "The medium of F is failing"));
  CHECK(tells(setting.run({"drive", "list"}), "plugged in"));
  const Outcome repair = setting.run({"repair", named});
  CHECK(repair.exit_code == 4);
  CHECK(tells(repair, "darkshelf/drive.json cannot be read"));
  CHECK(tells(repair, "darkshelf copy F --to ANOTHER-DRIVE"));
  const auto before = setting.written();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"copy", "B", "--to", named},
                                                  {"drive", "accept", setting.root(), "--as", "moved"},
                                                  {"drive", "add", setting.root(), "--label", "G"},
                                                  {"repair", named, "--discard"}}) {
    const Outcome refused = setting.run(command);
    CHECK(refused.exit_code == 7);
    CHECK_FALSE(tells(refused, "is read-only"));
    CHECK_FALSE(tells(refused, "cable"));
  }
  CHECK(setting.written() == before);
  CHECK(setting.run({"copy", named, "--from", named, "--to", "C"}).exit_code == 0);
  CHECK(setting.shelf.volume_tree("C") == setting.sealed);
  const io::Path back = setting.shelf.path("back");
  CHECK(setting.run({"restore", "wedding", "--from", named, "--to", back.string()}).exit_code == 0);
  setting.require_wedding(back);
  CHECK(tells(setting.run({"catalog", "recover", setting.root()}), "darkshelf copy F --to ANOTHER-DRIVE"));
  setting.mend();
  CHECK(setting.run({"scrub", named}).exit_code == 0);
  CHECK(setting.shelf.volume_tree("F") == setting.sealed);
}

TEST_CASE("unreadable places: a new machine knows such a drive by the copy of the catalog on it") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.spoil({setting.folder() / "drive.json"});
  setting.shelf.lose_catalog();
  const Outcome recover = setting.run({"catalog", "recover", setting.root()});
  CHECK(tells(recover, "drive.json cannot be read"));
  CHECK(tells(recover, "3 volumes"));
  CHECK(setting.run({"scrub", "F"}).exit_code == 4);
  CHECK(setting.run({"copy", "F", "--to", "C"}).exit_code == 0);
  CHECK(setting.shelf.volume_tree("C") == setting.sealed);
}

TEST_CASE("unreadable places: beside the volumes they are no less the medium's, for a repair, too") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  const std::string which = GENERATE(as<std::string>{}, "START-HERE", "seal", "catalog");
  const bool checked = GENERATE(true, false);
  CAPTURE(which, checked);
  Setting setting;
  io::Path file = setting.folder() / "START-HERE.txt";
  if (which == "seal") {
    const io::Path seals = setting.folder() / "seals";
    file = seals / io::posix().list(seals).front().name / "tagmanifest-sha256.txt";
  } else if (which == "catalog") {
    for (const io::Entry& entry : io::posix().list(setting.folder() / "catalog"))
      if (entry.name.ends_with(".db")) file = setting.folder() / "catalog" / entry.name;
    REQUIRE(file.extension() == ".db");
  }
  setting.spoil({file});
  if (checked) CHECK(setting.run({"scrub", "F"}).exit_code == 4);
  const auto before = setting.written();
  const Outcome repair = setting.run({"repair", "F"});
  CHECK(repair.exit_code == 4);
  CHECK(tells(repair, file.filename().string() + " cannot be read"));
  CHECK(tells(repair, "The medium is failing: do not write to it. Next: darkshelf copy F --to ANOTHER-DRIVE"));
  CHECK_FALSE(tells(repair, "Nothing to repair"));
  CHECK(setting.written() == before);
  CHECK(tells(setting.run({"status"}), "The medium of F is failing"));
  setting.mend();
  CHECK(setting.run({"scrub", "F"}).exit_code == 0);
  CHECK(setting.run({"repair", "F"}).exit_code == 0);
}

TEST_CASE("unreadable places: a full drive that is intact is intact, though the catalog copy does not fit") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.path("."), "A", 100 << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must(shelf.seal_command({"A"}));
  {
    const auto filler = io::posix().create(drive.mount_point() / "filler");
    std::uint64_t at = 0;
    for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{1} << 12}) {
      try {
        for (; at < (std::uint64_t{200} << 20); at += bytes) filler->write_at(at, core::Bytes(bytes));
      } catch (const core::Error& error) {
        REQUIRE(error.code() == core::Code::kNoSpace);
      }
    }
  }
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(tells(scrub, "are intact"));
  CHECK(tells(scrub, "is not refreshed"));
  CHECK(tells(scrub, "darkshelf drive eject A"));
  io::posix().remove_file(drive.mount_point() / "filler");
  const Outcome again = shelf.run({"--json", "scrub", "A"});
  CHECK(object(again.out, "scrub_report").at("catalog_refreshed") == true);
}

}  // namespace darkshelf::testing
