// Volumes that were changed, replaced, removed or added by somebody, told apart from what years do.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "rituals/repair.hpp"
#include "rituals/rescue.hpp"
#include "rituals/scrub.hpp"
#include "rituals/upkeep.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/shelf/shelf.hpp"
#include "support/shelf/signed_shelf.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void replace_tree(const io::Path& from, const io::Path& to) {
  io::remove_tree(io::posix(), to);
  REQUIRE(run_process({"cp", "-a", from.string(), to.string()}).exit_code == 0);
}

/// Three shoots of one volume each, sealed in this order; `other` bytes in the photos of the second. Ids follow from
/// the seed: two such shelves have the same volumes, but for what is in the second one.
struct Sealed {
  explicit Sealed(std::size_t other = 0, const sign::SigningKey* key = nullptr) : shelf({"A"}) {
    for (const char* name : {"2026-01-01_a", "2026-02-02_b", "2026-03-03_c"}) {
      const bool second = std::string(name) == "2026-02-02_b";
      const io::Path folder = shelf.add_shoot(name, 2, 9000 + (second ? other : 0));
      io::posix().set_mtime(folder, 1'780'000'000'000'000'000);
      rituals::Context context = shelf.context();
      rituals::seal(context, rituals::plan_seal(context, shelf.request(folder, {"A"})), key);
    }
    for (const catalog::Volume& volume : shelf.catalog().volumes()) folders.push_back(path_of(volume));
    REQUIRE(folders.size() == 3);
  }
  io::Path path_of(const catalog::Volume& volume) const { return shelf.path("A") / "darkshelf" / volume.folder; }
  std::string seal_beside(std::size_t nth) {
    return (shelf.path("A") / "darkshelf" / "seals" / shelf.catalog().volumes().at(nth).info.volume.text()).string();
  }

  Shelf shelf;
  std::vector<io::Path> folders;
};

rituals::ScrubReport scrub(Sealed& sealed) {
  rituals::Context context = sealed.shelf.context();
  return rituals::scrub(context, {"A", false, true, {}});
}

}  // namespace

TEST_CASE("tampering: a volume that was replaced by one whose own lists fit is no rot") {
  Sealed ours, theirs(5);
  REQUIRE(ours.folders == [&] {
    std::vector<io::Path> same;
    for (const io::Path& folder : theirs.folders)
      same.push_back(ours.shelf.path("A") / folder.lexically_relative(theirs.shelf.path("A")));
    return same;
  }());
  for (const bool second_seal_too : {false, true}) {
    replace_tree(theirs.folders[1], ours.folders[1]);
    if (second_seal_too) replace_tree(theirs.seal_beside(1), ours.seal_beside(1));
    const rituals::ScrubReport report = scrub(ours);
    REQUIRE(report.volumes.size() == 3);
    CHECK(report.contradicts_seal);
    CHECK_FALSE(report.repairable());
    CHECK(report.volumes[0].examination.intact());
    REQUIRE(report.volumes[1].examination.findings.size() == 1);
    CHECK(report.volumes[1].examination.findings[0].kind == rituals::FindingKind::kChanged);
    CHECK(report.volumes[2].examination.intact());
    rituals::Context context = ours.shelf.context();
    const rituals::RepairReport repair = rituals::repair(context, {"A", {}, {}, false});
    REQUIRE(repair.volumes.size() == 1);
    CHECK_FALSE(repair.volumes[0].repaired);
    CHECK(has(repair.volumes[0].failure, "somebody changed it"));
  }
}

TEST_CASE("tampering: a rescued volume that is another than the catalog knows is put in no place") {
  Sealed ours, theirs(5);
  RawImage image(4 << 20, 21);
  image.put_files(40960, theirs.folders[1]);
  const io::Path source = image.write();
  const auto rescue = [&](Sealed& known, const io::Path& to) {
    rituals::RescueContext context{known.shelf.fs(), known.shelf.world(), {}, &known.shelf.catalog()};
    const rituals::RescueReport report = rituals::rescue(context, {source, to, {}});
    REQUIRE(report.volumes.size() == 1);
    INFO(report.volumes[0].failure);
    CHECK(report.volumes[0].state == rituals::RescueState::kRescued);
    CHECK(contents_below(report.volumes[0].folder) == contents_below(theirs.folders[1]));
    return report.volumes[0];
  };
  const io::Path to = ours.shelf.path("rescued");
  for (const char* when : {"first", "again"}) {
    INFO(when);
    const rituals::RescuedVolume differs = rescue(ours, to);
    CHECK(differs.seal == rituals::SealCompared::kDiffers);
    CHECK(has(differs.failure, "not with the seal in the catalog"));
    CHECK_FALSE(io::posix().stat(to / "darkshelf" / "2026"));
  }
  const io::Path catalog = ours.shelf.catalog().path(), elsewhere = theirs.shelf.path("rescued");
  const ProcessResult program = run_process({DARKSHELF_EXECUTABLE, "--json", "--catalog", catalog.string(), "rescue",
                                             source.string(), "--to", (to / "by-program").string()});
  INFO(program.out << program.err);
  CHECK(program.exit_code == 5);
  CHECK(object(program.out, "rescue_volume").at("seal_compared") == "differs");
  // Whose it is gets it.
  CHECK(rescue(theirs, elsewhere).seal == rituals::SealCompared::kFits);
  CHECK(io::posix().stat(elsewhere / "darkshelf" / "2026"));
}

