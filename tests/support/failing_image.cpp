#include "support/failing_image.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "support/loop_drive.hpp"
#include "support/process.hpp"

namespace darkshelf::testing {

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  for (int tries = 0; !condition(); ++tries) {
    if (tries == 100) throw std::runtime_error(what + " takes too long");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

std::optional<std::string> FailingImage::unavailable() {
  if (std::string(DARKSHELF_FAILING_IMAGE).empty()) return "it was built without libfuse3-dev";
  if (!io::posix().stat("/dev/fuse")) return "there is no /dev/fuse here";
  return LoopDrive::unavailable();  // who may mount that may mount this
}

FailingImage::FailingImage(const io::Path& folder, const std::string& name, const io::Path& image)
    : image_(image), served_(folder / (name + ".served")), trouble_(folder / (name + ".trouble")) {
  io::posix().make_dir(served_);
  tell();
}

void FailingImage::serve() {
  program_ = ::fork();
  if (program_ < 0) throw std::runtime_error("no process can be started");
  if (program_ == 0) {
    ::setpgid(0, 0);
    ::execl(DARKSHELF_FAILING_IMAGE, DARKSHELF_FAILING_IMAGE, image_.c_str(), served_.c_str(), trouble_.c_str(),
            nullptr);
    ::_exit(127);
  }
  wait_until("failing_image", [&] { return io::posix().stat(file()).has_value(); });
}

void FailingImage::stop() {
  if (program_ <= 0) return;
  ::kill(program_, SIGKILL);
  while (::waitpid(program_, nullptr, 0) < 0 && errno == EINTR) {
  }
  program_ = -1;
  run_process({"umount", "-l", served_.string()});
}

void FailingImage::trouble(const std::string& kind, std::uint64_t offset, std::uint64_t bytes, unsigned milliseconds) {
  text_ += fmt::format("{} {} {} {}\n", kind, offset, bytes, milliseconds);
  tell();
}

void FailingImage::pulled_when_it_dies(const io::Path& mount_point) {
  text_ = "pull " + mount_point.string() + "\n" + text_;
  tell();
}

void FailingImage::sound() {
  text_.clear();
  tell();
}

void FailingImage::tell() const { std::ofstream(trouble_.string()) << text_; }

}  // namespace darkshelf::testing
