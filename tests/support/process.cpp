#include "support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace darkshelf::testing {

namespace {

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

[[noreturn]] void become(const std::vector<std::string>& arguments, const ProcessOptions& options, Pipe& in, Pipe& out,
                         Pipe& err) {
  ::dup2(in.ends[0], STDIN_FILENO);
  ::dup2(out.ends[1], STDOUT_FILENO);
  ::dup2(err.ends[1], STDERR_FILENO);
  ::setpgid(0, 0);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  if (options.file_limit != 0) {
    const rlimit limit{options.file_limit, options.file_limit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  // Debian's par2 opens a parallel region for every slice, and its threads spin: beside other tests, or where a
  // container may use fewer processors than it sees, a set of 32,768 slices took minutes instead of a tenth of a
  // second.
  ::setenv("OMP_NUM_THREADS", "1", 0);
  for (const auto& [name, value] : options.environment) {
    if (value.empty()) {
      ::unsetenv(name.c_str());
    } else {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  ::execvp(raw[0], raw.data());
  ::_exit(127);
}

/// Feeds the input and takes both outputs until the program closes them or the time is over.
void talk(Pipe& in, Pipe& out, Pipe& err, const ProcessOptions& options, ProcessResult& result, pid_t child) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + options.timeout;
  std::size_t written = 0;
  if (options.input.empty()) in.close_end(1);
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) {
      ::kill(-child, SIGKILL);
      result.err += "\n(killed: it took longer than its time limit)\n";
      return;
    }
    std::array<pollfd, 3> polled{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}, {in.ends[1], POLLOUT, 0}}};
    if (::poll(polled.data(), polled.size(), static_cast<int>(std::min<long long>(left, 1000))) < 0 && errno != EINTR)
      throw std::runtime_error("poll failed");
    const auto take = [](const pollfd& one, Pipe& pipe, std::string& into) {
      if (one.fd < 0 || (one.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
      std::array<char, 65536> buffer{};
      const ssize_t got = ::read(one.fd, buffer.data(), buffer.size());
      if (got > 0) {
        into.append(buffer.data(), static_cast<std::size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        pipe.close_end(0);
      }
    };
    take(polled[0], out, result.out);
    take(polled[1], err, result.err);
    if (polled[2].fd >= 0 && polled[2].revents != 0) {
      const ssize_t put = ::write(polled[2].fd, options.input.data() + written, options.input.size() - written);
      if (put > 0) written += static_cast<std::size_t>(put);
      if (put < 0 || written == options.input.size()) in.close_end(1);
    }
  }
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  Pipe in, out, err;
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process can be started");
  if (child == 0) become(arguments, options, in, out, err);
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  ProcessResult result;
  talk(in, out, err, options, result, child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (result.exit_code == 127) throw std::runtime_error("there is no program " + arguments.front());
  return result;
}

bool has_program(const std::string& name) {
  return run_process({"sh", "-c", "command -v \"$1\" >/dev/null || exit 1", "sh", name}).exit_code == 0;
}

}  // namespace darkshelf::testing
