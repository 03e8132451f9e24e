#include "core/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace darkshelf::core {

Error::Error(Code code, const std::string& sentence, std::string hint)
    : std::runtime_error(sentence), code_(code), hint_(std::move(hint)) {}

Error Error::from_os(int os_error, const std::string& verb, const boost::filesystem::path& path,
                     std::optional<std::uint64_t> offset) {
  std::string where = offset ? fmt::format(" at byte {}", *offset) : std::string{};
  Error error(os_error == ENOSPC || os_error == EDQUOT ? Code::kNoSpace : Code::kIo,
              fmt::format("cannot {} {}{}: {}", verb, path.string(), where, std::generic_category().message(os_error)));
  error.os_error_ = os_error;
  error.path_ = path;
  error.offset_ = offset;
  return error;
}

bool ends_all(const Error& error) noexcept {
  return error.code() == Code::kCancelled || error.code() == Code::kDriveGone;
}

}  // namespace darkshelf::core
