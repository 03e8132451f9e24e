#include "io/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"
#include "io/posix_file.hpp"

extern char** environ;

namespace darkshelf::io {

using core::Error;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLook{100};     // how often it is asked whether to stop
constexpr std::chrono::milliseconds kDying{1'000};  // a killed program is gone by then, or waits for a dead disk

/// What posix_spawn wants to be told; freed with it.
class Setup {
 public:
  Setup() {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~Setup() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  pid_t start(const Path& program, const std::vector<std::string>& arguments, int out) {
    ::posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&files_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    // A group of its own: Ctrl-C is for darkshelf, and whatever it starts can be killed with it.
    sigset_t usual;
    ::sigemptyset(&usual);
    ::posix_spawnattr_setsigmask(&attributes_, &usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> words = {program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    std::vector<std::string> variables = {"LC_ALL=C"};
    for (char** one = environ; one != nullptr && *one != nullptr; ++one) {
      const std::string_view variable(*one);  // a passphrase is no business of other programs
      if (!variable.starts_with("LC_ALL=") && !variable.starts_with("DARKSHELF_")) variables.emplace_back(variable);
    }
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, program.c_str(), &files_, &attributes_, raw.data(), environment.data());
    if (failed != 0) throw Error::from_os(failed, "run", program);
    return child;
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

/// Takes what it prints until it closes its output or a limit is reached.
ProcessEnd listen(int out, const ProcessLimits& limits, Clock::time_point end, std::string& text) {
  std::array<char, 65536> buffer{};
  for (;;) {
    if (limits.stop && limits.stop()) return ProcessEnd::kStopped;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return ProcessEnd::kTooLong;
    pollfd polled{out, POLLIN, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min(left, kLook).count()));
    if (ready <= 0) continue;
    const ssize_t got = ::read(out, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return ProcessEnd::kExited;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > limits.bytes) {
      text.resize(limits.bytes);
      return ProcessEnd::kTooMuch;
    }
  }
}

/// Nothing while it still runs at `end`.
std::optional<int> status_by(pid_t child, Clock::time_point end) {
  for (int status = 0;;) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) return status;
    if (done < 0 && errno != EINTR) return -1;
    if (Clock::now() >= end) return {};
    ::poll(nullptr, 0, 5);
  }
}

}  // namespace

std::optional<Path> find_program(const std::string& name) {
  const char* told = std::getenv("PATH");
  const std::string folders = std::string(told == nullptr ? "" : told) + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    begin = end + 1;
    if (!folder.starts_with('/')) continue;  // wherever the person happens to stand is no place for a program
    const Path program = Path(folder) / name;
    try {
      const auto stat = posix().stat_following(program);
      if (stat && stat->type == FileType::kRegular && ::access(program.c_str(), X_OK) == 0) return program;
    } catch (const Error&) {  // a folder this user may not enter
    }
  }
  return {};
}

ProcessRun run_program(const Path& program, const std::vector<std::string>& arguments, const ProcessLimits& limits) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error::from_os(errno, "run", program);
  const Descriptor out(ends[0]);
  pid_t child = -1;
  {
    const Descriptor in(ends[1]);
    child = Setup().start(program, arguments, in.number());
  }
  ProcessRun run;
  const auto end = Clock::now() + limits.time;
  run.end = listen(out.number(), limits, end, run.out);
  // One that has closed its output may still work.
  auto status = run.end == ProcessEnd::kExited ? status_by(child, end) : std::nullopt;
  if (!status) {
    if (run.end == ProcessEnd::kExited) run.end = ProcessEnd::kTooLong;
    ::kill(-child, SIGKILL);
    status_by(child, Clock::now() + kDying);
    return run;
  }
  if (WIFEXITED(*status)) {
    run.exit_code = WEXITSTATUS(*status);
  } else {
    run.end = ProcessEnd::kKilled;
  }
  return run;
}

}  // namespace darkshelf::io
