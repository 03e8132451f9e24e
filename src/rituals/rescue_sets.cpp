#include "rituals/rescue_sets.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "formats/volume/paths.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::rituals {

namespace par2 = formats::par2;
namespace fv = formats::volume;

namespace {

constexpr std::string_view kData = "data/", kTar = ".tar";
constexpr std::uint64_t kHead = par2::kHeaderBytes + 4;
constexpr std::size_t kLongestPart = 255, kLongestName = 4095;  // of every file system of Linux

/// Is this a name below a folder that a file system can hold?
bool is_safe(const std::string& name) {
  if (name.size() > kLongestName) return false;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    if (end - start > kLongestPart) return false;
    start = end + 1;
  }
  try {
    fv::require_safe_path(name, "a PAR2 set");
    return true;
  } catch (const core::Error&) {
    return false;
  }
}

}  // namespace

std::string CarvedSet::name() const {
  if (files.empty()) return {};
  std::string name = files.front().description.name;
  if (!name.starts_with(kData)) return name;
  name.erase(0, kData.size());
  if (files.size() == 1 && name.ends_with(kTar) && name.find('/') == std::string::npos)
    return name.substr(0, name.size() - kTar.size());
  return name.substr(0, name.find('/'));
}

CarvedSet& CarvedSets::set_of(const par2::Md5& id) {
  const auto [at, fresh] = by_id_.emplace(id, sets_.size());
  if (fresh) {
    sets_.push_back(std::make_unique<CarvedSet>());
    sets_.back()->scan.set_id = id;
    taken_ += sizeof(CarvedSet);
  }
  return *sets_[at->second];
}

bool CarvedSets::add(const parity::CarvedPacket& packet) {
  if (taken_ > memory_) {
    overflowed_ = true;
    return false;
  }
  CarvedSet& set = set_of(packet.header.set_id);
  longest_ = std::max(longest_, packet.header.bytes);
  if (const auto* slice = std::get_if<par2::RecoverySlice>(&packet.body)) {
    set.scan.recovery.push_back({0, packet.offset + slice->data_offset, static_cast<std::uint16_t>(slice->exponent)});
    set.recovery_bytes.push_back(slice->data_bytes);
    taken_ += 48;
    return true;
  }
  bool fresh = false;
  if (const auto* main = std::get_if<par2::Main>(&packet.body)) {
    fresh = !set.scan.main;
    if (fresh) set.scan.main = *main;
  } else if (const auto* file = std::get_if<par2::FileDescription>(&packet.body)) {
    fresh = set.scan.descriptions.emplace(file->id, *file).second;
  } else if (const auto* slices = std::get_if<par2::FileSlices>(&packet.body)) {
    fresh = set.scan.slices.emplace(slices->id, *slices).second;
  }
  if (fresh) taken_ += 2 * packet.bytes.size() + 256;
  return fresh;
}

void CarvedSets::settle() {
  covered_.clear();
  // In an order that does not depend on which packets were found first.
  std::sort(sets_.begin(), sets_.end(), [](const auto& a, const auto& b) { return a->scan.set_id < b->scan.set_id; });
  for (std::size_t i = 0; i < sets_.size(); ++i) by_id_[sets_[i]->scan.set_id] = i;
  for (const auto& set : sets_) {
    settle(*set);
    if (set->kind != CarvedKind::kPayload && set->kind != CarvedKind::kTags) continue;
    for (const parity::RecoveryLocation& at : set->scan.recovery)
      covered_.push_back({at.data_offset - kHead, at.data_offset + set->scan.main->slice_bytes});
  }
  std::sort(covered_.begin(), covered_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < covered_.size(); ++i) {
    if (kept != 0 && covered_[i].begin <= covered_[kept - 1].end) {
      covered_[kept - 1].end = std::max(covered_[kept - 1].end, covered_[i].end);
    } else {
      covered_[kept++] = covered_[i];
    }
  }
  covered_.resize(kept);
}

void CarvedSets::settle(CarvedSet& set) {
  if (!set.scan.main || set.scan.main->slice_bytes > parity::kLongestRawSlice) return;
  std::vector<parity::RecoveryLocation> fitting;
  for (std::size_t i = 0; i < set.scan.recovery.size(); ++i) {
    if (set.recovery_bytes[i] == set.scan.main->slice_bytes) fitting.push_back(set.scan.recovery[i]);
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.exponent < b.exponent; });
  fitting.erase(std::unique(fitting.begin(), fitting.end(),
                            [](const auto& a, const auto& b) { return a.exponent == b.exponent; }),
                fitting.end());
  set.scan.recovery = std::move(fitting);
  set.recovery_bytes.assign(set.scan.recovery.size(), set.scan.main->slice_bytes);
  try {
    set.files = parity::numbered_files(set.scan);
  } catch (const core::Error&) {
    return;  // not all of its index is there
  }
  set.slices = 0;
  set.bytes = 0;
  bool payload = !set.files.empty(), tags = false, flat = true, safe = true;
  for (const parity::NumberedFile& file : set.files) {
    set.slices += file.slice_count;
    set.bytes += file.description.bytes;
    const std::string& name = file.description.name;
    payload &= name.starts_with(kData);
    flat &= name.find('/') == std::string::npos;
    safe &= is_safe(name);
    tags |= name == fv::kBagInfo;
  }
  const bool ours = payload || (tags && flat);
  set.kind = !ours     ? CarvedKind::kOther
             : !safe   ? CarvedKind::kUnusable
             : payload ? CarvedKind::kPayload
                       : CarvedKind::kTags;
}

}  // namespace darkshelf::rituals
