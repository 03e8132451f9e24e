#pragma once
// What was adopted counts by its contents: a shoot that was sealed since, or taken in anew, is as safe as those copies.

#include "shelf/policy.hpp"

namespace darkshelf::shelf {

/// Takes out adopted volumes that lie nowhere any more as they were taken in (they were taken in anew), and adds, for
/// each that shares its shoot with other volumes, a copy on every drive that has all of its contents in those.
void join_adopted(catalog::Catalog& catalog, Stock& stock);

}  // namespace darkshelf::shelf
