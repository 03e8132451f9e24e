#include "rituals/rescue_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::rituals {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::string_view kFirstLine = "darkshelf rescue 1", kLastLine = "end";
constexpr const char* kStages[] = {"carve", "split", "find", "build"};
constexpr std::uint64_t kTextLimit = 256 << 20, kLogLimit = std::uint64_t{1} << 40;
constexpr std::size_t kRecoveryRecord = 40, kSliceRecord = 16, kPendingLimit = 16 << 20;
constexpr std::chrono::seconds kEvery{20};

Error unusable(const std::string& why) { return Error(Code::kCorrupt, "the state of the rescue " + why); }

std::uint64_t number_in(std::istringstream& words) {
  std::string word;
  std::uint64_t value = 0;
  words >> word;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || problem != std::errc{} || end != word.data() + word.size())
    throw unusable("has a line that makes no sense");
  return value;
}

}  // namespace

std::string encode_rescue(const RescueProgress& progress) {
  std::string text = fmt::format("{}\nsource {}\nstage {} {}\nlogs {} {} {}\n", kFirstLine, progress.source,
                                 kStages[static_cast<std::size_t>(progress.stage)], progress.position, progress.packets,
                                 progress.recovery, progress.slices);
  for (const io::BadRegion& region : progress.bad)
    text += fmt::format("bad {} {} {}\n", region.begin, region.end, region.tried ? 1 : 0);
  return text + std::string(kLastLine) + "\n";
}

RescueProgress decode_rescue(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) throw unusable("was written by another version, or is damaged");
  RescueProgress progress;
  bool ended = false;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "source") {
      progress.source = line.substr(std::min<std::size_t>(line.size(), 7));
    } else if (what == "stage") {
      std::string name;
      words >> name;
      const auto* const stage = std::find(std::begin(kStages), std::end(kStages), name);
      if (stage == std::end(kStages)) throw unusable("tells of a stage that there is not");
      progress.stage = static_cast<RescueStage>(stage - std::begin(kStages));
      progress.position = number_in(words);
    } else if (what == "logs") {
      for (std::uint64_t* length : {&progress.packets, &progress.recovery, &progress.slices}) {
        *length = number_in(words);
        if (*length > kLogLimit) throw unusable("has a line that makes no sense");
      }
    } else if (what == "bad") {
      io::BadRegion region;
      region.begin = number_in(words);
      region.end = number_in(words);
      region.tried = number_in(words) != 0;
      const std::uint64_t before = progress.bad.empty() ? 0 : progress.bad.back().end;
      if (region.begin < before || region.begin >= region.end) throw unusable("has bad regions that make no sense");
      progress.bad.push_back(region);
    } else if (what == kLastLine) {
      ended = true;
    } else {
      throw unusable("has a line that makes no sense");
    }
  }
  if (!ended) throw unusable("is cut off");
  return progress;
}

std::optional<RescueProgress> RescueStore::load() {
  const io::Path file = folder_ / "state";
  if (!fs_.stat(file)) return {};
  const RescueProgress progress = decode_rescue(io::read_text(fs_, file, kTextLimit));
  for (const auto& [log, length] : {std::pair(&packets_, progress.packets), std::pair(&recovery_, progress.recovery),
                                    std::pair(&slices_, progress.slices)}) {
    const auto stat = fs_.stat(folder_ / log->name);
    if (length > (stat ? stat->bytes : 0)) throw unusable(fmt::format("lacks the end of its file {}", log->name));
    if (stat && stat->bytes > length) fs_.open_write(folder_ / log->name)->truncate(length);  // after the last save
    log->length = length;
  }
  began_ = true;
  return progress;
}

void RescueStore::for_each_record(const Log& log, std::size_t bytes,
                                  const std::function<void(const std::byte*)>& record) {
  if (log.length == 0) return;
  const auto file = fs_.open_read(folder_ / log.name);
  core::Bytes some(bytes * 65536);
  for (std::uint64_t at = 0; at < log.length; at += some.size()) {
    const auto part = core::MutableByteSpan(some).first(std::min<std::uint64_t>(some.size(), log.length - at));
    if (file->read_at(at, part) != part.size()) throw unusable(fmt::format("lacks the end of its file {}", log.name));
    for (std::size_t i = 0; i + bytes <= part.size(); i += bytes) record(part.data() + i);
  }
}

