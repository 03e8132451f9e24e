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
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "io/posix_file.hpp"

namespace darkshelf::io {

namespace {

constexpr std::size_t kShared = std::size_t{8} << 20;  // bytes one request may ask for

struct Request {
  std::uint64_t offset = 0, bytes = 0;
};

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

/// A helper's life: requests until nobody asks any more. Each piece is answered by the bytes got, or minus errno.
[[noreturn]] void serve(int socket, std::byte* shared) {
  for (;;) {
    Request request;
    int file = -1;
    if (receive(socket, &request, sizeof request, &file, 1) != 1) ::_exit(0);
    for (std::uint64_t at = 0; at < request.bytes;) {
      const std::size_t piece = std::min<std::uint64_t>(kReadPiece, request.bytes - at);
      const ssize_t got =
          uninterrupted([&] { return ::pread(file, shared + at, piece, static_cast<off_t>(request.offset + at)); });
      const std::int64_t answer = got < 0 ? -std::int64_t{errno} : std::int64_t{got};
      if (::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) < 0) ::_exit(0);
      if (got < static_cast<ssize_t>(piece)) break;
      at += piece;
    }
    ::close(file);
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

  HelpedRead read(int descriptor, std::uint64_t offset, core::MutableByteSpan into, std::chrono::milliseconds within) {
    HelpedRead out;
    const Request request{offset, into.size()};
    alive_ = send_with(socket_->number(), &request, sizeof request, &descriptor, 1);
    out.impossible = !alive_;
    while (alive_ && out.got < into.size()) {
      pollfd wait{socket_->number(), POLLIN, 0};
      const int ready = uninterrupted([&] { return ::poll(&wait, 1, static_cast<int>(within.count())); });
      std::int64_t answer = 0;
      if (ready == 0) {
        out.answered = alive_ = false;
      } else if (::recv(socket_->number(), &answer, sizeof answer, 0) != sizeof answer) {
        alive_ = false;  // somebody killed it
        out.impossible = true;
      } else if (answer < 0) {
        out.error = static_cast<int>(-answer);
        return out;
      } else {
        const std::size_t piece = std::min(kReadPiece, into.size() - out.got);
        std::memcpy(into.data() + out.got, shared_ + out.got, static_cast<std::size_t>(answer));
        out.got += static_cast<std::size_t>(answer);
        if (static_cast<std::size_t>(answer) < piece) return out;
      }
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
  HelpedRead out;
  while (out.got < into.size()) {
    auto helper = helpers().take();
    if (!helper) {
      out.impossible = true;
      return out;
    }
    const auto part = into.subspan(out.got, std::min(kShared, into.size() - out.got));
    const HelpedRead one = helper->read(descriptor, offset + out.got, part, within);
    helpers().give_back(std::move(helper));
    out.got += one.got;
    out.error = one.error;
    out.answered = one.answered;
    out.impossible = one.impossible;
    if (one.got < part.size()) return out;
  }
  return out;
}

}  // namespace darkshelf::io
