#include "core/work.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace darkshelf::core {

namespace {
class Silent final : public Progress {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*bytes*/) override {}
  void end() override {}
};
}  // namespace

Progress& no_progress() {
  static Silent silent;
  return silent;
}

unsigned Work::thread_count() const {
  static const unsigned kOfMachine = std::max(1U, std::thread::hardware_concurrency());  // it reads a file each time
  return threads != 0 ? threads : kOfMachine;
}

void parallel_for(unsigned threads, std::size_t count, const std::function<void(std::size_t)>& body) {
  const std::size_t workers = std::min<std::size_t>(threads, count);
  if (workers < 2) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) body(i);
    } catch (...) {
      next = count;
      const std::lock_guard guard(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

void stop_point([[maybe_unused]] std::string_view name) {
#ifdef DARKSHELF_STOP_POINTS
  static std::mutex mutex;
  static std::map<std::string, int, std::less<>> reached;
  const std::lock_guard guard(mutex);
  const int times = ++reached[std::string(name)];
  if (const char* log = std::getenv("DARKSHELF_STOP_LOG")) std::ofstream(log, std::ios::app) << name << '\n';
  if (const char* wanted = std::getenv("DARKSHELF_STOP_AT")) {
    const std::string_view text(wanted);
    const std::size_t colon = text.find(':');
    const int wanted_time =
        colon == std::string_view::npos ? 1 : std::atoi(std::string(text.substr(colon + 1)).c_str());
    const char* signal = std::getenv("DARKSHELF_STOP_SIGNAL");
    if (text.substr(0, colon) == name && times == wanted_time)
      std::raise(signal != nullptr ? std::atoi(signal) : SIGKILL);
  }
#endif
}

}  // namespace darkshelf::core
