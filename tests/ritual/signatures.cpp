// Signed when it is sealed, or later; carried by copies, put back by repairs, told by everything that looks at a drive.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/signed_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

const std::string kPassphrase = "correct horse";

/// How many volumes are in which state, as a scrub tells: "signed", "unsigned" …
std::map<std::string, int> states(const Outcome& scrub) {
  std::map<std::string, int> states;
  for (const Json& one : objects(scrub.out, "volume_signature")) ++states[one.at("state").get<std::string>()];
  return states;
}

using States = std::map<std::string, int>;

/// Kinds of what a scrub found beside volumes, by the last part of the path.
std::map<std::string, std::string> drive_findings(const Outcome& scrub) {
  std::map<std::string, std::string> found;
  for (const Json& one : objects(scrub.out, "drive_finding"))
    found[one.at("path").get<std::string>()] = one.at("kind").get<std::string>();
  return found;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string below(const ProgramShelf& shelf, const std::string& drive, const io::Path& path) {
  return path.lexically_relative(shelf.path(drive)).string();
}

}  // namespace

TEST_CASE("signatures: what is sealed is signed, the same on every drive, and everything says by whom") {
  ProgramShelf shelf({"A", "B"});
  const std::string key = anna_signs(shelf);
  const Outcome seal = shelf.run(shelf.seal_command({"A", "B"}));
  INFO(seal.out << seal.err);
  REQUIRE(seal.exit_code == 0);
  CHECK(has(seal.out, "3 volumes signed with key " + key));
  CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));  // times too
  for (std::size_t i = 0; i < ProgramShelf::kVolumes; ++i) {
    const io::Path signature = signature_in(shelf, "A", i);
    CHECK(text_at(signature) == text_at(signature_beside(shelf, "A", i)));
    CHECK(text_at(signature) == text_at(signature_beside(shelf, "B", i)));
    CHECK(io::posix().stat(signature)->mtime_ns ==
          io::posix().stat(signature.parent_path() / "bag-info.txt")->mtime_ns);
    // It is no part of the seal.
    CHECK_FALSE(has(text_at(signature.parent_path() / "tagmanifest-sha256.txt"), "minisig"));
    if (!has_program("minisign")) continue;
    const ProcessResult judged =
        run_process({"minisign", "-V", "-p", (shelf.path("B") / "darkshelf" / "keys" / (key + ".pub")).string(), "-m",
                     (signature.parent_path() / "tagmanifest-sha256.txt").string()});
    INFO(judged.out << judged.err);
    CHECK(judged.exit_code == 0);
    CHECK(has(judged.out, "Trusted comment: darkshelf volume "));
  }
  const Outcome scrub = shelf.run({"scrub", "A"}), json = shelf.run({"--json", "scrub", "B"});
  CHECK(scrub.exit_code == 0);
  CHECK(has(scrub.out, "Signatures: 3 volumes signed by Anna (key " + key + ")."));
  CHECK(json.exit_code == 0);
  CHECK(states(json) == States{{"signed", 3}});
  CHECK(has(shelf.run({"show", shelf.volumes("A").front().filename().string()}).out, "signed by Anna (key " + key));
  shelf.must({"catalog", "verify"});
  const Outcome inspect = shelf.run({"inspect", signature_in(shelf, "A", 0).string()});
  CHECK(inspect.exit_code == 0);
  CHECK(has(inspect.out, "signed by Anna"));
}

TEST_CASE("signatures: the passphrase is wanted before the first byte, and without it nothing is signed") {
  ProgramShelf shelf({"A"});
  const std::map<std::string, std::string> right = {{"DARKSHELF_PASSPHRASE", kPassphrase}},
                                           wrong = {{"DARKSHELF_PASSPHRASE", "wrong"}};
  REQUIRE(shelf.run({"key", "create"}, right).exit_code == 0);
  shelf.keep();
  std::vector<std::string> seal = shelf.seal_command({"A"});
  const Outcome refused = shelf.run(seal, wrong);
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "the passphrase is not that of the signing key"));
  CHECK(shelf.volumes("A").empty());

  const Outcome without = shelf.run(seal);
  CHECK(without.exit_code == 0);
  CHECK(has(without.out, "Sealed without a signature: nobody can be asked for the passphrase"));
  CHECK(has(without.out, "darkshelf key sign DRIVE"));
  CHECK_FALSE(io::posix().stat(signature_in(shelf, "A", 0)));
  const Outcome told = shelf.run({"--json", "scrub", "A"});
  CHECK(told.exit_code == 0);
  CHECK(states(told) == States{{"unsigned", 3}});

  shelf.back();
  put_text(shelf.path("phrase"), kPassphrase + "\r\nsecond line\n");
  seal.insert(seal.end(), {"--passphrase-file", shelf.path("phrase").string()});
  const Outcome with = shelf.run(seal);
  INFO(with.out << with.err);
  CHECK(with.exit_code == 0);
  CHECK(states(shelf.run({"--json", "scrub", "A"})) == States{{"signed", 3}});

  shelf.back();
  seal.resize(seal.size() - 2);
  seal.push_back("--unsigned");
  const Outcome not_wanted = shelf.run(seal, wrong);  // it is not even looked at
  CHECK(not_wanted.exit_code == 0);
  CHECK_FALSE(has(not_wanted.out, "signature"));
  CHECK_FALSE(io::posix().stat(signature_in(shelf, "A", 0)));
}

