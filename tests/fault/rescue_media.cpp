// Rescue from media that fail in earnest: the real program, a medium that hangs.

#include <catch2/catch.hpp>
#include <chrono>

#include "support/damage.hpp"
#include "support/failing_image.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// A loop device on a file, as long as it lives.
class Device {
 public:
  explicit Device(const io::Path& file) {
    const ProcessResult made = run_process({"losetup", "--find", "--show", "--direct-io=on", file.string()});
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    name_ = made.out.substr(0, made.out.find('\n'));
  }
  ~Device() { run_process({"losetup", "-d", name_}); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace

TEST_CASE("rescue: a medium that hangs is told and ends it, and the same command goes on when it answers again") {
  if (const auto why = FailingImage::unavailable()) return skip(*why);
  const bool as_device = GENERATE(false, true);
  const std::uint64_t place = GENERATE(0, 9 * kMiB + 4096, 21 * kMiB);
  CAPTURE(as_device, place);
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  RawImage image(24 * kMiB, 5);
  std::uint64_t at = 8 * kMiB;
  for (const io::Path& volume : shelf.volumes("A")) at = image.put_files(at, volume);
  FailingImage medium(shelf.path("."), "medium", image.write());
  medium.serve();
  std::optional<Device> device;
  std::string source = medium.file().string();
  const auto plug = [&] {
    if (!as_device) return;
    device.emplace(medium.file());
    source = device->name();
  };
  plug();
  const auto rescue = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"rescue", source});
    return shelf.run(more, {{"DARKSHELF_ANSWER_WITHIN", "1.5"}});
  };
  const std::vector<std::string> to = {"--to", shelf.path("rescued").string()};
  medium.trouble("hang", place, 4096);
  for (const auto& command : {std::vector<std::string>{}, to}) {
    const auto began = std::chrono::steady_clock::now();
    const Outcome hung = rescue(command);
    INFO(hung.out << hung.err);
    CHECK(hung.exit_code == 7);
    CHECK(hung.err.find(source + " does not answer: a read of ") != std::string::npos);
    CHECK(hung.err.find("type the same command again") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
  }
  CHECK_FALSE(io::posix().stat(shelf.path("rescued") / "darkshelf" / "2026"));
  medium.sound();
  medium.stop();  // what hangs is let go
  device.reset();
  medium.serve();
  plug();
  const Outcome again = rescue(to);
  INFO(again.out << again.err);
  CHECK(again.exit_code == 0);
  for (const io::Path& volume : shelf.volumes("A")) {
    const io::Path rescued = shelf.path("rescued") / volume.lexically_relative(shelf.path("A"));
    CHECK(contents_below(rescued) == contents_below(volume));
  }
}

}  // namespace darkshelf::testing
