#pragma once
// The one exception of darkshelf: "could not do it". Damage is data, not an error: it travels in reports.

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace darkshelf::core {

/// Why something could not be done. The cli turns each into an exit code of the contract; nobody switches on texts.
enum class Code {
  kFailed,        // exit 1: anything without a code of its own
  kNotFound,      // exit 1: asked for something that is not there
  kNewerFormat,   // exit 1: written by a later darkshelf
  kCorrupt,       // exit 1: bytes that are not what they claim to be (a decoder's verdict)
  kIo,            // exit 1: the operating system refused; os_error() says why
  kNoSpace,       // exit 1: full
  kUnrepairable,  // exit 5: more is lost than the parity at hand can rebuild
  kUsage,         // exit 2: wrong or ambiguous arguments
  kNoCatalog,     // exit 2: no catalog on this machine
  kDriveAbsent,   // exit 7: the drive is not plugged in
  kDriveGone,     // exit 7: the drive left in mid-work
  kWrongDrive,    // exit 7: not the drive it claims to be
  kInUse,         // exit 8: locked by another process
  kCancelled,     // exit 130: Ctrl-C
};

/// what() is a whole sentence for a person: what happened and to which file. hint() is what to type next ("" if
/// nothing).
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& sentence, std::string hint = {});

  /// From errno after a failed system call: "cannot write PATH: No space left on device". ENOSPC and EDQUOT become
  /// kNoSpace, everything else kIo; the hint follows from errno too.
  static Error from_os(int os_error, const std::string& verb, const boost::filesystem::path& path,
                       std::optional<std::uint64_t> offset = {});

  Code code() const noexcept { return code_; }
  int os_error() const noexcept { return os_error_; }  // 0 when no system call was involved
  const boost::filesystem::path& path() const noexcept { return path_; }
  const std::optional<std::uint64_t>& offset() const noexcept { return offset_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  Code code_;
  int os_error_ = 0;
  boost::filesystem::path path_;
  std::optional<std::uint64_t> offset_;
  std::string hint_;
};

/// Interrupted, or the drive has left: nothing that goes on with other things or tells of damage may swallow it.
bool ends_all(const Error& error) noexcept;

}  // namespace darkshelf::core
