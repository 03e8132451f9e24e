#include "support/vectors.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "io/file_system.hpp"
#include "support/process.hpp"

namespace darkshelf::testing {

namespace {

constexpr std::uint64_t kLargest = 1 << 20;

io::Path formats() { return io::Path(DARKSHELF_SOURCE_DIR) / "formats"; }

void collect(const io::Path& folder, const std::string& below, std::map<std::string, std::string>& out) {
  for (const io::Entry& entry : io::posix().list(folder)) {
    if (entry.type == io::FileType::kDirectory) {
      collect(folder / entry.name, below + entry.name + "/", out);
    } else {
      out[below + entry.name] = io::read_text(io::posix(), folder / entry.name, kLargest);
    }
  }
}

/// "" or what is wrong about how `decode` took the text.
std::string taken_badly(const std::string& text, const std::function<void(const std::string&)>& decode) {
  try {
    decode(text);
  } catch (const core::Error& error) {
    if (std::string(error.what()).empty()) return "an error without a sentence";
  } catch (const std::exception& error) {
    return fmt::format("an exception that is no core::Error: {}", error.what());
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> vectors_in(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const io::Entry& entry : io::posix().list(formats() / folder)) {
    if (entry.type == io::FileType::kRegular && entry.name != "README.md")
      out[entry.name] = vector_text(folder + "/" + entry.name);
  }
  return out;
}

std::string vector_text(const std::string& file) { return io::read_text(io::posix(), formats() / file, kLargest); }

std::vector<BadVector> bad_vectors(const std::string& format) {
  const std::string folder = format + "/vectors/invalid";
  std::map<std::string, std::string> files = vectors_in(folder);
  std::istringstream index(files.at("index.txt"));
  files.erase("index.txt");
  std::vector<BadVector> out;
  for (std::string line; std::getline(index, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t first = line.find('\t'), second = line.find('\t', first + 1);
    BadVector bad;
    bad.name = line.substr(0, first);
    bad.code = line.substr(first + 1, second - first - 1) == "newer" ? core::Code::kNewerFormat : core::Code::kCorrupt;
    bad.words = line.substr(second + 1);
    bad.text = files.at(bad.name);
    files.erase(bad.name);
    out.push_back(std::move(bad));
  }
  if (!files.empty()) throw std::runtime_error(files.begin()->first + " is not in the index");
  return out;
}

std::string other_than_refused(const BadVector& bad, const std::function<void()>& decode) {
  try {
    decode();
  } catch (const core::Error& error) {
    const std::string sentence = error.what();
    if (error.code() != bad.code) return fmt::format("{}: refused with another code: {}", bad.name, sentence);
    if (sentence.find(bad.words) == std::string::npos) return fmt::format("{}: {}", bad.name, sentence);
    return {};
  } catch (const std::exception& error) {
    return fmt::format("{}: an exception that is no core::Error: {}", bad.name, error.what());
  }
  return bad.name + ": was accepted";
}

std::string harmed_by_damage(const std::string& text, const std::function<void(const std::string&)>& decode) {
  const auto at = [&](const char* what, std::size_t where, const std::string& damaged) -> std::string {
    const std::string bad = taken_badly(damaged, decode);
    return bad.empty() ? bad : fmt::format("{} at byte {}: {}", what, where, bad);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::string bad = at("cut", i, text.substr(0, i)); !bad.empty()) return bad;
    if (std::string bad = at("removed", i, text.substr(0, i) + text.substr(i + 1)); !bad.empty()) return bad;
    for (const int flip : {0x01, 0x10, 0x20, 0x80, 0xFF}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      if (std::string bad = at("flipped", i, damaged); !bad.empty()) return bad;
    }
    for (const char odd : {'\0', '\n', '\\', '"', '9', '/'}) {
      std::string damaged = text;
      damaged[i] = odd;
      if (std::string bad = at("replaced", i, damaged); !bad.empty()) return bad;
    }
  }
  return {};
}

std::string regenerated_otherwise(const std::string& format, const std::string& folder) {
  const io::Path vectors = formats() / format / "vectors";
  const ProcessResult made = run_process({"python3", (vectors / "make.py").string(), folder});
  if (made.exit_code != 0) return "make.py failed: " + made.err;
  std::map<std::string, std::string> fresh, committed;
  collect(folder, "", fresh);
  for (const char* kind : {"valid", "invalid"}) collect(vectors / kind, std::string(kind) + "/", committed);
  for (const auto& [name, text] : fresh) {
    if (!committed.contains(name)) return name + " is not committed";
    if (committed.at(name) != text) return name + " is committed with other bytes";
  }
  for (const auto& [name, text] : committed) {
    if (!fresh.contains(name)) return name + " is not made by make.py";
  }
  return {};
}

}  // namespace darkshelf::testing
