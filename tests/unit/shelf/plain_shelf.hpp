#pragma once
// Shelves made by chance, as plain numbers, and what a slow and obvious reading of the rules says of them. Nothing here
// uses the code that is tried; only stock() turns a shelf into what that code takes.

#include <optional>
#include <string>
#include <vector>

#include "shelf/policy.hpp"
#include "support/chance.hpp"

namespace darkshelf::testing {

/// All times are in hours before now; negative ones are yet to come.
struct PlainDrive {
  int place = 0;  // 0: none; odd numbers are off-site
  int disk = 0, kind = 0;
  catalog::DriveState state = catalog::DriveState::kOnShelf;
  bool here = false, plugged = false, failing = false, gone = false;
  std::uint64_t room = 0;  // 0: not known
  bool offsite() const { return place % 2 == 1; }
};
struct PlainCopy {
  int drive = 0;
  catalog::CopyHealth health = catalog::CopyHealth::kGood;
  std::optional<int> checked;  // nothing: never
  int latest = 0;              // the newest read of any part, if checked
  int made = 0;
  bool cached = false;
};
struct PlainVolume {
  int shoot = 0;
  std::uint64_t bytes = 0, photos = 0;
  std::vector<PlainCopy> copies;
};
struct PlainShoot {
  std::optional<unsigned> keep;
  bool discarded = false;
};
struct PlainShelf {
  std::vector<PlainDrive> drives;
  std::vector<PlainVolume> volumes;
  std::vector<PlainShoot> shoots;
  unsigned copies = 2, places = 1, offsite = 0, kinds = 1;
  int every = 365 * 24, grace = 91 * 24;  // hours

  static PlainShelf make(std::uint64_t seed, unsigned most_drives, unsigned most_shoots);
};

/// What the rules say of some copies together.
struct PlainCount {
  unsigned counting = 0, places = 0, offsite = 0, kinds = 0;
  bool met = false;
};
/// The policy as far as a shoot of which more or fewer copies are kept can have it.
PlainShelf wanted(const PlainShelf& shelf, const PlainShoot& shoot);
bool plain_counts(const PlainShelf& shelf, const PlainCopy& copy, bool with_loss);
PlainCount plain_count(const PlainShelf& shelf, const PlainVolume& volume, bool with_loss);

core::Time plain_now();
core::Uuid plain_id(char kind, std::size_t number);
shelf::Stock stock(const PlainShelf& shelf);
shelf::Policy policy(const PlainShelf& shelf);
shelf::Situation situation(const PlainShelf& shelf, bool with_loss);

}  // namespace darkshelf::testing
