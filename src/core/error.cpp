#include "core/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace darkshelf::core {

Error::Error(Code code, const std::string& sentence, std::string hint)
    : std::runtime_error(sentence), code_(code), hint_(std::move(hint)) {}

namespace {

/// What helps against a refusal of the system, wherever it comes up. The caller knows better in some cases, and then
/// throws an Error of its own.
std::string hint_for(int os_error) {
  switch (os_error) {
    case ENOSPC:
    case EDQUOT:
      return "make room there, and type the same command again";
    case EROFS:
      return "what is there is read-only: mount it for writing (some cards and drives have a switch), and type the "
             "same "
             "command again";
    case EACCES:
    case EPERM:
      return "see whose it is (ls -ld); be that user, or type the same command with sudo";
    case ELOOP:
      return "a link stands where there must be none: take it away, and type the same command again";
    case EISDIR:
      return "a folder stands where a file belongs: move it away, and type the same command again";
    case ENOTDIR:
    case EEXIST:
      return "something else stands in its place: move it away, and type the same command again";
    default:
      return {};
  }
}

}  // namespace

Error Error::from_os(int os_error, const std::string& verb, const boost::filesystem::path& path,
                     std::optional<std::uint64_t> offset) {
  std::string where = offset ? fmt::format(" at byte {}", *offset) : std::string{};
  Error error(os_error == ENOSPC || os_error == EDQUOT ? Code::kNoSpace : Code::kIo,
              fmt::format("cannot {} {}{}: {}", verb, path.string(), where, std::generic_category().message(os_error)),
              hint_for(os_error));
  error.os_error_ = os_error;
  error.path_ = path;
  error.offset_ = offset;
  return error;
}

bool ends_all(const Error& error) noexcept {
  return error.code() == Code::kCancelled || error.code() == Code::kDriveGone;
}

}  // namespace darkshelf::core
