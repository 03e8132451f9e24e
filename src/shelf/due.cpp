#include "shelf/due.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/text.hpp"
#include "shelf/wear.hpp"

namespace darkshelf::shelf {

namespace {

using std::chrono::seconds;

constexpr std::chrono::hours kYear{24 * 365};
constexpr std::size_t kVisitsThatTell = 5;
constexpr std::uint64_t kTellingBytes = 100 << 20;  // less is read too quickly to be measured

struct KindRate {
  std::string_view kind;
  std::uint64_t rate;
};
/// Bytes a second, where nobody has measured it: what is usual over USB and for what is sold.
constexpr KindRate kAssumed[] = {
    {"hdd", 120'000'000}, {"ssd", 350'000'000}, {"flash", 60'000'000}, {"nas", 80'000'000}};

std::string mb_per_second(std::uint64_t rate) {
  return rate < 1'000'000 ? fmt::format("{:.1f} MB/s", static_cast<double>(rate) / 1e6)
                          : fmt::format("{} MB/s", rate / 1'000'000);
}

/// The rate that half of the last visits reached.
std::optional<std::uint64_t> own_rate(const std::vector<catalog::Visit>& visits) {
  std::vector<std::uint64_t> rates;
  for (const catalog::Visit& visit : visits) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(visit.ended - visit.started).count();
    if (!visit.of_check || visit.bytes < kTellingBytes || took <= 0 || rates.size() == kVisitsThatTell) continue;
    rates.push_back(static_cast<std::uint64_t>(static_cast<double>(visit.bytes) * 1000 / static_cast<double>(took)));
  }
  if (rates.empty()) return {};
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2);
  std::nth_element(rates.begin(), middle, rates.end());
  return std::max<std::uint64_t>(*middle, 1);
}

void estimate(DueDrive& drive, const std::vector<catalog::Visit>& visits) {
  std::uint64_t rate = kAssumed[0].rate;
  for (const KindRate& one : kAssumed) {
    if (one.kind == drive.drive.kind) rate = one.rate;
  }
  const auto measured = own_rate(visits);
  rate = measured.value_or(rate);
  drive.takes = seconds(drive.bytes / rate);
  drive.rate = fmt::format("at {}, {}", mb_per_second(rate), measured ? "as its last checks" : "assumed");
}

/// What is known of the copies on one drive.
struct Copies {
  std::uint64_t count = 0, bytes = 0, damaged = 0, unproven = 0, faded = 0, ahead = 0;
  std::optional<core::Time> oldest;  // last complete check of those that were checked
};

class Judging {
 public:
  Judging(const catalog::Drive& drive, const Copies& copies, const Policy& policy, core::Time now)
      : copies_(copies), policy_(policy), now_(now) {
    out_.drive = drive;
    out_.bytes = copies.bytes;
  }

  DueDrive run(const Stock& stock, const History& history) {
    static const std::vector<catalog::Visit> none;
    const auto visits = history.visits.find(out_.drive.id);
    estimate(out_, visits == history.visits.end() ? none : visits->second);
    if (out_.drive.state == catalog::DriveState::kLent) {
      lent(history);
      return std::move(out_);
    }
    out_.due =
        copies_.unproven > 0 || copies_.ahead > 0 || !copies_.oldest ? now_ : *copies_.oldest + policy_.scrub_every;
    if (const auto failing = stock.failing.find(out_.drive.id); failing != stock.failing.end())
      add(Cause::kFailing, fmt::format("its medium is failing ({})", failing->second));
    if (copies_.damaged > 0)
      add(Cause::kDamaged, fmt::format("{} on it {} damaged", core::count_of(copies_.damaged, "volume"),
                                       copies_.damaged == 1 ? "is" : "are"));
    checks();
    if (const auto news = history.wear_news.find(out_.drive.id); news != history.wear_news.end())
      add(Cause::kWearing, news->second);
    if (visits != history.visits.end()) cut_short(visits->second);
    std::stable_sort(out_.reasons.begin(), out_.reasons.end(),
                     [](const Reason& a, const Reason& b) { return a.cause < b.cause; });
    return std::move(out_);
  }

 private:
  void add(Cause cause, std::string text) { out_.reasons.push_back({cause, std::move(text)}); }

  void checks() {
    if (copies_.ahead > 0) add(Cause::kOverdue, "its last check is dated by a clock that was wrong");
    if (copies_.unproven > 0)
      add(Cause::kNeverProven, fmt::format("{} on it {} never proven", core::count_of(copies_.unproven, "volume"),
                                           copies_.unproven == 1 ? "was" : "were"));
    if (!copies_.oldest || now_ - *copies_.oldest <= policy_.scrub_every) return;
    const auto since = std::chrono::duration_cast<seconds>(now_ - *copies_.oldest) - policy_.scrub_every;
    const std::string when = fmt::format("checked last on {}, due since {}",
                                         core::format_date_for_people(*copies_.oldest), core::format_duration(since));
    if (copies_.faded > 0) {
      add(Cause::kOverdue, fmt::format("{}: {} on it {} no more", when, core::count_of(copies_.faded, "volume"),
                                       copies_.faded == 1 ? "counts" : "count"));
    } else {
      add(Cause::kDue,
          fmt::format("{}; it counts until {}", when,
                      core::format_date_for_people(*copies_.oldest + policy_.scrub_every + policy_.grace)));
    }
  }

