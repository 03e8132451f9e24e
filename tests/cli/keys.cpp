// key create, show, trust: where the key lies, who may read it, how its passphrase is asked for, and what is refused.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "formats/minisig/minisig.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/signed_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

namespace fm = formats::minisig;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Runs a program on a terminal of its own, and types an answer whenever it waits behind ": ".
const char kTyping[] = R"py(
import os, pty, sys, time
answers = sys.argv[1].split("|")
child, fd = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, asked = b"", 0
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    seen += got
    if seen.endswith(b": ") and asked < len(answers):
        time.sleep(0.2)
        os.write(fd, (answers[asked] + ("" if answers[asked] == "\x03" else "\n")).encode())
        asked += 1
os.write(1, seen)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
)py";

Outcome typed(ProgramShelf& shelf, const std::string& answers, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {
      "python3", "-c", kTyping, answers, DARKSHELF_EXECUTABLE, "--catalog", shelf.path("catalog.db").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const ProcessResult result = run_process(command);
  return {result.exit_code, result.signal, result.out, result.err};
}

}  // namespace

TEST_CASE("keys: one is made beside the catalog, for its owner alone, and never overwritten") {
  ProgramShelf shelf({"A"});
  shelf.must({"policy", "set", "owner=Anna Meyer"});
  const Outcome none = shelf.run({"key", "show"});
  CHECK(none.exit_code == 0);
  CHECK(has(none.out, "no signing key on this machine"));
  const Outcome made = shelf.run({"key", "create"}, {{"DARKSHELF_PASSPHRASE", "correct horse"}});
  INFO(made.out << made.err);
  REQUIRE(made.exit_code == 0);
  const io::Path secret = shelf.path("signing.key"), open = shelf.path("signing.pub");
  CHECK((io::posix().stat(secret)->mode & 0777) == 0600);
  const fm::SecretKeyFile file = fm::decode_secret_key(text_at(secret));
  CHECK(file.derivation == fm::SecretKeyFile::Derivation::kScrypt);
  CHECK(file.memory == 64 << 20);
  const fm::PublicKey key = fm::decode_public_key(text_at(open));
  CHECK(has(made.out, "A signing key for Anna Meyer: " + fm::text_of(key.id)));
  const std::string kept = text_at(secret);
  const Outcome again = shelf.run({"key", "create", "--no-passphrase"});
  CHECK(again.exit_code == 1);
  CHECK(has(again.err, "there is a signing key already"));
  CHECK(text_at(secret) == kept);
  const Outcome show = shelf.run({"key", "show"});
  CHECK(show.exit_code == 0);
  for (const std::string& part :
       {fm::text_of(key.id), fm::public_key_line(key), secret.string(), open.string(), std::string("Anna Meyer"),
        std::string("this machine's"), std::string("(with a passphrase)")})
    CHECK(has(show.out, part));
  CHECK_FALSE(has(show.out + made.out + made.err, "correct horse"));
  CHECK(has(shelf.run({"inspect", secret.string()}).out, "secret key, which nobody else should have"));
  CHECK(has(shelf.run({"inspect", open.string()}).out, fm::text_of(key.id)));
}

