// Sealed volumes judged by programs that know nothing of darkshelf: sha256sum, GNU tar, Debian's par2, and the rules of
// BagIt (RFC 8493), before and after damage, in both layouts; and START-HERE.txt followed word by word.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "formats/volume/tag_files.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;

Outcome tool(const std::vector<std::string>& arguments, const io::Path& folder,
             const std::map<std::string, std::string>& environment = {}) {
  ProcessOptions options;
  options.folder = folder;
  options.environment = environment;
  const ProcessResult result = run_process(arguments, options);
  return {result.exit_code, result.signal, result.out, result.err};
}

void require_tool(const std::vector<std::string>& arguments, const io::Path& folder, int exit_code = 0) {
  const Outcome outcome = tool(arguments, folder);
  INFO(fmt::format("{} in {}\n{}{}", fmt::join(arguments, " "), folder.string(), outcome.out, outcome.err));
  REQUIRE(outcome.exit_code == exit_code);
}

std::string text_of(const io::Path& path) { return io::read_text(io::posix(), path, 64 << 20); }

std::string base_of(const io::Path& volume) {
  return fv::base_name(fv::decode_bag_info(text_of(volume / "bag-info.txt")));
}

void names_below(const io::Path& folder, const std::string& below, std::set<std::string>& into) {
  for (const io::Entry& entry : io::posix().list(folder)) {
    const std::string name = below.empty() ? entry.name : below + "/" + entry.name;
    if (entry.type == io::FileType::kDirectory) {
      names_below(folder / entry.name, name, into);
    } else {
      into.insert(name);
    }
  }
}

/// RFC 8493: the declaration, every payload file in the manifest, every tag file in the tag manifest, nothing else
/// listed.
void require_bag(const io::Path& volume) {
  REQUIRE(text_of(volume / "bagit.txt") == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
  std::set<std::string> payload, tags;
  names_below(volume, "", payload);
  for (auto it = payload.begin(); it != payload.end();) {
    if (it->starts_with("data/")) {
      ++it;
    } else {
      if (*it != "tagmanifest-sha256.txt") tags.insert(*it);
      it = payload.erase(it);
    }
  }
  std::set<std::string> listed, tags_listed;
  for (const fv::ManifestEntry& entry : fv::decode_manifest(text_of(volume / "manifest-sha256.txt")))
    listed.insert(entry.path);
  for (const fv::ManifestEntry& entry : fv::decode_manifest(text_of(volume / "tagmanifest-sha256.txt")))
    tags_listed.insert(entry.path);
  REQUIRE(listed == payload);
  REQUIRE(tags_listed == tags);
  const std::string info = text_of(volume / "bag-info.txt");
  const fv::BagInfo decoded = fv::decode_bag_info(info);
  REQUIRE(info.find(fmt::format("Payload-Oxum: {}.{}\n", decoded.payload_bytes, decoded.payload_files)) !=
          std::string::npos);
}

void seal(ProgramShelf& shelf, const std::string& layout) {
  auto command = shelf.seal_command({"A"});
  command.insert(command.end(), {"--layout", layout});
  shelf.must(command);
}

}  // namespace

TEST_CASE("stock tools: a sealed volume passes sha256sum, tar, par2 and the rules of BagIt") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  CAPTURE(layout);
  ProgramShelf shelf({"A"});
  seal(shelf, layout);
  const io::Path restored = shelf.path("restored");
  io::posix().make_dir(restored);
  for (const io::Path& volume : shelf.volumes("A")) {
    const std::string base = base_of(volume);
    require_bag(volume);
    require_tool({"sha256sum", "--quiet", "--strict", "-c", "manifest-sha256.txt"}, volume);
    require_tool({"sha256sum", "--quiet", "--strict", "-c", "tagmanifest-sha256.txt"}, volume);
    require_tool({"par2", "verify", "-q", base + ".par2"}, volume);
    require_tool({"par2", "verify", "-q", base + ".tags.par2"}, volume);
    if (layout == "tar") {
      require_tool({"tar", "-i", "-xf", (volume / "data" / (base + ".tar")).string()}, restored);
      require_tool({"sha256sum", "--quiet", "--strict", "-c", (volume / "photos.sha256").string()}, restored);
    } else {
      require_tool({"sha256sum", "--quiet", "--strict", "-c", "../photos.sha256"}, volume / "data");
      require_tool({"cp", "-a", "data/.", restored.string()}, volume);
    }
  }
  require_tool({"diff", "-r", restored.string(), shelf.shoots().string()}, restored);
}

TEST_CASE("stock tools: Debian's par2 finds and repairs damage in a sealed volume") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  CAPTURE(layout);
  ProgramShelf shelf({"A"});
  seal(shelf, layout);
  const auto sealed = shelf.volume_tree("A");
  shelf.keep();
  const io::Path volume = shelf.volumes("A").front();
  const std::string base = base_of(volume);
  std::set<std::string> files;
  names_below(volume / "data", "data", files);
  {
    const auto file = io::posix().open_write(volume / *files.begin());
    const core::Bytes noise(9'000, std::byte{0x77});
    file->write_at(10'000, noise);
  }
  {
    const auto file = io::posix().open_write(volume / "members.jsonl");
    file->write_at(30, core::as_bytes("rot"));
  }
  require_tool({"par2", "verify", "-q", base + ".par2"}, volume, 1);
  require_tool({"par2", "verify", "-q", base + ".tags.par2"}, volume, 1);
  require_tool({"sha256sum", "--status", "-c", "manifest-sha256.txt"}, volume, 1);
  require_tool({"par2", "repair", "-q", base + ".par2"}, volume);
  require_tool({"par2", "repair", "-q", base + ".tags.par2"}, volume);
  require_tool({"sha256sum", "--quiet", "-c", "manifest-sha256.txt"}, volume);
  require_tool({"sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"}, volume);
}

TEST_CASE("stock tools: every command of START-HERE.txt does what it says, typed as it stands") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  CAPTURE(layout);
  ProgramShelf shelf({"A"});
  seal(shelf, layout);
  const io::Path home = shelf.path("home");
  io::posix().make_dir(home);
  std::istringstream lines(text_of(shelf.path("A") / "darkshelf" / "START-HERE.txt"));
  // One shell from the first command to the last, as a person would sit in it: a cd holds for the next line.
  std::string script = "set -e\n";
  std::size_t commands = 0;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 80);
    if (!line.starts_with("    $ ")) continue;
    script += line.substr(6) + "\n";
    ++commands;
  }
  REQUIRE(commands >= 4);
  const Outcome outcome = tool({"bash", "-c", script}, shelf.path("A"), {{"HOME", home.string()}});
  INFO(script << outcome.out << outcome.err);
  REQUIRE(outcome.exit_code == 0);
  std::set<std::string> restored;
  names_below(home, "", restored);
  REQUIRE(restored.size() >= 5);
}

}  // namespace darkshelf::testing