TEST_CASE("tampering: where no catalog knows better, the next seal tells that the one before was replaced") {
  Sealed ours, theirs(5);
  replace_tree(theirs.folders[1], ours.folders[1]);
  replace_tree(theirs.seal_beside(1), ours.seal_beside(1));
  io::remove_tree(io::posix(), ours.shelf.path("A") / "darkshelf" / "catalog");
  core::SteadyWorld world(*core::parse_time("2027-12-31T12:00:00Z"), 99);
  catalog::Catalog fresh = catalog::Catalog::create(io::posix(), ours.shelf.path("fresh.db"), world, "test");
  io::DriveGuard guard(io::posix());
  rituals::Context context{guard, world, {}, fresh};
  const rituals::RecoverReport report = rituals::recover_catalog(context, {ours.shelf.path("A")});
  CHECK(report.volumes_known == 3);
  REQUIRE(report.chains.size() == 1);
  CHECK(report.chains[0].kind == shelf::ChainBreak::kPrevious);
  CHECK(report.chains[0].numbers == std::vector<std::uint64_t>{3});
  CHECK(has(report.chains[0].sentence, "2026/2026-03-03_c_"));
  const rituals::ScrubReport scrubbed = rituals::scrub(context, {"A", false, false, {}});
  CHECK(scrubbed.contradicts_seal);
  CHECK(scrubbed.damage());
  CHECK(scrubbed.volumes[1].examination.intact());  // its own lists fit, and nothing else speaks against it
}

TEST_CASE("tampering: a signed volume that was replaced is not taken in by who trusts the key") {
  const auto anna = sign::SigningKey::generate(), mallory = sign::SigningKey::generate();
  for (const bool signed_again : {false, true}) {
    Sealed ours(0, &anna), theirs(5, &mallory);
    const std::string true_one = text_at(ours.folders[1] / "tagmanifest-sha256.txt.minisig");
    replace_tree(theirs.folders[1], ours.folders[1]);
    replace_tree(theirs.seal_beside(1), ours.seal_beside(1));
    for (const io::Path& folder : {ours.folders[1], io::Path(ours.seal_beside(1))}) {
      if (!signed_again) put_text(folder / "tagmanifest-sha256.txt.minisig", true_one);
    }
    io::remove_tree(io::posix(), ours.shelf.path("A") / "darkshelf" / "catalog");
    core::SteadyWorld world(*core::parse_time("2027-12-31T12:00:00Z"), 99);
    catalog::Catalog fresh = catalog::Catalog::create(io::posix(), ours.shelf.path("fresh.db"), world, "test");
    fresh.record_key({anna.public_key(), "Anna", true, true, {}});
    io::DriveGuard guard(io::posix());
    rituals::Context context{guard, world, {}, fresh};
    const rituals::RecoverReport report = rituals::recover_catalog(context, {ours.shelf.path("A")});
    CHECK(report.drives[0].contradicts == !signed_again);
    CHECK(report.volumes_known == (signed_again ? 3 : 2));
    if (signed_again) {
      // Another key is a sentence; the row of seals tells the rest.
      REQUIRE(report.drives[0].signatures.rows().size() == 2);
      CHECK(report.drives[0].signatures.rows()[1].first.state == rituals::SignatureState::kUnknownKey);
      CHECK(report.chains.size() == 1);
    } else {
      REQUIRE(report.chains.size() == 1);
      CHECK(report.chains[0].kind == shelf::ChainBreak::kGap);
    }
  }
}

TEST_CASE("tampering: a drive whose volumes were all sealed again by somebody else") {
  ProgramShelf shelf({"A"});
  anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  // The same shoots, another catalog, another key, put where ours were.
  ProgramShelf theirs({"A"});
  anna_signs(theirs);
  theirs.must(theirs.seal_command({"A"}));
  const io::Path root = shelf.path("A") / "darkshelf", other = theirs.path("A") / "darkshelf";
  replace_tree(other / "2026", root / "2026");
  replace_tree(other / "seals", root / "seals");
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  const auto volumes = objects(scrub.out, "scrubbed_volume");
  REQUIRE(volumes.size() == 3);
  for (const Json& volume : volumes) {
    CHECK(volume.at("intact") == false);
    CHECK(volume.at("findings").at(0).at("kind") == "missing");
  }
  CHECK(has(shelf.run({"scrub", "A"}).out, "3 volumes here are unknown to this catalog"));
}