TEST_CASE("keys: one whose making was killed is finished by the same command, and by no other") {
  const auto [locked, step] = GENERATE(table<bool, std::string>(
      {{false, "key.secret-written"}, {false, "key.public-written"}, {true, "key.secret-written"}}));
  CAPTURE(locked, step);
  ProgramShelf shelf({"A"});
  const auto create = [&](bool with, const std::string& passphrase, const std::string& stop = "") {
    std::vector<std::string> command = {"key", "create", "--name", "Anna"};
    if (!with) command.emplace_back("--no-passphrase");
    std::map<std::string, std::string> environment;
    if (with) environment["DARKSHELF_PASSPHRASE"] = passphrase;
    if (!stop.empty()) environment["DARKSHELF_STOP_AT"] = stop;
    Outcome outcome = shelf.run(command, environment);
    UNSCOPED_INFO(outcome.out << outcome.err);
    return outcome;
  };
  REQUIRE(create(locked, "correct horse", step).signal == 9);
  const io::Path secret = shelf.path("signing.key"), open = shelf.path("signing.pub");
  const std::string kept = text_at(secret);
  CHECK(io::posix().stat(open).has_value() == (step == "key.public-written"));
  CHECK(shelf.run({"key", "show"}).exit_code == 0);
  // Another command never begins another key, nor takes a passphrase for set that is not the key's.
  for (const Outcome& other : {create(!locked, "correct horse"), create(true, "wrong horse")}) {
    CHECK(other.exit_code == 1);
    CHECK(has(other.err, "there is a signing key already"));
    CHECK(has(other.err, "darkshelf key show"));
  }
  CHECK(objects(shelf.run({"--json", "key", "show"}).out, "known_key").empty());
  const Outcome again = create(locked, "correct horse");
  CHECK(again.exit_code == 0);
  CHECK(text_at(secret) == kept);
  CHECK(has(again.out, "A signing key for Anna: " + fm::text_of(fm::decode_public_key(text_at(open)).id)));
  const Json known = object(shelf.run({"--json", "key", "show"}).out, "known_key");
  CHECK(known.at("name") == "Anna");
  CHECK(known.at("own") == true);
  CHECK(create(locked, "correct horse").exit_code == 1);  // now there is one
  const Outcome seal = shelf.run(shelf.seal_command({"A"}), {{"DARKSHELF_PASSPHRASE", "correct horse"}});
  INFO(seal.out << seal.err);
  CHECK(seal.exit_code == 0);
  CHECK(has(seal.out, "3 volumes signed"));
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("keys: one whose making was killed signs, too") {
  ProgramShelf shelf({"A"});
  const std::vector<std::string> create = {"key", "create", "--no-passphrase"};
  REQUIRE(shelf.run(create, {{"DARKSHELF_STOP_AT", "key.secret-written"}}).signal == 9);
  CHECK(has(shelf.run({"key", "show"}).out, "its public half is missing"));
  const Outcome seal = shelf.run(shelf.seal_command({"A"}));
  INFO(seal.out << seal.err);
  CHECK(seal.exit_code == 0);
  CHECK(has(seal.out, "3 volumes signed"));
  CHECK(io::posix().stat(shelf.path("signing.pub")));
  CHECK(has(shelf.run({"key", "show"}).out, "this machine's"));
  CHECK(shelf.run(create).exit_code == 1);
}

TEST_CASE("keys: without a terminal a passphrase has to come from somewhere, or not to be wanted") {
  ProgramShelf shelf({"A"});
  const Outcome nobody = shelf.run({"key", "create"});
  CHECK(nobody.exit_code == 2);
  CHECK(has(nobody.err, "DARKSHELF_PASSPHRASE, or --passphrase-file FILE"));
  put_text(shelf.path("empty"), "\nsecond\n");
  CHECK(shelf.run({"key", "create", "--passphrase-file", shelf.path("empty").string()}).exit_code == 2);
  const Outcome no_file = shelf.run({"key", "create", "--passphrase-file", shelf.path("none").string()});
  CHECK(no_file.exit_code == 1);
  CHECK(has(no_file.err, "    → --passphrase-file takes the file"));
  put_text(shelf.path("long"), std::string(5000, 'x'));
  CHECK(shelf.run({"key", "create", "--passphrase-file", shelf.path("long").string()}).exit_code == 2);
  CHECK(shelf.run({"key", "create", "--passphrase-file", "x", "--no-passphrase"}).exit_code == 2);
  CHECK(shelf.run({"key", "create", "--no-passphrase", "--name", "two\nlines"}).exit_code == 2);
  CHECK_FALSE(io::posix().stat(shelf.path("signing.key")));
  const Outcome made = shelf.run({"key", "create", "--no-passphrase"});
  CHECK(made.exit_code == 0);
  CHECK(has(made.err, "It has no passphrase"));
}

TEST_CASE("keys: on a terminal the passphrase is asked for twice, not shown, and asked again when it is wrong") {
  ProgramShelf shelf({"A"});
  const Outcome differ = typed(shelf, "correct horse|correct house", {"key", "create"});
  INFO(differ.out);
  CHECK(differ.exit_code == 2);
  CHECK(has(differ.out, "the two are not the same"));
  CHECK(typed(shelf, "", {"key", "create"}).exit_code == 2);
  const Outcome stopped = typed(shelf, "\x03", {"key", "create"});
  CHECK(stopped.exit_code == 130);
  CHECK_FALSE(io::posix().stat(shelf.path("signing.key")));
  const Outcome made = typed(shelf, "correct horse|correct horse", {"key", "create"});
  INFO(made.out);
  REQUIRE(made.exit_code == 0);
  CHECK_FALSE(has(made.out, "horse"));

  const Outcome sealed = typed(shelf, "wrong|correct horse", shelf.seal_command({"A"}));
  INFO(sealed.out);
  CHECK(sealed.exit_code == 0);
  CHECK(has(sealed.out, "try again"));
  CHECK(has(sealed.out, "3 volumes signed with key"));
  CHECK_FALSE(has(sealed.out, "horse"));
  // Asked after the plan and before anything is written.
  CHECK(sealed.out.find("Passphrase of the signing key") < sealed.out.find("sealed 2026/"));
  const Outcome nothing = typed(shelf, "", shelf.seal_command({"A"}));
  CHECK(nothing.exit_code == 0);
  CHECK_FALSE(has(nothing.out, "Passphrase"));  // there is nothing to sign
}

TEST_CASE("keys: trusted by file or text, under a name, until it is withdrawn") {
  ProgramShelf shelf({"A"});
  const io::Path other = shelf.path("other") / "c.db";
  CHECK(shelf.run({"init"}, {}, other).exit_code == 0);
  CHECK(shelf.run({"key", "create", "--no-passphrase", "--name", "Paul"}, {}, other).exit_code == 0);
  const io::Path file = shelf.path("other") / "signing.pub";
  const fm::PublicKey key = fm::decode_public_key(text_at(file));
  const std::string id = fm::text_of(key.id);
  CHECK(shelf.run({"key", "trust", file.string()}).exit_code == 2);  // whose is it?
  const Outcome trusted = shelf.run({"key", "trust", file.string(), "--name", "Paul"});
  CHECK(trusted.exit_code == 0);
  CHECK(has(trusted.out, "Key " + id + " is trusted from now on as Paul's."));
  CHECK(has(shelf.run({"key", "trust", fm::public_key_line(key)}).out, "is trusted already as Paul's."));
  CHECK(
      has(shelf.run({"key", "trust", fm::public_key_line(key), "--name", "Paul K."}).out, "from now on as Paul K.'s"));
  const auto known = [&] { return objects(shelf.run({"--json", "key", "show"}).out, "known_key"); };
  REQUIRE(known().size() == 1);
  CHECK(known()[0].at("name") == "Paul K.");
  CHECK(known()[0].at("trusted") == true);
  CHECK(known()[0].at("own") == false);
  CHECK(shelf.run({"key", "trust", "0000", "--withdraw"}).exit_code == 1);
  CHECK(shelf.run({"key", "trust", id, "--withdraw"}).exit_code == 0);
  CHECK(known()[0].at("trusted") == false);
  CHECK(has(shelf.run({"key", "show"}).out, "no longer"));
  CHECK(shelf.run({"key", "trust", file.string()}).exit_code == 0);  // its name is known
  CHECK(known()[0].at("trusted") == true);

  // Another key that gives itself the same id.
  fm::PublicKey forged = key;
  forged.key[0] ^= std::byte{1};
  const Outcome refused = shelf.run({"key", "trust", fm::public_key_line(forged), "--name", "Paul"});
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "one of the two pretends to be the other"));
}

