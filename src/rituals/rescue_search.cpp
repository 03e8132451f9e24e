#include "rituals/rescue_search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/rescue_place.hpp"
#include "rituals/rescue_walk.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kCarveLookahead = 1 << 20;
constexpr std::size_t kPlacesKept = 4;  // of the slices of a payload: enough to compare with lists

bool is_ours(const CarvedSet& set) { return set.kind == CarvedKind::kPayload || set.kind == CarvedKind::kTags; }

}  // namespace

void RescueSearch::run() {
  begin();
  report_.bytes = medium_->bytes();
  try {
    carve();
    split();
    find();
  } catch (const Error& error) {
    // What became readable of a new index may be of slices anywhere: the next run does not know that any more.
    if (!news_.empty()) add_look({0, medium_->bytes()});
    if (store_ && core::ends_all(error)) save();
    throw;
  }
}

void RescueSearch::begin() {
  const std::string identity = identity_of(context_.fs, request_.source);
  require_free(context_.fs, request_);
  const std::uint64_t bytes = context_.fs.open_read(request_.source)->stat().bytes;
  progress_.source = identity;
  progress_.look = {{0, bytes}};
  if (request_.to) {
    store_ = std::make_unique<RescueStore>(context_.fs, *request_.to / "rescue");
    if (auto before = store_->load(bytes)) {
      report_.damage = before->damage;
      report_.resumed = !before->progress.source.empty();  // else nothing of it is left
      if (report_.resumed) progress_ = std::move(before->progress);
      if (progress_.stage == RescueStage::kCarve) progress_.look = {{0, bytes}};
    }
    require_same(progress_, identity, *request_.to, store_->began(), context_.fs);
  }
  begin_again();
  std::erase_if(progress_.look, [](const SearchRange& range) { return range.begin >= range.end; });
  if (bytes == 0) progress_.look.clear();
  medium_ = std::make_unique<io::RawMedium>(context_.fs, request_.source, progress_.bad);
  if (report_.resumed) store_->replay([&](const parity::CarvedPacket& packet) { sets_.add(packet); });
}

/// A finished rescue whose command is typed once more: the drive has cooled down, its cable is another.
void RescueSearch::begin_again() {
  if (progress_.stage != RescueStage::kDone) return;
  progress_.look.clear();
  progress_.stage = RescueStage::kBuild;
  if (progress_.bad.empty()) return;
  for (io::BadRegion& region : progress_.bad) region.tried = false;
  progress_.stage = RescueStage::kSplit;
  again_ = true;
}

void RescueSearch::save() {
  if (!store_) return;
  open_.sync();
  progress_.bad = medium_->bad();
  store_->save(progress_);
}

void RescueSearch::passed(RescueStage stage, std::uint64_t position) {
  progress_.stage = stage;
  progress_.position = position;
  if (store_ && store_->due()) save();
}

void RescueSearch::finish() {
  progress_.stage = RescueStage::kDone;
  if (store_ && (store_->began() || !report_.label.empty())) save();
}

// --- the sets -------------------------------------------------------------------------------------------------------

parity::PacketCarver RescueSearch::carver() {
  return {medium_->bytes(),
          [this](std::uint64_t offset, core::MutableByteSpan into) { return medium_->read_exactly(offset, into); },
          [this](const parity::CarvedPacket& packet) {
            if (!sets_.add(packet)) return;
            if (progress_.stage == RescueStage::kSplit && !packet.bytes.empty()) news_.insert(packet.header.set_id);
            if (store_) store_->log(packet);
          }};
}

void RescueSearch::carve() {
  if (progress_.stage != RescueStage::kCarve) return;
  parity::PacketCarver carver = this->carver();
  context_.work.told().begin("looking for PAR2 packets, pass 1 of 2", medium_->bytes() - progress_.position);
  walk(
      *medium_, progress_.position, medium_->bytes(), kCarveLookahead, context_.work,
      [&](core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
        return carver.carve(data, base, from, to);
      },
      [&](std::uint64_t next) {
        require_memory();
        passed(RescueStage::kCarve, next);
      });
  context_.work.told().end();
  require_memory();
  passed(RescueStage::kSplit, 0);
  core::stop_point("rescue.carved");
}

/// What was passed over behind bad sectors, and the packets that reach into it.
void RescueSearch::split() {
  if (progress_.stage != RescueStage::kSplit) return;
  parity::PacketCarver carver = this->carver();
  const std::uint64_t around = std::max<std::uint64_t>(kCarveLookahead, sets_.longest());
  std::uint64_t read = 0;
  medium_->split(context_.work, [&](std::uint64_t begin, std::uint64_t end) {
    read += end - begin;
    add_look({begin, end});
    walk(
        *medium_, begin - std::min(begin, around), end, kCarveLookahead, quiet(),
        [&](core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
          return carver.carve(data, base, from, to);
        },
        [&](std::uint64_t) { require_memory(); });
  });
  if (again_) report_.read_anew = read;
  sets_.settle();
  for (const auto& set : sets_.all()) {
    if (is_ours(*set) && news_.contains(set->scan.set_id)) add_look({0, medium_->bytes()});  // it may lie anywhere
  }
  news_.clear();
  passed(RescueStage::kFind, 0);
}

