// Disks as /sys tells of them.

#include "io/block_devices.hpp"

#include <catch2/catch.hpp>

#include "support/made_tree.hpp"

namespace darkshelf::testing {

TEST_CASE("block devices: whole disks are told with model, serial, size and what is mounted of them") {
  MadeTree made;
  const io::Path disk = made.device("sdb", "8:16", 1000);
  made.text(disk / "device" / "model", "WDC WD40");
  made.text(disk / "device" / "serial", "WD-1");
  made.text(disk / "queue" / "rotational", "1");
  made.text(disk / "sdb1" / "partition", "1");
  made.text(disk / "sdb1" / "dev", "8:17");
  const io::Path crypt = made.device("dm-0", "253:0", 900);  // stands on another disk's partition
  io::posix().make_dirs(crypt / "slaves" / "sdc1");
  const io::Path other = made.device("sdc", "8:32", 2000);
  made.text(other / "sdc1" / "partition", "1");
  made.text(other / "sdc1" / "dev", "8:33");
  io::posix().make_dirs(other / "sdc1" / "holders" / "dm-0");
  made.device("sr0", "11:0", 0);  // no disc in it
  made.device("ram0", "1:0", 100);
  made.device("sdd", "8:48", 4000);
  made.text(made.tree.udev / "b8:48", "E:ID_MODEL=Stick\nE:ID_SERIAL_SHORT=0815");
  made.text(made.tree.mounts,
            "1 0 8:17 / /media/a ro - ext4 /dev/none/sdb1 ro\n2 0 253:0 / /media/with\\040blank rw - ext4 "
            "/dev/mapper/x rw");
  const auto devices = io::block_devices(io::posix(), made.tree);
  REQUIRE(devices.size() == 3);
  CHECK(devices[0].path == made.tree.dev / "sdb");
  CHECK(devices[0].model == "WDC WD40");
  CHECK(devices[0].serial == "WD-1");
  CHECK(devices[0].bytes == 512'000);
  CHECK(devices[0].rotational);
  REQUIRE(devices[0].mounted.size() == 1);
  CHECK(devices[0].mounted[0].mount_point == "/media/a");
  CHECK(devices[0].mounted[0].read_only);
  REQUIRE(devices[1].mounted.size() == 1);
  CHECK(devices[1].mounted[0].mount_point == "/media/with blank");
  CHECK_FALSE(devices[1].mounted[0].read_only);
  CHECK(devices[2].model == "Stick");
  CHECK(devices[2].serial == "0815");
  CHECK(devices[2].mounted.empty());
}

TEST_CASE("block devices: a system that tells nothing has no disks") {
  TempDir temp;
  const io::DeviceTree nowhere{temp / "sys", temp / "dev", temp / "mounts", temp / "udev"};
  CHECK(io::block_devices(io::posix(), nowhere).empty());
  CHECK_FALSE(io::disk_of(io::posix(), "/dev/null", nowhere));
  io::posix().create(temp / "image");
  CHECK(io::mounted_of(io::posix(), temp / "image", nowhere).empty());
}

}  // namespace darkshelf::testing