TEST_CASE("signatures: added later, the same to all copies as their drives come by, and once") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto before = shelf.volume_tree("A");
  const std::string key = anna_signs(shelf);
  io::posix().rename(shelf.path("B"), shelf.path("away"));
  const Outcome first = shelf.run({"key", "sign", "wedding"});
  INFO(first.out << first.err);
  CHECK(first.exit_code == 0);
  CHECK(has(first.out, "signed by Anna (key " + key));
  CHECK(has(first.out, "2 copies are on drives that are not plugged in (B)"));
  CHECK(shelf.leftovers("A").empty());
  io::posix().rename(shelf.path("away"), shelf.path("B"));
  CHECK(states(shelf.run({"--json", "scrub", "A"})) == States{{"signed", 2}, {"unsigned", 1}});
  const Outcome other = shelf.run({"scrub", "B"});
  CHECK(other.exit_code == 0);  // B was never given one
  CHECK(has(other.out, "2 volumes lack a signature that other copies have: darkshelf key sign B"));
  const Outcome again = shelf.run({"--json", "key", "sign", "A", "B"});
  CHECK(again.exit_code == 0);
  CHECK(object(again.out, "sign_report").at("signed") == 4);
  CHECK(object(again.out, "sign_report").at("already") == 2);
  for (std::size_t i = 0; i < ProgramShelf::kVolumes; ++i) {
    CHECK(text_at(signature_in(shelf, "A", i)) == text_at(signature_in(shelf, "B", i)));
    CHECK(text_at(signature_in(shelf, "A", i)) == text_at(signature_beside(shelf, "B", i)));
  }
  CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));
  auto after = shelf.volume_tree("A");
  std::erase_if(after, [](const auto& file) { return file.first.ends_with(".minisig"); });
  CHECK(after == before);
  for (const char* drive : {"A", "B"}) {
    const Outcome scrub = shelf.run({"--json", "scrub", drive});
    CHECK(scrub.exit_code == 0);
    CHECK(states(scrub) == States{{"signed", 3}});
    CHECK(drive_findings(scrub).empty());
  }
}

TEST_CASE("signatures: nothing is signed that is not what was sealed") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  anna_signs(shelf);
  const io::Path seal = shelf.volumes("A").at(1) / "tagmanifest-sha256.txt";
  rot(seal, 3, 1);
  const Outcome refused = shelf.run({"key", "sign", "A"});
  CHECK(refused.exit_code == 5);
  CHECK(has(refused.err, "the seal there is not the one that was recorded"));
  CHECK(has(refused.err, "darkshelf scrub A"));
  CHECK(io::posix().stat(signature_in(shelf, "A", 0)));
  CHECK_FALSE(io::posix().stat(signature_in(shelf, "A", 1)));
  io::posix().remove_file(seal);
  CHECK(shelf.run({"key", "sign", "A"}).exit_code == 1);
  CHECK(shelf.run({"key", "sign", "nothing"}).exit_code == 1);
  CHECK(shelf.run({"key", "sign"}).exit_code == 2);
}

TEST_CASE("signatures: copies carry them, whatever became of the one they are copied from") {
  ProgramShelf shelf({"A", "B", "C"});
  const std::string key = anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  const std::string first = text_at(signature_in(shelf, "A", 0));
  shelf.must({"copy", "A", "--to", "B"});
  CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));
  CHECK(text_at(signature_beside(shelf, "B", 0)) == first);
  CHECK(io::posix().stat(shelf.path("B") / "darkshelf" / "keys" / (key + ".pub")));
  flip_signature(signature_in(shelf, "A", 0));
  io::posix().remove_file(signature_in(shelf, "A", 1));
  shelf.must({"copy", "A", "--from", "A", "--to", "C", "--via", shelf.path("between").string()});
  CHECK(shelf.volume_tree("C") == shelf.volume_tree("B"));
  CHECK(states(shelf.run({"--json", "scrub", "C"})) == States{{"signed", 3}});
}

