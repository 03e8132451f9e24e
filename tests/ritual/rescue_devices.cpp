// Which known drive a disk was, by its serial or its size: told before anything is written to one that was formatted.

#include <catch2/catch.hpp>

#include "rituals/rescue.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/made_tree.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

using Labels = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void know(Shelf& shelf, const std::string& label, const std::string& serial, std::uint64_t bytes) {
  catalog::NewDrive drive;
  drive.id = shelf.world().new_id();
  drive.label = label;
  drive.kind = "hdd";
  drive.evidence.serial = serial;
  drive.evidence.fs_id = "fs of " + label;
  drive.evidence.bytes = bytes;
  shelf.catalog().record_drive(drive);
}

/// A drive on a loop device with a serial, as udev would have it: in a mount namespace where /run is another.
class WithSerial {
 public:
  static std::optional<std::string> unavailable() {
    if (const auto why = LoopDrive::unavailable()) return why;
    if (run_process({"unshare", "--mount", "mount", "-t", "tmpfs", "none", "/run"}).exit_code != 0)
      return "no mount namespace can be made here";
    return {};
  }
  WithSerial(ProgramShelf& shelf, LoopDrive& drive) : shelf_(shelf), drive_(drive) {}

  Outcome run(const std::vector<std::string>& arguments) {
    const char* script = R"sh(
      mount -t tmpfs none /run && mkdir -p /run/udev/data || exit 99
      printf 'E:ID_SERIAL_SHORT=TEST-4711\nE:ID_MODEL=Test_disk\n' > "/run/udev/data/b$(cat "/sys/block/${1#/dev/}/dev")"
      shift
      exec "$@")sh";
    std::vector<std::string> command = {"unshare",
                                        "--mount",
                                        "sh",
                                        "-c",
                                        script,
                                        "sh",
                                        drive_.device(),
                                        DARKSHELF_EXECUTABLE,
                                        "--catalog",
                                        shelf_.path("catalog.db").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProcessResult result = run_process(command);
    return {result.exit_code, result.signal, result.out, result.err};
  }

 private:
  ProgramShelf& shelf_;
  LoopDrive& drive_;
};

}  // namespace

TEST_CASE("rescue devices: a disk was the drives with its serial, else it may be one that is as large") {
  Shelf shelf({});
  know(shelf, "2026-A", "S1", 4'000'000);
  know(shelf, "2026-B", "S1", 900'000);  // another partition of it
  know(shelf, "2026-C", "", 4'000'000);
  know(shelf, "2026-D", "S4", 0);
  know(shelf, "2026-E", "", 0);  // nothing is known of it
  MadeTree made;
  const auto disk = [&](const std::string& name, const std::string& serial, std::uint64_t bytes) {
    const io::Path folder = made.device(name, "8:" + std::to_string(name.back()), bytes / 512);
    if (!serial.empty()) made.text(folder / "device" / "serial", serial);
  };
  disk("sda", "S1", 4'096'000);
  disk("sdb", "S4", 8'192'000);
  disk("sdc", "", 4'096'000);    // a case that tells no serial
  disk("sdd", "S9", 4'096'000);  // surely not A, whose serial is another; C may have been in a case
  disk("sde", "", 4'608'000);    // a file system takes more of a disk
  disk("sdf", "", 3'999'744);    // and does not lie on a smaller one
  made.text(made.tree.mounts, "1 0 99:1 / / rw - ext4 /dev/none rw");
  rituals::RescueContext context{shelf.fs(), shelf.world(), {}, &shelf.catalog()};
  const auto devices = rituals::rescue_devices(context, made.tree);
  REQUIRE(devices.size() == 6);
  const auto is = [&](std::size_t nth, const Labels& was, const Labels& like) {
    CAPTURE(devices[nth].device.path);
    CHECK(devices[nth].was == was);
    CHECK(devices[nth].like == like);
  };
  is(0, {"2026-A", "2026-B"}, {"2026-C"});
  is(1, {"2026-D"}, {});
  is(2, {}, {"2026-A", "2026-C"});
  is(3, {}, {"2026-C"});
  is(4, {}, {});
  is(5, {}, {});
  context.catalog = nullptr;
  for (const rituals::RescueDevice& one : rituals::rescue_devices(context, made.tree)) {
    CHECK(one.was.empty());
    CHECK(one.like.empty());
  }
}

TEST_CASE(
    "rescue devices: a drive that was formatted is known by its serial: not added but rescued, or new on purpose") {
  if (const auto why = WithSerial::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.path("."), "F", 96 << 20);
  WithSerial with(shelf, drive);
  const std::string root = drive.mount_point().string();
  const auto told = [&](const std::vector<std::string>& command, int exit_code) {
    const Outcome outcome = with.run(command);
    CAPTURE(command, outcome.out, outcome.err);
    CHECK(outcome.exit_code == exit_code);
    return outcome.out + outcome.err;
  };
  told({"drive", "add", root, "--label", "F"}, 0);
  told(shelf.seal_command({"F"}), 0);
  REQUIRE(shelf.volumes("F").size() == ProgramShelf::kVolumes);
  const std::vector<io::Path> sealed = shelf.volumes("F");
  drive.unplug();
  REQUIRE(run_process({"mkfs.ext4", "-q", "-F", "-E", "nodiscard", drive.image().string()}).exit_code == 0);
  drive.plug();

  const std::vector<std::string> add = {"drive", "add", root, "--label", "G"};
  const std::string refused = told(add, 7);
  INFO(refused);
  CHECK(has(refused, "this was F (Test_disk TEST-4711)"));
  CHECK(has(refused, "its 3 volumes may still be rescued"));
  CHECK(has(refused, "darkshelf rescue " + drive.device()));
  CHECK_FALSE(io::posix().stat(drive.mount_point() / "darkshelf"));

  bool listed = false;
  for (const Json& device : objects(told({"--json", "rescue"}, 0), "rescue_device")) {
    if (device.at("device") != drive.device()) continue;
    listed = true;
    CHECK(device.at("serial") == "TEST-4711");
    CHECK(device.at("was") == Json::array({"F"}));
    CHECK(device.at("as_large_as") == Json::array());
  }
  CHECK(listed);
  REQUIRE(run_process({"umount", root}).exit_code == 0);
  CHECK(has(told({"rescue", drive.device()}, 0), "By its serial this was F."));
  REQUIRE(run_process({"mount", drive.device(), root}).exit_code == 0);

  SECTION("another disk in the same case") {
    std::vector<std::string> is_new = add;
    is_new.push_back("--new");
    told(is_new, 0);
  }
  SECTION("nothing on it was needed") {
    told({"drive", "mark", "F", "destroyed"}, 0);
    told(add, 0);
  }
  CHECK(io::posix().stat(drive.mount_point() / "darkshelf" / "drive.json"));
}

}  // namespace darkshelf::testing
