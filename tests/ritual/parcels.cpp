// A drive is mended from a twin that is far away: a request goes there, a parcel comes back.

#include <catch2/catch.hpp>

#include "formats/parcel/parcel.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

namespace fp = formats::parcel;

std::string read(const io::Path& path) { return io::read_text(io::posix(), path, std::uint64_t{1} << 30); }
void write(const io::Path& path, const std::string& text) {
  if (io::posix().stat(path)) io::posix().remove_file(path);
  io::posix().create(path)->write_at(0, core::as_bytes(text));
}
bool tells(const Outcome& outcome, const std::string& words) {
  std::string joined;
  for (const char c : outcome.out + outcome.err) {
    const char plain = c == '\n' ? ' ' : c;
    if (plain != ' ' || joined.empty() || joined.back() != ' ') joined += plain;
  }
  return joined.find(words) != std::string::npos;
}

/// A at home, B far away: a machine there with a catalog that knows nothing of either, or without any.
struct FarTwin {
  FarTwin() : shelf({"A", "B"}) {
    shelf.must(shelf.seal_command({"A", "B"}));
    sealed = shelf.volume_tree("A");
    request = shelf.path("a.request");
    parcel = shelf.path("a.parcel");
  }
  io::Path volume(const std::string& drive) const { return shelf.volumes(drive).front(); }
  Outcome ask() { return shelf.run({"--json", "repair", "A", "--request", request.string()}); }
  Outcome there(std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"--json", "repair", shelf.path("B").string(), "--parcel", request.string()};
    command.insert(command.end(), more.begin(), more.end());
    return shelf.run(command, {}, shelf.path("no-catalog.db"));
  }
  Outcome apply() { return shelf.run({"--json", "repair", "A", "--parcel", parcel.string()}); }
  ProgramShelf shelf;
  std::map<std::string, std::string> sealed;
  io::Path request, parcel;
};

}  // namespace

TEST_CASE("parcel: asked for here, made where the twin is without a catalog, and applied here") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  const auto slices = slices_of(far.volume("A"));
  const std::size_t sound = recovery_of(far.volume("A"), false).size();
  spoil(slices, 0, sound + 30);
  rot(far.volume("A") / "members.jsonl", 10, 5);
  const auto damaged = shelf.volume_tree("A");
  const Outcome ask = far.ask();
  CAPTURE(ask.out, ask.err);
  REQUIRE(ask.exit_code == 5);
  const Json asked = object(ask.out, "repair_request");
  CHECK(asked.at("slices") == 30 + 4);  // what parity does not cover, and some to spare
  CHECK(asked.at("files") == 0);        // parity mends the list
  CHECK(asked.at("twins").at(0) == "B");
  CHECK(shelf.volume_tree("A") == damaged);
  // It tells of slices, and holds none.
  const std::string text = read(far.request);
  CHECK(fp::decode(text).parts.front().slices.size() == sound + 30);
  CHECK(text.size() < 200 * (sound + 35));
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(text.find(read(slices[i].file).substr(slices[i].offset, 16)) == std::string::npos);

  const auto twin = files_below(shelf.path("B"));
  const Outcome made = far.there();
  CAPTURE(made.out, made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(object(made.out, "parcel_made").at("slices") == 34);
  CHECK(object(made.out, "parcel_made").at("from").at(0) == "B");
  CHECK_FALSE(io::posix().stat(shelf.path("no-catalog.db")));
  CHECK(io::posix().stat(far.parcel)->bytes < 34 * 4096 + 8192);
  for (const auto& [path, stat] : twin) CHECK(io::posix().stat(path)->ctime_ns == stat.ctime_ns);
  CHECK(files_below(shelf.path("B")).size() == twin.size());

  const Outcome applied = far.apply();
  CAPTURE(applied.out, applied.err);
  REQUIRE(applied.exit_code == 0);
  const Json volume = object(applied.out, "repaired_volume");
  CHECK(volume.at("slices_from_parcel") == 34);
  CHECK(volume.at("slices") == sound + 30);
  CHECK(shelf.volume_tree("A") == far.sealed);
  CHECK(shelf.leftovers("A").empty());
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);

  const Outcome again = shelf.run({"repair", "A", "--parcel", far.parcel.string()});
  CHECK(again.exit_code == 0);
  CHECK(tells(again, "is intact already: it is not needed"));
  // A drive that needs nothing asks for nothing.
  const Outcome nothing = shelf.run({"repair", "A", "--request", shelf.path("b.request").string()});
  CHECK(nothing.exit_code == 0);
  CHECK(tells(nothing, "Nothing to ask for: no request was written"));
  CHECK_FALSE(io::posix().stat(shelf.path("b.request")));
}

