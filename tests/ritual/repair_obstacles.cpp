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
  io::Path journal() const { return shelf.path("A") / "darkshelf" / ".repair" / id(); }
  /// As a repair that was interrupted leaves it.
  void leave(const std::string& text, core::ByteSpan data) const {
    io::posix().make_dirs(journal());
    io::posix().create(journal() / "journal")->write_at(0, core::as_bytes(text));
    io::posix().create(journal() / "data")->write_at(0, data);
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
  sealed.leave(rituals::encode_journal(journal), {});
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK(sealed.shelf.leftovers("A").empty());
  CHECK(sealed.shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repairs: a journal whose bytes are not the sealed ones is told and dropped, and nothing is overwritten") {
  Sealed sealed;
  const bool damaged = GENERATE(false, true);
  const std::string name = GENERATE(".tar", "members.jsonl", "_1of2.par2", "tagmanifest-sha256.txt");
  CAPTURE(damaged, name);
  const io::Path file = sealed.named(name);
  if (damaged) rot(file, 200, 10);
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  rituals::RepairJournal journal;
  journal.volume = *core::Uuid::parse(sealed.id());
  journal.quarantine = "kept";
  journal.files.push_back({file.lexically_relative(sealed.volume).string(), bytes, 0, 0644});
  const core::Bytes garbage = seeded_bytes(std::min<std::uint64_t>(bytes, 65536), 5);
  for (std::uint64_t at = 0; at + garbage.size() <= bytes; at += garbage.size())
    journal.patches.push_back({0, at, garbage.size(), 0, digest::sha256(garbage)});
  sealed.leave(rituals::encode_journal(journal), garbage);
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(repair.err.find("would write other bytes into") != std::string::npos);
  CHECK(repair.out.find(damaged ? "repaired 20" : "Nothing to repair") != std::string::npos);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK(sealed.shelf.leftovers("A").empty());
  CHECK(io::posix().stat(sealed.shelf.path("A") / "darkshelf" / "quarantine").has_value() == damaged);
  CHECK(sealed.shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repairs: what is wrong in a journal of ours is mended anew, whatever it is") {
  Sealed sealed;
  rot(sealed.named(".tar"), 100'000, 3000);
  const Outcome killed =
      sealed.shelf.run({"repair", "A"}, {{"DARKSHELF_STOP_AT", "repair.committed"}, {"DARKSHELF_STOP_SIGNAL", "9"}});
  REQUIRE(killed.signal == 9);
  const std::string text = io::read_text(io::posix(), sealed.journal() / "journal", 1 << 20);
  const std::string patch = text.substr(text.find("\npatch") + 1, text.find("\nend") - text.find("\npatch"));
  const auto words = [&](std::size_t first) { return patch.substr(first); };
  const std::size_t offset = patch.find(' ', 6), bytes = patch.find(' ', offset + 1), data = patch.find(' ', bytes + 1),
                    hash = patch.find(' ', data + 1);
  const std::string wrong = GENERATE_COPY(
      patch.substr(0, data) + " 18446744073709551615" + words(hash),
      patch.substr(0, data) + " 9223372036854775807" + words(hash), patch.substr(0, data) + " -1" + words(hash),
      patch.substr(0, data) + " 1000000" + words(hash),
      patch.substr(0, offset) + " 18446744073709551615" + words(bytes), patch.substr(0, bytes) + " 0" + words(data),
      patch.substr(0, bytes) + " 65537" + words(data), patch + patch, "patch 1" + words(7));
  CAPTURE(patch, wrong);
  std::string changed = text;
  changed.replace(changed.find(patch), patch.size(), wrong);
  io::write_file_durably(io::posix(), sealed.journal() / "journal", core::as_bytes(changed));
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(repair.out.find("an interrupted repair was finished") == std::string::npos);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK(sealed.shelf.leftovers("A").empty());
}

TEST_CASE("repairs: a journal of ours is carried out, also when the lists are damaged with the payload") {
  Sealed sealed;
  rot(sealed.named(".tar"), 100'000, 3000);
  rot(sealed.named("slices.sha256"), 100, 3000);
  const std::string step = GENERATE("repair.committed", "repair.half-applied", "repair.applied");
  CAPTURE(step);
  REQUIRE(sealed.shelf.run({"repair", "A"}, {{"DARKSHELF_STOP_AT", step}, {"DARKSHELF_STOP_SIGNAL", "9"}}).signal == 9);
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(repair.out.find("an interrupted repair was finished") != std::string::npos);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
}

TEST_CASE("repairs: a journal that cannot be compared now is kept until it can") {
  Sealed sealed;
  rot(sealed.named(".tar"), 100'000, 3000);
  const Outcome killed =
      sealed.shelf.run({"repair", "A"}, {{"DARKSHELF_STOP_AT", "repair.committed"}, {"DARKSHELF_STOP_SIGNAL", "9"}});
  REQUIRE(killed.signal == 9);
  const io::Path journal = sealed.journal();
  // The lists are lost beyond their parity, and come back.
  std::map<io::Path, std::pair<core::Bytes, std::int64_t>> lists;
  for (const auto& [path, stat] : files_below(sealed.volume)) {
    const std::string name = path.filename().string();
    if (name.ends_with(".tar") || (name.ends_with(".par2") && name.find(".tags.") == name.npos)) continue;
    lists[path] = {io::read_file(io::posix(), path, 1 << 26), stat.mtime_ns};
    rot(path, 0, stat.bytes);
  }
  REQUIRE(lists.size() > 5);
  const Outcome lost = sealed.shelf.run({"repair", "A"});
  INFO(lost.out << lost.err);
  CHECK(lost.exit_code == 5);
  CHECK(io::posix().stat(journal / "journal"));
  for (const auto& [path, was] : lists) {
    io::posix().open_write(path)->write_at(0, was.first);
    io::posix().set_mtime(path, was.second);
  }
  CHECK(sealed.shelf.run({"repair", "A"}).exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
  CHECK_FALSE(io::posix().stat(journal));
}

TEST_CASE("repairs: a journal without its data is dropped") {
  Sealed sealed;
  rot(sealed.named(".tar"), 1000, 10);
  make_file(sealed.journal() / "journal", 100, 1);
  CHECK(sealed.shelf.run({"repair", "A"}).exit_code == 0);
  CHECK(sealed.shelf.volume_tree("A") == sealed.tree);
}

TEST_CASE("repairs: what stands where the quarantine belongs is told with a way on") {
  Sealed sealed;
  rot(sealed.named(".tar"), 1000, 10);
  const auto damaged = sealed.shelf.volume_tree("A");
  const io::Path quarantine = sealed.shelf.path("A") / "darkshelf" / "quarantine";
  const bool link = GENERATE(false, true);
  if (link) {
    io::posix().make_dir(sealed.shelf.path("outside"));
    io::posix().make_symlink(sealed.shelf.path("outside").string(), quarantine);
  } else {
    make_file(quarantine, 10, 1);
  }
  const Outcome repair = sealed.shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code != 0);
  CHECK(repair.out.find(link ? "remove it if nothing needs it" : "type the same command again") != std::string::npos);
  CHECK(sealed.shelf.volume_tree("A") == damaged);
  io::posix().remove_file(quarantine);
  sealed.shelf.must({"repair", "A"});
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
