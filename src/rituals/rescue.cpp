#include "rituals/rescue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "parity/raw_slices.hpp"
#include "rituals/rescue_payload.hpp"
#include "rituals/rescue_place.hpp"
#include "rituals/rescue_store.hpp"
#include "rituals/rescue_volumes.hpp"
#include "rituals/rescue_walk.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kCarveLookahead = 1 << 20;
constexpr std::size_t kPlacesKept = 4;  // of the slices of a payload: enough to compare with lists

class Rescuing {
 public:
  Rescuing(RescueContext& context, const RescueRequest& request)
      : context_(context), request_(request), sets_(context.work.memory / 3) {}

  RescueReport run() {
    const std::string identity = identity_of(context_.fs, request_.source);
    require_free(context_.fs, request_);
    begin(identity);
    report_.bytes = medium_->bytes();
    try {
      carve();
      split();
      find();
      build();
    } catch (const Error& error) {
      if (store_ && error.code() == Code::kCancelled) save();
      throw;
    }
    describe();
    return std::move(report_);
  }

 private:
  /// Goes on from what an earlier run left.
  void begin(const std::string& identity) {
    if (request_.to) {
      store_ = std::make_unique<RescueStore>(context_.fs, *request_.to / "rescue");
      if (auto before = store_->load()) {
        progress_ = std::move(*before);
        report_.resumed = true;
      }
      require_same(progress_, identity, *request_.to, store_->began(), context_.fs);
    }
    progress_.source = identity;
    medium_ = std::make_unique<io::RawMedium>(context_.fs, request_.source, progress_.bad);
    if (report_.resumed) store_->replay([&](const parity::CarvedPacket& packet) { sets_.add(packet); });
  }

  void save() {
    if (!store_) return;
    open_.sync();
    progress_.bad = medium_->bad();
    store_->save(progress_);
  }
  void passed(RescueStage stage, std::uint64_t position) {
    progress_.stage = stage;
    progress_.position = position;
    if (store_ && store_->due()) save();
  }

  // --- the sets ---------------------------------------------------------------------------------------------------

  parity::PacketCarver carver() {
    return {medium_->bytes(),
            [this](std::uint64_t offset, core::MutableByteSpan into) { return medium_->read_exactly(offset, into); },
            [this](const parity::CarvedPacket& packet) {
              if (sets_.add(packet) && store_) store_->log(packet);
            }};
  }