void RescueStore::replay_packets(const std::function<void(const parity::CarvedPacket&)>& packet) {
  if (packets_.length == 0) return;
  const auto file = fs_.open_read(folder_ / packets_.name);
  parity::PacketCarver carver(
      packets_.length,
      [&](std::uint64_t offset, core::MutableByteSpan into) { return file->read_at(offset, into) == into.size(); },
      packet);
  core::Bytes window(kPendingLimit);
  for (std::uint64_t at = 0; at < packets_.length;) {
    const std::size_t got = file->read_at(at, window);
    const bool ends = at + got >= packets_.length;
    if (got <= par2::kHeaderBytes && !ends) throw unusable("lacks the end of its packets");
    at =
        carver.carve(core::ByteSpan(window).first(got), at, at, ends ? packets_.length : at + got - par2::kHeaderBytes);
  }
}

void RescueStore::replay(const std::function<void(const parity::CarvedPacket&)>& packet) {
  replay_packets(packet);
  for_each_record(recovery_, kRecoveryRecord, [&](const std::byte* record) {
    parity::CarvedPacket one;
    std::copy_n(record, 16, one.header.set_id.begin());
    par2::RecoverySlice slice;
    slice.exponent = core::load_le<std::uint32_t>(record + 16);
    slice.data_offset = par2::kHeaderBytes + 4;
    slice.data_bytes = core::load_le<std::uint64_t>(record + 24);
    one.offset = core::load_le<std::uint64_t>(record + 32);
    one.header.bytes = slice.data_bytes + slice.data_offset;
    if (slice.exponent > par2::kMaxExponent || slice.data_bytes > parity::kLongestRawSlice)
      throw unusable("tells of a recovery slice that cannot be");
    one.body = slice;
    packet(one);
  });
}

void RescueStore::replay(const std::function<void(const FoundSlice&)>& slice) {
  for_each_record(slices_, kSliceRecord, [&](const std::byte* record) {
    slice({{core::load_le<std::uint32_t>(record), core::load_le<std::uint32_t>(record + 4)},
           core::load_le<std::uint64_t>(record + 8)});
  });
}

void RescueStore::log(const parity::CarvedPacket& packet) {
  if (const auto* slice = std::get_if<par2::RecoverySlice>(&packet.body)) {
    std::array<std::byte, kRecoveryRecord> record{};
    std::copy(packet.header.set_id.begin(), packet.header.set_id.end(), record.begin());
    core::store_le<std::uint32_t>(record.data() + 16, slice->exponent);
    core::store_le<std::uint64_t>(record.data() + 24, slice->data_bytes);
    core::store_le<std::uint64_t>(record.data() + 32, packet.offset);
    recovery_.pending.insert(recovery_.pending.end(), record.begin(), record.end());
  } else {
    packets_.pending.insert(packets_.pending.end(), packet.bytes.begin(), packet.bytes.end());
  }
}

void RescueStore::log(const FoundSlice& slice) {
  std::array<std::byte, kSliceRecord> record{};
  core::store_le<std::uint32_t>(record.data(), slice.slice.set);
  core::store_le<std::uint32_t>(record.data() + 4, slice.slice.slice);
  core::store_le<std::uint64_t>(record.data() + 8, slice.offset);
  slices_.pending.insert(slices_.pending.end(), record.begin(), record.end());
}

bool RescueStore::due() const {
  return packets_.pending.size() + recovery_.pending.size() + slices_.pending.size() > kPendingLimit ||
         std::chrono::steady_clock::now() - saved_ > kEvery;
}

void RescueStore::flush(Log& log) {
  if (log.pending.empty()) return;
  const io::Path path = folder_ / log.name;
  const auto file = fs_.stat(path) ? fs_.open_write(path) : fs_.create(path);
  file->write_at(log.length, log.pending);
  file->sync();
  log.length += log.pending.size();
  log.pending.clear();
}

void RescueStore::save(RescueProgress progress) {
  fs_.make_dirs(folder_);
  for (Log* log : {&packets_, &recovery_, &slices_}) flush(*log);
  progress.packets = packets_.length;
  progress.recovery = recovery_.length;
  progress.slices = slices_.length;
  io::write_file_durably(fs_, folder_ / "state", core::as_bytes(encode_rescue(progress)));
  began_ = true;
  saved_ = std::chrono::steady_clock::now();
  core::stop_point("rescue.saved");
}

}  // namespace darkshelf::rituals
