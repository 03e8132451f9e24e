#include "cli/holdings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/commands.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

/// How far to reach for it: at hand, on a shelf here, elsewhere, with somebody, nowhere.
int distance_of(const shelf::CopyView& view) {
  if (view.drive.state == catalog::DriveState::kLent) return 5;
  if (view.drive.state != catalog::DriveState::kOnShelf) return 6;
  if (view.copy.health != catalog::CopyHealth::kGood) return view.here ? 3 : 4;
  return view.here ? 0 : view.drive.offsite && !view.drive.here ? 2 : 1;
}

bool can_be_had(const shelf::CopyView& view) { return distance_of(view) < 5 && !view.copy.names_only; }

}  // namespace

Holdings holdings_of(const shelf::ShootStatus& shoot) {
  std::map<core::Uuid, Holding> by_drive;
  for (const shelf::VolumeStatus& volume : shoot.volumes) {
    for (const shelf::CopyView& view : volume.copies) {
      const auto [at, fresh] = by_drive.try_emplace(view.drive.id, Holding{view, 0});
      const bool older =
          !fresh &&
          (!view.copy.checked || (at->second.view.copy.checked && *view.copy.checked < *at->second.view.copy.checked));
      if (older || (!fresh && view.vote != shelf::Vote::kCounts)) at->second.view = view;
      ++at->second.volumes;
    }
  }
  Holdings holdings;
  holdings.volumes = shoot.volumes.size();
  for (auto& [drive, holding] : by_drive) holdings.drives.push_back(std::move(holding));
  std::sort(holdings.drives.begin(), holdings.drives.end(), [](const Holding& a, const Holding& b) {
    const auto key = [](const Holding& one) {
      return std::tuple(distance_of(one.view), ~one.volumes, one.view.drive.label);
    };
    return key(a) < key(b);
  });
  return holdings;
}

std::map<core::Uuid, shelf::ShootStatus> status_of_shoots(Session& session, std::vector<catalog::Shoot> shoots) {
  auto& catalog = session.catalog(catalog::Catalog::Access::kRead);
  const shelf::Stock stock = shelf::take_stock(catalog, std::move(shoots));
  std::map<core::Uuid, shelf::ShootStatus> by_id;
  for (shelf::ShootStatus& shoot : shelf::status_of(stock, session.policy(), session.now(), session.situation()).shoots)
    by_id[shoot.shoot.id] = std::move(shoot);
  return by_id;
}

std::string condition_of(const shelf::CopyView& view, core::Time now) {
  switch (view.copy.health) {
    case catalog::CopyHealth::kDamaged:
      return "damaged, repairable";
    case catalog::CopyHealth::kUnrepairable:
      return "damaged";
    case catalog::CopyHealth::kMissing:
      return "missing there";
    case catalog::CopyHealth::kGood:
      break;
  }
  if (view.copy.names_only) return "names alone are known";
  return shelf::freshness(view, now);
}

WayBack way_back(Session& session, const catalog::Shoot& shoot, const Holdings& holdings, const std::string& path) {
  const auto first = std::find_if(holdings.drives.begin(), holdings.drives.end(),
                                  [](const Holding& holding) { return can_be_had(holding.view); });
  if (first == holdings.drives.end()) return {};
  WayBack way;
  const catalog::Drive& drive = first->view.drive;
  if (!session.plugged_in().contains(drive.id)) way.drive = drive.label;
  const std::string what = !path.empty() ? path : shoot.date.empty() ? shoot.name : shoot.date + " " + shoot.name;
  way.command = fmt::format("darkshelf restore {} --to DIR", core::shell_quote(what));
  return way;
}

Json holdings_json(Session& session, const Holdings& holdings) {
  Json array = Json::array();
  for (const Holding& holding : holdings.drives) {
    const catalog::Drive& drive = holding.view.drive;
    Json one = {{"drive", drive.label},
                {"place", drive.place_name},
                {"offsite", drive.offsite},
                {"state", catalog::name_of(drive.state)},
                {"plugged_in", session.plugged_in().contains(drive.id)},
                {"volumes", holding.volumes},
                {"counts", holding.view.vote == shelf::Vote::kCounts},
                {"condition", condition_of(holding.view, session.now())}};
    one["checked"] = holding.view.copy.checked ? Json(core::format_time(*holding.view.copy.checked)) : Json(nullptr);
    array.push_back(std::move(one));
  }
  return array;
}

void print_holdings(Session& session, const Holdings& holdings) {
  Output& out = session.out();
  for (const Holding& holding : holdings.drives) {
    const catalog::Drive& drive = holding.view.drive;
    const std::string part =
        holding.volumes < holdings.volumes ? fmt::format(" ({} of {} volumes)", holding.volumes, holdings.volumes) : "";
    const Color color = session.plugged_in().contains(drive.id) ? Color::kGreen : Color::kUnplugged;
    out.line(fmt::format("    {}  {}, {}{}", out.paint(color, core::printable(drive.label)), session.whereabouts(drive),
                         condition_of(holding.view, session.now()), part));
  }
  if (holdings.drives.empty()) out.line("    " + out.paint(Color::kRed, "on no drive any more"));
}

Json shoot_json(const catalog::Shoot& shoot) {
  Json object = {{"id", shoot.id.text()},
                 {"name", core::printable(shoot.name)},
                 {"folder", core::printable(shoot.folder)},
                 {"date", shoot.date},
                 {"note", core::printable(shoot.note)},
                 {"photos", shoot.photos},
                 {"files", shoot.files},
                 {"bytes", shoot.bytes},
                 {"discarded", shoot.discarded}};
  object["keep_copies"] = shoot.keep_copies ? Json(*shoot.keep_copies) : Json(nullptr);
  return object;
}

std::string heading_of(const catalog::Shoot& shoot) {
  return fmt::format("{} {}", shoot.date.empty() ? "undated   " : shoot.date, core::printable(shoot.name));
}

}  // namespace darkshelf::cli
