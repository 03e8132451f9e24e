// What a later check says of an adopted drive.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

const std::string kHarbour = "2026-09-01_harbour";

/// Segments of a JPEG in front of its data: start, and a comment.
core::Bytes with_comment(const core::Bytes& jpeg, const std::string& comment) {
  core::Bytes out(jpeg.begin(), jpeg.begin() + 2);
  const std::size_t length = comment.size() + 2;
  for (const unsigned byte : {0xFFU, 0xFEU, static_cast<unsigned>(length >> 8), static_cast<unsigned>(length & 0xFF)})
    out.push_back(static_cast<std::byte>(byte));
  const core::ByteSpan text = core::as_bytes(comment);
  out.insert(out.end(), text.begin(), text.end());
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

/// The least that is a JPEG by its structure.
core::Bytes small_jpeg(unsigned seed) {
  core::Bytes out;
  for (const unsigned byte : {0xFFU, 0xD8U, 0xFFU, 0xDBU, 0x00U, 0x04U, 0x00U, seed,  0xFFU, 0xC0U, 0x00U, 0x0BU,
                              0x08U, 0x00U, 0x08U, 0x00U, 0x08U, 0x01U, 0x01U, 0x11U, 0x00U, 0xFFU, 0xDAU, 0x00U,
                              0x08U, 0x01U, 0x01U, 0x00U, 0x00U, 0x3FU, 0x00U, 0x12U, 0x34U, seed,  0xFFU, 0xD9U})
    out.push_back(static_cast<std::byte>(byte));
  return out;
}

void put(const io::Path& path, const core::Bytes& bytes) {
  io::posix().make_dirs(path.parent_path());
  if (io::posix().stat(path)) io::posix().remove_file(path);
  const auto file = io::posix().create(path);
  file->write_at(0, bytes);
  file->sync();
}

struct Adopted {
  ProgramShelf shelf{{}};
  io::Path root = shelf.path("drive");
  Adopted() {
    for (unsigned i = 0; i < 6; ++i) put(root / kHarbour / ("IMG_" + std::to_string(i) + ".JPG"), small_jpeg(i));
    make_file(root / kHarbour / "IMG_0.xmp", 200, 3);
    for (const auto& [path, stat] : files_below(root)) io::posix().set_mtime(path, 1'700'000'000'000'000'000);
    const Outcome outcome = shelf.run({"adopt", root.string(), "--label", "old"});
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  Outcome scrub(std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"--json", "scrub", "old"};
    command.insert(command.end(), more.begin(), more.end());
    return shelf.run(command);
  }
};

}  // namespace

TEST_CASE("adopt: a check tells rot, another picture, a loss, an edit and news apart") {
  Adopted drive;
  const io::Path shoot = drive.root / kHarbour;
  CHECK(drive.scrub().exit_code == 0);

  put(shoot / "IMG_1.JPG", with_comment(small_jpeg(1), "keywords"));
  io::posix().remove_file(shoot / "IMG_0.xmp");
  make_file(shoot / "IMG_0.xmp", 300, 4);
  make_file(shoot / "new.txt", 10, 4);
  const Outcome edited = drive.scrub();
  INFO(edited.out << edited.err);
  CHECK(edited.exit_code == 0);
  const Json check = object(edited.out, "adopted_check");
  CHECK(check.at("edited") == 2);
  CHECK(check.at("bad") == 0);
  CHECK(check.at("added") == 1);

  rot(shoot / "IMG_2.JPG", 32, 1);  // of its data; its date stays
  put(shoot / "IMG_3.JPG", small_jpeg(99));
  io::posix().remove_file(shoot / "IMG_4.JPG");
  const Outcome bad = drive.scrub();
  INFO(bad.out << bad.err);
  CHECK(bad.exit_code == 5);
  std::map<std::string, std::string> kinds;
  for (const Json& finding : objects(bad.out, "adopted_finding"))
    kinds[finding.at("path").get<std::string>().substr(kHarbour.size() + 1)] = finding.at("kind");
  CHECK(kinds == std::map<std::string, std::string>{{"IMG_0.xmp", "edited"},
                                                    {"IMG_1.JPG", "edited"},
                                                    {"IMG_2.JPG", "damaged"},
                                                    {"IMG_3.JPG", "changed"},
                                                    {"IMG_4.JPG", "missing"}});
  CHECK(bad.out.find("sealed") == std::string::npos);

  const Outcome again = drive.shelf.run({"--json", "adopt", drive.root.string(), "--label", "old"});
  INFO(again.out << again.err);
  CHECK(again.exit_code == 0);
  CHECK(drive.scrub().exit_code == 0);
}

TEST_CASE("adopt: what other drives have as it was is told, and brought back from them") {
  Adopted drive;
  run_process({"cp", "-a", drive.root.string(), drive.shelf.path("twin").string()});
  drive.shelf.must({"adopt", drive.shelf.path("twin").string(), "--label", "twin"});
  rot(drive.root / kHarbour / "IMG_2.JPG", 32, 1);
  const Outcome bad = drive.scrub();
  INFO(bad.out << bad.err);
  CHECK(bad.exit_code == 4);
  CHECK(object(bad.out, "adopted_finding").at("elsewhere") == Json::array({"twin"}));
  drive.shelf.must({"restore", "harbour", "--to", drive.shelf.path("back").string()});
  CHECK(run_process({"cmp", (drive.shelf.path("twin") / kHarbour / "IMG_2.JPG").string(),
                     (drive.shelf.path("back") / kHarbour / "IMG_2.JPG").string()})
            .exit_code == 0);
}

TEST_CASE("adopt: every other ritual meets an adopted drive with a sentence and a next command") {
  Adopted drive;
  ProgramShelf& shelf = drive.shelf;
  io::posix().make_dir(shelf.path("A"));
  shelf.must({"drive", "add", shelf.path("A").string(), "--label", "A"});
  const std::vector<std::vector<std::string>> refused = {
      {"seal", (shelf.shoots() / kHarbour).string(), "--to", "old"},
      {"copy", "A", "--to", "old"},
      {"repair", "old"},
      {"discard", "harbour", "--from", "old", "--reason", "x", "--yes"},
  };
  for (const auto& command : refused) {
    const Outcome outcome = shelf.run(command);
    CAPTURE(command.front(), outcome.out, outcome.err);
    CHECK(outcome.exit_code != 0);
    CHECK(outcome.signal == 0);
    CHECK(outcome.err.find("darkshelf") != std::string::npos);
  }
  const std::vector<std::vector<std::string>> fine = {
      {"drive", "list"},
      {"drive", "show", "old"},
      {"show", "old"},
      {"drive", "eject", "old"},
      {"drive", "rename", "old", "older"},
      {"drive", "return", "older"},
      {"catalog", "verify"},
  };
  for (const auto& command : fine) {
    const Outcome outcome = shelf.run(command);
    CAPTURE(command, outcome.out, outcome.err);
    CHECK(outcome.exit_code == 0);
  }
  CHECK(io::posix().stat(drive.root / "darkshelf") == std::nullopt);
}

}  // namespace darkshelf::testing