TEST_CASE("parcel: each step prints the next command, and these do") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  shelf.must({"place", "add", "bank box"});
  shelf.must({"drive", "move", "B", "--place", "bank box"});
  const Outcome ask = shelf.run({"repair", "A", "--request", far.request.string()});
  CAPTURE(ask.out, ask.err);
  CHECK(tells(ask,
              "take it to B (at bank box), plug that drive in there, and type: darkshelf repair --parcel a.request"));
  // With a catalog that knows the drive its path need not be told.
  const Outcome made = shelf.run({"repair", "--parcel", far.request.string()});
  CAPTURE(made.out, made.err);
  CHECK(made.exit_code == 0);
  CHECK(tells(made, "read from B and compared with the seal"));
  CHECK(tells(made, "type: darkshelf repair A --parcel a.parcel"));
  const Outcome applied = shelf.run({"repair", "--parcel", far.parcel.string()});  // it tells which drive it is for
  CAPTURE(applied.out, applied.err);
  CHECK(applied.exit_code == 0);
  CHECK(tells(applied, "from the parcel"));
  CHECK(shelf.volume_tree("A") == far.sealed);
}

TEST_CASE("parcel: one that was used on another drive is still needed where it was asked for") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  REQUIRE(far.there().exit_code == 0);
  if (GENERATE(false, true)) spoil(slices_of(far.volume("B")), 0, 5);
  const Outcome other = shelf.run({"repair", "B", "--parcel", far.parcel.string()});
  CAPTURE(other.out, other.err);
  CHECK(other.exit_code == 0);
  CHECK(tells(other, "The parcel is for A: keep it until A is mended. Next: darkshelf repair A --parcel FILE"));
  CHECK_FALSE(tells(other, "not needed"));
  CHECK(shelf.volume_tree("B") == far.sealed);
  const Outcome applied = shelf.run({"repair", "A", "--parcel", far.parcel.string()});
  CHECK(applied.exit_code == 0);
  CHECK(tells(applied, "The parcel is not needed any more."));
  CHECK(shelf.volume_tree("A") == far.sealed);
}

TEST_CASE("parcel: a twin that is damaged too gives what it has, and mends the rest from its parity") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  const std::size_t sound = recovery_of(far.volume("A"), false).size();
  spoil(slices_of(far.volume("A")), 0, 60);
  SECTION("fewer than it can mend") {
    spoil(slices_of(far.volume("B")), 0, sound);
    const auto twin = shelf.volume_tree("B");
    const Outcome ask = far.ask(), made = far.there();
    CAPTURE(ask.out, made.out, made.err);
    REQUIRE(made.exit_code == 0);
    CHECK(shelf.volume_tree("B") == twin);
    REQUIRE(far.apply().exit_code == 0);
    CHECK(shelf.volume_tree("A") == far.sealed);
  }
  SECTION("most of what is asked for, and it has to mend") {
    spoil(slices_of(far.volume("B")), 60 - sound, 60);
    spoil(recovery_of(far.volume("A"), false), 0, sound);  // all 60 are needed
    const Outcome ask = far.ask(), made = far.there();
    CAPTURE(ask.out, made.out, made.err);
    REQUIRE(made.exit_code == 0);
    CHECK(object(made.out, "parcel_made").at("mended_slices") == sound);
    REQUIRE(far.apply().exit_code == 0);
    CHECK(shelf.volume_tree("A") == far.sealed);
  }
  SECTION("beyond repair, in the same places") {
    spoil(slices_of(far.volume("B")), 0, 40);
    const Outcome ask = far.ask(), made = far.there();
    CAPTURE(ask.out, made.out, made.err);
    CHECK(made.exit_code == 5);
    CHECK(object(made.out, "parcel_made").at("short_of") == 60 - sound - 20);
    const auto damaged = shelf.volume_tree("A");
    const Outcome applied = far.apply();
    CHECK(applied.exit_code == 5);
    CHECK(applied.out.find("in the parcel") != std::string::npos);
    CHECK(shelf.volume_tree("A") == damaged);
  }
}

