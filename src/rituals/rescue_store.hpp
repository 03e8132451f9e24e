#pragma once
// What a rescue has learnt so far, in the folder it writes to, so that the same command goes on. For rescue*.cpp alone.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "io/raw_medium.hpp"
#include "parity/packet_carver.hpp"
#include "parity/raw_slice_table.hpp"

namespace darkshelf::rituals {

enum class RescueStage { kCarve, kSplit, kFind, kBuild };

struct RescueProgress {
  std::string source;  // what tells the medium from others
  RescueStage stage = RescueStage::kCarve;
  std::uint64_t position = 0;  // of the medium, in this stage
  std::vector<io::BadRegion> bad;
  std::uint64_t packets = 0, recovery = 0, slices = 0;  // bytes of the logs that count
};
std::string encode_rescue(const RescueProgress& progress);
/// Throws kCorrupt.
RescueProgress decode_rescue(std::string_view text);

struct FoundSlice {
  parity::RawSlice slice;
  std::uint64_t offset = 0;
};

/// Nothing is written before the first save(): the logs wait in memory.
class RescueStore {
 public:
  RescueStore(io::FileSystem& fs, io::Path folder) : fs_(fs), folder_(std::move(folder)) {}

  const io::Path& folder() const { return folder_; }
  /// Nothing if no rescue was begun here. Throws kCorrupt when what is there cannot be used.
  std::optional<RescueProgress> load();
  /// Every packet, in the order they were found.
  void replay(const std::function<void(const parity::CarvedPacket&)>& packet);
  void replay(const std::function<void(const FoundSlice&)>& slice);

  void log(const parity::CarvedPacket& packet);
  void log(const FoundSlice& slice);
  /// Whether it is time to save again.
  bool due() const;
  bool began() const { return began_; }
  /// Durable when it returns. Fills in the lengths of the logs.
  void save(RescueProgress progress);

 private:
  struct Log {
    const char* name;
    std::uint64_t length = 0;
    core::Bytes pending;
  };
  void flush(Log& log);
  void replay_packets(const std::function<void(const parity::CarvedPacket&)>& packet);
  void for_each_record(const Log& log, std::size_t bytes, const std::function<void(const std::byte*)>& record);

  io::FileSystem& fs_;
  io::Path folder_;
  bool began_ = false;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
  Log packets_{"packets", 0, {}}, recovery_{"recovery", 0, {}}, slices_{"slices", 0, {}};
};

}  // namespace darkshelf::rituals
