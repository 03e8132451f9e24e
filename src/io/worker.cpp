#include "io/worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "io/posix_file.hpp"
#include "io/worker_wire.hpp"

extern char** environ;

namespace darkshelf::io {

using core::Error;
namespace wire = worker_wire;

namespace {

constexpr std::uint64_t kKeptRequest = std::uint64_t{64} << 20;  // a larger one's memory goes back when it is answered

/// Above the numbers that the worker's own get, so that none is overwritten while they are put in place.
std::unique_ptr<Descriptor> high(int descriptor, const Path& program) {
  const Descriptor low(descriptor);
  if (descriptor < 0) throw Error::from_os(errno, "run", program);
  const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 16);
  if (moved < 0) throw Error::from_os(errno, "run", program);
  return std::make_unique<Descriptor>(moved);
}

pid_t spawn(const Path& program, int socket, int request, int answer) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, socket, wire::kSocket);
  ::posix_spawn_file_actions_adddup2(&files, request, wire::kRequest);
  ::posix_spawn_file_actions_adddup2(&files, answer, wire::kAnswer);
  ::posix_spawn_file_actions_addclosefrom_np(&files, wire::kAnswer + 1);
  // A group of its own: Ctrl-C is for darkshelf, which ends it.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program.string(), mark = "--worker";
  std::array<char*, 3> arguments = {name.data(), mark.data(), nullptr};
  std::string locale = "LC_ALL=C.UTF-8";
  std::vector<char*> environment = {locale.data()};
  for (char** one = environ; one != nullptr && *one != nullptr; ++one) {  // builds with sanitizers need theirs
    const std::string_view variable(*one);
    const std::size_t name_end = std::min(variable.find('='), variable.size());
    if (variable.substr(0, name_end).ends_with("SAN_OPTIONS")) environment.push_back(*one);
  }
  environment.push_back(nullptr);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw Error::from_os(failed, "run", program);
  return child;
}

