// Promise 2: what is wrong with parity itself, though every packet of it is sound and every hash fits, is not sealed.

#include <catch2/catch.hpp>

#include "digest/digest.hpp"
#include "formats/par2/packets.hpp"
#include "parity/set_reader.hpp"
#include "rituals/seal_parts.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

namespace par2 = formats::par2;

/// Turns a byte of every recovery slice over, `at` its beginning plus so much, and makes its packet sound again.
void sum_wrongly(const std::vector<io::Path>& set, std::uint64_t at, std::uint64_t slice_bytes) {
  constexpr std::uint64_t kMd5At = 16, kHashedFrom = 32;
  const parity::PacketScan scan = parity::scan_packets(io::posix(), set, io::ReadMode::kCached, {});
  for (const parity::RecoveryLocation& where : scan.recovery) {
    const std::uint64_t begin = where.data_offset - par2::kHeaderBytes - 4;
    const auto file = io::posix().open_write(scan.files[where.file]);
    core::Bytes packet(par2::kHeaderBytes + 4 + slice_bytes);
    REQUIRE(file->read_at(begin, packet) == packet.size());
    packet[par2::kHeaderBytes + 4 + at] ^= std::byte{0x01};
    const digest::Md5 md5 = digest::md5(core::ByteSpan(packet).subspan(kHashedFrom));
    std::copy(md5.begin(), md5.end(), packet.begin() + kMd5At);
    file->write_at(begin, packet);
  }
}

/// The lists say of every file what it is now.
std::string sealed_anew(const io::Path& folder, const std::string& tagmanifest) {
  std::vector<formats::volume::ManifestEntry> entries = formats::volume::decode_manifest(tagmanifest);
  for (auto& entry : entries) entry.sha256 = digest::sha256(io::read_file(io::posix(), folder / entry.path, 1 << 26));
  const std::string text = formats::volume::encode_manifest(entries);
  io::write_file_durably(io::posix(), folder / std::string(formats::volume::kTagManifest), core::as_bytes(text));
  return text;
}

}  // namespace

TEST_CASE("proof: parity that was summed wrong is found by the samples, whichever byte of a slice it is") {
  Shelf shelf({"A"});
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 300'000), {"A"});
  rituals::Context context = shelf.context();
  const catalog::Volume volume = shelf.catalog().volumes().at(0);
  const io::Path folder = shelf.path("A") / "darkshelf" / volume.folder;
  rituals::WrittenVolume written = rituals::as_written(volume);
  CHECK_NOTHROW(rituals::prove(context, folder, written));

  const std::uint64_t at = GENERATE(as<std::uint64_t>{}, 0, 1234, 4095);
  CAPTURE(at);
  std::vector<io::Path> set;
  for (const auto& [path, stat] : files_below(folder)) {
    const std::string name = path.filename().string();
    if (name.ends_with(".par2") && name.find(".tags.") == std::string::npos) set.push_back(path);
  }
  REQUIRE(volume.info.slice_bytes == 4096);
  sum_wrongly(set, at, volume.info.slice_bytes);
  written.tagmanifest = sealed_anew(folder, volume.tagmanifest);
  written.seal = digest::sha256(core::as_bytes(written.tagmanifest));
  try {
    rituals::prove(context, folder, written);
    FAIL("it was proven");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kCorrupt);
    CHECK(std::string(error.what()).find("by definition") != std::string::npos);
  }
}

}  // namespace darkshelf::testing
