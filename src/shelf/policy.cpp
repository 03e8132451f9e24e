#include "shelf/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::shelf {

using core::Code;
using core::Error;

namespace {

constexpr unsigned kMost = 99;
constexpr std::string_view kKeys = "copies, places, offsite, kinds, scrub-every, grace, layout, owner, phone";

unsigned count_from(const std::string& key, const std::string& value) {
  unsigned out = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), out);
  const unsigned least = key == "copies" ? 1 : 0;
  if (value.empty() || failed != std::errc{} || end != value.data() + value.size() || out < least || out > kMost) {
    throw Error(Code::kUsage,
                fmt::format("{} takes a number from {} to {}, not \"{}\"", key, least, kMost, core::printable(value)));
  }
  return out;
}

std::string duration_text(std::chrono::seconds duration) {
  constexpr double kMonth = 30.4375 * 86400;
  const double months = static_cast<double>(duration.count()) / kMonth;
  const auto whole = static_cast<std::int64_t>(months + 0.5);
  if (whole > 0 && std::abs(months - static_cast<double>(whole)) < 1e-6) return fmt::format("{}mo", whole);
  if (duration.count() % 86400 == 0) return fmt::format("{}d", duration.count() / 86400);
  return fmt::format("{}s", duration.count());
}

std::string one_line(const std::string& key, const std::string& value) {
  if (value.size() > 200 || core::printable(value) != value) {
    throw Error(Code::kUsage, fmt::format("{} takes one line of up to 200 characters", key));
  }
  return value;
}

/// Throws Error(kUsage) for a key or a value that makes no sense.
void apply(Policy& policy, const std::string& key, const std::string& value) {
  if (key == "copies") {
    policy.copies = count_from(key, value);
  } else if (key == "places") {
    policy.places = count_from(key, value);
  } else if (key == "offsite") {
    policy.offsite = count_from(key, value);
  } else if (key == "kinds") {
    policy.kinds = count_from(key, value);
  } else if (key == "scrub-every") {
    const auto every = core::parse_duration(value);
    if (every.count() <= 0) throw Error(Code::kUsage, "scrub-every takes a length of time above 0, such as 12mo");
    policy.scrub_every = every;
  } else if (key == "grace") {
    policy.grace = core::parse_duration(value);
  } else if (key == "layout") {
    const auto layout = formats::volume::layout_from(value);
    if (!layout)
      throw Error(Code::kUsage, fmt::format("layout takes tar or files, not \"{}\"", core::printable(value)));
    policy.layout = *layout;
  } else if (key == "owner") {
    policy.owner = one_line(key, value);
  } else if (key == "phone") {
    policy.phone = one_line(key, value);
  } else {
    throw Error(Code::kUsage, fmt::format("the policy has no \"{}\"; it has {}", core::printable(key), kKeys));
  }
}

}  // namespace

Policy policy_from(const std::map<std::string, std::string>& set) {
  Policy policy;
  for (const auto& [key, value] : set) {
    try {
      apply(policy, key, value);
    } catch (const Error&) {
      // Set by a later darkshelf, on another machine: what this one does not understand it leaves at its default.
    }
  }
  return policy;
}

void check_policy(const std::map<std::string, std::string>& changes) {
  Policy policy;
  for (const auto& [key, value] : changes) {
    try {
      apply(policy, key, value);
    } catch (const Error& error) {
      throw Error(error.code(), error.what(), "darkshelf help policy set");
    }
  }
}

std::map<std::string, std::string> to_text(const Policy& policy) {
  return {{"copies", std::to_string(policy.copies)},
          {"places", std::to_string(policy.places)},
          {"offsite", std::to_string(policy.offsite)},
          {"kinds", std::to_string(policy.kinds)},
          {"scrub-every", duration_text(policy.scrub_every)},
          {"grace", duration_text(policy.grace)},
          {"layout", std::string(formats::volume::name_of(policy.layout))},
          {"owner", policy.owner},
          {"phone", policy.phone}};
}

}  // namespace darkshelf::shelf
