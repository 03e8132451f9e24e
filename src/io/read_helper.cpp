#include "io/read_helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "io/posix_file.hpp"

namespace darkshelf::io {

namespace {

constexpr std::size_t kMost = std::size_t{2} << 20;  // bytes one request may ask for
constexpr std::size_t kSideBySide = 4;               // requests of a large read: a disk that waits for the next is slow
constexpr std::size_t kShared = kMost + 4096;        // behind them: how many were read so far

struct Request {
  std::uint64_t offset = 0, bytes = 0;
};
struct Answer {
  std::uint64_t got = 0;
  std::int64_t error = 0;  // errno of the piece behind them; 0: none, or the file ends there
};

std::uint64_t& progress_in(std::byte* shared) { return *reinterpret_cast<std::uint64_t*>(shared + kMost); }

// --- in the other processes: nothing but system calls, since the one they were forked from may have threads -------

/// A message with descriptors beside it; the number of descriptors that came, or -1 when there is nobody any more.
int receive(int socket, void* data, std::size_t bytes, int* descriptors, std::size_t room) {
  iovec part{data, bytes};
  alignas(cmsghdr) std::array<char, 64> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes)) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return 0;
  const std::size_t count = std::min((header->cmsg_len - CMSG_LEN(0)) / sizeof(int), room);
  __builtin_memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
  return static_cast<int>(count);
}

bool send_with(int socket, const void* data, std::size_t bytes, const int* descriptors, std::size_t count) {
  iovec part{const_cast<void*>(data), bytes};
  alignas(cmsghdr) std::array<char, 64> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  __builtin_memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  return uninterrupted([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); }) == static_cast<ssize_t>(bytes);
}

/// A helper's life: requests until nobody asks any more. One answer for all pieces of a request: who waits would have
/// to be woken for each, while all cores are busy hashing. Each is noted in the shared memory, which tells slow from
/// hung.
[[noreturn]] void serve(int socket, std::byte* shared) {
  for (;;) {
    Request request;
    int file = -1;
    if (receive(socket, &request, sizeof request, &file, 1) != 1) ::_exit(0);
    Answer answer;
    while (answer.got < request.bytes) {
      const std::size_t piece = std::min<std::uint64_t>(kReadPiece, request.bytes - answer.got);
      const ssize_t got = uninterrupted(
          [&] { return ::pread(file, shared + answer.got, piece, static_cast<off_t>(request.offset + answer.got)); });
      if (got < 0) answer.error = errno;
      if (got > 0) answer.got += static_cast<std::uint64_t>(got);
      __atomic_store_n(&progress_in(shared), answer.got, __ATOMIC_RELEASE);
      if (got < static_cast<ssize_t>(piece)) break;
    }
    ::close(file);
    if (::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) < 0) ::_exit(0);
  }
}

/// The nursery's life: it stays as small as the program was when it first read, and forks helpers from there. Whoever
/// forks later would give each helper the pages of all buffers, to be copied at the next write.
[[noreturn]] void raise_helpers(int socket) {
  std::signal(SIGCHLD, SIG_IGN);  // nobody waits for them
  if (::chdir("/") != 0) ::_exit(0);
  for (;;) {
    char word = 0;
    std::array<int, 2> given{-1, -1};
    if (receive(socket, &word, sizeof word, given.data(), given.size()) != 2) ::_exit(0);
    if (::_Fork() == 0) {
      ::close(socket);
      void* shared = ::mmap(nullptr, kShared, PROT_READ | PROT_WRITE, MAP_SHARED, given[1], 0);
      ::close(given[1]);
      if (shared == MAP_FAILED) ::_exit(0);
      serve(given[0], static_cast<std::byte*>(shared));
    }
    for (const int one : given) ::close(one);
  }
}

// --- in this one --------------------------------------------------------------------------------------------------

struct Pair {
  std::unique_ptr<Descriptor> ours, theirs;
};
std::optional<Pair> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  return Pair{std::make_unique<Descriptor>(ends[0]), std::make_unique<Descriptor>(ends[1])};
}

class Helper {
 public:
  Helper(std::unique_ptr<Descriptor> socket, std::byte* shared) : socket_(std::move(socket)), shared_(shared) {}
  ~Helper() { ::munmap(shared_, kShared); }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  bool alive() const { return alive_; }

  /// The bytes come with wait(). Nothing comes when this fails: there is no helper any more.
  void ask(int descriptor, std::uint64_t offset, std::size_t bytes) {
    const Request request{offset, bytes};
    __atomic_store_n(&progress_in(shared_), std::uint64_t{0}, __ATOMIC_RELEASE);
    alive_ = send_with(socket_->number(), &request, sizeof request, &descriptor, 1);
  }

