// Packets in raw bytes: at any offset, across windows, cut off, damaged, and made to keep a reader busy.

#include "parity/packet_carver.hpp"

#include <catch2/catch.hpp>
#include <chrono>

#include "support/damage.hpp"

namespace darkshelf::testing {
namespace {

namespace par2 = formats::par2;

core::Bytes creator(const std::string& text) { return par2::encode(par2::Md5{}, par2::Creator{text}); }

core::Bytes recovery(std::uint32_t exponent, const core::Bytes& data) {
  core::Bytes packet = par2::encode_recovery_head({}, exponent, data.size());
  packet.insert(packet.end(), data.begin(), data.end());
  const par2::Md5 md5 = digest::md5(core::ByteSpan(packet).subspan(32));
  std::copy(md5.begin(), md5.end(), packet.begin() + 16);
  return packet;
}

void put(core::Bytes& image, std::uint64_t offset, const core::Bytes& bytes) {
  for (std::size_t i = 0; i < bytes.size() && offset + i < image.size(); ++i) image[offset + i] = bytes[i];
}

/// Offsets and packets found, in windows of `step` with `ahead` bytes behind them.
std::vector<parity::CarvedPacket> carve(const core::Bytes& image, std::uint64_t step, std::uint64_t ahead,
                                        std::vector<core::Bytes>* whole = nullptr) {
  std::vector<parity::CarvedPacket> found;
  parity::PacketCarver carver(
      image.size(),
      [&](std::uint64_t offset, core::MutableByteSpan into) {
        if (offset + into.size() > image.size()) return false;
        std::copy_n(image.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
        return true;
      },
      [&](const parity::CarvedPacket& packet) {
        if (whole != nullptr) whole->emplace_back(packet.bytes.begin(), packet.bytes.end());
        found.push_back(packet);
      });
  std::uint64_t from = 0;
  for (std::uint64_t base = 0; base < image.size(); base += step) {
    const std::uint64_t to = std::min<std::uint64_t>(image.size(), base + step);
    const std::uint64_t end = std::min<std::uint64_t>(image.size(), to + ahead);
    from = carver.carve(core::ByteSpan(image).subspan(base, end - base), base, from, to);
  }
  return found;
}

}  // namespace

TEST_CASE("packet carver: packets are found at any offset, also across windows and longer than one") {
  core::Bytes image = seeded_bytes(300'000, 1);
  const core::Bytes text = creator("somebody"), slice = recovery(7, seeded_bytes(50'000, 2));
  put(image, 3, text);
  put(image, 16'380, text);  // the header crosses a window
  put(image, 16'380 + text.size(), slice);
  put(image, 240'001, slice);
  std::vector<core::Bytes> whole;
  const auto found = carve(image, 16'384, 64, &whole);
  REQUIRE(found.size() == 4);
  CHECK(found[0].offset == 3);
  CHECK(found[1].offset == 16'380);
  CHECK(whole[1] == text);
  CHECK(found[2].offset == 16'380 + text.size());
  CHECK(std::get<par2::RecoverySlice>(found[2].body).exponent == 7);
  CHECK(std::get<par2::RecoverySlice>(found[2].body).data_bytes == 50'000);
  CHECK(whole[2].empty());
  CHECK(found[3].offset == 240'001);
  CHECK(carve(image, 300'000, 0).size() == 4);
}

TEST_CASE("packet carver: packets that are damaged or cut off at the end are none") {
  core::Bytes image = seeded_bytes(100'000, 3);
  const core::Bytes slice = recovery(1, seeded_bytes(20'000, 4)), text = creator("x");
  put(image, 10'000, slice);
  image[15'000] ^= std::byte{1};
  put(image, 20'000, text);  // within the damaged one
  put(image, 90'000, slice);
  const auto found = carve(image, 8192, 4096);
  REQUIRE(found.size() == 1);
  CHECK(found[0].offset == 20'000);
  CHECK(carve({}, 8192, 64).empty());
  CHECK(carve(core::Bytes(100'000), 8192, 64).empty());
  image.resize(90'000 + 40);  // within a header
  CHECK(carve(image, 8192, 64).size() == 1);
}

TEST_CASE("packet carver: hostile lengths and types are passed over in time") {
  // A header every 64 bytes that claims all that is allowed.
  core::Bytes image(32 << 20);
  core::Bytes head = recovery(1, core::Bytes(100));
  head.resize(64);
  const std::uint64_t length = GENERATE(std::uint64_t{24} << 20, std::uint64_t{1} << 39, ~std::uint64_t{3},
                                        std::uint64_t{64}, std::uint64_t{68});
  core::store_le<std::uint64_t>(head.data() + 8, length);
  for (std::size_t at = 0; at + 64 <= image.size(); at += 64) put(image, at, head);
  const core::Bytes text = creator("the only sound one");
  put(image, image.size() - 4096, text);
  const auto began = std::chrono::steady_clock::now();
  const auto found = carve(image, 8 << 20, 1 << 20);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
  CHECK(found.size() == 1);
}

}  // namespace darkshelf::testing
