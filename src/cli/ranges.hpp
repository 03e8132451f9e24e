#pragma once
// What options take, checked while the command line is read: before a catalog is opened or a drive is looked at.

#include <CLI/CLI.hpp>

namespace darkshelf::cli {

/// A size such as 8GiB.
CLI::Validator size_between(std::uint64_t least, std::uint64_t most);
/// A whole number.
CLI::Validator number_between(std::uint64_t least, std::uint64_t most);
/// A length of time above 0, such as 40m.
CLI::Validator some_time();
CLI::Validator percentage();
/// A whole day, or (for people who are asked for one to search by) a month or a year too.
enum class Dates { kDay, kAny };
CLI::Validator date(Dates dates);
CLI::Validator one_of(std::vector<std::string> words);

/// --memory SIZE, 2GiB if left out.
CLI::Option* add_memory(CLI::App* cmd, std::string& memory, const std::string& names, const std::string& help);

}  // namespace darkshelf::cli