  void carve() {
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
  void split() {
    if (progress_.stage != RescueStage::kSplit) return;
    parity::PacketCarver carver = this->carver();
    const std::uint64_t around = std::max<std::uint64_t>(kCarveLookahead, sets_.longest());
    medium_->split(context_.work, [&](std::uint64_t begin, std::uint64_t end) {
      walk(
          *medium_, begin - std::min(begin, around), end, kCarveLookahead, quiet(),
          [&](core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
            return carver.carve(data, base, from, to);
          },
          [&](std::uint64_t) { require_memory(); });
    });
    passed(RescueStage::kFind, 0);
  }
  /// Not to be cancelled: what is known of the region is changed already, and its packets would be missed for good.
  core::Work quiet() const { return {nullptr, nullptr, context_.work.memory, context_.work.threads}; }
  /// Asked before a place is passed: the packets that were not taken in have to be met again by the next run.
  void require_memory(std::uint64_t needed = 0) const {
    if (!sets_.overflowed() && needed <= context_.work.memory / 2) return;
    throw Error(Code::kFailed,
                fmt::format("there are more volumes on {} than can be looked for in {} of memory",
                            core::printable(request_.source.string()), core::format_size(context_.work.memory)),
                fmt::format("the same command with --memory {}GiB",
                            core::divide_up(std::max(3 * needed, 2 * context_.work.memory), 1 << 30)));
  }

  // --- the slices -------------------------------------------------------------------------------------------------

  void prepare() {
    sets_.settle();
    std::uint64_t wanted = 0;
    for (const auto& set : sets_.all()) {
      if (is_ours(*set)) wanted += set->slices;
    }
    require_memory(wanted * parity::RawSliceTable::kBytesEach);
    for (const auto& set : sets_.all()) {
      if (!is_ours(*set)) continue;
      table_.add_set(set->files, set->scan.main->slice_bytes);
      ours_.push_back(set.get());
      set->scan.slices.clear();
      for (parity::NumberedFile& file : set->files) file.checksums = nullptr;
    }
    found_.resize(ours_.size());
    table_.settle();
    if (report_.resumed) store_->replay([&](const FoundSlice& found) { take_in(found); });
  }
  static bool is_ours(const CarvedSet& set) {
    return set.kind == CarvedKind::kPayload || set.kind == CarvedKind::kTags;
  }
  void take_in(const FoundSlice& found) {
    if (found.slice.set >= ours_.size() || found.slice.slice >= ours_[found.slice.set]->slices)
      throw Error(Code::kCorrupt, "the state of the rescue tells of slices that there are not");
    table_.mark_found(found.slice);
    keep_place(found);
  }
  void keep_place(const FoundSlice& found) {
    auto& places = found_[found.slice.set].places;
    if (ours_[found.slice.set]->kind == CarvedKind::kTags || places.size() < kPlacesKept)
      places.emplace(found.slice.slice, found.offset);
  }

  void find() {
    prepare();
    if (progress_.stage == RescueStage::kFind && !ours_.empty()) {
      measure();
      search();
    }
    if (progress_.stage != RescueStage::kBuild) passed(RescueStage::kBuild, 0);
    for (std::uint32_t i = 0; i < ours_.size(); ++i) {
      for (std::uint32_t s = 0; s < ours_[i]->slices; ++s) {
        if (!table_.is_found({i, s})) found_[i].lost.push_back(s);
      }
      add_zeros(i);
    }
    core::stop_point("rescue.found");
  }

  /// Slices of zeros count as found, though nobody looked where they lie: any place will do.
  void add_zeros(std::uint32_t set) {
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
  void measure() {
    for (const CarvedSet* set : ours_) {
      if (set->kind == CarvedKind::kPayload) report_.needed += room_for(*set);
    }
    if (!store_ || progress_.position != 0) return;
    const std::uint64_t free = context_.fs.space(existing(context_.fs, *request_.to)).free;
    if (report_.needed <= free) return;
    throw Error(
        Code::kNoSpace,
        fmt::format("what may be rescued takes {}, and {} has {} free; nothing was written",
                    core::format_size(report_.needed), core::printable(request_.to->string()), core::format_size(free)),
        "the same command with --to on a larger disk");
  }

  void search() {
    save();  // before anything else is written: it tells whose folder this is
    parity::RawSliceSearch search(table_, context_.work,
                                  [this](const parity::RawSlice& slice, std::uint64_t offset, core::ByteSpan bytes) {
                                    keep_place({slice, offset});
                                    if (!store_) return;
                                    if (ours_[slice.set]->kind == CarvedKind::kPayload)
                                      payload(slice.set).write(slice.slice, 0, bytes);
                                    store_->log(FoundSlice{slice, offset});
                                  });
    context_.work.told().begin("looking for photos, pass 2 of 2", medium_->bytes() - progress_.position);
    walk(
        *medium_, progress_.position / parity::kSectorBytes * parity::kSectorBytes, medium_->bytes(),
        table_.longest() + parity::kSectorBytes, context_.work,
        [&](core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
          return search_between(search, data, base, from, to);
        },
        [&](std::uint64_t next) { passed(RescueStage::kFind, next); });
    context_.work.told().end();
  }

  /// Nothing of a volume lies where its recovery data do, unless it is what follows something that was found.
  std::uint64_t search_between(parity::RawSliceSearch& search, core::ByteSpan data, std::uint64_t base,
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
        end = std::min(end, range->begin <= from ? from + parity::kSectorBytes
                                                 : core::round_up(range->begin, parity::kSectorBytes));
      from = search.search(data, base, from, end);
    }
    return from;
  }

  GatheredPayload& payload(std::uint32_t set) {
    const CarvedSet& carved = *ours_[set];
    return open_.open(context_.fs, set, VolumeRescue::gathered(store_->folder(), carved), carved);
  }

  // --- the volumes ------------------------------------------------------------------------------------------------

  void build() {
    open_.close_all();
    std::vector<std::optional<volume::LoadedVolume>> lists(ours_.size());
    std::vector<std::string> why(ours_.size());
    for (std::size_t i = 0; i < ours_.size(); ++i) {
      if (ours_[i]->kind != CarvedKind::kTags) continue;
      lists[i] = lists_of(i, why[i]);
      if (!lists[i]) continue;
      // What is needed of all volumes at once; the rest is rebuilt again when its turn comes.
      lists[i]->tag_text.clear();
      lists[i]->members = {};
      lists[i]->slices = {};
    }
    std::vector<bool> used(ours_.size());
    VolumeRescue volumes(context_, request_, *medium_, store_ ? store_->folder() : io::Path());
    for (std::size_t i = 0; i < ours_.size(); ++i) {
      if (ours_[i]->kind != CarvedKind::kPayload) continue;
      std::optional<std::size_t> tags;
      for (std::size_t t = 0; t < ours_.size() && !tags; ++t) {
        if (!lists[t] || used[t] || !has_shape_of(*lists[t], *ours_[i])) continue;
        const auto all = lists_of(t, why[t]);
        if (all && tells_of(*all, found_[i], *medium_)) tags = t;
      }
      if (tags) used[*tags] = true;
      one_volume(volumes, i, tags, tags ? &*lists[*tags] : nullptr);
    }
    for (std::size_t t = 0; t < ours_.size(); ++t) {
      if (ours_[t]->kind == CarvedKind::kTags && !used[t]) lists_alone(volumes, t, lists[t], why[t]);
    }
    report_.label = volumes.label();
    if (store_ && (store_->began() || !report_.label.empty())) save();
  }

  std::optional<volume::LoadedVolume> lists_of(std::size_t i, std::string& why) {
    try {
      return volume::volume_from_texts(rebuild_tags(*medium_, *ours_[i], found_[i], quiet()));
    } catch (const Error& error) {
      if (ends_all(error) || error.code() == Code::kNoSpace) throw;
      why = error.what();
      return {};
    }
  }

  void one_volume(VolumeRescue& volumes, std::size_t i, std::optional<std::size_t> tags,
                  const volume::LoadedVolume* lists) {
    const CarvedSet& set = *ours_[i];
    RescuedVolume out;
    out.name = lists != nullptr ? fv::base_name(lists->info) : set.name();
    if (lists != nullptr) out.info = lists->info;
    out.bytes = set.bytes;
    out.slices = set.slices;
    out.found = set.slices - static_cast<std::uint32_t>(found_[i].lost.size());
    out.recovery = static_cast<std::uint32_t>(set.scan.recovery.size());
    if (found_[i].lost.size() > set.scan.recovery.size()) {
      out.state = RescueState::kBeyond;
      out.failure = fmt::format("{} are lost, and {} were found", core::count_of(found_[i].lost.size(), "slice"),
                                core::count_of(set.scan.recovery.size(), "recovery slice"));
    } else if (lists == nullptr) {
      out.state = RescueState::kWithoutLists;
      out.failure = "the lists of its files were not found, or too little of them";
      if (store_) write(volumes, {&set, &found_[i], nullptr, nullptr}, out);
    } else if (store_) {
      write(volumes, {&set, &found_[i], ours_[*tags], &found_[*tags]}, out);
    }
    report_.volumes.push_back(std::move(out));
  }

  void write(VolumeRescue& volumes, const RescueTarget& target, RescuedVolume& out) {
    context_.work.told().begin(fmt::format("putting {} together", out.name), 0);
    try {
      target.tags != nullptr ? volumes.run(target, out) : volumes.run_payload(target, out);
    } catch (const Error& error) {
      if (ends_all(error) || error.code() == Code::kNoSpace) throw;
      out.state = RescueState::kBeyond;
      out.failure = error.what();
    }
    context_.work.told().end();
  }

  /// Tag files without a payload: of a volume whose files are all empty, or one whose index is gone.
  void lists_alone(VolumeRescue& volumes, std::size_t t, const std::optional<volume::LoadedVolume>& lists,
                   const std::string& why) {
    RescuedVolume out;
    if (!lists) {
      out.name = "a volume without a name";
      out.state = RescueState::kWithoutLists;
      out.failure = why;
    } else {
      out.name = fv::base_name(lists->info);
      out.info = lists->info;
      out.bytes = lists->info.payload_bytes;
      out.slices = lists->info.slices;
      if (lists->info.slices != 0) {
        out.state = RescueState::kBeyond;
        out.failure = "no index of its slices was found: nothing tells where its photos lie";
      } else if (store_) {
        write(volumes, {nullptr, nullptr, ours_[t], &found_[t]}, out);
      }
    }
    report_.volumes.push_back(std::move(out));
  }

  void describe() {
    for (const auto& set : sets_.all()) {
      if (set->kind == CarvedKind::kOther) ++report_.other_sets;
      if (set->kind == CarvedKind::kUnknown) ++report_.without_index;
    }
    for (const io::BadRegion& region : medium_->bad()) report_.bad_bytes += region.end - region.begin;
    std::sort(report_.volumes.begin(), report_.volumes.end(),
              [](const RescuedVolume& a, const RescuedVolume& b) { return a.name < b.name; });
    compare_with_catalog(context_, request_.source, report_);
  }

  RescueContext& context_;
  const RescueRequest& request_;
  RescueReport report_;
  RescueProgress progress_;
  std::unique_ptr<RescueStore> store_;  // null: only looking
  std::unique_ptr<io::RawMedium> medium_;
  CarvedSets sets_;
  std::vector<const CarvedSet*> ours_;  // by number in the table
  parity::RawSliceTable table_;
  std::vector<FoundSlices> found_;  // beside ours_
  OpenPayloads open_;
};

}  // namespace

RescueReport rescue(RescueContext& context, const RescueRequest& request) { return Rescuing(context, request).run(); }

}  // namespace darkshelf::rituals