TEST_CASE("tampering: a volume's folder that was removed is missing, and tells where a good copy is") {
  ProgramShelf shelf({"A", "B"});
  anna_signs(shelf);
  shelf.must(shelf.seal_command({"A", "B"}));
  const io::Path gone = shelf.volumes("A").front();
  io::remove_tree(io::posix(), gone);
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  CHECK(has(scrub.out, "is missing"));
  CHECK(has(scrub.out, "--from B --to A"));
  CHECK(shelf.run({"catalog", "verify"}).exit_code == 0);  // the catalog still knows it: there is no gap in it
}

TEST_CASE("tampering: numbers that are not known are told, and are no alarm") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  io::remove_tree(io::posix(), shelf.volumes("A").at(1));
  shelf.lose_catalog_copies("A");
  const io::Path fresh = shelf.path("new") / "c.db";
  const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh);
  INFO(recover.out << recover.err);
  CHECK(recover.exit_code == 0);
  CHECK(has(recover.out, "are not known here") + has(recover.out, "is not known here") == 1);
  CHECK(shelf.run({"repair", "A"}, {}, fresh).exit_code == 0);  // brings the catalog copy back
  for (const auto& command : {std::vector<std::string>{"catalog", "verify"}, {"scrub", "A"}}) {
    const Outcome told = shelf.run(command, {}, fresh);
    INFO(told.out << told.err);
    CHECK(told.exit_code == 0);
    CHECK(has(told.out, "is not known here"));
  }
  const Outcome json = shelf.run({"--json", "catalog", "verify"}, {}, fresh);
  CHECK(object(json.out, "chain_finding").at("kind") == "gap");
  CHECK(object(json.out, "chain_finding").at("numbers") == Json::array({2}));
  CHECK(object(json.out, "catalog_verified").at("sound") == true);
}

TEST_CASE("tampering: drives that are away, shoots that were discarded and seals that were given up are no gaps") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const auto clean = [&](const char* when) {
    INFO(when);
    for (const auto& command : {std::vector<std::string>{"catalog", "verify"}, {"scrub", "B"}}) {
      const Outcome told = shelf.run(command);
      INFO(told.out << told.err);
      CHECK(told.exit_code == 0);
      CHECK_FALSE(has(told.out, "not known here"));
    }
  };
  io::posix().rename(shelf.path("A"), shelf.path("away"));
  make_file(shelf.shoots() / "2026-10-01_alps" / "a.JPG", 9000, 1);
  const std::vector<std::string> alps = {"seal", (shelf.shoots() / "2026-10-01_alps").string(), "--to", "B"};
  // Begun, killed before it was in its place, and given up: another shoot is sealed.
  REQUIRE(shelf.run(alps, {{"DARKSHELF_STOP_AT", "seal.parity-written"}}).signal == 9);
  io::remove_tree(io::posix(), shelf.shoots() / "2026-10-01_alps");
  make_file(shelf.shoots() / "2026-11-01_lake" / "a.JPG", 9000, 2);
  shelf.must({"seal", (shelf.shoots() / "2026-11-01_lake").string(), "--to", "B"});
  clean("a seal was given up, and A is away");
  io::posix().rename(shelf.path("away"), shelf.path("A"));
  shelf.must({"discard", "harbour", "--reason", "blurred", "--confirm", "harbour"});
  clean("a shoot was discarded");
  shelf.must({"drive", "mark", "A", "lost"});
  clean("A is lost");
}

TEST_CASE("tampering: a seal killed before the catalog knew of it keeps its number when others come between") {
  ProgramShelf shelf({"A"});
  make_file(shelf.shoots() / "2026-10-01_alps" / "a.JPG", 9000, 1);
  make_file(shelf.shoots() / "2026-11-01_lake" / "a.JPG", 9000, 2);
  const std::vector<std::string> alps = {"seal", (shelf.shoots() / "2026-10-01_alps").string(), "--to", "A"};
  REQUIRE(shelf.run(alps, {{"DARKSHELF_STOP_AT", "seal.renamed"}}).signal == 9);
  shelf.must({"seal", (shelf.shoots() / "2026-11-01_lake").string(), "--to", "A"});
  shelf.must(alps);
  shelf.must(shelf.seal_command({"A"}));
  std::set<std::uint64_t> numbers;
  for (const io::Path& folder : shelf.volumes("A"))
    numbers.insert(formats::volume::decode_bag_info(text_at(folder / "bag-info.txt")).sequence);
  CHECK(numbers == std::set<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(shelf.run({"catalog", "verify"}).exit_code == 0);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  // Nor where only the drive tells.
  shelf.lose_catalog_copies("A");
  const io::Path fresh = shelf.path("new") / "c.db";
  const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh);
  INFO(recover.out << recover.err);
  CHECK(recover.exit_code == 0);
  CHECK_FALSE(has(recover.out, "of catalog"));
}

