#pragma once
// What a disk says of its own wear (SMART), as it is recorded at a visit.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/id.hpp"

namespace darkshelf::catalog {

/// What is counted, by the names that facts and JSON have.
inline constexpr std::array<std::string_view, 12> kWearCounts = {
    "power_on_hours", "reallocated",     "pending",         "uncorrectable",   "reported",    "crc_errors",
    "media_errors",   "percentage_used", "available_spare", "spare_threshold", "temperature", "critical_warning"};

struct Wear {
  core::Time read{};
  std::string model, serial;
  std::optional<bool> passed;                   // the disk's own overall verdict
  std::map<std::string, std::uint64_t> counts;  // those of kWearCounts that it tells

  std::optional<std::uint64_t> count(const std::string& name) const {
    const auto found = counts.find(name);
    return found == counts.end() ? std::nullopt : std::optional(found->second);
  }
  /// Of the same disk, as far as that can be told?
  bool same_disk(const Wear& other) const { return serial == other.serial && model == other.model; }
};

}  // namespace darkshelf::catalog
