// Disks as /sys tells of them.

#include "io/block_devices.hpp"

#include <catch2/catch.hpp>

#include "io/device_texts.hpp"
#include "io/mounts.hpp"
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

TEST_CASE("block devices: a disk is the same to the list of disks and to what is mounted of it") {
  using namespace std::string_literals;
  MadeTree made;
  struct Case {
    std::string name, device, model, serial;
    std::string model_told, serial_told;
  };
  const Case one = GENERATE(Case{"sdb", "sdb", " WDC WD40 ", "WD-1", "WDC WD40", "WD-1"},
                            Case{"cciss!c0d0", "cciss/c0d0", "LOGICAL", "P1", "LOGICAL", "P1"},
                            Case{"sdc", "sdc", "\0Stick \0\0"s, "0815\0\0\0"s, "Stick", "0815"});
  const io::Path disk = made.device(one.name, "8:16", 1000);
  made.text(disk / "device" / "model", one.model);
  made.text(disk / "device" / "serial", one.serial);
  made.text(disk / "queue" / "rotational", "1");
  made.text(disk / "removable", "1");
  const io::Path part = disk / (one.name + "p1");
  made.text(part / "partition", "1");
  made.text(part / "dev", "8:17");
  made.text(made.tree.udev / "b8:17", "E:ID_FS_UUID=0123-4567");
  io::posix().make_dirs(made.tree.sys / "dev" / "block");
  io::posix().make_symlink(part.string(), made.tree.sys / "dev" / "block" / "8:17");
  made.text(made.tree.mounts, "1 0 8:17 / " + made.mounted().string() + " rw - ext4 /dev/none/part1 rw");

  const auto devices = io::block_devices(io::posix(), made.tree);
  REQUIRE(devices.size() == 1);
  const io::BlockDevice& listed = devices.front();
  CHECK(listed.path == made.tree.dev / one.device);
  CHECK(listed.model == one.model_told);
  CHECK(listed.serial == one.serial_told);
  CHECK(listed.rotational);
  CHECK(listed.removable);
  REQUIRE(listed.mounted.size() == 1);

  const io::Medium medium = io::medium_of(io::posix(), made.temp.path(), made.tree);
  CHECK(medium.mount_point == made.mounted());
  CHECK(medium.fs_id == "0123-4567");
  CHECK(medium.disk == one.serial_told);
  CHECK(medium.disk_device == listed.path);
  CHECK(medium.model == listed.model);
  CHECK(medium.serial == listed.serial);
  CHECK(medium.rotational == listed.rotational);
  CHECK(medium.removable == listed.removable);
}

TEST_CASE("block devices: a loop device does not rotate, and is told by its image") {
  MadeTree made;
  const io::Path loop = made.device("loop0", "7:0", 1000);
  made.text(loop / "queue" / "rotational", "1");
  made.text(loop / "loop" / "backing_file", "/home/a.img");
  io::posix().make_dirs(made.tree.sys / "dev" / "block");
  io::posix().make_symlink(loop.string(), made.tree.sys / "dev" / "block" / "7:0");
  made.text(made.tree.mounts, "1 0 7:0 / " + made.mounted().string() + " rw - ext4 /dev/none/loop0 rw");
  const auto devices = io::block_devices(io::posix(), made.tree);
  REQUIRE(devices.size() == 1);
  CHECK_FALSE(devices.front().rotational);
  CHECK(devices.front().model == "/home/a.img");
  const io::Medium medium = io::medium_of(io::posix(), made.temp.path(), made.tree);
  CHECK_FALSE(medium.rotational);
  CHECK(medium.disk == "loop:/home/a.img");
  CHECK(medium.disk_device.empty());
}

TEST_CASE("block devices: what lies on a disk whose name has a slash is found through the image on it") {
  MadeTree made;
  made.device("cciss!c0d0", "104:0", 1000);
  const io::Path loop = made.device("loop0", "7:0", 900);
  made.text(loop / "loop" / "backing_file", (made.tree.dev / "cciss" / "c0d0").string());
  made.text(made.tree.mounts, "1 0 7:0 / /media/a rw - ext4 /dev/none/loop0 rw");
  const auto devices = io::block_devices(io::posix(), made.tree);
  REQUIRE(devices.size() == 2);
  CHECK(devices.front().mounted.size() == 1);
}

TEST_CASE("block devices: texts of the kernel are told without what surrounds them") {
  using namespace std::string_literals;
  MadeTree made;
  made.text(made.temp / "text", " \tA disk\0 \0"s);
  made.text(made.temp / "nothing", "\0\0 "s);
  CHECK(io::device_text(io::posix(), made.temp / "text") == "A disk");
  CHECK(io::device_text(io::posix(), made.temp / "nothing").empty());
  CHECK(io::device_text(io::posix(), made.temp / "missing").empty());
  CHECK_THROWS_AS(io::kernel_text(io::posix(), made.temp / "missing"), core::Error);
  CHECK(io::device_number("/dev/null").empty());
}

}  // namespace darkshelf::testing
