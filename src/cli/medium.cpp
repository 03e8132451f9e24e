#include "cli/medium.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

double seconds_of(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// "48 s", "0.4 s".
std::string short_time(std::chrono::nanoseconds time) {
  const double seconds = seconds_of(time);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  return core::format_duration(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5)));
}

struct Trouble {
  std::uint64_t sectors = 0, stepped_over = 0, second_try = 0;
  std::chrono::nanoseconds cost{};
};

Trouble trouble_of(const rituals::ScrubReport& report) {
  Trouble sum;
  for (const io::UnreadablePlaces& file : report.unreadable) {
    sum.sectors += file.sectors();
    sum.stepped_over += file.stepped_over();
    sum.second_try += file.second_try;
    sum.cost += file.cost;
  }
  return sum;
}

}  // namespace

void print_first_look(Output& out, const catalog::Drive& drive, const rituals::FirstLook& look) {
  Json unsound = Json::array();
  for (const core::Uuid& volume : look.unsound_lists) unsound.push_back(volume.text());
  out.object("first_look", {{"drive", drive.label},
                            {"volumes", look.volumes},
                            {"unsound_lists", std::move(unsound)},
                            {"slices", look.slices},
                            {"slices_of", look.slices_of},
                            {"slices_bad", look.slices_bad},
                            {"one_in", look.one_in()}});
  std::string lists = fmt::format("First look: the lists of {} are sound", core::count_of(look.volumes, "volume"));
  if (!look.unsound_lists.empty())
    lists = fmt::format("First look: the lists of {} of {} are not sound", look.unsound_lists.size(),
                        core::count_of(look.volumes, "volume"));
  if (look.one_in() < 2 && look.slices_bad == 0) return out.line(lists + ".");
  if (look.slices_bad > 0) {
    return out.line(
        out.paint(Color::kAmber,
                  fmt::format("{}; of {} picked at random {} bad.", lists, core::count_of(look.slices, "slice"),
                              look.slices_bad == 1 ? std::string("1 is") : fmt::format("{} are", look.slices_bad))));
  }
  out.line(
      fmt::format("{}, and so are {} picked at random: had 1 of {} slices been bad, this would have found it with "
                  "99 %.",
                  lists, core::count_of(look.slices, "slice"), core::with_commas(look.one_in())));
}

void print_medium(Output& out, const rituals::ScrubReport& report) {
  const Trouble trouble = trouble_of(report);
  if (trouble.sectors > 0) {
    std::string line =
        fmt::format("{} cost {}", core::count_of(trouble.sectors, "unreadable sector"), short_time(trouble.cost));
    if (trouble.sectors > 1)
      line += fmt::format(", {} each", short_time(trouble.cost / static_cast<std::int64_t>(trouble.sectors)));
    if (trouble.stepped_over > 0)
      line += fmt::format("; between them {} were stepped over", core::format_size(trouble.stepped_over));
    out.line(line + ".");
  }
  if (trouble.second_try > 0)
    out.line(fmt::format("{} could be read at the second try only.", core::count_of(trouble.second_try, "sector")));
  if (report.healed > 0) {
    out.line(out.paint(
        Color::kAmber,
        fmt::format("{} read wrong at first, and right when read again: nothing on {} is damaged, but something on the "
                    "way to it changes bytes. Try another cable and another port, and let a memory test run "
                    "(memtest86+) before you seal or copy anything here.",
                    core::count_of(report.healed, "place was", "places were"), core::printable(report.drive.label))));
  }
  if (report.clock_behind) {
    out.error(
        fmt::format("The clock of this machine is behind: there is news here of {}. What was read counts, but "
                    "makes no copy freshly checked.",
                    core::format_date_for_people(*report.clock_behind)));
    out.error("    → set the clock right (timedatectl), and check again");
  }
}

void put_medium(Json& object, const rituals::ScrubReport& report) {
  const Trouble trouble = trouble_of(report);
  object["failing"] = report.failing();
  object["unreadable_sectors"] = trouble.sectors;
  object["bytes_stepped_over"] = trouble.stepped_over;
  object["second_try_sectors"] = trouble.second_try;
  object["seconds_lost"] = seconds_of(trouble.cost);
  object["healed"] = report.healed;
  object["undated"] = report.clock_behind.has_value();
}

std::string sectors_of(const rituals::FileFinding& finding) {
  if (finding.sectors == 0) return {};
  return fmt::format(" ({}, {})", core::count_of(finding.sectors, "sector"), short_time(finding.cost));
}

}  // namespace darkshelf::cli
