#pragma once
// What the carved packets tell: the sets, what they protect, where their recovery slices lie. For rescue*.cpp alone.

#include <map>
#include <memory>

#include "parity/packet_carver.hpp"
#include "parity/set_reader.hpp"

namespace darkshelf::rituals {

enum class CarvedKind { kPayload, kTags, kOther, kUnusable, kUnknown };

struct CarvedSet {
  parity::PacketScan scan;  // offsets are those of the medium; checksums go once they are looked for
  std::vector<std::uint64_t> recovery_bytes;
  // After settle():
  CarvedKind kind = CarvedKind::kUnknown;
  std::vector<parity::NumberedFile> files;
  std::uint32_t slices = 0;
  std::uint64_t bytes = 0;   // of the files
  std::string name() const;  // of what it protects: the volume's base name, or the folder of the shoot
};

class CarvedSets {
 public:
  /// `memory`: what the index packets may take; more than that is left out, and told.
  explicit CarvedSets(std::uint64_t memory) : memory_(memory) {}
  /// False when nothing new was in it.
  bool add(const parity::CarvedPacket& packet);
  /// Sorts out what belongs together; ranges that recovery packets of volumes cover are known then.
  void settle();

  std::vector<std::unique_ptr<CarvedSet>>& all() { return sets_; }
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };
  const std::vector<Range>& covered() const { return covered_; }  // ascending, apart
  bool overflowed() const { return overflowed_; }
  std::uint64_t longest() const { return longest_; }  // packet

 private:
  CarvedSet& set_of(const formats::par2::Md5& id);
  void settle(CarvedSet& set);

  std::uint64_t memory_, taken_ = 0, longest_ = 0;
  bool overflowed_ = false;
  std::map<formats::par2::Md5, std::size_t> by_id_;
  std::vector<std::unique_ptr<CarvedSet>> sets_;
  std::vector<Range> covered_;
};

}  // namespace darkshelf::rituals
