// What a repair meets in a volume besides rot: folders in the way, journals nobody wrote, too little memory.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "rituals/repair_journal.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

struct Sealed {
  ProgramShelf shelf{{"A"}};
  io::Path volume;
  std::map<std::string, std::string> tree;

  Sealed() {
    shelf.must(shelf.seal_command({"A"}));
    volume = shelf.volumes("A").front();
    tree = shelf.volume_tree("A");
  }
  std::string id() const {
    const std::string info = io::read_text(io::posix(), volume / "bag-info.txt", 1 << 20);
    const std::size_t at = info.find("Darkshelf-Volume: ");
    REQUIRE(at != std::string::npos);
    return info.substr(at + 18, 36);
  }
  io::Path named(const std::string& ending) const {
    for (const auto& [path, stat] : files_below(volume)) {
      if (path.string().ends_with(ending)) return path;
    }
    FAIL("no file ends in " << ending);
    return {};
  }
};

}  // namespace

TEST_CASE("repairs: a folder where a file belongs goes into quarantine, and the file comes back") {
  Sealed sealed;
  const std::string ending = GENERATE("_1of2.par2", "members.jsonl", ".tags.par2");
  CAPTURE(ending);
  const io::Path file = sealed.named(ending);
  io::posix().remove_file(file);
  make_file(file / "deeper" / "x", 100, 1);
  CHECK(sealed.shelf.run({"scrub", "A"}).exit_code == 4);
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK(sealed.shelf.leftovers("A").empty());
  CHECK(sealed.shelf.run({"scrub", "A"}).exit_code == 0);
  const auto kept = files_below(sealed.shelf.path("A") / "darkshelf" / "quarantine");
  REQUIRE(kept.size() == 1);
  CHECK(kept.begin()->first.string().ends_with(file.filename().string() + "/deeper/x"));
}

TEST_CASE("repairs: a link on the way is refused before a journal is written") {
  Sealed sealed;
  const io::Path data = sealed.volume / "data";
  io::posix().rename(data, sealed.shelf.path("outside"));
  io::posix().make_symlink(sealed.shelf.path("outside").string(), data);
  for (const auto& [path, stat] : files_below(sealed.shelf.path("outside"))) rot(path, 1000, 10);
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 5);
  CHECK(sealed.shelf.leftovers("A").empty());
}

TEST_CASE("repairs: a journal that is not of this volume is dropped, and damage mended without it") {
  Sealed sealed;
  rot(sealed.named(".tar"), 1000, 10);
  rituals::RepairJournal journal;
  journal.volume = *core::Uuid::parse(sealed.id());
  journal.quarantine = "kept";
  const auto file = [](const std::string& path, std::uint64_t bytes) {
    rituals::PatchedFile patched;
    patched.path = path;
    patched.bytes = bytes;
    return patched;
  };
  const std::uint64_t huge = 999'999'999'999'999;
  const std::string tar = "data/" + sealed.named(".tar").filename().string();
  journal.files.push_back(GENERATE_COPY(file("evil", 0), file("data/evil", 0), file("members.jsonl", huge),
                                        file(tar, huge), file(tar, 10), file("tagmanifest-sha256.txt", 1),
                                        file("members.jsonl/evil", 0)));
  CAPTURE(journal.files.front().path, journal.files.front().bytes);
  const io::Path folder = sealed.shelf.path("A") / "darkshelf" / ".repair" / journal.volume.text();
  make_file(folder / "data", 0, 1);
  const std::string text = rituals::encode_journal(journal);
  io::posix().create(folder / "journal")->write_at(0, core::as_bytes(text));
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK(sealed.shelf.leftovers("A").empty());
  CHECK(sealed.shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repairs: a journal without its data is dropped") {
  Sealed sealed;
  rot(sealed.named(".tar"), 1000, 10);
  make_file(sealed.shelf.path("A") / "darkshelf" / ".repair" / sealed.id() / "journal", 100, 1);
  CHECK(sealed.shelf.run({"repair", "A"}).exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
}

TEST_CASE("repairs: too little memory is a matter of --memory, not of damage") {
  Sealed sealed;
  rot(sealed.named(".tar"), 1000, 10);
  const Outcome repair = sealed.shelf.run({"repair", "A", "--memory", "1KiB"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 2);
  CHECK(repair.err.find("--memory") != std::string::npos);
  CHECK(sealed.shelf.leftovers("A").empty());
  sealed.shelf.must({"repair", "A"});
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
}

}  // namespace darkshelf::testing
