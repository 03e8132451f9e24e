#include "rituals/rescue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/rescue_place.hpp"
#include "rituals/rescue_search.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

class Rescuing {
 public:
  Rescuing(RescueContext& context, const RescueRequest& request)
      : context_(context), request_(request), search_(context, request, report_) {}

  RescueReport run() {
    search_.run();
    build();
    describe();
    return std::move(report_);
  }

 private:
  void build() {
    const auto& ours = search_.ours();
    std::vector<std::optional<volume::LoadedVolume>> lists(ours.size());
    std::vector<std::string> why(ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (ours[i]->kind != CarvedKind::kTags) continue;
      lists[i] = lists_of(i, why[i]);
      if (!lists[i]) continue;
      // What is needed of all volumes at once; the rest is rebuilt again when its turn comes.
      lists[i]->tag_text.clear();
      lists[i]->members = {};
      lists[i]->slices = {};
    }
    std::vector<bool> used(ours.size());
    VolumeRescue volumes(context_, request_, search_.medium(), search_.work_folder());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (ours[i]->kind != CarvedKind::kPayload) continue;
      std::optional<std::size_t> tags;
      for (std::size_t t = 0; t < ours.size() && !tags; ++t) {
        if (!lists[t] || used[t] || !has_shape_of(*lists[t], *ours[i])) continue;
        const auto all = lists_of(t, why[t]);
        if (all && tells_of(*all, search_.found(i), search_.medium())) tags = t;
      }
      if (tags) used[*tags] = true;
      one_volume(volumes, i, tags, tags ? &*lists[*tags] : nullptr);
    }
    for (std::size_t t = 0; t < ours.size(); ++t) {
      if (ours[t]->kind == CarvedKind::kTags && !used[t]) lists_alone(volumes, t, lists[t], why[t]);
    }
    report_.label = volumes.label();
    search_.finish();
  }

  std::optional<volume::LoadedVolume> lists_of(std::size_t i, std::string& why, bool verified = false) {
    try {
      const core::Work quiet{nullptr, nullptr, context_.work.memory, context_.work.threads};
      return volume::volume_from_texts(rebuild_tags(search_.medium(), *search_.ours()[i], search_.found(i), quiet));
    } catch (const Error& error) {
      if (ends_all(error) || error.code() == Code::kNoSpace) throw;
      if (!verified && search_.verify(i)) return lists_of(i, why, true);
      why = error.what();
      return {};
    }
  }

  /// Is too much lost? Then that is told.
  bool is_beyond(std::size_t i, RescuedVolume& out) {
    const CarvedSet& set = *search_.ours()[i];
    const std::size_t lost = search_.found(i).lost.size(), recovery = set.scan.recovery.size();
    out.found = set.slices - static_cast<std::uint32_t>(lost);
    out.recovery = static_cast<std::uint32_t>(recovery);
    if (lost <= recovery) return false;
    out.state = RescueState::kBeyond;
    out.failure = fmt::format("{} are lost, and {} were found", core::count_of(lost, "slice"),
                              core::count_of(recovery, "recovery slice"));
    return true;
  }

  void one_volume(VolumeRescue& volumes, std::size_t i, std::optional<std::size_t> tags,
                  const volume::LoadedVolume* lists) {
    const CarvedSet& set = *search_.ours()[i];
    RescuedVolume out;
    out.name = lists != nullptr ? fv::base_name(lists->info) : set.name();
    if (lists != nullptr) out.info = lists->info;
    out.bytes = set.bytes;
    out.slices = set.slices;
    if (!is_beyond(i, out)) {
      if (lists == nullptr) {
        out.state = RescueState::kWithoutLists;
        out.failure = "the lists of its files were not found, or too little of them";
      }
      RescueTarget target{&set, &search_.found(i), nullptr, nullptr};
      if (tags) target = {&set, &search_.found(i), search_.ours()[*tags], &search_.found(*tags)};
      if (search_.writes()) write(volumes, target, i, out);
    }
    report_.volumes.push_back(std::move(out));
  }

  /// Nothing is called lost before what was found of it has been compared with its checksums.
  void write(VolumeRescue& volumes, const RescueTarget& target, std::size_t i, RescuedVolume& out) {
    context_.work.told().begin(fmt::format("putting {} together", out.name), 0);
    if (!try_to_write(volumes, target, out) && search_.verify(i) && !is_beyond(i, out))
      try_to_write(volumes, target, out);
    context_.work.told().end();
  }

  bool try_to_write(VolumeRescue& volumes, const RescueTarget& target, RescuedVolume& out) {
    try {
      out.failure.clear();
      target.tags != nullptr ? volumes.run(target, out) : volumes.run_payload(target, out);
      return true;
    } catch (const Error& error) {
      if (ends_all(error) || error.code() == Code::kNoSpace) throw;
      const bool content = error.code() == Code::kUnrepairable || error.code() == Code::kCorrupt;
      out.state = content ? RescueState::kBeyond : RescueState::kFailed;
      out.failure = error.what();
      return false;
    }
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
      } else if (search_.writes()) {
        write(volumes, {nullptr, nullptr, search_.ours()[t], &search_.found(t)}, t, out);
      }
    }
    report_.volumes.push_back(std::move(out));
  }

  void describe() {
    for (const auto& set : search_.sets().all()) {
      if (set->kind == CarvedKind::kOther) ++report_.other_sets;
      if (set->kind == CarvedKind::kUnknown) ++report_.without_index;
      if (set->kind == CarvedKind::kUnusable) ++report_.unusable_sets;
    }
    for (const io::BadRegion& region : search_.medium().bad()) report_.bad_bytes += region.end - region.begin;
    std::sort(report_.volumes.begin(), report_.volumes.end(),
              [](const RescuedVolume& a, const RescuedVolume& b) { return a.name < b.name; });
    compare_with_catalog(context_, request_.source, report_);
  }

  RescueContext& context_;
  const RescueRequest& request_;
  RescueReport report_;
  RescueSearch search_;
};

}  // namespace

RescueReport rescue(RescueContext& context, const RescueRequest& request) { return Rescuing(context, request).run(); }

}  // namespace darkshelf::rituals
