#pragma once
// Which drives hold a shoot, and how that is told.

#include <string>
#include <vector>

#include "cli/session.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

/// Copies of a shoot's volumes on one drive.
struct Holding {
  shelf::CopyView view;  // the one of them checked longest ago
  std::size_t volumes = 0;
};
struct Holdings {
  std::vector<Holding> drives;  // the one to reach for first, first
  std::size_t volumes = 0;      // of the shoot
};
Holdings holdings_of(const shelf::ShootStatus& shoot);

/// These shoots against the policy; nobody else is asked about.
std::map<core::Uuid, shelf::ShootStatus> status_of_shoots(Session& session, std::vector<catalog::Shoot> shoots);

/// "checked 3 months ago", "damaged, repairable".
std::string condition_of(const shelf::CopyView& view, core::Time now);
/// What gets the shoot (or `path` of it) back, with the drive to plug in first; "" if no drive that can be had holds
/// it.
struct WayBack {
  std::string drive;    // to plug in; "" where one is
  std::string command;  // "" if there is none
};
WayBack way_back(Session& session, const catalog::Shoot& shoot, const Holdings& holdings, const std::string& path = {});

Json holdings_json(Session& session, const Holdings& holdings);
void print_holdings(Session& session, const Holdings& holdings);
Json shoot_json(const catalog::Shoot& shoot);
std::string heading_of(const catalog::Shoot& shoot);

}  // namespace darkshelf::cli