TEST_CASE("signatures: a damaged or missing one is found, and put back from its second copy or the catalog") {
  ProgramShelf shelf({"A"});
  anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  const auto whole = shelf.volume_tree("A");
  const std::string key_file = "darkshelf/keys/" + anna_signs(shelf) + ".pub";
  flip_signature(signature_in(shelf, "A", 0));           // its second copy is true
  io::posix().remove_file(signature_in(shelf, "A", 1));  // only the catalog knows it
  io::posix().remove_file(signature_beside(shelf, "A", 1));
  put_text(signature_beside(shelf, "A", 2), "no signature\n");  // the one in the volume is true
  io::posix().remove_file(shelf.path("A") / key_file);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  const std::map<std::string, std::string> wanted = {{below(shelf, "A", signature_in(shelf, "A", 0)), "damaged"},
                                                     {below(shelf, "A", signature_in(shelf, "A", 1)), "missing"},
                                                     {below(shelf, "A", signature_beside(shelf, "A", 1)), "missing"},
                                                     {below(shelf, "A", signature_beside(shelf, "A", 2)), "damaged"},
                                                     {key_file, "missing"}};
  CHECK(drive_findings(scrub) == wanted);
  CHECK(objects(scrub.out, "scrubbed_volume").size() == 3);
  for (const Json& volume : objects(scrub.out, "scrubbed_volume")) CHECK(volume.at("intact") == true);
  const Outcome text = shelf.run({"scrub", "A"});
  CHECK(has(text.out, "Next: darkshelf repair A"));

  const Outcome repair = shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(has(repair.out, "3 signatures put back."));
  CHECK(shelf.volume_tree("A") == whole);
  CHECK(shelf.leftovers("A").empty());
  const Outcome clean = shelf.run({"--json", "scrub", "A"});
  CHECK(clean.exit_code == 0);
  CHECK(drive_findings(clean).empty());
  CHECK(states(clean) == States{{"signed", 3}});
}

TEST_CASE("signatures: scrub --repair mends signatures of volumes that are intact") {
  ProgramShelf shelf({"A"});
  anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  const auto whole = shelf.volume_tree("A");
  cut(signature_in(shelf, "A", 0), 100);
  const Outcome repair = shelf.run({"scrub", "A", "--repair"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(shelf.volume_tree("A") == whole);
}

TEST_CASE("signatures: one that matches nothing, and no true one known, contradicts the seal") {
  ProgramShelf shelf({"A"});
  const std::string key = anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  shelf.lose_catalog_copies("A");
  const io::Path pub = shelf.path("A") / "darkshelf" / "keys" / (key + ".pub"), fresh = shelf.path("new") / "c.db";
  // Another machine learns of the drive, and knows nobody's key.
  const Outcome learnt = shelf.run({"--json", "catalog", "recover", shelf.path("A").string()}, {}, fresh);
  INFO(learnt.out << learnt.err);
  CHECK(learnt.exit_code == 0);
  CHECK(object(learnt.out, "recovered_drive").at("signatures").at(0).at("state") == "unknown key");
  CHECK(shelf.run({"repair", "A"}, {}, fresh).exit_code == 0);  // brings the catalog copy back
  const Outcome unknown = shelf.run({"scrub", "A"}, {}, fresh);
  CHECK(unknown.exit_code == 0);
  CHECK(has(unknown.out, "3 volumes signed by an unknown key, " + key));
  CHECK(has(unknown.out, "darkshelf key trust " + pub.string() + " --name NAME"));

  // Somebody swaps two signatures, both copies of each.
  const auto swap_signatures = [&] {
    for (const auto& place : {&signature_in, &signature_beside}) {
      const std::string first = text_at(place(shelf, "A", 0)), second = text_at(place(shelf, "A", 1));
      put_text(place(shelf, "A", 0), second);
      put_text(place(shelf, "A", 1), first);
    }
  };
  swap_signatures();
  CHECK(shelf.run({"key", "trust", pub.string(), "--name", "Anna"}, {}, fresh).exit_code == 0);
  const Outcome scrub = shelf.run({"scrub", "A"}, {}, fresh);
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  CHECK(has(scrub.out, "2 volumes: the signature by Anna (key " + key + ") does not match"));
  CHECK(states(shelf.run({"--json", "scrub", "A"}, {}, fresh)) == States{{"signed", 1}, {"does not match", 2}});
  const Outcome repair = shelf.run({"repair", "A"}, {}, fresh);
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 5);
  CHECK(has(repair.err, "does not match, and no true one is known"));
  CHECK(shelf.run({"inspect", signature_in(shelf, "A", 0).string()}, {}, fresh).exit_code == 5);

  // A third machine that trusts her before it sees the drive does not take them in.
  shelf.lose_catalog_copies("A");
  const io::Path third = shelf.path("third") / "c.db";
  CHECK(shelf.run({"init"}, {}, third).exit_code == 0);
  CHECK(shelf.run({"key", "trust", pub.string(), "--name", "Anna"}, {}, third).exit_code == 0);
  const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, third);
  INFO(recover.out << recover.err);
  CHECK(recover.exit_code == 1);  // of 1 and 5 the first counts
  CHECK(has(recover.err, "was not taken in: the signature by Anna (key " + key + ") does not match"));
  CHECK(has(recover.out, "1 shoot and 1 volume now"));
  swap_signatures();
  const Outcome healed = shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, third);
  CHECK(healed.exit_code == 0);
  CHECK(has(healed.out, "Signatures: 3 volumes signed by Anna"));
}