TEST_CASE("parcel: a twin whose drive.json is damaged gives it all the same") {
  FarTwin far;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  rot(far.shelf.path("B") / "darkshelf" / "drive.json", 0, 40);
  rot(far.volume("B") / "tagmanifest-sha256.txt", 3, 1);  // and the seal beside the volume, of which it has a second
  const Outcome made = far.there();
  CAPTURE(made.out, made.err);
  REQUIRE(made.exit_code == 0);
  REQUIRE(far.apply().exit_code == 0);
  CHECK(far.shelf.volume_tree("A") == far.sealed);
}

TEST_CASE("parcel: lists beyond their parity are brought whole") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  for (const char* list : {"members.jsonl", "slices.sha256", "photos.sha256"})
    io::posix().remove_file(far.volume("A") / list);
  spoil(recovery_of(far.volume("A"), true), 0, recovery_of(far.volume("A"), true).size());
  const Outcome ask = far.ask();
  CAPTURE(ask.out, ask.err);
  REQUIRE(ask.exit_code == 5);
  CHECK(object(ask.out, "repair_request").at("files") == 3);
  const Outcome made = far.there();
  CAPTURE(made.out, made.err);
  REQUIRE(made.exit_code == 0);
  const Outcome applied = far.apply();
  CAPTURE(applied.out, applied.err);
  REQUIRE(applied.exit_code == 0);
  CHECK(shelf.volume_tree("A") == far.sealed);
}

TEST_CASE("parcel: what is cut, damaged, newer, or for another drive is told, and changes nothing") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  REQUIRE(far.there().exit_code == 0);
  const auto damaged = shelf.volume_tree("A");
  const std::string request = read(far.request), parcel = read(far.parcel);
  const auto applied = [&](const std::string& text) {
    write(shelf.path("bad"), text);
    return shelf.run({"repair", "A", "--parcel", shelf.path("bad").string()});
  };
  for (const std::size_t length : {std::size_t{40}, request.size() / 2, parcel.size() / 2, parcel.size() - 1}) {
    CAPTURE(length);
    const Outcome cut = applied(parcel.substr(0, length));
    CAPTURE(cut.err);
    CHECK(cut.exit_code == 1);
    CHECK(tells(cut, "cut"));
    CHECK(tells(cut, "copy it again"));
  }
  for (const std::size_t at : {std::size_t{50}, parcel.size() / 2, parcel.size() - 5}) {
    std::string rotten = parcel;
    rotten[at] = static_cast<char>(rotten[at] ^ 4);
    const Outcome outcome = applied(rotten);
    CAPTURE(at, outcome.err);
    CHECK(outcome.exit_code == 1);
    CHECK(tells(outcome, "is damaged"));
  }
  CHECK(applied(parcel + "x").exit_code == 1);
  std::string newer = parcel;
  newer.replace(newer.find("\"format\":1"), 10, "\"format\":2");
  const Outcome later = applied(newer);
  CHECK(later.exit_code == 1);
  CHECK(tells(later, "has format 2; this darkshelf knows up to 1"));
  CHECK(applied("just a text").exit_code == 2);
  CHECK(shelf.run({"repair", "A", "--parcel", shelf.path("nowhere").string()}).exit_code == 1);

  // Somebody's own bytes, with every hash of the parcel right: the seal does not take them.
  fp::Parcel forged = fp::decode(parcel.substr(0, *fp::head_length(parcel)));
  std::string data;
  for (fp::Slice& slice : forged.parts.front().slices) {
    const std::string bytes(slice.bytes, 'x');
    slice.sha256 = digest::sha256(core::as_bytes(bytes));
    data += bytes;
  }
  const Outcome forgery = applied(fp::encode(forged) + data);
  CAPTURE(forgery.out, forgery.err);
  CHECK(forgery.exit_code == 5);

  // For a drive that has none of its volumes.
  io::posix().make_dir(shelf.path("C"));
  shelf.must({"drive", "add", shelf.path("C").string(), "--label", "C"});
  const Outcome other = shelf.run({"repair", "C", "--parcel", far.parcel.string()});
  CHECK(other.exit_code == 2);
  CHECK(tells(other, "the parcel is for A, and has nothing of what is on C"));
  CHECK(shelf.volume_tree("A") == damaged);
  CHECK(shelf.leftovers("A").empty());
}

