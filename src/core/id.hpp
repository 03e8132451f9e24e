#pragma once
// Identities: random 128-bit ids, how they look to people, and the injected world (clock, ids, host name).

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace darkshelf::core {

/// A version 4 UUID (RFC 4122). Text form is 36 characters, lower case.
struct Uuid {
  std::array<std::byte, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  std::string text() const;
  /// First 5 characters of the id in base 32 (digits and lower-case letters without i, l, o, u): short names on drives.
  std::string short_text() const;
  static std::optional<Uuid> parse(std::string_view text);
};

/// UTC, nanoseconds since 1970.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Where time, ids and the host name come from; injected so that two runs can produce identical bytes.
class World {
 public:
  virtual ~World() = default;
  virtual Time now() = 0;
  virtual Uuid new_id() = 0;
  virtual std::string host() = 0;
};

/// The real one. With DARKSHELF_TEST_WORLD=SEED set (builds with stop points only) the clock starts at 2026-12-31 12:00
/// UTC, moves a second a call, and ids follow from the seed. Not thread-safe.
World& real_world();

/// A repeatable world: the clock starts at `start` and moves one second a call; ids follow from `seed`.
class SteadyWorld final : public World {
 public:
  SteadyWorld(Time start, std::uint64_t seed, std::string host = "studio")
      : now_(start), state_(seed), host_(std::move(host)) {}
  Time now() override;
  Uuid new_id() override;
  std::string host() override { return host_; }
  void set_now(Time now) { now_ = now; }

 private:
  Time now_;
  std::uint64_t state_;
  std::string host_;
};

}  // namespace darkshelf::core
