#include "support/temp_dir.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace darkshelf::testing {

TempDir::TempDir() {
  const char* told = std::getenv("TMPDIR");
  // /var/tmp rather than /tmp: a tmpfs has no O_DIRECT, no space for big files and, before Linux 6.6, no user xattrs.
  std::string name = std::string(told != nullptr && *told != '\0' ? told : "/var/tmp") + "/darkshelf-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder can be made: " + name);
  path_ = io::posix().canonical(name);
}

TempDir::~TempDir() {
  try {
    io::remove_tree(io::posix(), path_);
  } catch (const std::exception&) {
    // Left for the machine's own tidying; the test's verdict stands.
  }
}

}  // namespace darkshelf::testing