TEST_CASE("parcel: where the twin is, drives that cannot help and files in the way are told") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  const io::Path nothing = shelf.path("no-catalog.db");
  const std::string request = far.request.string();
  const Outcome itself = shelf.run({"repair", shelf.path("A").string(), "--parcel", request}, {}, nothing);
  CHECK(itself.exit_code == 2);
  CHECK(tells(itself, "A is the drive that lacks it"));
  io::posix().make_dir(shelf.path("C"));
  shelf.must({"drive", "add", shelf.path("C").string(), "--label", "C"});
  const Outcome empty = shelf.run({"repair", shelf.path("C").string(), "--parcel", request}, {}, nothing);
  CHECK(empty.exit_code == 7);
  CHECK(tells(empty, "holds a copy of what A lacks"));
  const Outcome no_drive = shelf.run({"repair", shelf.shoots().string(), "--parcel", request}, {}, nothing);
  CHECK(no_drive.exit_code == 1);
  // Another volume stands in its place: its seal tells.
  const std::string seal = read(far.volume("B") / "tagmanifest-sha256.txt");
  const io::Path second = shelf.path("B") / "darkshelf" / "seals";
  rot(far.volume("B") / "tagmanifest-sha256.txt", 3, 1);
  for (const auto& [path, stat] : files_below(second)) rot(path, 3, 1);
  CHECK(far.there().exit_code == 5);
  io::posix().open_write(far.volume("B") / "tagmanifest-sha256.txt")->write_at(0, core::as_bytes(seal));

  write(shelf.path("letter"), "dear Anna");
  const Outcome in_the_way = far.there({"-o", shelf.path("letter").string()});
  CHECK(in_the_way.exit_code == 2);
  CHECK(read(shelf.path("letter")) == "dear Anna");
  CHECK(shelf.run({"repair", "A", "--request", shelf.path("letter").string()}).exit_code == 2);
  const Outcome on_drive = far.there({"-o", (shelf.path("B") / "darkshelf" / "x.parcel").string()});
  CHECK(on_drive.exit_code == 2);
  CHECK(far.there({"-o", shelf.path("told.parcel").string()}).exit_code == 0);
  CHECK(io::posix().stat(shelf.path("told.parcel")));
  CHECK(far.there({"-o", shelf.path("told.parcel").string()}).exit_code == 0);  // a parcel gives way to a new one
}

TEST_CASE("parcel: a twin is found where it was before") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  const io::Path before = shelf.path("B"), since = shelf.path("elsewhere");
  io::posix().rename(before, since);
  shelf.must({"scrub", since.string()});
  io::posix().rename(since, before);
  const Outcome made = shelf.run({"--json", "repair", "B", "--parcel", far.request.string()});
  CAPTURE(made.out, made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(object(made.out, "parcel_made").at("from").at(0) == "B");
}

TEST_CASE("parcel: inspect knows requests and parcels, sound or not") {
  FarTwin far;
  ProgramShelf& shelf = far.shelf;
  spoil(slices_of(far.volume("A")), 0, 60);
  REQUIRE(far.ask().exit_code == 5);
  REQUIRE(far.there().exit_code == 0);
  const Outcome request = shelf.run({"inspect", far.request.string()});
  CHECK(request.exit_code == 0);
  CHECK(request.out.find("request for what a drive lacks") != std::string::npos);
  CHECK(request.out.find("for drive              A") != std::string::npos);
  const Outcome parcel = shelf.run({"inspect", far.parcel.string()});
  CHECK(parcel.exit_code == 0);
  CHECK(parcel.out.find("read from              B") != std::string::npos);
  rot(far.parcel, 9000, 1);
  CHECK(shelf.run({"inspect", far.parcel.string()}).exit_code == 1);
}

}  // namespace darkshelf::testing