void RescueSearch::add_look(const SearchRange& range) {
  std::vector<SearchRange>& look = progress_.look;
  SearchRange all = range;
  std::erase_if(look, [&](const SearchRange& one) {
    if (one.begin > all.end || one.end < all.begin) return false;
    all = {std::min(one.begin, all.begin), std::max(one.end, all.end)};
    return true;
  });
  look.insert(std::upper_bound(look.begin(), look.end(), all,
                               [](const SearchRange& a, const SearchRange& b) { return a.begin < b.begin; }),
              all);
}

/// Not to be cancelled: what is known of the region is changed already, and its packets would be missed for good.
core::Work RescueSearch::quiet() const { return {nullptr, nullptr, context_.work.memory, context_.work.threads}; }

/// Asked before a place is passed: the packets that were not taken in have to be met again by the next run.
void RescueSearch::require_memory(std::uint64_t needed) const {
  if (!sets_.overflowed() && needed <= context_.work.memory / 2) return;
  throw Error(Code::kFailed,
              fmt::format("there are more volumes on {} than can be looked for in {} of memory",
                          core::printable(request_.source.string()), core::format_size(context_.work.memory)),
              fmt::format("the same command with --memory {}GiB",
                          core::divide_up(std::max(3 * needed, 2 * context_.work.memory), 1 << 30)));
}

// --- the slices -----------------------------------------------------------------------------------------------------

void RescueSearch::prepare() {
  sets_.settle();
  std::uint64_t wanted = 0;
  for (const auto& set : sets_.all()) {
    if (is_ours(*set)) wanted += set->slices;
  }
  require_memory(wanted * parity::RawSliceTable::kBytesEach);
  for (const auto& set : sets_.all()) {
    if (!is_ours(*set)) continue;
    number_of_[set->scan.set_id] = table_.add_set(set->files, set->scan.main->slice_bytes);
    ours_.push_back(set.get());
    set->scan.slices.clear();
    for (parity::NumberedFile& file : set->files) file.checksums = nullptr;
  }
  found_.resize(ours_.size());
  table_.settle();
  for (std::uint32_t i = 0; i < ours_.size(); ++i) {
    found_[i].checksums = table_.md5s_of(i);
    if (ours_[i]->kind == CarvedKind::kPayload) report_.needed += room_for(*ours_[i]);
  }
  if (report_.resumed) store_->replay([&](const FoundSlice& found) { take_in(found); });
  find_placed();
}

/// By the parity that lies beside them: what is whole needs no second place while it is looked at again.
void RescueSearch::find_placed() {
  if (!store_) return;
  io::FileSystem& fs = context_.fs;
  for (const CarvedSet* set : ours_) {
    if (VolumeRescue::without_lists(fs, *request_.to, *set)) placed_.insert(set->scan.set_id);
  }
  if (!fs.stat(*request_.to)) return;
  for (const io::Path& volume : volume::volume_folders(fs, *request_.to)) {
    for (const io::Entry& entry : fs.list(volume)) {
      if (entry.type != io::FileType::kRegular || !entry.name.ends_with(".par2")) continue;
      core::Bytes head(formats::par2::kHeaderBytes);
      if (fs.open_read(volume / entry.name)->read_at(0, head) != head.size()) continue;
      if (const auto header = formats::par2::decode_header(head)) placed_.insert(header->set_id);
    }
  }
}

void RescueSearch::take_in(const FoundSlice& found) {
  const auto number = number_of_.find(found.set);
  if (number == number_of_.end() || found.slice >= ours_[number->second]->slices) return;
  const parity::RawSlice slice{number->second, found.slice};
  table_.mark_found(slice, found.offset);
  keep_place(slice, found.offset);
}

void RescueSearch::keep_place(const parity::RawSlice& slice, std::uint64_t offset) {
  auto& places = found_[slice.set].places;
  if (ours_[slice.set]->kind == CarvedKind::kTags || places.size() < kPlacesKept) places.emplace(slice.slice, offset);
}

void RescueSearch::find() {
  prepare();
  if (progress_.stage == RescueStage::kFind) {
    if (!ours_.empty() && !progress_.look.empty()) {
      measure();
      search();
    }
    progress_.look.clear();
    passed(RescueStage::kBuild, 0);
  }
  for (std::uint32_t i = 0; i < ours_.size(); ++i) {
    for (std::uint32_t s = 0; s < ours_[i]->slices; ++s) {
      if (!table_.is_found({i, s})) found_[i].lost.push_back(s);
    }
    add_zeros(i);
  }
  open_.close_all();
  core::stop_point("rescue.found");
}