TEST_CASE("signatures: by another key than was recorded") {
  ProgramShelf shelf({"A"});
  const std::string anna = anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  const std::string true_one = text_at(signature_in(shelf, "A", 0));
  // Mallory signs what Anna had signed.
  const io::Path theirs = shelf.path("mallory") / "c.db";
  CHECK(shelf.run({"key", "create", "--no-passphrase", "--name", "Mallory"}, {}, theirs).exit_code == 2);  // no catalog
  CHECK(shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, theirs).exit_code == 0);
  CHECK(shelf.run({"key", "create", "--no-passphrase", "--name", "Mallory"}, {}, theirs).exit_code == 0);
  const Outcome forged =
      shelf.run({"--json", "key", "sign", shelf.volumes("A").front().filename().string()}, {}, theirs);
  INFO(forged.out << forged.err);
  CHECK(forged.exit_code == 0);
  CHECK(text_at(signature_in(shelf, "A", 0)) != true_one);
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  CHECK(has(scrub.out, "signed by an unknown key, " + object(forged.out, "signed_copy").at("key").get<std::string>()));
  CHECK(has(scrub.out, "changed: darkshelf/2026/"));
  const Outcome repair = shelf.run({"repair", "A"});
  CHECK(repair.exit_code == 0);
  CHECK(text_at(signature_in(shelf, "A", 0)) == true_one);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("signatures: killed at every step of signing, the same command finishes and leaves nothing behind") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  anna_signs(shelf);
  shelf.keep();
  int kills = 0;
  const std::vector<std::string> command = {"key", "sign", "A"};
  for (const char* step : {"sign.second-written", "sign.placed", "sign.recorded:3"}) {
    INFO(step);
    shelf.back();
    CHECK(shelf.run(command, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
    const Outcome between = shelf.run({"scrub", "A"});
    INFO(between.out << between.err);
    CHECK((between.exit_code == 0 || between.exit_code == 4));  // 4: a second copy without its first
    const Outcome again = shelf.run(command);
    INFO(again.out << again.err);
    CHECK(again.exit_code == 0);
    const Outcome scrub = shelf.run({"--json", "scrub", "A"});
    CHECK(scrub.exit_code == 0);
    CHECK(states(scrub) == States{{"signed", 3}});
    CHECK(drive_findings(scrub).empty());
    ++kills;
  }
  CHECK(kills == 3);
}

TEST_CASE("signatures: a seal that is killed and goes on is signed") {
  ProgramShelf shelf({"A", "B"});
  anna_signs(shelf);
  shelf.keep();
  const std::vector<std::string> command = shelf.seal_command({"A", "B"});
  for (const char* step : {"seal.synced", "seal.renamed", "seal.volume-recorded", "seal.recorded", "seal.ended"}) {
    INFO(step);
    shelf.back();
    REQUIRE(shelf.run(command, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
    REQUIRE(shelf.run(command).exit_code == 0);
    CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));
    for (const char* drive : {"A", "B"}) {
      const Outcome scrub = shelf.run({"--json", "scrub", drive});
      INFO(scrub.out);
      CHECK(scrub.exit_code == 0);
      CHECK(states(scrub) == States{{"signed", 3}});
    }
    CHECK(shelf.run({"catalog", "verify"}).exit_code == 0);
  }
}

}  // namespace darkshelf::testing