TEST_CASE("keys: what is no key is refused with what to do") {
  ProgramShelf shelf({"A"});
  put_text(shelf.path("cut.pub"), "untrusted comment: x\nRWQ\n");
  for (const std::string& what : {shelf.path("cut.pub").string(), std::string("RWQ"), std::string(""),
                                  shelf.path("nowhere.pub").string(), shelf.path("A").string()}) {
    INFO(what);
    const Outcome refused = shelf.run({"key", "trust", what, "--name", "X"});
    CHECK(refused.exit_code == 1);
    INFO(refused.err);
    CHECK(has(refused.err, "→"));
  }
  CHECK(shelf.run({"key"}).exit_code == 2);
  anna_signs(shelf);
  const std::string whole = text_at(shelf.path("signing.key"));
  put_text(shelf.path("signing.key"), whole.substr(0, whole.size() / 2));
  for (const std::vector<std::string>& command : {shelf.seal_command({"A"}), {"key", "show"}, {"key", "create"}}) {
    const Outcome cut = shelf.run(command);
    CHECK(cut.exit_code == 1);
    CHECK(has(cut.err, "signing.key cannot be used"));
    CHECK(has(cut.err, "→"));
  }
  CHECK(shelf.volumes("A").empty());
  std::vector<std::string> without = shelf.seal_command({"A"});
  without.push_back("--unsigned");
  CHECK(shelf.run(without).exit_code == 0);
}

