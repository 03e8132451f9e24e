#pragma once
// The commands: each function adds its own to the program. One file a command or family.

#include <CLI/CLI.hpp>

#include "cli/ranges.hpp"
#include "cli/session.hpp"
#include "rituals/repair.hpp"
#include "rituals/work.hpp"

namespace darkshelf::cli {

// The five moments of product use, as the help groups them.
inline constexpr const char kYearly[] = "The yearly archive drive";
inline constexpr const char kWhich[] = "Which drive holds it?";
inline constexpr const char kBack[] = "The drive comes back";
inline constexpr const char kSafe[] = "Am I safe?";
inline constexpr const char kUpkeep[] = "Upkeep";

void add_init(CLI::App& app, Session& session);
void add_drive(CLI::App& app, Session& session);
void add_place(CLI::App& app, Session& session);
void add_policy(CLI::App& app, Session& session);
void add_seal(CLI::App& app, Session& session);
void add_copy(CLI::App& app, Session& session);
void add_adopt(CLI::App& app, Session& session);
void add_find(CLI::App& app, Session& session);
void add_show(CLI::App& app, Session& session);
void add_where(CLI::App& app, Session& session);
void add_shoot(CLI::App& app, Session& session);
void add_scrub(CLI::App& app, Session& session);
void add_repair(CLI::App& app, Session& session);
void add_restore(CLI::App& app, Session& session);
void add_rescue(CLI::App& app, Session& session);
void add_discard(CLI::App& app, Session& session);
void add_key(CLI::App& app, Session& session);
void add_catalog(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_due(CLI::App& app, Session& session);
void add_covered(CLI::App& app, Session& session);
void add_work(CLI::App& app, Session& session);
void add_par2(CLI::App& app, Session& session);
void add_inspect(CLI::App& app, Session& session);

/// All about one drive: what `drive show` and `show` print.
int show_drive(Session& session, const catalog::Drive& drive);

/// What `repair` does and prints; `scrub --repair` goes on with it.
int repair_drive(Session& session, const rituals::RepairRequest& request, std::uint64_t memory);

/// `status --without`: what would be left, and what to copy today so that it would be enough.
int fire_drill(Session& session, const std::vector<std::string>& without);
/// What somebody works in and is not on the shelf yet, in a line or two; nothing if there is nothing to say.
std::vector<std::string> work_lines(const rituals::WorkReport& work);

/// Bare `darkshelf`: at most ten lines on how things stand and what to do next.
int print_summary(Session& session);

}  // namespace darkshelf::cli