/// Slices of zeros count as found, though nobody looked where they lie: any place will do.
void RescueSearch::add_zeros(std::uint32_t set) {
  if (ours_[set]->kind != CarvedKind::kTags) return;
  std::size_t lost = 0;
  for (std::uint32_t s = 0; s < ours_[set]->slices; ++s) {
    if (lost < found_[set].lost.size() && found_[set].lost[lost] == s) {
      ++lost;
    } else {
      found_[set].places.emplace(s, FoundSlices::kZeros);
    }
  }
}

/// Room for all that may come, before any of it is written.
void RescueSearch::measure() {
  if (!store_ || store_->has_slices() || !placed_.empty()) return;
  const std::uint64_t free = context_.fs.space(existing(context_.fs, *request_.to)).free;
  if (report_.needed <= free) return;
  throw Error(
      Code::kNoSpace,
      fmt::format("what may be rescued takes {}, and {} has {} free; nothing was written",
                  core::format_size(report_.needed), core::printable(request_.to->string()), core::format_size(free)),
      "the same command with --to on a larger disk");
}

void RescueSearch::search() {
  save();  // before anything else is written: it tells whose folder this is
  parity::RawSliceSearch search(table_, context_.work,
                                [this](const parity::RawSlice& slice, std::uint64_t offset, core::ByteSpan bytes) {
                                  keep_place(slice, offset);
                                  if (!store_) return;
                                  if (ours_[slice.set]->kind == CarvedKind::kPayload) gather(slice, bytes);
                                  store_->log(FoundSlice{ours_[slice.set]->scan.set_id, slice.slice, offset});
                                });
  std::uint64_t all = 0, behind = 0;
  for (const SearchRange& range : progress_.look) all += range.end - range.begin;
  context_.work.told().begin("looking for photos, pass 2 of 2", all);
  while (!progress_.look.empty()) {
    // What reaches into the range from in front of it belongs to it.
    const std::uint64_t before =
        progress_.look.front().begin - std::min(progress_.look.front().begin, table_.longest());
    this->search(search, std::max(behind, before) / parity::kSectorBytes * parity::kSectorBytes);
    behind = progress_.look.front().end;
    progress_.look.erase(progress_.look.begin());
  }
  context_.work.told().end();
}

/// The first of the ranges, from `begin` on.
void RescueSearch::search(parity::RawSliceSearch& search, std::uint64_t begin) {
  SearchRange& range = progress_.look.front();
  walk(
      *medium_, begin, range.end, table_.longest() + parity::kSectorBytes, context_.work,
      [&](core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
        return search_between(search, data, base, from, to);
      },
      [&](std::uint64_t next) {
        range.begin = std::max(range.begin, std::min(next, range.end - 1));
        passed(RescueStage::kFind, 0);
      });
}

/// Nothing of a volume lies where its recovery data do, unless it is what follows something that was found.
std::uint64_t RescueSearch::search_between(parity::RawSliceSearch& search, core::ByteSpan data, std::uint64_t base,
                                           std::uint64_t from, std::uint64_t to) {
  const auto& covered = sets_.covered();
  while (from < to) {
    const auto range = std::upper_bound(covered.begin(), covered.end(), from,
                                        [](std::uint64_t at, const CarvedSets::Range& r) { return at < r.end; });
    if (range != covered.end() && range->begin <= from && !search.expects(from)) {
      from = core::round_up(range->end, parity::kSectorBytes);
      continue;
    }
    std::uint64_t end = to;
    if (range != covered.end())
      end = std::min(
          end, range->begin <= from ? from + parity::kSectorBytes : core::round_up(range->begin, parity::kSectorBytes));
    from = search.search(data, base, from, end);
  }
  return from;
}

/// What goes wrong with the files of one volume is told when its turn comes; the others are gathered all the same.
void RescueSearch::gather(const parity::RawSlice& slice, core::ByteSpan bytes) {
  if (failed_.contains(slice.set) || placed_.contains(ours_[slice.set]->scan.set_id)) return;
  try {
    payload(slice.set).write(slice.slice, 0, bytes);
  } catch (const Error& error) {
    if (ends_all(error) || error.code() == Code::kNoSpace) throw;
    open_.drop(slice.set);
    failed_.insert(slice.set);
  }
}

GatheredPayload& RescueSearch::payload(std::uint32_t set) {
  const CarvedSet& carved = *ours_[set];
  return open_.open(context_.fs, set, VolumeRescue::gathered(store_->folder(), carved), carved);
}

}  // namespace darkshelf::rituals
