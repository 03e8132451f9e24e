#pragma once
// The lost payload slices of one volume, brought together in a file: from other copies, from a parcel, and what is then
// still missing from the recovery slices of all copies; for mend.cpp alone.

#include <map>

#include "rituals/elsewhere.hpp"
#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// Files that are read here and there; few of them are open at a time.
class OpenFiles {
 public:
  explicit OpenFiles(io::FileSystem& fs, io::ReadMode mode = io::ReadMode::kCached) : fs_(fs), mode_(mode) {}
  /// Throws kUnrepairable when the file is shorter than that.
  void read(const io::Path& path, std::uint64_t offset, core::MutableByteSpan into);
  void close() { open_.clear(); }

 private:
  io::FileSystem& fs_;
  io::ReadMode mode_;
  std::map<std::string, std::unique_ptr<io::File>> open_;
};

/// How lost slices were had.
struct Origin {
  std::map<std::string, std::uint64_t> from_twins;  // by label
  std::uint64_t from_parcel = 0, rebuilt = 0;
  std::uint64_t from_twin() const {
    std::uint64_t sum = 0;
    for (const auto& [label, slices] : from_twins) sum += slices;
    return sum;
  }
  std::uint64_t had() const { return from_parcel + rebuilt + from_twin(); }
};

class LostSlices {
 public:
  /// `lost` ascending; `file` is made by collect().
  LostSlices(Context& context, const volume::LoadedVolume& loaded, OpenFiles& files, std::vector<std::uint32_t> lost,
             io::Path file);

  enum class Extent { kAll, kWhatIsPossible };
  /// Every slice is compared with its SHA-256 before it counts. Throws kUnrepairable if not all can be had (kAll).
  void collect(const Elsewhere& elsewhere, const parity::PacketScan& own_parity, Extent extent);

  bool is_lost(std::uint32_t slice) const;
  /// Throws kUnrepairable for a slice that could not be had.
  void read(std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into);
  const Origin& origin() const { return origin_; }

 private:
  struct Recovery {
    io::Path file;
    std::uint64_t offset = 0;
    std::uint16_t exponent = 0;
  };
  std::size_t number_of(std::uint32_t slice) const;
  volume::SlicePlace place_of(std::uint32_t slice) const;
  std::string what_is_missing(const Elsewhere& elsewhere, std::size_t missing, std::size_t recovery) const;
  void take_from_parcel(const ParcelFile& parcel, io::File& out);
  void take_from_twin(const Twin& twin, io::File& out);
  bool is_sealed(std::uint32_t slice, core::ByteSpan bytes) const;
  std::vector<Recovery> recovery_of(const Elsewhere& elsewhere, const parity::PacketScan& own) const;
  void rebuild(const std::vector<std::uint32_t>& missing, const std::vector<Recovery>& recovery, io::File& out);
  void read_padded(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into);

  Context& context_;
  const volume::LoadedVolume& loaded_;
  OpenFiles& files_;
  std::vector<std::uint32_t> lost_;
  std::vector<char> had_;  // of each of lost_
  io::Path file_;
  Origin origin_;
};

}  // namespace darkshelf::rituals
