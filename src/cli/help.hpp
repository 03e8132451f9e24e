#pragma once
// Help as it is printed, and what is said about arguments that make no sense.

#include <CLI/CLI.hpp>

#include "cli/session.hpp"

namespace darkshelf::cli {

/// Makes every command of `app` print its help this way, and adds `help`.
void add_help(CLI::App& app, Session& session);

/// The help of one command.
std::string help_of(const CLI::App* command);
/// The command whose arguments were being read.
const CLI::App* command_typed(const CLI::App& app);
/// What is wrong with the command line, and how to learn what is right.
core::Error usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace darkshelf::cli