TEST_CASE("tampering: two volumes of one number") {
  ProgramShelf shelf({"A"});
  shelf.keep();  // the catalog that a backup brings back
  make_file(shelf.shoots() / "2026-10-01_alps" / "a.JPG", 9000, 1);
  shelf.must({"seal", (shelf.shoots() / "2026-10-01_alps").string(), "--to", "A"});
  REQUIRE(run_process({"cp", "-a", shelf.path("A").string(), (shelf.path("..") / "sealed-once").string()}).exit_code ==
          0);
  shelf.back();
  make_file(shelf.shoots() / "2026-11-01_lake" / "a.JPG", 9000, 2);
  shelf.must({"seal", (shelf.shoots() / "2026-11-01_lake").string(), "--to", "A"});
  // The volume of the first run lies on the drive beside the second.
  REQUIRE(run_process({"cp", "-a", (shelf.path("..") / "sealed-once" / "darkshelf" / "2026" / ".").string(),
                       (shelf.path("A") / "darkshelf" / "2026").string()})
              .exit_code == 0);
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  CHECK(has(scrub.out, "Number 1 of the seals of catalog "));
  CHECK(has(scrub.out, "stands on two volumes"));
  CHECK_FALSE(has(scrub.out, "are damaged"));
  const io::Path fresh = shelf.path("new") / "c.db";
  shelf.lose_catalog_copies("A");
  const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh);
  INFO(recover.out << recover.err);
  CHECK(recover.exit_code == 5);
  CHECK(has(recover.out, "stands on two volumes"));
  CHECK(shelf.run({"catalog", "verify"}, {}, fresh).exit_code == 5);
}

TEST_CASE("tampering: a signature that rotted beside a twin goes along with no repair and no copy") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must(shelf.seal_command({"A", "B"}));
  // Paul signs the twin on a machine of his own, so that this one has never seen what he wrote.
  const io::Path pauls = shelf.path("paul") / "c.db";
  REQUIRE(shelf.run({"catalog", "recover", shelf.path("B").string()}, {}, pauls).exit_code == 0);
  REQUIRE(shelf.run({"key", "create", "--no-passphrase", "--name", "Paul"}, {}, pauls).exit_code == 0);
  REQUIRE(shelf.run({"key", "sign", "B"}, {}, pauls).exit_code == 0);
  shelf.must({"key", "trust", shelf.path("paul/signing.pub").string(), "--name", "Paul"});
  const std::string whole = text_at(signature_in(shelf, "B", 0)), moved = text_at(signature_in(shelf, "B", 2));
  const std::string what =
      GENERATE(as<std::string>{}, "a bit", "its end", "all of it", "too long", "of another volume");
  CAPTURE(what);
  const io::Path rotten = signature_in(shelf, "B", 1);
  if (what == "a bit") flip_signature(rotten);
  if (what == "its end") cut(rotten, 100);
  if (what == "all of it") put_text(rotten, "untrusted comment: no signature\n");
  if (what == "too long") put_text(rotten, text_at(rotten) + std::string(1 << 20, 'x'));
  if (what == "of another volume") put_text(rotten, moved);
  const std::string rotted = text_at(rotten);

  shelf.damage("A");
  const Outcome repair = shelf.run({"repair", "A", "--with", "B"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  const Outcome copy = shelf.run({"copy", "B", "--from", "B", "--to", "C"});
  INFO(copy.out << copy.err);
  CHECK(copy.exit_code == 0);
  for (const char* drive : {"A", "C"}) {
    CAPTURE(drive);
    CHECK(text_at(signature_in(shelf, drive, 0)) == whole);
    CHECK(text_at(signature_in(shelf, drive, 2)) == moved);
    CHECK_FALSE(io::posix().stat(signature_in(shelf, drive, 1)));
    CHECK_FALSE(io::posix().stat(signature_beside(shelf, drive, 1)));
    CHECK(shelf.run({"scrub", drive}).exit_code == 0);
  }
  CHECK(text_at(rotten) == rotted);  // of the twin nothing was changed
}

}  // namespace darkshelf::testing
