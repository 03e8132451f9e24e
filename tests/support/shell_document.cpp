#include "support/shell_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "support/process.hpp"

namespace darkshelf::testing {

namespace {

constexpr const char kMark[] = "@@step ", kEnd[] = "@@ended ";

/// Calls `line` for every line in a shell block, `block` where one begins and ends, and `other` for the rest.
template <typename Block, typename Line, typename Other>
void walk(const std::string& markdown, Block block, Line line, Other other) {
  std::istringstream in(markdown);
  bool inside = false, shell = false;
  for (std::string text; std::getline(in, text);) {
    const std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
    const std::string bare = text.substr(indent);
    if (bare.starts_with("```")) {
      inside = !inside;
      if (inside) shell = bare == "```" || bare == "```sh" || bare == "```console";
      if (shell) block(inside);
      continue;
    }
    if (inside && shell) {
      line(bare);
    } else if (!inside) {
      other(bare);
    }
  }
}

std::string replaced(std::string text, const Substitutions& substitutions) {
  for (const auto& [from, to] : substitutions) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  }
  return text;
}

/// What differs from run to run is the same for all.
std::string usual(std::string line) {
  static const std::vector<std::pair<std::regex, std::string>> kRules = {
      {std::regex("_[0-9a-z]{5}_"), "_ID_"},
      {std::regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"},
      {std::regex("[0-9a-f]{64}"), "HASH"},
      {std::regex("[0-9]+(\\.[0-9]+)? (B|KB|MB|GB|TB)\\b"), "SIZE"},
      {std::regex("[0-9]{2}:[0-9]{2} UTC"), "CLOCK"},
      {std::regex("about [0-9]+ (s|min|h)\\b"), "about A WHILE"},
      {std::regex("[0-9]{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4}"), "DAY"},
      {std::regex("(hdd|ssd|flash), [a-z0-9]+\\b"), "KIND"},
      {std::regex(" (hdd|ssd|flash) "), " KIND "},
      {std::regex("[0-9,]+ (slice|recovery)"), "N $1"},
      {std::regex(" +"), " "},
  };
  for (const auto& [what, with] : kRules) line = std::regex_replace(line, what, with);
  line.erase(line.find_last_not_of(' ') + 1);
  line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

/// Where "…" stands in a shown line something is left out.
bool is_shown_as(const std::string& printed, const std::string& shown) {
  constexpr std::string_view kLeftOut = "…";
  std::size_t at = 0, from = 0;
  for (std::size_t end = shown.find(kLeftOut); end != std::string::npos; end = shown.find(kLeftOut, from)) {
    const std::string part = shown.substr(from, end - from);
    at = from == 0 ? (printed.starts_with(part) ? 0 : std::string::npos) : printed.find(part, at);
    if (at == std::string::npos) return false;
    at += part.size();
    from = end + kLeftOut.size();
  }
  const std::string rest = shown.substr(from);
  return from == 0 ? printed == shown : printed.size() >= at + rest.size() && printed.ends_with(rest);
}

/// The first shown line that was not printed behind the ones before it; "" if all were.
std::string not_printed(const DocumentStep& step, const std::vector<std::string>& printed, const Substitutions& subs) {
  std::size_t at = 0;
  for (const std::string& shown : step.shown) {
    if (shown == "…") continue;
    const std::string wanted = usual(replaced(shown, subs));
    while (at < printed.size() && !is_shown_as(usual(printed[at]), wanted)) ++at;
    if (at == printed.size()) return shown;
    ++at;
  }
  return {};
}

}  // namespace

std::vector<DocumentStep> steps_of_document(const std::string& markdown) {
  std::vector<DocumentStep> steps;
  bool asked = false, goes_on = false;  // the last command was echo $?; or its line ended in a backslash
  walk(
      markdown, [&](bool) { asked = goes_on = false; },
      [&](const std::string& line) {
        if (goes_on) {
          steps.back().command += "\n" + line;
          goes_on = line.ends_with("\\");
        } else if (line == "$ echo $?") {
          asked = true;
        } else if (line.starts_with("$ ")) {
          asked = false;
          steps.push_back({line.substr(2), 0, false, {}});
          goes_on = line.ends_with("\\");
        } else if (asked && !steps.empty()) {
          steps.back().exit_code = std::atoi(line.c_str());
        } else if (!steps.empty() && !steps.back().off_stage) {
          steps.back().shown.push_back(line);
        }
      },
      [&](const std::string& line) {
        constexpr std::string_view kBegin = "<!-- run: ", kClose = " -->";
        if (!line.starts_with(kBegin) || !line.ends_with(kClose)) return;
        steps.push_back({line.substr(kBegin.size(), line.size() - kBegin.size() - kClose.size()), 0, true, {}});
      });
  return steps;
}

std::vector<std::string> untyped_blocks(const std::string& markdown) {
  std::vector<std::string> blocks;
  std::string text;
  bool typed = false;
  walk(
      markdown,
      [&](bool begins) {
        if (!begins && !typed) blocks.push_back(text);
        text.clear();
        typed = false;
      },
      [&](const std::string& line) {
        text += line + "\n";
        typed |= line.starts_with("$ ");
      },
      [](const std::string&) {});
  return blocks;
}

DocumentRun run_document(const std::vector<DocumentStep>& steps, const Substitutions& substitutions,
                         const std::string& prelude, const io::Path& folder) {
  std::string script = prelude + "\nexec 2>&1\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    script += fmt::format("printf '{}%s\\n' {}\n{}\nprintf '\\n{}%s\\n' $?\n", kMark, i,
                          replaced(steps[i].command, substitutions), kEnd);
  }
  ProcessOptions options;
  options.folder = folder;
  options.timeout = std::chrono::seconds(500);
  options.environment = {{"HOME", folder.string()}, {"COLUMNS", ""},   {"LC_ALL", "C.UTF-8"},
                         {"XDG_DATA_HOME", ""},     {"SUDO_USER", ""}, {"DARKSHELF_CATALOG", ""}};
  const ProcessResult result = run_process({"bash", "-c", script}, options);

  DocumentRun run;
  run.transcript = result.out;
  std::vector<std::string> printed;
  std::size_t next = 0;
  std::istringstream in(result.out);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(kMark)) {
      printed.clear();
    } else if (line.starts_with(kEnd) && next < steps.size()) {
      const DocumentStep& step = steps[next++];
      const int ended = std::atoi(line.c_str() + std::string_view(kEnd).size());
      std::string told;
      for (const std::string& one : printed) told += "\n    " + one;
      if (ended != step.exit_code) {
        run.problems.push_back(
            fmt::format("`{}` ended with {} and not with {}:{}", step.command, ended, step.exit_code, told));
      }
      if (const std::string missing = not_printed(step, printed, substitutions); !missing.empty())
        run.problems.push_back(fmt::format("`{}` does not print \"{}\", but:{}", step.command, missing, told));
    } else {
      printed.push_back(line);
    }
  }
  if (next != steps.size()) run.problems.push_back(fmt::format("the shell ended in `{}`", steps[next].command));
  return run;
}

}  // namespace darkshelf::testing
