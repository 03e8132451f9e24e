#include "core/id.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace darkshelf::core {

namespace {

constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";

void mark_version_4(Uuid& id) {
  id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
}

class SystemWorld final : public World {
 public:
  Time now() override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
  Uuid new_id() override {
    Uuid id;
    if (getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size())) {
      throw Error(Code::kFailed, "the system gives no random numbers");
    }
    mark_version_4(id);
    return id;
  }
  std::string host() override {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
  }
};

}  // namespace

std::string Uuid::text() const {
  std::string out = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
  return out;
}

std::string Uuid::short_text() const {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits = bits << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  std::string out;
  for (unsigned i = 0; i < 5; ++i) out += kBase32[bits >> (27 - 5 * i) & 31];
  return out;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return {};
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return {};
    if (!dash) digits += text[i];
  }
  const auto bytes = digest_from_hex<16>(digits);
  if (!bytes) return {};
  return Uuid{*bytes};
}

Time SteadyWorld::now() {
  const Time now = now_;
  now_ += std::chrono::seconds(1);
  return now;
}

Uuid SteadyWorld::new_id() {
  Uuid id;
  for (auto& b : id.bytes) {  // splitmix64, one step a byte
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    b = static_cast<std::byte>((z ^ (z >> 31)) & 255);
  }
  mark_version_4(id);
  return id;
}

World& real_world() {
  static const std::unique_ptr<World> world = []() -> std::unique_ptr<World> {
#ifdef DARKSHELF_STOP_POINTS
    if (const char* seed = std::getenv("DARKSHELF_TEST_WORLD")) {
      using namespace std::chrono;
      const Time start = sys_days(year(2026) / December / 31) + hours(12);
      return std::make_unique<SteadyWorld>(start, std::strtoull(seed, nullptr, 10));
    }
#endif
    return std::make_unique<SystemWorld>();
  }();
  return *world;
}

}  // namespace darkshelf::core
