// One call on a drive fails, whichever it is: an error of the medium, a full disk, a refusal, a read that ends early, a
// write that ends in its middle. Nothing that was sealed before suffers, the catalog is sound, and the same command
// finishes when all is well again. DARKSHELF_CALLS says how many calls of each ritual are tried, evenly spread (6; 0
// tries them all).

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <map>
#include <utility>

#include "core/error.hpp"
#include "rituals/copy.hpp"
#include "rituals/repair.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "rituals/upkeep.hpp"
#include "support/campaign.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

constexpr int kCutShort = 0;  // a read or write is; another call fails with EIO

/// The nth call below `root` fails, once.
struct OneFailure : Watcher {
  io::Path root;
  int error = 0;
  std::atomic<unsigned> nth = 0, seen = 0;  // 0: none

  void before(const Call& call) override {
    if (nth == 0 || !call.path.string().starts_with(root.string())) return;
    if (++seen != nth) return;
    UNSCOPED_INFO("failed: " << call.call << " " << call.path.string());
    if (error == kCutShort && call.bytes > 1 && (call.call == "read_at" || call.call == "write_at")) {
      cut_ = true;
    } else {
      throw core::Error::from_os(error == kCutShort ? EIO : error, call.call, call.path, call.offset);
    }
  }
  std::uint64_t reach(const Call& call) override { return std::exchange(cut_, false) ? call.bytes / 2 : call.bytes; }

 private:
  static thread_local bool cut_;  // the call that this thread is about to make
};
thread_local bool OneFailure::cut_ = false;

enum class End { kDone, kNotDone };

End run(Shelf& shelf, const std::string& ritual) {
  try {
    rituals::Context context = shelf.context();
    if (ritual == "seal") {
      const auto report = shelf.seal(shelf.path("shoots") / "2026-07-01_harbour", {"A", "B"});
      return report.failures.empty() && report.left_out.empty() ? End::kDone : End::kNotDone;
    }
    if (ritual == "copy") {
      rituals::CopyRequest copy;
      copy.what = {"2026-06-14_wedding"};
      copy.to = "B";
      const auto report = rituals::copy(context, copy);
      return report.failed.empty() && report.absent.empty() && report.not_refreshed.empty() ? End::kDone
                                                                                            : End::kNotDone;
    }
    if (ritual == "scrub") {
      rituals::ScrubRequest request;
      request.drive = "A";
      const auto report = rituals::scrub(context, request);
      return report.damage() || !report.not_refreshed.empty() ? End::kNotDone : End::kDone;
    }
    if (ritual == "repair") {
      rituals::RepairRequest request;
      request.drive = "A";
      const auto report = rituals::repair(context, request);
      return report.complete() && report.not_refreshed.empty() ? End::kDone : End::kNotDone;
    }
    if (ritual == "restore") {
      const auto report = rituals::restore(context, {{"2026-06-14_wedding"}, shelf.path("back"), "", {}});
      return report.lost.empty() && report.absent.empty() ? End::kDone : End::kNotDone;
    }
    if (shelf.catalog().copies().size() < 2) return End::kDone;  // it was done, and only telling of it failed
    const auto report = rituals::discard(context, {"2026-06-14_wedding", "A", "a test", ""});
    return report.not_refreshed.empty() ? End::kDone : End::kNotDone;
  } catch (const core::Error& error) {
    UNSCOPED_INFO(error.what());
    return End::kNotDone;
  }
}

/// Content of every file of the volumes in their places on both drives, by the path within the drive.
std::map<std::string, core::Bytes> sealed_bytes(const Shelf& shelf, const std::string& drive) {
  std::map<std::string, core::Bytes> found;
  const io::Path root = shelf.path(drive);
  for (const io::Path& folder : volume::volume_folders(io::posix(), root)) {
    for (const auto& [path, stat] : files_below(folder))
      found[path.string().substr(root.string().size())] = io::read_file(io::posix(), path, 1 << 28);
  }
  return found;
}

struct Before {
  std::unique_ptr<Shelf> shelf;
  std::map<std::string, core::Bytes> sealed;  // on A, before anything happened to it
};

Before shelf_for(const std::string& ritual, OneFailure& failure) {
  failure.nth = 0;
  auto shelf = std::make_unique<Shelf>(std::vector<std::string>{"A", "B"}, &failure);
  shelf->add_shoot("2026-07-01_harbour", 1, 30'000);
  const io::Path wedding = shelf->add_shoot("2026-06-14_wedding", 2, 30'000);
  shelf->seal(wedding, ritual == "discard" ? std::vector<std::string>{"A", "B"} : std::vector<std::string>{"A"});
  Before before{std::move(shelf), {}};
  before.sealed = sealed_bytes(*before.shelf, "A");
  failure.root = before.shelf->path("A");
  failure.seen = 0;
  if (ritual == "repair") {
    const io::Path folder = volume::volume_folders(io::posix(), before.shelf->path("A")).front();
    rot(folder / "data" / io::posix().list(folder / "data").front().name, 20'000, 64);
    rot(folder / "photos.sha256", 10, 4);
  }
  return before;
}

void require_all_sound(Shelf& shelf, const std::vector<std::string>& drives) {
  for (const std::string& drive : drives) {
    rituals::Context context = shelf.context();
    rituals::ScrubRequest request;
    request.drive = drive;
    CAPTURE(drive);
    REQUIRE_FALSE(rituals::scrub(context, request).damage());
  }
}

}  // namespace

TEST_CASE("every call: one that fails costs nothing that was sealed, and the same command finishes afterwards") {
  const std::string ritual = GENERATE(as<std::string>{}, "seal", "copy", "scrub", "repair", "restore", "discard");
  OneFailure failure;
  unsigned calls = 0;
  {
    const Before undisturbed = shelf_for(ritual, failure);
    failure.nth = ~0u;
    REQUIRE(run(*undisturbed.shelf, ritual) == End::kDone);
    calls = failure.seen;
  }
  REQUIRE(calls > 10);
  const auto points = static_cast<unsigned>(campaign_size("DARKSHELF_CALLS", 6));
  const unsigned stride = points == 0 ? 1 : std::max(1u, calls / points);
  constexpr int kErrors[] = {EIO, kCutShort, ENOSPC, EACCES};
  unsigned tried = 0, survived = 0;
  for (unsigned nth = 1 + stride / 2; nth <= calls; nth += stride, ++tried) {
    const auto [shelf, sealed] = shelf_for(ritual, failure);
    failure.error = kErrors[tried % std::size(kErrors)];
    CAPTURE(ritual, nth, calls, failure.error);
    failure.nth = nth;
    const End end = run(*shelf, ritual);
    failure.nth = 0;
    survived += end == End::kDone ? 1 : 0;
    if (ritual != "repair" && ritual != "discard") {
      const auto now = sealed_bytes(*shelf, "A");
      for (const auto& [path, bytes] : sealed) {
        CAPTURE(path);
        REQUIRE(now.contains(path));
        REQUIRE((now.at(path) == bytes));
      }
    }
    shelf->reopen();
    REQUIRE(run(*shelf, ritual) == End::kDone);
    if (ritual == "repair") REQUIRE(sealed_bytes(*shelf, "A") == sealed);
    if (ritual == "restore") shelf->require_restored("2026-06-14_wedding");
    require_all_sound(*shelf, {"A", "B"});
  }
  WARN(fmt::format("{}: {} of {} calls failed once; {} times the command got through all the same", ritual, tried,
                   calls, survived));
}

}  // namespace darkshelf::testing
