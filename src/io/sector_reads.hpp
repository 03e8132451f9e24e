#pragma once
// Reading a file of a drive past what cannot be read of it; for drive_guard.cpp alone.

#include <memory>
#include <mutex>

#include "core/work.hpp"
#include "io/confined_drive.hpp"

namespace darkshelf::io {

/// How a drive is treated that makes trouble.
struct Patience {
  const core::Cancel* cancel = nullptr;        // asked between the reads around a bad sector
  std::chrono::milliseconds answer_within{0};  // a piece of a read that takes longer: the drive hangs; 0: no limit
  std::chrono::milliseconds pause{0};          // before bad sectors are asked for once more
};

/// The reads of one open file. A read that fails is made again sector by sector around the place; a sector that fails
/// is asked for once more after a pause, and then it is bad. Behind a run of bad ones it steps over more and more: a
/// head that crashed spoils gigabytes, and each error may take the drive ten seconds. Thread-safe.
class SectorReads {
 public:
  SectorReads(File& file, ConfinedDrive& drive, std::shared_ptr<const Path> path, const Patience& patience)
      : file_(file), drive_(drive), path_(std::move(path)), patience_(patience) {}

  /// As File::read_at.
  std::size_t read(std::uint64_t offset, core::MutableByteSpan into);

 private:
  /// A run of errors that goes on behind the end of one read.
  struct Run {
    std::uint64_t end = 0;   // where the next read has to begin
    std::uint64_t jump = 0;  // bytes of the last step; 0: there is no run
    std::uint64_t left = 0;  // of it
  };
  class Walk;

  std::uint64_t file_bytes();

  File& file_;
  ConfinedDrive& drive_;
  std::shared_ptr<const Path> path_;
  const Patience patience_;
  std::mutex mutex_;
  Run run_;
};

}  // namespace darkshelf::io
