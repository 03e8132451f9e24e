#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "io/posix_file.hpp"
#include "io/worker.hpp"
#include "io/worker_lock.hpp"
#include "io/worker_wire.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DARKSHELF_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DARKSHELF_SANITIZED 1
#endif
#endif

namespace darkshelf::io {

namespace wire = worker_wire;

namespace {

/// Bytes of address space this process has now.
std::uint64_t address_space() {
  unsigned long long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

enum class Until { kNext, kEver };  // it may be raised again, or never
void limit(decltype(RLIMIT_AS) what, std::uint64_t value, Until until) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return;
  now.rlim_cur = std::min<rlim_t>(value, now.rlim_max);
  if (until == Until::kEver) now.rlim_max = now.rlim_cur;
  ::setrlimit(what, &now);
}

class PosixSeat : public WorkerSeat {
 public:
  bool sit() {
    if (::recv(wire::kSocket, &hello_, sizeof hello_, 0) != sizeof hello_) return false;
    answers_ = map(wire::kAnswer, hello_.answer, PROT_READ | PROT_WRITE);
    if (answers_ == nullptr) return false;
    limit(RLIMIT_CORE, 0, Until::kEver);  // pictures are nobody's business, in dumps neither
    limit(RLIMIT_NOFILE, 64, Until::kEver);
    limit(RLIMIT_FSIZE, 0, Until::kEver);  // it writes no file
    base_ = address_space();
    return base_ > 0;  // else its memory could not be limited
  }
  ~PosixSeat() override {
    release();
    if (answers_ != nullptr) ::munmap(answers_, hello_.answer);
  }

  bool lock_up() override {
#ifdef DARKSHELF_SANITIZED
    return true;  // a sanitizer needs its files
#else
    return refuse_all_but_work();
#endif
  }

  std::optional<Request> next() override {
    set_alarm(0);
    release();
    std::vector<std::byte> message(sizeof(wire::Ask) + wire::kMostHead);
    const ssize_t got = uninterrupted([&] { return ::recv(wire::kSocket, message.data(), message.size(), 0); });
    wire::Ask ask;
    if (got < static_cast<ssize_t>(sizeof ask)) return {};
    std::memcpy(&ask, message.data(), sizeof ask);
    set_alarm(hello_.milliseconds + 1'000);  // who asked is quicker; unless it died
#ifndef DARKSHELF_SANITIZED
    limit(RLIMIT_AS, base_ + ask.bytes + hello_.memory, Until::kNext);
#endif
    used_ = 0;
    Request request;
    request.head.assign(reinterpret_cast<const char*>(message.data()) + sizeof ask,
                        static_cast<std::size_t>(got) - sizeof ask);
    if (ask.bytes > 0) {
      request_ = map(wire::kRequest, ask.bytes, PROT_READ);
      if (request_ == nullptr) return {};
      request_bytes_ = ask.bytes;
      request.bytes = {request_, request_bytes_};
    }
    return request;
  }

  bool answer(core::ByteSpan part) override {
    if (part.size() > hello_.answer - used_) return false;
    std::memcpy(answers_ + used_, part.data(), part.size());
    const wire::Tell tell{used_, part.size(), 0};
    used_ += part.size();
    return ::send(wire::kSocket, &tell, sizeof tell, MSG_NOSIGNAL) == sizeof tell;
  }
  void done() override {
    set_alarm(0);
    const wire::Tell tell{0, 0, 1};
    if (::send(wire::kSocket, &tell, sizeof tell, MSG_NOSIGNAL) != sizeof tell) ::_exit(0);
  }

 private:
  static std::byte* map(int descriptor, std::uint64_t bytes, int protection) {
    void* at = ::mmap(nullptr, bytes, protection, MAP_SHARED, descriptor, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
  }
  void release() {
    if (request_ != nullptr) ::munmap(request_, request_bytes_);
    request_ = nullptr;
  }
  static void set_alarm(std::uint64_t milliseconds) {
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(milliseconds / 1000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(milliseconds % 1000 * 1000);
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }

  wire::Hello hello_;
  std::byte* answers_ = nullptr;
  std::byte* request_ = nullptr;
  std::uint64_t request_bytes_ = 0, used_ = 0, base_ = 0;
};

}  // namespace

std::unique_ptr<WorkerSeat> WorkerSeat::take() {
  auto seat = std::make_unique<PosixSeat>();
  if (!seat->sit()) return nullptr;
  return seat;
}

}  // namespace darkshelf::io
