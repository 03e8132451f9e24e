// A worker that does what its request says: what decoders do that met their match. Tests of io::Worker and photo::Pool.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "io/worker.hpp"

namespace {

namespace core = darkshelf::core;

/// As much of it as can be had.
std::size_t eat(std::size_t megabytes) {
  std::vector<std::vector<char>> held;
  try {
    for (std::size_t i = 0; i < megabytes; ++i) held.emplace_back(std::size_t{1} << 20, 'x');
  } catch (const std::bad_alloc&) {
  }
  return held.size();
}

/// What a picture would do that has taken over its decoder: what of it is refused.
std::string reach_out() {
  const auto told = [](const char* what, bool done) { return std::string(what) + (done ? " done, " : " refused, "); };
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  std::string out = told("file", ::open("/etc/passwd", O_RDONLY) >= 0);
  out += told("write", ::open("/tmp/darkshelf-rogue", O_WRONLY | O_CREAT, 0600) >= 0);
  ::unlink("/tmp/darkshelf-rogue");
  out += told("network", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
  out += told("signal", ::kill(::getppid(), 0) == 0);
  out += told("memory", ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0) == 0);
  int status = -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(name, arguments);
    ::_exit(77);
  }
  out += told("fork", child > 0);
  out += told("program", child > 0 && ::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 0);
  return out;
}

int recurse(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? frame[0] : recurse(depth + 1) + frame[0];
}

}  // namespace

int main() {
  const auto seat = darkshelf::io::WorkerSeat::take();
  if (!seat) return 2;
  std::size_t served = 0;
  while (const auto request = seat->next()) {
    // The requests of photo::Pool are JSON with the name in them.
    const auto says = [&](const char* word) { return request->head.find(word) != std::string::npos; };
    ++served;
    if (says("abort")) std::raise(SIGABRT);
    if (says("overflow")) return recurse(0);
    if (says("once") && served > 1) std::raise(SIGSEGV);  // what an earlier request left behind
    if (says("leave")) return 0;
    if (says("lock") && !seat->lock_up()) return 3;
    if (says("reach out")) seat->answer(core::as_bytes(reach_out()));
    if (says("hang")) {
      for (volatile bool on = true; on;) {
      }
    }
    if (says("memory")) seat->answer(core::as_bytes("got " + std::to_string(eat(4096))));
    if (says("garbage")) seat->answer(core::as_bytes("m{\"orientation\":\"upside down\"}"));
    if (says("flood")) {
      const std::vector<std::byte> much(100'000, std::byte{'p'});
      std::size_t sent = 0;
      while (seat->answer(much)) ++sent;
      seat->answer(core::as_bytes("sent " + std::to_string(sent)));
    }
    if (says("parts")) {
      seat->answer(core::as_bytes("one"));
      seat->answer(core::as_bytes("two"));
      if (says("die")) std::raise(SIGSEGV);
    }
    if (says("echo")) seat->answer(request->bytes);
    seat->done();
  }
  return 0;
}
