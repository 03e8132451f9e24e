#include "support/shelf/program_shelf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "formats/drive/drive_files.hpp"
#include "support/damage.hpp"

namespace darkshelf::testing {

namespace {

namespace fd = formats::drive;

Outcome run_program(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                    const io::Path& folder = {}) {
  ProcessOptions options;
  options.environment = environment;
  options.folder = folder;
  const ProcessResult result = run_process(arguments, options);
  return {result.exit_code, result.signal, result.out, result.err};
}

/// A file of such content, with a time that is not now.
void write(const io::Path& path, std::size_t bytes, std::uint64_t seed) {
  make_file(path, bytes, seed);
  io::posix().set_mtime(path, 1'780'000'000'123'456'789 + static_cast<std::int64_t>(seed) * 1'000'000'007);
}

std::string file_with(const io::Path& folder, const std::string& ending) {
  for (const io::Entry& entry : io::posix().list(folder)) {
    if (entry.name.ends_with(ending)) return (folder / entry.name).string();
  }
  FAIL("no file *" << ending << " in " << folder.string());
  return {};
}

io::Path recovery_file(const io::Path& folder) {
  for (const io::Entry& entry : io::posix().list(folder)) {
    const bool tags = entry.name.find(".tags.") != std::string::npos;
    if (!tags && entry.name.find(".vol") != std::string::npos) return folder / entry.name;
  }
  FAIL("no recovery file in " << folder.string());
  return {};
}

}  // namespace

ProgramShelf::ProgramShelf(const std::vector<std::string>& drives)
    : state_(temp_.path() / "state"), kept_(temp_.path() / "kept"), drives_(drives) {
  io::posix().make_dir(state_);
  for (std::uint64_t i = 0; i < 5; ++i) {
    write(shoots() / "2026-06-14_müller-wedding" / "raw" / fmt::format("IMG_{:04}.CR3", i), 300'000 + 1000 * i, i);
  }
  for (std::uint64_t i = 0; i < 7; ++i) {
    write(shoots() / "2026-09-01_harbour" / fmt::format("DSC{:05}.JPG", i), 20'000 + 777 * i, 100 + i);
  }
  for (const char* folder : {"2026-06-14_müller-wedding/raw", "2026-06-14_müller-wedding", "2026-09-01_harbour"})
    io::posix().set_mtime(shoots() / folder, 1'780'000'000'000'000'000);
  for (const std::string& drive : drives) {
    io::posix().make_dir(path(drive));
    must({"drive", "add", path(drive).string(), "--label", drive});
  }
}

Outcome ProgramShelf::run(const std::vector<std::string>& arguments,
                          const std::map<std::string, std::string>& environment, const io::Path& catalog) {
  const io::Path file = catalog.empty() ? state_ / "catalog.db" : catalog;
  std::vector<std::string> command = {DARKSHELF_EXECUTABLE, "--catalog", file.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, environment);
}

Outcome ProgramShelf::run_killed_after(double seconds, const std::vector<std::string>& arguments) {
  // Of coreutils: it kills itself the same way when it had to kill. A time of 0 would mean none.
  std::vector<std::string> command = {"timeout",
                                      "--signal=KILL",
                                      fmt::format("{:.4f}", std::max(seconds, 0.0001)),
                                      DARKSHELF_EXECUTABLE,
                                      "--catalog",
                                      (state_ / "catalog.db").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, {});
}

void ProgramShelf::must(const std::vector<std::string>& arguments) {
  const Outcome outcome = run(arguments);
  INFO(fmt::format("darkshelf {}\n{}{}", fmt::join(arguments, " "), outcome.out, outcome.err));
  REQUIRE(outcome.exit_code == 0);
}

std::vector<std::string> ProgramShelf::seal_command(const std::vector<std::string>& drives) const {
  std::vector<std::string> command = {"seal", (shoots() / "2026-06-14_müller-wedding").string(),
                                      (shoots() / "2026-09-01_harbour").string(), "--volume-size", "1MiB"};
  for (const std::string& drive : drives) {
    command.emplace_back("--to");
    command.push_back(drive);
  }
  return command;
}

std::vector<std::string> ProgramShelf::steps_of(const std::vector<std::string>& command) {
  const io::Path log = temp_.path() / "steps.log";
  if (io::posix().stat(log)) io::posix().remove_file(log);
  const Outcome outcome = run(command, {{"DARKSHELF_STOP_LOG", log.string()}});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.exit_code == 0);
  std::istringstream lines(io::read_text(io::posix(), log, 1 << 20));
  std::vector<std::string> steps;
  for (std::string line; std::getline(lines, line);) steps.push_back(line);
  back();
  return steps;
}

void ProgramShelf::keep() {
  io::remove_tree(io::posix(), kept_);
  REQUIRE(run_program({"cp", "-a", state_.string(), kept_.string()}, {}).exit_code == 0);
}

void ProgramShelf::back() {
  io::remove_tree(io::posix(), state_);
  REQUIRE(run_program({"cp", "-a", kept_.string(), state_.string()}, {}).exit_code == 0);
}

std::vector<io::Path> ProgramShelf::volumes(const std::string& drive) const {
  std::vector<io::Path> folders;
  const io::Path root = path(drive) / std::string(fd::kFolder);
  for (const io::Entry& year : io::posix().list(root)) {
    if (year.type != io::FileType::kDirectory || year.name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    for (const io::Entry& entry : io::posix().list(root / year.name)) folders.push_back(root / year.name / entry.name);
  }
  return folders;
}

void ProgramShelf::require_whole_seals() {
  for (const std::string& drive : drives_) {
    for (const io::Path& folder : volumes(drive)) {
      for (const char* list : {"tagmanifest-sha256.txt", "manifest-sha256.txt"}) {
        const Outcome judged = run_program({"sha256sum", "--quiet", "-c", list}, {}, folder);
        INFO(folder.string() << ": " << judged.out << judged.err);
        REQUIRE(judged.exit_code == 0);
      }
    }
  }
}

std::map<std::string, std::string> ProgramShelf::seals(const std::string& drive) const {
  std::map<std::string, std::string> seals;
  for (const io::Path& folder : volumes(drive)) {
    seals[folder.filename().string()] = io::read_text(io::posix(), folder / "tagmanifest-sha256.txt", 1 << 20);
  }
  return seals;
}

std::map<std::string, std::string> ProgramShelf::volume_tree(const std::string& drive) const {
  std::map<std::string, std::string> tree;
  for (const io::Path& folder : volumes(drive)) {
    for (const auto& [path, stat] : files_below(folder)) {
      std::string& what = tree[path.lexically_relative(folder.parent_path()).string()];
      what = fmt::format("{:o} {} {}", stat.mode, stat.mtime_ns,
                         core::to_hex(digest::sha256(io::read_file(io::posix(), path, std::uint64_t{1} << 30))));
    }
  }
  return tree;
}

std::vector<std::string> ProgramShelf::leftovers(const std::string& drive) const {
  std::vector<std::string> found;
  for (const std::string_view folder : {fd::kIncoming, fd::kJournal}) {
    const io::Path at = path(drive) / std::string(folder);
    if (!io::posix().stat(at)) continue;
    for (const io::Entry& entry : io::posix().list(at)) found.push_back((at / entry.name).string());
  }
  return found;
}

void ProgramShelf::damage(const std::string& drive) {
  const std::vector<io::Path> folders = volumes(drive);
  REQUIRE(folders.size() == kVolumes);
  io::FileSystem& fs = io::posix();
  rot(file_with(folders[0] / "data", ".tar"), 100'000, 64);
  rot(file_with(folders[0] / "data", ".tar"), 512 * 3, 16);
  rot(recovery_file(folders[0]), 5'000, 4);
  rot(folders[0] / "members.jsonl", 40, 8);
  const io::Path payload = file_with(folders[1] / "data", ".tar");
  cut(payload, fs.stat(payload)->bytes - 5'000);
  fs.remove_file(folders[2] / "photos.sha256");
}

void ProgramShelf::lose_catalog() {
  for (const char* ending : {"", "-wal", "-shm", ".lock"}) {
    const io::Path file = state_ / (std::string("catalog.db") + ending);
    if (io::posix().stat(file)) io::posix().remove_file(file);
  }
}

void ProgramShelf::lose_catalog_copies(const std::string& drive) {
  io::remove_tree(io::posix(), path(drive) / std::string(fd::kCatalogFolder));
}

std::map<io::Path, io::Stat> files_below(const io::Path& folder) {
  std::map<io::Path, io::Stat> files;
  for (const io::Entry& entry : io::posix().list(folder)) {
    if (entry.type == io::FileType::kDirectory) files.merge(files_below(folder / entry.name));
    if (entry.type == io::FileType::kRegular)
      files.emplace(folder / entry.name, *io::posix().stat(folder / entry.name));
  }
  return files;
}

}  // namespace darkshelf::testing
