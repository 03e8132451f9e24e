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

enum class RescueStage { kCarve, kSplit, kFind, kBuild, kDone };

struct SearchRange {
  std::uint64_t begin = 0, end = 0;
};
/// What of a log counts, and what it must be.
struct LogExtent {
  std::uint64_t bytes = 0;
  digest::Sha256 sha256{};
};

struct RescueProgress {
  std::string source;  // what tells the medium from others
  RescueStage stage = RescueStage::kCarve;
  std::uint64_t position = 0;  // of the medium, in this stage
  std::vector<io::BadRegion> bad;
  std::vector<SearchRange> look;  // where slices are still to be looked for; ascending, apart
  LogExtent packets, recovery, slices;
};
/// The last line is the SHA-256 of all before it.
std::string encode_rescue(const RescueProgress& progress);
/// Throws kCorrupt for what is damaged, kFailed for what another version wrote.
RescueProgress decode_rescue(std::string_view text);

struct FoundSlice {
  formats::par2::Md5 set{};
  std::uint32_t slice = 0;
  std::uint64_t offset = 0;
};

/// What an earlier run left. Where a part of it is damaged that part counts for nothing, and the stage is the one that
/// finds it again.
struct RescueBefore {
  RescueProgress progress;
  std::string damage;  // "" or why the search begins anew; with the state itself the source is lost, too
};

/// Nothing is written before the first save(): the logs wait in memory. The folder is locked from the first time that
/// it is there.
class RescueStore {
 public:
  RescueStore(io::FileSystem& fs, io::Path folder) : fs_(fs), folder_(std::move(folder)) {}

  const io::Path& folder() const { return folder_; }
  /// Nothing if no rescue was begun here. Throws kInUse when another process rescues to it, kUsage when what is there
  /// is no state of a rescue.
  std::optional<RescueBefore> load(std::uint64_t medium_bytes);
  /// Every packet, in the order they were found.
  void replay(const std::function<void(const parity::CarvedPacket&)>& packet);
  void replay(const std::function<void(const FoundSlice&)>& slice);

  void log(const parity::CarvedPacket& packet);
  void log(const FoundSlice& slice);
  /// Whether it is time to save again.
  bool due() const;
  bool began() const { return began_; }
  bool has_slices() const { return slices_.length + slices_.pending.size() != 0; }
  /// Durable when it returns. Fills in the lengths of the logs.
  void save(RescueProgress progress);

 private:
  struct Log {
    const char* name;
    std::uint64_t length = 0;
    core::Bytes pending = {};
    digest::Sha256Stream hash = {};  // of all that was written
  };
  void flush(Log& log);
  void hold();
  bool is_ours();
  void require_file(const io::Path& path);
  bool take(Log& log, const LogExtent& extent);
  void forget(Log& log);
  void replay_packets(const std::function<void(const parity::CarvedPacket&)>& packet);
  void for_each_record(const Log& log, std::size_t bytes, const std::function<void(const std::byte*)>& record);

  io::FileSystem& fs_;
  io::Path folder_;
  std::unique_ptr<io::Lock> lock_;
  bool began_ = false;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
  Log packets_{"packets"}, recovery_{"recovery"}, slices_{"slices"};
};

}  // namespace darkshelf::rituals