class PosixWorker : public Worker {
 public:
  PosixWorker(const Path& program, const WorkerLimits& limits) : program_(program), limits_(limits) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw Error::from_os(errno, "run", program);
    }
    socket_ = std::make_unique<Descriptor>(ends[0]);
    const auto theirs = high(ends[1], program);
    request_ = high(static_cast<int>(::memfd_create("darkshelf-request", MFD_CLOEXEC)), program);
    answer_ = high(static_cast<int>(::memfd_create("darkshelf-answer", MFD_CLOEXEC)), program);
    if (::ftruncate(answer_->number(), static_cast<off_t>(limits.answer)) != 0) {
      throw Error::from_os(errno, "run", program);
    }
    child_ = spawn(program, theirs->number(), request_->number(), answer_->number());
    const wire::Hello hello{limits.memory, limits.answer, static_cast<std::uint64_t>(limits.time.count())};
    send(&hello, sizeof hello);
  }
  ~PosixWorker() override { finish(); }

  bool ask(std::string_view head, std::span<const core::ByteSpan> parts) override {
    if (child_ < 0) return false;
    if (head.size() > wire::kMostHead) throw Error(core::Code::kFailed, "a request with too long a head");
    std::uint64_t bytes = 0;
    for (const core::ByteSpan part : parts) bytes += part.size();
    make_room(bytes);
    std::uint64_t at = 0;
    for (const core::ByteSpan part : parts) put(at, part), at += part.size();
    const wire::Ask ask{bytes};
    std::vector<std::byte> message(sizeof ask + head.size());
    std::memcpy(message.data(), &ask, sizeof ask);
    std::memcpy(message.data() + sizeof ask, head.data(), message.size() - sizeof ask);
    until_ = std::chrono::steady_clock::now() + limits_.time;
    return send(message.data(), message.size());
  }

  Answered next() override {
    for (;;) {
      if (child_ < 0) return {Answered::Kind::kCrashed, {}, 0};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - std::chrono::steady_clock::now());
      pollfd polled{socket_->number(), POLLIN, 0};
      const int ready =
          left.count() <= 0 ? 0 : uninterrupted([&] { return ::poll(&polled, 1, static_cast<int>(left.count())); });
      if (ready == 0) {
        finish();
        return {Answered::Kind::kTooLong, {}, 0};
      }
      wire::Tell tell;
      const ssize_t got = uninterrupted([&] { return ::recv(socket_->number(), &tell, sizeof tell, 0); });
      // A worker that a picture took over may say anything: what it says is checked like the picture itself.
      const bool sane =
          got == sizeof tell && tell.offset <= limits_.answer && tell.bytes <= limits_.answer - tell.offset;
      if (!sane) return {Answered::Kind::kCrashed, {}, finish()};
      if (tell.done != 0) {
        make_room(0);
        return {Answered::Kind::kDone, {}, 0};
      }
      core::Bytes part(tell.bytes);
      if (!get(tell.offset, part)) return {Answered::Kind::kCrashed, {}, finish()};
      return {Answered::Kind::kPart, std::move(part), 0};
    }
  }

 private:
  void make_room(std::uint64_t bytes) {
    if (bytes > room_ || (room_ > kKeptRequest && bytes <= kKeptRequest)) {
      room_ = std::max(bytes, std::min(room_, kKeptRequest));
      if (::ftruncate(request_->number(), static_cast<off_t>(room_)) != 0) throw Error::from_os(errno, "run", program_);
    }
  }
  void put(std::uint64_t at, core::ByteSpan bytes) {
    while (!bytes.empty()) {
      const ssize_t done = uninterrupted(
          [&] { return ::pwrite(request_->number(), bytes.data(), bytes.size(), static_cast<off_t>(at)); });
      if (done <= 0) throw Error::from_os(done < 0 ? errno : ENOSPC, "run", program_);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
      at += static_cast<std::uint64_t>(done);
    }
  }
  /// Copied before it is looked at: nobody changes it then. It is read, not mapped: whoever shares a file may cut it.
  bool get(std::uint64_t at, core::MutableByteSpan into) {
    while (!into.empty()) {
      const ssize_t got =
          uninterrupted([&] { return ::pread(answer_->number(), into.data(), into.size(), static_cast<off_t>(at)); });
      if (got <= 0) return false;
      into = into.subspan(static_cast<std::size_t>(got));
      at += static_cast<std::uint64_t>(got);
    }
    return true;
  }
  bool send(const void* data, std::size_t bytes) {
    return uninterrupted([&] { return ::send(socket_->number(), data, bytes, MSG_NOSIGNAL); }) ==
           static_cast<ssize_t>(bytes);
  }
  /// Ends it and gives the signal by which it had ended already, else 0.
  int finish() {
    if (child_ < 0) return 0;
    int status = 0;
    // One that has just closed its end is about to die of something: that is what should be told.
    for (int i = 0; i < 20; ++i) {
      pollfd polled{socket_->number(), 0, 0};
      const bool gone = ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
      const pid_t done = ::waitpid(child_, &status, WNOHANG);
      if (done == child_ || (done < 0 && errno != EINTR)) {
        child_ = -1;
        return done > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      }
      if (!gone) break;
      ::poll(nullptr, 0, 5);
    }
    ::kill(-child_, SIGKILL);  // its group: it has no file on any drive open: nothing keeps it from dying
    uninterrupted([&] { return ::waitpid(child_, &status, 0); });
    child_ = -1;
    return 0;
  }

  Path program_;
  WorkerLimits limits_;
  std::unique_ptr<Descriptor> socket_, request_, answer_;
  std::uint64_t room_ = 0;
  pid_t child_ = -1;
  std::chrono::steady_clock::time_point until_{};
};

}  // namespace

std::unique_ptr<Worker> Worker::start(const Path& program, const WorkerLimits& limits) {
  return std::make_unique<PosixWorker>(program, limits);
}

std::optional<Path> own_program(const std::string& name) {
  try {
    const Path folder = posix().canonical("/proc/self/exe").parent_path();
    for (const Path& path : {folder / name, folder.parent_path() / "libexec/darkshelf" / name}) {
      const auto stat = posix().stat_following(path);
      if (stat && stat->type == FileType::kRegular && ::access(path.c_str(), X_OK) == 0) return path;
    }
  } catch (const Error&) {  // no /proc
  }
  return {};
}

}  // namespace darkshelf::io
