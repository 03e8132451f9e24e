#pragma once
// A folder of one test, removed when it ends.

#include "io/file_system.hpp"

namespace darkshelf::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const io::Path& path() const { return path_; }
  io::Path operator/(const std::string& name) const { return path_ / name; }

 private:
  io::Path path_;
};

}  // namespace darkshelf::testing
