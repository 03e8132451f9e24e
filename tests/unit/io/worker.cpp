// Workers: processes that may crash, hang and swallow memory for us.

#include "io/worker.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"

namespace darkshelf::testing {
namespace {

using Kind = io::Answered::Kind;

std::unique_ptr<io::Worker> rogue(const io::WorkerLimits& limits = {}) {
  return io::Worker::start(DARKSHELF_ROGUE_WORKER, limits);
}

struct All {
  std::vector<std::string> parts;
  io::Answered end;
};
All ask(io::Worker& worker, const std::string& what, const std::vector<core::ByteSpan>& parts = {}) {
  All all;
  if (!worker.ask(what, parts)) {
    all.end.kind = Kind::kCrashed;
    return all;
  }
  for (;;) {
    all.end = worker.next();
    if (all.end.kind != Kind::kPart) return all;
    all.parts.emplace_back(core::as_text(all.end.bytes));
  }
}

}  // namespace

TEST_CASE("worker: bytes of any length reach it and come back, request after request") {
  io::WorkerLimits limits;
  limits.answer = 80 << 20;
  const auto worker = rogue(limits);
  const core::Bytes small = seeded_bytes(1000, 1), large = seeded_bytes(70 << 20, 2);
  CHECK(ask(*worker, "nothing").parts.empty());
  for (const core::Bytes& bytes : {small, large, small}) {
    const core::ByteSpan whole = bytes;
    const All all = ask(*worker, "echo", {whole.first(10), whole.subspan(10)});
    REQUIRE(all.end.kind == Kind::kDone);
    REQUIRE(all.parts.size() == 1);
    CHECK(all.parts[0] == core::as_text(bytes));
  }
  CHECK(ask(*worker, "parts").parts == std::vector<std::string>{"one", "two"});
}

TEST_CASE("worker: one that dies is told by its signal, with what it had answered before") {
  const auto aborts = rogue();
  const All all = ask(*aborts, "abort");
  CHECK(all.end.kind == Kind::kCrashed);
  CHECK(all.end.signal == SIGABRT);
  CHECK(ask(*aborts, "echo").end.kind == Kind::kCrashed);  // there is nobody any more

  const All some = ask(*rogue(), "parts die");
  CHECK(some.parts == std::vector<std::string>{"one", "two"});
  CHECK(some.end.kind == Kind::kCrashed);
  CHECK(some.end.signal == SIGSEGV);

  const All left = ask(*rogue(), "leave");
  CHECK(left.end.kind == Kind::kCrashed);
  CHECK(left.end.signal == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(ask(*rogue(), "overflow").end.signal == SIGSEGV);  // recursion without end
#endif
}

TEST_CASE("worker: one that comes to no end is killed when its time is over, and leaves no child behind") {
  io::WorkerLimits limits;
  limits.time = std::chrono::milliseconds(300);
  const auto began = std::chrono::steady_clock::now();
  {
    const auto worker = rogue(limits);
    CHECK(ask(*worker, "hang").end.kind == Kind::kTooLong);
    CHECK(ask(*worker, "echo").end.kind == Kind::kCrashed);
  }
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // none of ours, dead or alive
}

TEST_CASE("worker: more memory than it may have cannot be had") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return skip("a sanitizer needs the address space");
#else
  io::WorkerLimits limits;
  limits.memory = 200 << 20;
  const auto worker = rogue(limits);
  const All all = ask(*worker, "memory");
  REQUIRE(all.parts.size() == 1);
  const int got = std::stoi(all.parts[0].substr(4));
  CHECK(got > 100);
  CHECK(got < 220);
  // The request itself does not count.
  const core::Bytes large = seeded_bytes(64 << 20, 3);
  const All again = ask(*worker, "memory", {large});
  REQUIRE(again.parts.size() == 1);
  CHECK(std::stoi(again.parts[0].substr(4)) > 100);
#endif
}

TEST_CASE("worker: answers that do not fit are not taken") {
  const All all = ask(*rogue(), "flood");
  CHECK(all.end.kind == Kind::kDone);
  REQUIRE(all.parts.size() == 11);
  CHECK(all.parts.back() == "sent 10");
}

TEST_CASE("worker: locked up, it opens no file, reaches no network and starts no program, and works on") {
  const auto free = rogue();
  CHECK(ask(*free, "reach out").parts.at(0) ==
        "file done, write done, network done, signal done, memory done, fork done, program done, ");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return skip("a sanitizer needs its files");
#else
  const auto locked = rogue();
  const All all = ask(*locked, "lock; reach out");
  REQUIRE(all.parts.size() == 1);
  CHECK(
      all.parts[0] ==
      "file refused, write refused, network refused, signal refused, memory refused, fork refused, program refused, ");
  const core::Bytes bytes = seeded_bytes(10 << 10, 1);
  CHECK(ask(*locked, "echo", {bytes}).parts.at(0) == core::as_text(bytes));
  CHECK(ask(*locked, "memory").parts.at(0).starts_with("got "));
  CHECK(ask(*locked, "abort").end.signal == SIGABRT);
#endif
}

TEST_CASE("worker: it has nothing of ours: no descriptors, no environment, no terminal") {
  CHECK_THROWS_AS(io::Worker::start("/nowhere/worker", {}), core::Error);
  ::setenv("DARKSHELF_PASSPHRASE", "secret", 1);
  const auto worker = rogue();
  REQUIRE(ask(*worker, "echo").end.kind == Kind::kDone);
  // Its /proc entry, found as a child of this process that runs the program.
  std::size_t looked = 0;
  for (const io::Entry& entry : io::posix().list("/proc")) {
    if (entry.name.find_first_not_of("0123456789") != std::string::npos) continue;
    const io::Path process = io::Path("/proc") / entry.name;
    try {
      if (io::posix().read_link(process / "exe") != DARKSHELF_ROGUE_WORKER) continue;
      const std::string status = run_process({"cat", (process / "status").string()}).out;
      if (status.find("PPid:\t" + std::to_string(::getpid()) + "\n") == std::string::npos) continue;
      ++looked;
      const std::string environment = run_process({"cat", (process / "environ").string()}).out;
      CHECK(environment.find("LC_ALL=C.UTF-8") != std::string::npos);
      CHECK(environment.find("secret") == std::string::npos);
      CHECK(io::posix().list(process / "fd").size() == 6);
      CHECK(io::posix().read_link(process / "fd/1") == "/dev/null");
      CHECK(io::posix().read_link(process / "fd/2") == "/dev/null");
    } catch (const core::Error&) {  // it went meanwhile
    }
  }
  ::unsetenv("DARKSHELF_PASSPHRASE");
  CHECK(looked == 1);
}

}  // namespace darkshelf::testing
