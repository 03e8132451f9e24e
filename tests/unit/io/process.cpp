// Running another program within limits.

#include "io/process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using io::ProcessEnd;
using std::chrono::milliseconds;

io::ProcessRun shell(const std::string& script, const io::ProcessLimits& limits = {}) {
  return io::run_program("/bin/sh", {"-c", script}, limits);
}

double seconds_of(const std::function<void()>& what) {
  const auto began = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// As if $PATH were that.
class PathIs {
 public:
  explicit PathIs(const std::string& path) : before_(std::getenv("PATH")) { ::setenv("PATH", path.c_str(), 1); }
  ~PathIs() { ::setenv("PATH", before_.c_str(), 1); }
  PathIs(const PathIs&) = delete;
  PathIs& operator=(const PathIs&) = delete;

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("process: arguments reach the program as they are, and what it prints and says comes back") {
  const auto echo = io::find_program("printf");
  REQUIRE(echo);
  const io::ProcessRun run = io::run_program(*echo, {"%s|", "a b", "$HOME", "`id`", "ö\n", ""}, {});
  CHECK(run.end == ProcessEnd::kExited);
  CHECK(run.exit_code == 0);
  CHECK(run.out == "a b|$HOME|`id`|ö\n||");
  CHECK(shell("exit 3").exit_code == 3);
  CHECK(shell("echo out; echo err >&2").out == "out\n");
  CHECK(shell("cat").out.empty());  // its input is empty, and not this terminal
  CHECK(shell("echo $LC_ALL").out == "C\n");
  CHECK(shell("kill -9 $$").end == ProcessEnd::kKilled);
  CHECK_THROWS_AS(io::run_program("/nowhere/program", {}, {}), core::Error);
  CHECK_THROWS_AS(io::run_program("/etc/passwd", {}, {}), core::Error);
}

TEST_CASE("process: one that hangs is killed with all it started when its time is over") {
  io::ProcessLimits limits;
  limits.time = milliseconds(300);
  TempDir temp;
  const std::string mark = (temp / "mark").string();
  CHECK(seconds_of([&] {
          // Its child would write later, and holds the output open.
          CHECK(shell("(sleep 2; touch " + mark + ") & sleep 60", limits).end == ProcessEnd::kTooLong);
          CHECK(shell("exec >&-; sleep 60", limits).end == ProcessEnd::kTooLong);  // nothing more to listen to
          CHECK(shell("trap '' TERM INT HUP; sleep 60", limits).end == ProcessEnd::kTooLong);
        }) < 10);
  ::sleep(2);
  CHECK_FALSE(io::posix().stat(temp / "mark"));
}

TEST_CASE("process: one that prints without end is ended, and so is one nobody waits for any more") {
  io::ProcessLimits limits;
  limits.bytes = 100'000;
  CHECK(seconds_of([&] {
          const io::ProcessRun run = shell("exec yes", limits);
          CHECK(run.end == ProcessEnd::kTooMuch);
          CHECK(run.out.size() == 100'000);
        }) < 5);
  int asked = 0;
  limits.stop = [&] { return ++asked > 3; };
  CHECK(seconds_of([&] { CHECK(shell("sleep 60", limits).end == ProcessEnd::kStopped); }) < 5);
}

TEST_CASE("process: programs are looked for in absolute folders of the path, and where the system has its own") {
  TempDir temp;
  make_file(temp / "tool", 10, 1);
  make_file(temp / "plain", 10, 1);
  io::posix().set_mode(temp / "tool", 0755);
  io::posix().set_mode(temp / "plain", 0644);
  io::posix().make_dir(temp / "folder");
  {
    const PathIs path("relative:" + temp.path().string());
    CHECK(io::find_program("tool") == temp / "tool");
    CHECK_FALSE(io::find_program("plain"));
    CHECK_FALSE(io::find_program("folder"));
    CHECK(io::find_program("mkfs") == io::Path("/usr/sbin/mkfs"));  // in no user's path
  }
  const PathIs path(":.");
  CHECK_FALSE(io::find_program("tool"));
}

}  // namespace darkshelf::testing
