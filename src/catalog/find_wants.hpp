#pragma once
// What a search asks for, as terms; for find*.cpp alone.

#include <string>
#include <unordered_set>
#include <vector>

#include "catalog/state.hpp"

namespace darkshelf::catalog {

/// One thing that a file has to have: one of the terms in these ranges.
struct Want {
  struct Range {
    std::string first, last;  // both included
  };
  std::vector<Range> ranges;
  std::unordered_set<std::string> named;     // shoots that have it by what they are called, whatever their files have
  std::unordered_set<std::int64_t> volumes;  // with a file that has it: filled in by the search
};

/// Throws Error(kUsage) for more than 64 words.
std::vector<Want> wants_of(Ledger& ledger, Catalog& catalog, const FindQuery& query);

}  // namespace darkshelf::catalog
