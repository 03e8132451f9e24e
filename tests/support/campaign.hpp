#pragma once
// How long a campaign is: short in the suite, long where somebody asks for it (tests/campaign.sh).

#include <cstdlib>

namespace darkshelf::testing {

/// The number in this environment variable, or `usual`.
inline std::size_t campaign_size(const char* variable, std::size_t usual) {
  const char* told = std::getenv(variable);
  return told != nullptr ? std::strtoul(told, nullptr, 10) : usual;
}

}  // namespace darkshelf::testing
