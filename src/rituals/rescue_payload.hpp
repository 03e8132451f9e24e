#pragma once
// A payload that is gathered slice by slice in a folder of its own. For rescue*.cpp alone.

#include <map>
#include <memory>

#include "rituals/rescue_sets.hpp"

namespace darkshelf::rituals {

/// Files are made when the first slice of them comes, with their full length and holes where nothing was found.
class GatheredPayload {
 public:
  GatheredPayload(io::FileSystem& fs, io::Path folder, const CarvedSet& set)
      : fs_(fs), folder_(std::move(folder)), set_(set) {}

  /// Bytes of a slice from a column on; what reaches behind the end of its file is padding, and dropped.
  void write(std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes);
  /// With zeros for padding.
  void read(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into);
  void read_file(std::size_t file, std::uint64_t offset, core::MutableByteSpan into);
  void make_all();
  /// What was written since the last time is on the medium then.
  void sync();

 private:
  io::File& file(std::size_t index);
  std::size_t file_of(std::uint32_t slice) const;

  io::FileSystem& fs_;
  io::Path folder_;
  const CarvedSet& set_;
  std::map<std::size_t, std::unique_ptr<io::File>> open_;
};

/// Those that slices came for lately; thousands may be gathered at once.
class OpenPayloads {
 public:
  GatheredPayload& open(io::FileSystem& fs, std::uint32_t number, const io::Path& folder, const CarvedSet& set);
  void sync();
  void drop(std::uint32_t number) { open_.erase(number); }  // its files cannot be written
  void close_all();

 private:
  std::map<std::uint32_t, GatheredPayload> open_;
};

}  // namespace darkshelf::rituals
