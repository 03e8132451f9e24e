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

constexpr std::string_view kProgram = "darkshelf rescue ", kVersion = "2", kLastLine = "end ";
constexpr const char* kStages[] = {"carve", "split", "find", "build", "done"};
constexpr const char *kState = "state", *kLock = "lock";
constexpr std::uint64_t kTextLimit = 256 << 20, kLogLimit = std::uint64_t{1} << 40;
constexpr std::size_t kRecoveryRecord = 40, kSliceRecord = 32, kPendingLimit = 16 << 20;
constexpr std::chrono::seconds kEvery{20};
constexpr const char* kNewFolder = "the same command with --to and a folder that is new";

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

LogExtent extent_in(std::istringstream& words) {
  LogExtent extent;
  extent.bytes = number_in(words);
  std::string word;
  words >> word;
  const auto sha256 = core::digest_from_hex<32>(word);
  if (extent.bytes > kLogLimit || !sha256) throw unusable("has a line that makes no sense");
  extent.sha256 = *sha256;
  return extent;
}

/// The text in front of the last line, which tells its hash.
std::string_view sound_text(std::string_view text) {
  const std::size_t last = text.size() < 2 ? std::string_view::npos : text.rfind('\n', text.size() - 2);
  if (last == std::string_view::npos) throw unusable("is cut off");
  const std::string_view before = text.substr(0, last + 1), end = text.substr(last + 1);
  if (!end.starts_with(kLastLine) || !end.ends_with('\n')) throw unusable("is cut off");
  const auto sha256 = core::digest_from_hex<32>(end.substr(kLastLine.size(), end.size() - kLastLine.size() - 1));
  if (!sha256 || *sha256 != digest::sha256(core::as_bytes(before))) throw unusable("is damaged");
  return before;
}

/// Adds a range of bytes that must follow those before it.
template <typename Range>
void append(std::vector<Range>& ranges, const Range& range) {
  if (range.begin < (ranges.empty() ? 0 : ranges.back().end) || range.begin >= range.end)
    throw unusable("tells of places that make no sense");
  ranges.push_back(range);
}

}  // namespace

std::string encode_rescue(const RescueProgress& progress) {
  std::string text = fmt::format("{}{}\nsource {}\nstage {} {}\n", kProgram, kVersion, progress.source,
                                 kStages[static_cast<std::size_t>(progress.stage)], progress.position);
  for (const auto& [name, log] : {std::pair("packets", &progress.packets), std::pair("recovery", &progress.recovery),
                                  std::pair("slices", &progress.slices)})
    text += fmt::format("{} {} {}\n", name, log->bytes, core::to_hex(log->sha256));
  for (const io::BadRegion& region : progress.bad)
    text += fmt::format("bad {} {} {}\n", region.begin, region.end, region.tried ? 1 : 0);
  for (const SearchRange& range : progress.look) text += fmt::format("look {} {}\n", range.begin, range.end);
  const std::string hash = core::to_hex(digest::sha256(core::as_bytes(text)));
  return text + std::string(kLastLine) + hash + "\n";
}

RescueProgress decode_rescue(std::string_view text) {
  std::istringstream lines{std::string(sound_text(text))};
  std::string line;
  std::getline(lines, line);
  if (line != std::string(kProgram) + std::string(kVersion))
    throw Error(Code::kFailed, "the state of the rescue was written by another version of darkshelf", kNewFolder);
  RescueProgress progress;
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
    } else if (what == "packets") {
      progress.packets = extent_in(words);
    } else if (what == "recovery") {
      progress.recovery = extent_in(words);
    } else if (what == "slices") {
      progress.slices = extent_in(words);
    } else if (what == "bad") {
      io::BadRegion region;
      region.begin = number_in(words);
      region.end = number_in(words);
      region.tried = number_in(words) != 0;
      append(progress.bad, region);
    } else if (what == "look") {
      SearchRange range;
      range.begin = number_in(words);
      range.end = number_in(words);
      append(progress.look, range);
    } else {
      throw unusable("has a line that makes no sense");
    }
  }
  return progress;
}

/// A pipe would be waited for, and a link leads elsewhere.
void RescueStore::require_file(const io::Path& path) {
  const auto stat = fs_.stat(path);
  if (!stat || stat->type == io::FileType::kRegular) return;
  throw Error(Code::kUsage,
              fmt::format("{} is no file of a rescue: it is a {}", core::printable(path.string()),
                          stat->type == io::FileType::kDirectory ? "folder"
                          : stat->type == io::FileType::kSymlink ? "link"
                                                                 : "device or pipe"),
              kNewFolder);
}

/// Does what lies in the folder look like what this class writes? A run may have been killed before its first state.
bool RescueStore::is_ours() {
  const io::Path file = folder_ / kState;
  if (fs_.stat(folder_ / packets_.name)) return true;
  if (fs_.stat(file)) {
    core::Bytes head(kProgram.size());
    const std::size_t got = fs_.open_read(file)->read_at(0, head);
    if (core::as_text(core::ByteSpan(head).first(got)) == kProgram) return true;
  }
  const std::vector<io::Entry> entries = fs_.list(folder_);
  return std::all_of(entries.begin(), entries.end(), [&](const io::Entry& entry) {
    const bool log = entry.name == recovery_.name || entry.name == slices_.name || entry.name == kLock;
    return log || entry.name == std::string(kState) + ".new";
  });
}

