#include "support/failing_drive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/process.hpp"

namespace darkshelf::testing {

namespace {

constexpr std::uint64_t kBlock = 4096;

std::string must(const std::vector<std::string>& arguments) {
  const ProcessResult result = run_process(arguments);
  if (result.exit_code != 0) throw std::runtime_error(arguments[0] + " failed: " + result.out + result.err);
  return result.out;
}

}  // namespace

std::optional<std::string> FailingDrive::unavailable(const std::string& file_system) {
  if (const auto why = FailingImage::unavailable()) return why;
  return LoopDrive::unavailable(file_system);
}

FailingDrive::FailingDrive(const io::Path& folder, const std::string& name, std::uint64_t bytes,
                           const std::string& file_system)
    : image_(folder / (name + ".img")),
      mount_point_(folder / name),
      served_(folder, name, image_),
      file_system_(file_system) {
  std::vector<std::string> options;  // blocks of the size that places are told in, however small it is
  if (file_system == "ext4") options = {"-b", std::to_string(kBlock)};
  { LoopDrive formatted(folder, name, bytes, file_system, options); }
  plug();
}

FailingDrive::~FailingDrive() {
  try {
    clear_away();
  } catch (const std::exception&) {
  }
}

void FailingDrive::plug() {
  served_.serve();
  device_ = must({"losetup", "--find", "--show", "--direct-io=on", served_.file().string()});
  device_.erase(device_.find('\n'));
  must({"mount", device_, mount_point_.string()});
}

void FailingDrive::unplug() {
  wait_until("unmounting", [&] { return run_process({"umount", mount_point_.string()}).exit_code == 0; });
  must({"losetup", "-d", device_});
  clear_away();
}

void FailingDrive::clear_away() {
  served_.stop();
  run_process({"umount", "-l", mount_point_.string()});
  if (!device_.empty()) {
    run_process({"losetup", "-d", device_});
    const io::Path backing = io::Path("/sys/block") / io::Path(device_).filename() / "loop" / "backing_file";
    wait_until("the loop device", [&] {  // others may have it at once
      std::ifstream file(backing.string());
      std::string name;
      return !std::getline(file, name) || !name.starts_with(served_.file().string());
    });
    device_.clear();
  }
}

std::uint64_t FailingDrive::place_of(const io::Path& file, std::uint64_t offset) {
  core::Bytes wanted(kBlock);
  if (io::posix().open_read(file)->read_at(offset, wanted) != kBlock)
    throw std::runtime_error("there is no such block");
  unplug();
  const auto image = io::posix().open_read(image_);
  core::Bytes part(std::size_t{4} << 20);
  std::optional<std::uint64_t> found;
  for (std::uint64_t at = 0; !found;) {
    const std::size_t got = image->read_at(at, part);
    if (got == 0) break;
    for (std::size_t i = 0; i + kBlock <= got && !found; i += 512) {
      if (std::equal(wanted.begin(), wanted.end(), part.begin() + static_cast<std::ptrdiff_t>(i))) found = at + i;
    }
    at += got > kBlock ? got - kBlock : got;
  }
  plug();
  if (!found) throw std::runtime_error(file.string() + " is not in the image");
  return *found;
}

std::uint64_t FailingDrive::first_block_of(const io::Path& path) {
  const auto real = [](const io::Path& one) { return io::posix().canonical(one).string(); };
  const std::string inside = real(path).substr(real(mount_point_).size());
  unplug();
  std::string told;
  wait_until("the image", [&] {  // what is written out last may take a moment
    told = must({"debugfs", "-R", fmt::format("stat \"{}\"", inside), image_.string()});
    return !told.empty();
  });
  plug();
  const std::size_t first = told.find("(0");
  const std::size_t number = first == std::string::npos ? first : told.find(':', first);
  if (number == std::string::npos) throw std::runtime_error(path.string() + " has no block: " + told);
  return std::stoull(told.substr(number + 1)) * kBlock;
}

void FailingDrive::flip(std::uint64_t offset, std::size_t count) { rot(image_, offset, count); }

}  // namespace darkshelf::testing
