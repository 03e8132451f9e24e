#pragma once
// The commands of a document for people, run one after the other as its reader would type them.

#include <string>
#include <utility>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::testing {

/// In fenced blocks (```console, ```sh or without a language) a line "$ COMMAND" is typed; lines below it are what it
/// prints, where "…" stands for anything left out, in a line or between lines. "$ echo $?" with a number below tells
/// how the command before it ends; else that is 0. A comment "<!-- run: COMMAND -->" is what happens off stage: it is
/// run, and shown to nobody.
struct DocumentStep {
  std::string command;
  int exit_code = 0;
  bool off_stage = false;
  std::vector<std::string> shown;
};
std::vector<DocumentStep> steps_of_document(const std::string& markdown);
/// Blocks of shell text in which nothing is typed: they are tried by nothing.
std::vector<std::string> untyped_blocks(const std::string& markdown);

using Substitutions = std::vector<std::pair<std::string, std::string>>;

struct DocumentRun {
  std::vector<std::string> problems;  // sentences: another exit code, a line that was not printed
  std::string transcript;
};
/// One bash for all of them, begun in `folder` with that folder as HOME and `prelude` (functions for what happens off
/// stage) read before. Of shown lines sizes, times and ids may differ.
DocumentRun run_document(const std::vector<DocumentStep>& steps, const Substitutions& substitutions,
                         const std::string& prelude, const io::Path& folder);

}  // namespace darkshelf::testing
