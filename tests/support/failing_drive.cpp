#include "support/failing_drive.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
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

template <typename Condition>
void wait_until(const std::string& what, Condition condition) {
  for (int tries = 0; !condition(); ++tries) {
    if (tries == 100) throw std::runtime_error(what + " takes too long");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

std::optional<std::string> FailingDrive::unavailable(const std::string& file_system) {
  if (std::string(DARKSHELF_FAILING_IMAGE).empty()) return "it was built without libfuse3-dev";
  if (!io::posix().stat("/dev/fuse")) return "there is no /dev/fuse here";
  return LoopDrive::unavailable(file_system);
}

FailingDrive::FailingDrive(const io::Path& folder, const std::string& name, std::uint64_t bytes,
                           const std::string& file_system)
    : image_(folder / (name + ".img")),
      served_(folder / (name + ".served")),
      trouble_(folder / (name + ".trouble")),
      mount_point_(folder / name),
      file_system_(file_system) {
  { LoopDrive formatted(folder, name, bytes, file_system); }
  io::posix().make_dir(served_);
  sound();
  plug();
}

FailingDrive::~FailingDrive() {
  try {
    clear_away();
  } catch (const std::exception&) {
  }
}

void FailingDrive::start_program() {
  program_ = ::fork();
  if (program_ < 0) throw std::runtime_error("no process can be started");
  if (program_ == 0) {
    ::setpgid(0, 0);
    ::execl(DARKSHELF_FAILING_IMAGE, DARKSHELF_FAILING_IMAGE, image_.c_str(), served_.c_str(), trouble_.c_str(),
            nullptr);
    ::_exit(127);
  }
  wait_until("failing_image", [&] { return io::posix().stat(served_ / "image").has_value(); });
}

void FailingDrive::plug() {
  start_program();
  device_ = must({"losetup", "--find", "--show", "--direct-io=on", (served_ / "image").string()});
  device_.erase(device_.find('\n'));
  must({"mount", device_, mount_point_.string()});
}

void FailingDrive::unplug() {
  wait_until("unmounting", [&] { return run_process({"umount", mount_point_.string()}).exit_code == 0; });
  must({"losetup", "-d", device_});
  clear_away();
}

void FailingDrive::clear_away() {
  if (program_ > 0) {
    ::kill(program_, SIGKILL);
    while (::waitpid(program_, nullptr, 0) < 0 && errno == EINTR) {
    }
    program_ = -1;
  }
  for (const io::Path& mounted : {mount_point_, served_}) run_process({"umount", "-l", mounted.string()});
  if (!device_.empty()) {
    run_process({"losetup", "-d", device_});
    const io::Path backing = io::Path("/sys/block") / io::Path(device_).filename() / "loop" / "backing_file";
    wait_until("the loop device", [&] {  // others may have it at once
      std::ifstream file(backing.string());
      std::string name;
      return !std::getline(file, name) || !name.starts_with(served_.string());
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

void FailingDrive::trouble(const std::string& kind, std::uint64_t offset, std::uint64_t bytes, unsigned milliseconds) {
  text_ += fmt::format("{} {} {} {}\n", kind, offset, bytes, milliseconds);
  std::ofstream(trouble_.string()) << text_;
}

void FailingDrive::pulled_when_it_dies() {
  text_ = "pull " + mount_point_.string() + "\n" + text_;
  std::ofstream(trouble_.string()) << text_;
}

void FailingDrive::sound() {
  text_.clear();
  std::ofstream(trouble_.string()) << text_;
}

void FailingDrive::flip(std::uint64_t offset, std::size_t count) { rot(image_, offset, count); }

}  // namespace darkshelf::testing
