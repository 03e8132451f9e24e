#pragma once
// A drive with sealed volumes whose files are put into images, for tests of rescue.

#include <catch2/catch.hpp>
#include <stdexcept>

#include "rituals/rescue.hpp"
#include "support/faults.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {

using rituals::RescuedVolume;
using rituals::RescueReport;
using rituals::RescueState;
using rituals::SealCompared;

inline constexpr std::uint64_t kMiB = 1 << 20;

/// A drive with sealed volumes, and somewhere to rescue them to.
struct Sealed {
  Faults faults;
  Shelf shelf{{"A"}, &faults};
  std::vector<io::Path> volumes;  // folders
  io::Path to = shelf.path("rescued");
  core::Work work;

  void add(const std::string& name, unsigned files = 6, std::size_t bytes = 300'000) {
    seal(shelf.request(shelf.add_shoot(name, files, bytes), {"A"}));
  }
  /// Shoots of different content: what is equal helps each other.
  void add_two_different(std::size_t bytes) {
    for (const std::uint64_t seed : {100, 200}) {
      const io::Path shoot = shelf.path("shoots") / (seed == 100 ? "2026-06-14 wedding" : "2026-07-01 harbour");
      for (const char* photo : {"a.CR3", "b.CR3", "c.CR3"}) make_file(shoot / photo, bytes, seed + photo[0]);
      seal(shelf.request(shoot, {"A"}));
    }
  }
  void seal(const rituals::SealRequest& request) {
    rituals::Context context = shelf.context();
    rituals::seal(context, rituals::plan_seal(context, request));
    volumes.clear();
    for (const catalog::Volume& volume : shelf.catalog().volumes())
      volumes.push_back(shelf.path("A") / "darkshelf" / volume.folder);
  }
  RescueReport rescue(const io::Path& image, bool write = true, std::vector<digest::Sha256> seals = {},
                      bool with_catalog = true) {
    rituals::RescueContext context{shelf.fs(), shelf.world(), work, with_catalog ? &shelf.catalog() : nullptr};
    rituals::RescueRequest request{image, {}, std::move(seals)};
    if (write) request.to = to;
    return rituals::rescue(context, request);
  }
  io::Path rescued(const io::Path& volume) const {
    return to / "darkshelf" / volume.parent_path().filename() / volume.filename();
  }
  void require_same(const io::Path& volume) const {
    INFO(volume);
    REQUIRE(io::posix().stat(rescued(volume)));
    CHECK(contents_below(rescued(volume)) == contents_below(volume));
    for (const auto& [path, stat] : files_below(volume))
      CHECK(io::posix().stat(rescued(volume) / path.lexically_relative(volume))->mtime_ns == stat.mtime_ns);
  }
};

/// Where the payload of a volume begins in an image that it lies in, in one piece.
inline std::uint64_t payload_in(RawImage& image, const io::Path& volume) {
  for (const auto& [path, stat] : files_below(volume / "data")) {
    const std::string content = io::read_text(io::posix(), path, 1 << 30);
    const std::size_t at = core::as_text(image.bytes()).find(content);
    if (at != std::string_view::npos) return at;
  }
  throw std::runtime_error("the payload is not in the image");
}

inline std::size_t count(const RescueReport& report, RescueState state) {
  return static_cast<std::size_t>(std::count_if(report.volumes.begin(), report.volumes.end(),
                                                [&](const RescuedVolume& volume) { return volume.state == state; }));
}

}  // namespace darkshelf::testing