  HelpedRead wait(core::MutableByteSpan into, std::chrono::milliseconds within) {
    HelpedRead out;
    out.impossible = !alive_;
    for (std::uint64_t before = 0; alive_;) {
      pollfd socket{socket_->number(), POLLIN, 0};
      if (uninterrupted([&] { return ::poll(&socket, 1, static_cast<int>(within.count())); }) == 0) {
        const std::uint64_t now = __atomic_load_n(&progress_in(shared_), __ATOMIC_ACQUIRE);
        if (now == before) out.answered = alive_ = false;
        before = now;
        continue;
      }
      Answer answer;
      if (::recv(socket_->number(), &answer, sizeof answer, 0) != sizeof answer || answer.got > into.size()) {
        alive_ = false;  // somebody killed it
        out.impossible = true;
        break;
      }
      std::memcpy(into.data(), shared_, answer.got);
      out.got = answer.got;
      out.error = static_cast<int>(answer.error);
      break;
    }
    return out;
  }

 private:
  std::unique_ptr<Descriptor> socket_;
  std::byte* shared_;
  bool alive_ = true;
};

class Helpers {
 public:
  std::unique_ptr<Helper> take() {
    const std::lock_guard hold(mutex_);
    if (!idle_.empty()) {
      auto helper = std::move(idle_.back());
      idle_.pop_back();
      return helper;
    }
    return make();
  }
  void give_back(std::unique_ptr<Helper> helper) {
    const std::lock_guard hold(mutex_);
    if (helper->alive()) idle_.push_back(std::move(helper));
  }

 private:
  std::unique_ptr<Helper> make() {
    if (!nursery_ && !start_nursery()) return nullptr;
    auto pair = socket_pair();
    if (!pair) return nullptr;
    const Descriptor memory(static_cast<int>(::memfd_create("darkshelf-read", MFD_CLOEXEC)));
    if (memory.number() < 0 || ::ftruncate(memory.number(), kShared) != 0) return nullptr;
    void* shared = ::mmap(nullptr, kShared, PROT_READ | PROT_WRITE, MAP_SHARED, memory.number(), 0);
    if (shared == MAP_FAILED) return nullptr;
    auto helper = std::make_unique<Helper>(std::move(pair->ours), static_cast<std::byte*>(shared));
    const std::array<int, 2> given{pair->theirs->number(), memory.number()};
    const char word = 0;
    if (!send_with(nursery_->number(), &word, sizeof word, given.data(), given.size())) return nullptr;
    return helper;
  }

  /// Ctrl-C is for this process: the others end when it does. They hold nothing of what is open here, no output that
  /// somebody waits for and no lock.
  bool start_nursery() {
    auto pair = socket_pair();
    if (!pair) return false;
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t child = ::_Fork();
    if (child == 0) {
      const int socket = ::dup2(pair->theirs->number(), 0);
      ::syscall(SYS_close_range, 1U, ~0U, 0U);
      if (socket != 0 || ::_Fork() != 0) ::_exit(0);  // an orphan: this process has no children to wait for
      raise_helpers(0);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (child < 0) return false;
    uninterrupted([&] { return ::waitpid(child, nullptr, 0); });
    nursery_ = std::move(pair->ours);
    return true;
  }

  std::mutex mutex_;
  std::unique_ptr<Descriptor> nursery_;
  std::vector<std::unique_ptr<Helper>> idle_;
};

Helpers& helpers() {
  static Helpers all;
  return all;
}

}  // namespace

HelpedRead read_with_helper(int descriptor, std::uint64_t offset, core::MutableByteSpan into,
                            std::chrono::milliseconds within) {
  struct Asked {
    std::unique_ptr<Helper> helper;
    core::MutableByteSpan part;
  };
  std::deque<Asked> asked;  // in order
  HelpedRead out;
  for (std::size_t next = 0; out.got < into.size();) {
    for (; next < into.size() && asked.size() < kSideBySide; next += asked.back().part.size()) {
      auto helper = helpers().take();
      if (!helper) break;
      asked.push_back({std::move(helper), into.subspan(next, std::min(kMost, into.size() - next))});
      asked.back().helper->ask(descriptor, offset + next, asked.back().part.size());
    }
    if (asked.empty()) {
      out.impossible = true;
      return out;
    }
    Asked one = std::move(asked.front());
    asked.pop_front();
    const HelpedRead read = one.helper->wait(one.part, within);
    helpers().give_back(std::move(one.helper));
    out.got += read.got;
    out.error = read.error;
    out.answered = read.answered;
    out.impossible = read.impossible;
    if (read.got == one.part.size()) continue;
    // What was asked for behind it stands in the disk's queue, before whatever is asked for next: that has to have its
    // whole time. A drive that hangs is asked for nothing more; those helpers end when it lets them go.
    for (Asked& rest : asked) {
      if (!out.answered) break;
      rest.helper->wait(rest.part, within);
      helpers().give_back(std::move(rest.helper));
    }
    return out;
  }
  return out;
}

}  // namespace darkshelf::io