void RescueStore::hold() {
  if (lock_) return;
  require_file(folder_ / kLock);
  lock_ = fs_.lock(folder_ / kLock, fmt::format("the folder {}", core::printable(folder_.parent_path().string())),
                   "darkshelf rescue");
}

std::optional<RescueBefore> RescueStore::load(std::uint64_t medium_bytes) {
  const auto folder = fs_.stat_following(folder_);
  if (!folder) return {};
  const io::Path file = folder_ / kState;
  if (folder->type == io::FileType::kDirectory) {
    for (const io::Path& path : {file, folder_ / packets_.name, folder_ / recovery_.name, folder_ / slices_.name})
      require_file(path);
  }
  if (folder->type != io::FileType::kDirectory || !is_ours())
    throw Error(Code::kUsage,
                fmt::format("{} holds something called {} already", core::printable(folder_.parent_path().string()),
                            core::printable(folder_.filename().string())),
                kNewFolder);
  hold();
  RescueBefore before;
  if (!fs_.stat(file)) {
    if (!fs_.stat(folder_ / packets_.name)) return {};  // killed before it had learnt anything
    before.damage = "its file state is gone";
    began_ = true;
    return before;
  }
  began_ = true;
  try {
    before.progress = decode_rescue(io::read_text(fs_, file, kTextLimit));
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
    before.damage = "its file state is damaged";
    return before;
  }
  RescueProgress& progress = before.progress;
  const bool packets = take(packets_, progress.packets), recovery = take(recovery_, progress.recovery),
             slices = take(slices_, progress.slices);
  if (packets && recovery && slices) return before;
  if (!slices) forget(slices_);
  progress.position = 0;
  progress.look = {{0, medium_bytes}};
  if (!packets || !recovery) {
    for (Log* log : {&packets_, &recovery_, &slices_}) forget(*log);
    before.damage = fmt::format("its file {} is damaged", !packets ? packets_.name : recovery_.name);
    progress.stage = RescueStage::kCarve;
  } else {
    before.damage = fmt::format("its file {} is damaged", slices_.name);
    progress.stage = std::min(progress.stage, RescueStage::kFind);
  }
  return before;
}

/// Is this what was written? Then the log goes on behind it.
bool RescueStore::take(Log& log, const LogExtent& extent) {
  const io::Path path = folder_ / log.name;
  const auto stat = fs_.stat(path);
  if (extent.bytes > (stat ? stat->bytes : 0)) return false;
  try {
    if (extent.bytes != 0) {
      const auto file = fs_.open_read(path);
      core::Bytes some(1 << 20);
      for (std::uint64_t at = 0; at < extent.bytes; at += some.size()) {
        const auto part = core::MutableByteSpan(some).first(std::min<std::uint64_t>(some.size(), extent.bytes - at));
        if (file->read_at(at, part) != part.size()) return false;
        log.hash.update(part);
      }
    }
  } catch (const Error& error) {
    if (!io::is_read_error(error)) throw;
    return false;
  }
  digest::Sha256Stream hash = log.hash;
  if (hash.finish() != extent.sha256) return false;
  if (stat && stat->bytes > extent.bytes) fs_.open_write(path)->truncate(extent.bytes);  // after the last save
  log.length = extent.bytes;
  return true;
}

void RescueStore::forget(Log& log) {
  log.length = 0;
  log.pending.clear();
  log.hash = {};
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
    FoundSlice found;
    std::copy_n(record, found.set.size(), found.set.begin());
    found.slice = core::load_le<std::uint32_t>(record + 16);
    found.offset = core::load_le<std::uint64_t>(record + 24);
    slice(found);
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
  std::copy(slice.set.begin(), slice.set.end(), record.begin());
  core::store_le<std::uint32_t>(record.data() + 16, slice.slice);
  core::store_le<std::uint64_t>(record.data() + 24, slice.offset);
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
  log.hash.update(log.pending);
  log.pending.clear();
}

void RescueStore::save(RescueProgress progress) {
  if (!lock_) {
    fs_.make_dirs(folder_);
    hold();
    if (fs_.stat(folder_ / kState))
      throw Error(Code::kInUse,
                  fmt::format("another rescue to {} began meanwhile", core::printable(folder_.parent_path().string())),
                  "type the same command again: it goes on with what that one has found");
  }
  for (Log* log : {&packets_, &recovery_, &slices_}) flush(*log);
  const auto extent = [](const Log& log) {
    digest::Sha256Stream hash = log.hash;
    return LogExtent{log.length, hash.finish()};
  };
  progress.packets = extent(packets_);
  progress.recovery = extent(recovery_);
  progress.slices = extent(slices_);
  io::write_file_durably(fs_, folder_ / kState, core::as_bytes(encode_rescue(progress)));
  began_ = true;
  saved_ = std::chrono::steady_clock::now();
  core::stop_point("rescue.saved");
}

}  // namespace darkshelf::rituals
