#include "cli/help.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/layout.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

using core::Code;
using core::Error;

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string title_of(const CLI::App* app) {
  const CLI::App* parent = app->get_parent();
  return parent == nullptr ? app->get_name() : title_of(parent) + " " + app->get_name();
}

class HelpText final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const std::size_t columns = columns_of(STDOUT_FILENO).value_or(kUsualColumns);
    std::string text;
    const auto put = [&](const std::string& line) {
      for (const std::string& part : wrapped(line, columns)) text += part + "\n";
    };
    put(app->get_description() + (app->get_description().ends_with("?") ? "" : "."));
    put("");
    put(usage_of(app));
    Rows arguments, options;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) {
        if (!option->get_description().empty()) arguments.emplace_back(option->get_name(), option->get_description());
      } else {
        options.emplace_back(names_of(option), option->get_description() + remark_of(option));
      }
    }
    print("", arguments, columns, text);
    std::vector<std::string> groups;
    for (const CLI::App* command : commands_of(app)) {
      if (std::find(groups.begin(), groups.end(), command->get_group()) == groups.end())
        groups.push_back(command->get_group());
    }
    const bool top = app->get_parent() == nullptr;
    for (const std::string& group : groups) {
      Rows rows;
      for (const CLI::App* command : commands_of(app)) {
        if (command->get_group() == group) rows.emplace_back(command->get_name(), command->get_description());
      }
      print(top ? group + (group.back() == '?' ? "" : ":") : "Commands:", rows, columns, text);
    }
    print(top ? "Options of every command:" : "Options:", options, columns, text);
    if (top) put("\nMore about a command: darkshelf help COMMAND");
    return text;
  }

 private:
  static std::vector<const CLI::App*> commands_of(const CLI::App* app) {
    return app->get_subcommands([](const CLI::App*) { return true; });
  }

  static std::string usage_of(const CLI::App* app) {
    std::string usage = "Usage: " + title_of(app);
    if (!commands_of(app).empty()) return usage + " COMMAND …";
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional() && option->get_required()) usage += " " + names_of(option);
    }
    usage += " [OPTIONS]";
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional()) continue;
      std::string name = option->get_name() + (option->get_items_expected_max() > 1 ? "…" : "");
      usage += option->get_required() ? " " + name : " [" + name + "]";
    }
    return usage;
  }

  static std::string names_of(const CLI::Option* option) {
    std::vector<std::string> names;
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    std::string text = fmt::format("{}", fmt::join(names, ", "));
    if (option->get_items_expected_max() > 0) text += " " + option->get_type_name();
    return text;
  }

  static std::string remark_of(const CLI::Option* option) {
    std::string remark;
    if (!option->get_default_str().empty()) remark = fmt::format(" ({} if left out)", option->get_default_str());
    return remark;
  }

  static void print(const std::string& heading, const Rows& rows, std::size_t columns, std::string& text) {
    if (rows.empty()) return;
    constexpr std::size_t kWidestName = 24;
    std::size_t width = 0;
    for (const auto& [name, what] : rows) width = std::max(width, std::min(width_of(name), kWidestName));
    text += "\n";
    if (!heading.empty()) text += heading + "\n";
    const std::size_t indent = 2 + width + 2;
    for (const auto& [name, what] : rows) {
      std::string line = "  " + name;
      if (width_of(name) > width) {
        text += line + "\n";
        line.clear();
      }
      for (const std::string& part : wrapped(what, columns - indent)) {
        line += std::string(indent - std::min(indent, width_of(line)), ' ');
        text += line + part.substr(std::min(part.find_first_not_of(' '), part.size())) + "\n";
        line.clear();
      }
    }
  }
};

Error no_command(const CLI::App& app, const CLI::App* above, const std::string& name) {
  if (above == &app) {
    return Error(Code::kUsage, fmt::format("there is no command \"{}\"", core::printable(name)),
                 "darkshelf help   (lists all commands)");
  }
  return Error(Code::kUsage, fmt::format("{} has no command \"{}\"", title_of(above), core::printable(name)),
               title_of(above) + " --help");
}

const CLI::App* command_named(const CLI::App& app, const std::vector<std::string>& names) {
  const CLI::App* found = &app;
  for (const std::string& name : names) {
    const auto all = found->get_subcommands([](const CLI::App*) { return true; });
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const CLI::App* command) { return command->get_name() == name; });
    if (at == all.end()) {
      throw no_command(app, found, name);
    }
    found = *at;
  }
  return found;
}

}  // namespace

std::string help_of(const CLI::App* command) {
  return command->get_formatter()->make_help(command, "", CLI::AppFormatMode::Normal);
}

void add_help(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("help", "What a command does, and its options")->group(kUpkeep);
  auto names = std::make_shared<std::vector<std::string>>();
  cmd->add_option("COMMAND", *names, "Such as seal, or drive add");
  cmd->callback([&app, &session, names] {
    session.action = [&app, &session, names] {
      session.out().text(help_of(command_named(app, *names)));
      return static_cast<int>(kGood);
    };
  });
  const auto text = std::make_shared<HelpText>();
  const auto give = [&](CLI::App* one, const auto& again) -> void {
    one->formatter(text);
    one->set_help_flag("-h,--help", "This text");
    for (CLI::App* below : one->get_subcommands([](const CLI::App*) { return true; })) again(below, again);
  };
  give(&app, give);
}

const CLI::App* command_typed(const CLI::App& app) {
  const CLI::App* typed = &app;
  while (!typed->get_subcommands().empty()) typed = typed->get_subcommands().back();
  return typed;
}

core::Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* typed = command_typed(app);
  const std::string title = title_of(typed);
  const std::string name = typed == &app ? title : title.substr(title.find(' ') + 1);
  const std::string what = error.what();
  const std::vector<std::string> rest = app.remaining(true);
  const std::string extra = rest.empty() ? "" : rest.front();
  std::string sentence = what;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    if (extra.starts_with("-")) {
      sentence = fmt::format("{} has no option {}", name, extra);
    } else if (typed == &app) {
      return no_command(app, typed, extra);
    } else {
      sentence = fmt::format("{} takes no more arguments: \"{}\" is one too many", name, extra);
    }
  } else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (!what.starts_with("A subcommand")) {
      sentence = fmt::format("{} wants {}", name, what.substr(0, what.find(" is required")));
    } else if (!extra.empty() && !extra.starts_with("-")) {
      return no_command(app, typed, extra);
    } else {
      sentence = fmt::format("{} wants a command behind it", name);
    }
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    sentence = fmt::format("{} wants something behind it", what.substr(0, what.find(':')));
  } else if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const std::size_t between = what.find(" excludes ");
    sentence = fmt::format("{} and {} do not go together", what.substr(0, between), what.substr(between + 10));
  } else if (const std::size_t takes = what.find(": takes "); takes != std::string::npos) {
    sentence = what.substr(0, takes) + what.substr(takes + 1);
  }
  return Error(Code::kUsage, core::printable(sentence), title + " --help");
}

}  // namespace darkshelf::cli