  void cut_short(const std::vector<catalog::Visit>& visits) {
    const auto last = std::find_if(visits.begin(), visits.end(), [](const auto& visit) { return visit.of_check; });
    if (last == visits.end() || last->complete) return;
    add(Cause::kIncomplete,
        fmt::format("its last check, on {}, was cut short", core::format_date_for_people(last->ended)));
  }

  void lent(const History& history) {
    const auto since = history.lent_since.find(out_.drive.id);
    const core::Time lent = since == history.lent_since.end() ? now_ : since->second;
    out_.due = lent + kYear;
    if (now_ < out_.due) return;
    add(Cause::kLentLong,
        fmt::format("lent to {} on {}: ask for it", out_.drive.lent_to, core::format_date_for_people(lent)));
  }

  const Copies& copies_;
  const Policy& policy_;
  core::Time now_;
  DueDrive out_;
};

std::map<core::Uuid, Copies> copies_by_drive(const Stock& stock, const Policy& policy, core::Time now) {
  std::map<core::Uuid, Copies> all;
  // As if no drive were lent or marked: what is known of a copy does not change with where it is.
  Stock on_shelf = stock;
  for (catalog::Drive& drive : on_shelf.drives) drive.state = catalog::DriveState::kOnShelf;
  for (const ShootStatus& shoot : status_of(on_shelf, policy, now).shoots) {
    for (const VolumeStatus& volume : shoot.volumes) {
      for (const CopyView& view : volume.copies) {
        Copies& copies = all[view.drive.id];
        ++copies.count;
        copies.bytes += volume.volume.bytes_on_drive;
        if (view.vote == Vote::kDamaged) ++copies.damaged;
        if (view.vote == Vote::kNeverProven) ++copies.unproven;
        const bool ahead = view.vote == Vote::kOverdue && view.copy.latest_read && *view.copy.latest_read > now;
        if (ahead) ++copies.ahead;
        if (view.vote == Vote::kOverdue && !ahead) ++copies.faded;
        if (view.vote == Vote::kDamaged || view.vote == Vote::kNeverProven || ahead || !view.copy.checked) continue;
        copies.oldest = std::min(copies.oldest.value_or(*view.copy.checked), *view.copy.checked);
      }
    }
  }
  return all;
}

}  // namespace

std::string_view name_of(Cause cause) {
  static constexpr std::string_view kNames[] = {"failing", "damaged", "overdue",    "never-proven",
                                                "wearing", "due",     "incomplete", "lent"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::string DueDrive::why() const {
  std::vector<std::string> texts;
  for (const Reason& reason : reasons) texts.push_back(reason.text);
  return fmt::format("{}", fmt::join(texts, "; "));
}

History take_history(catalog::Catalog& catalog, const Stock& stock) {
  History history{catalog.visits(), {}, {}};
  for (const catalog::Drive& drive : stock.drives) {
    if (drive.volumes == 0) continue;
    if (const auto since = catalog.lent_since(drive.id)) history.lent_since[drive.id] = *since;
    const WearVerdict wear = judge_wear(catalog.wear(drive.id));
    if (!wear.failing() && !wear.worse.empty())
      history.wear_news[drive.id] = fmt::format("{}", fmt::join(wear.worse, "; "));
  }
  return history;
}

std::vector<DueDrive> due_drives(const Stock& stock, const History& history, const Policy& policy, core::Time now) {
  const std::map<core::Uuid, Copies> copies = copies_by_drive(stock, policy, now);
  std::vector<DueDrive> drives;
  for (const catalog::Drive& drive : stock.drives) {
    using State = catalog::DriveState;
    const auto on_it = copies.find(drive.id);
    if (on_it == copies.end() || (drive.state != State::kOnShelf && drive.state != State::kLent)) continue;
    drives.push_back(Judging(drive, on_it->second, policy, now).run(stock, history));
  }
  constexpr int kLast = 100;
  const auto rank = [](const DueDrive& one) {
    return one.is_due() ? static_cast<int>(one.reasons.front().cause) : kLast;
  };
  std::stable_sort(drives.begin(), drives.end(), [&](const DueDrive& a, const DueDrive& b) {
    return std::tuple(rank(a), a.due, a.drive.label) < std::tuple(rank(b), b.due, b.drive.label);
  });
  return drives;
}

}  // namespace darkshelf::shelf
