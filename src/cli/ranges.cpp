#include "cli/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20, kTiB = std::uint64_t{1} << 40;

/// As it is typed: the largest binary unit that fits.
std::string as_typed(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) bytes /= 1024, ++unit;
  return fmt::format("{}{}", bytes, kUnits[unit]);
}

/// No sentence means that it is fine. The parser of the value says itself what is wrong with a text that is none.
template <typename Parse, typename Complaint>
CLI::Validator checked(Parse parse, Complaint complaint) {
  return CLI::Validator(
      [parse, complaint](std::string& text) -> std::string {
        try {
          return parse(text) ? std::string() : complaint(core::printable(text));
        } catch (const core::Error& error) {
          return error.what();
        }
      },
      "");
}

}  // namespace

CLI::Validator size_between(std::uint64_t least, std::uint64_t most) {
  return checked(
      [=](const std::string& text) {
        const std::uint64_t bytes = core::parse_size(text);
        return bytes >= least && bytes <= most;
      },
      [=](const std::string& text) {
        return fmt::format("takes a size from {} to {}, not {}", as_typed(least), as_typed(most), text);
      });
}

CLI::Validator number_between(std::uint64_t least, std::uint64_t most) {
  return checked(
      [=](const std::string& text) {
        std::uint64_t number = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
        return failed == std::errc{} && end == text.data() + text.size() && number >= least && number <= most;
      },
      [=](const std::string& text) {
        return fmt::format("takes a whole number from {} to {}, not \"{}\"", least, most, text);
      });
}

CLI::Validator some_time() {
  return checked(
      [](const std::string& text) { return core::parse_duration(text).count() > 0; },
      [](const std::string& text) { return fmt::format("takes a length of time above 0, such as 40m, not {}", text); });
}

CLI::Validator percentage() {
  return checked([](const std::string& text) { return core::parse_percent(text) > 0; },
                 [](const std::string&) { return std::string(); });
}

CLI::Validator date(Dates dates) {
  return checked(
      [=](const std::string& text) {
        return core::parse_date(text).has_value() && (dates == Dates::kAny || text.size() == 10);
      },
      [=](const std::string& text) {
        return fmt::format("\"{}\" is no date; dates look like {}2026-06-14", text,
                           dates == Dates::kAny ? "2026, 2026-06 or " : "");
      });
}

CLI::Validator one_of(std::vector<std::string> words) {
  return checked([=](const std::string& text) { return std::find(words.begin(), words.end(), text) != words.end(); },
                 [=](const std::string& text) {
                   const std::vector<std::string> all(words.begin(), words.end() - 1);
                   return fmt::format("takes {} or {}, not \"{}\"", fmt::join(all, ", "), words.back(), text);
                 });
}

CLI::Option* add_memory(CLI::App* cmd, std::string& memory, const std::string& names, const std::string& help) {
  return cmd->add_option(names, memory, help)
      ->capture_default_str()
      ->type_name("SIZE")
      ->check(size_between(kMiB, kTiB));
}

}  // namespace darkshelf::cli