TEST_CASE("keys: a key file that others can read gets a warning") {
  ProgramShelf shelf({"A"});
  anna_signs(shelf);
  io::posix().set_mode(shelf.path("signing.key"), 0640);
  const Outcome seal = shelf.run(shelf.seal_command({"A"}));
  CHECK(seal.exit_code == 0);
  CHECK(has(seal.err, "Warning: others can read the signing key. Type: chmod 600 "));
  CHECK(has(shelf.run({"key", "show"}).err, "Warning: others can read it."));
}

TEST_CASE("keys: the public half comes back when it was lost, and a key that is withdrawn signs nothing") {
  ProgramShelf shelf({"A"});
  const std::string id = anna_signs(shelf);
  io::posix().remove_file(shelf.path("signing.pub"));
  CHECK(has(shelf.run({"key", "show"}).out, "its public half is missing"));
  shelf.must(shelf.seal_command({"A"}));
  CHECK(fm::text_of(fm::decode_public_key(text_at(shelf.path("signing.pub"))).id) == id);
  shelf.must({"key", "trust", id, "--withdraw"});
  const Outcome refused = shelf.run({"key", "sign", "A"});
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "is trusted no longer"));
  CHECK(has(shelf.run({"scrub", "A"}).out, "signed by an unknown key, " + id));
}

TEST_CASE("keys: under sudo the key is the calling user's") {
  if (run_process({"sh", "-c", "test \"$(id -u)\" = 0 && getent passwd nobody >/dev/null"}).exit_code != 0)
    return skip("only root can give files away, to a user called nobody");
  // The home of a user without one: made of a name that a private passwd entry would need; told by its database.
  const std::string home = run_process({"sh", "-c", "getent passwd nobody | cut -d: -f6"}).out;
  if (home.find("/nonexistent") == std::string::npos) return skip("nobody has a home here");
  const io::Path made = "/nonexistent";
  if (io::posix().stat(made)) return skip("/nonexistent is there");
  const std::map<std::string, std::string> sudo = {{"SUDO_USER", "nobody"}, {"DARKSHELF_CATALOG", ""}};
  ProcessOptions options;
  options.environment = sudo;
  const ProcessResult init = run_process({DARKSHELF_EXECUTABLE, "init"}, options);
  const ProcessResult key = run_process({DARKSHELF_EXECUTABLE, "key", "create", "--no-passphrase"}, options);
  const ProcessResult owner =
      run_process({"stat", "-c", "%U %a", (made / ".local/share/darkshelf/signing.key").string()});
  io::remove_tree(io::posix(), made);
  CHECK(init.exit_code == 0);
  CHECK(key.exit_code == 0);
  CHECK(owner.out == "nobody 600\n");
}

}  // namespace darkshelf::testing
