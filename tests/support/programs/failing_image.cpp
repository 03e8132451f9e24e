// A file system of one file, "image": another file, some of whose bytes cannot be read. What a loop device makes of it
// is a disk with bad sectors, one that hangs, or one that is pulled in mid-work.
//
// failing_image FILE MOUNT-POINT TROUBLE     (FUSE, in the foreground)
//
// TROUBLE is a text file, read anew at every request: a line "KIND OFFSET BYTES MILLISECONDS" for each place.
//   eio    reading any of it fails after that time
//   slow   reading any of it takes that time
//   hang   a read of it is never answered
//   wrong  the first so many reads of it give other bytes
//   die    at a read of it this program dies, and with it the disk
//   fall   at a write to it this program dies, after as many writes as the fourth word says
//   pull MOUNT-POINT      what is unmounted (umount -l) by a program that outlives it when it dies
#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace {

int image = -1;
std::string trouble_path;

[[noreturn]] void die(const std::string& pulled) {
  if (!pulled.empty() && ::fork() == 0) {
    ::execlp("umount", "umount", "-l", pulled.c_str(), nullptr);
    ::_exit(1);
  }
  if (!pulled.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ::_exit(9);
}

/// What befalls a request; 0 or an error.
int trouble_with(bool reading, std::uint64_t offset, std::uint64_t bytes) {
  std::ifstream file(trouble_path);
  std::string pulled;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "pull") {
      words >> pulled;
      continue;
    }
    std::uint64_t from = 0, length = 0;
    int milliseconds = 0;
    words >> from >> length >> milliseconds;
    if (offset >= from + length || from >= offset + bytes) continue;
    static std::atomic<int> writes{0};
    if (kind == "fall" && !reading && writes++ >= milliseconds) die(pulled);
    if (!reading) continue;
    if (kind == "die") die(pulled);
    if (kind == "hang") {
      for (;;) ::pause();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    if (kind == "eio") return -EIO;
  }
  return 0;
}

/// A bit turns over on the way.
void spoil(char* bytes, std::uint64_t offset, std::uint64_t count) {
  static std::atomic<int> times{0};
  std::ifstream file(trouble_path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    std::uint64_t from = 0, length = 0;
    int wanted = 0;
    words >> kind >> from >> length >> wanted;
    const bool hit = kind == "wrong" && offset < from + length && from < offset + count;
    if (hit && times++ < wanted) bytes[std::max(from, offset) - offset] ^= 1;
  }
}

bool is_image(const char* path) { return std::strcmp(path, "/image") == 0; }

int get_attributes(const char* path, struct stat* out, fuse_file_info* /*file*/) {
  std::memset(out, 0, sizeof *out);
  if (std::strcmp(path, "/") == 0) {
    out->st_mode = S_IFDIR | 0700;
    out->st_nlink = 2;
    return 0;
  }
  if (!is_image(path)) return -ENOENT;
  return ::fstat(image, out) == 0 ? 0 : -errno;
}

int open_image(const char* path, fuse_file_info* file) {
  if (!is_image(path)) return -ENOENT;
  file->direct_io = 1;
  return 0;
}

int read_image(const char* /*path*/, char* into, std::size_t bytes, off_t offset, fuse_file_info* /*file*/) {
  if (const int error = trouble_with(true, static_cast<std::uint64_t>(offset), bytes)) return error;
  const ssize_t got = ::pread(image, into, bytes, offset);
  if (got > 0) spoil(into, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(got));
  return got < 0 ? -errno : static_cast<int>(got);
}

int write_image(const char* /*path*/, const char* from, std::size_t bytes, off_t offset, fuse_file_info* /*file*/) {
  if (const int error = trouble_with(false, static_cast<std::uint64_t>(offset), bytes)) return error;
  const ssize_t put = ::pwrite(image, from, bytes, offset);
  return put < 0 ? -errno : static_cast<int>(put);
}

int sync_image(const char* /*path*/, int /*data*/, fuse_file_info* /*file*/) {
  return ::fdatasync(image) == 0 ? 0 : -errno;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  image = ::open(argv[1], O_RDWR | O_CLOEXEC);
  if (image < 0) return 1;
  trouble_path = argv[3];
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_image;
  operations.read = read_image;
  operations.write = write_image;
  operations.fsync = sync_image;
  char foreground[] = "-f", option[] = "-omax_threads=16,max_idle_threads=16";
  char* arguments[] = {argv[0], foreground, option, argv[2], nullptr};
  return fuse_main(4, arguments, &operations, nullptr);
}
