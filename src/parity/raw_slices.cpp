#include "parity/raw_slices.hpp"

#include <algorithm>

namespace darkshelf::parity {

namespace par2 = formats::par2;

namespace {

constexpr std::uint64_t kShortRun = 128, kLongRun = 8192;  // sectors
constexpr unsigned kLongestStreak = 64, kEnoughMisses = 16;
constexpr std::uint64_t kGaps[] = {512, 1024, 4096, 32768, 131072};  // multiples at which the next file may begin

}  // namespace

RawSliceSearch::RawSliceSearch(RawSliceTable& table, const core::Work& work, Found found)
    : table_(table),
      work_(work),
      found_(std::move(found)),
      sector_shift_(kSectorBytes),
      sector_zeros_(digest::crc32_zeros(0, kSectorBytes)),
      run_(kShortRun) {}

std::uint64_t RawSliceSearch::search(core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
  data_ = data;
  base_ = base;
  sums_.resize(data.size() / kSectorBytes + 1);
  summed_from_ = summed_to_ = 0;
  while (from < to) {
    work_.check();
    expected_.erase(expected_.begin(), expected_.lower_bound(from));
    if (const std::uint64_t next = follow(from); next != from) {
      from = next;
      run_ = kShortRun;
      continue;
    }
    std::uint64_t end = std::min(to, from + run_ * kSectorBytes);
    if (const auto next = expected_.upper_bound(from); next != expected_.end()) end = std::min(end, next->first);
    from = roll(from, end);
  }
  return from;
}

/// Where something that was expected here ends; `at` where nothing of it is.
std::uint64_t RawSliceSearch::follow(std::uint64_t at) {
  const auto [first, last] = expected_.equal_range(at);
  std::vector<Expected> here;
  for (auto it = first; it != last; ++it) here.push_back(it->second);
  expected_.erase(first, last);
  for (const Expected& expected : here) {
    if (const std::uint64_t next = follow(at, expected); next != at) return next;
  }
  return at;
}

std::uint64_t RawSliceSearch::follow(std::uint64_t at, const Expected& expected) {
  const RawSlice& slice = expected.slice;
  const RawSliceTable::File& file = table_.file_of(slice);
  const std::uint64_t size = table_.slice_bytes(slice.set), here = data_.size() - std::min(data_.size(), at - base_);
  const std::uint64_t whole = file.bytes / size - (slice.slice - file.first);
  const std::uint64_t count = std::min({whole, here / size, std::uint64_t{expected.streak}});
  if (whole == 0) {
    if (!follow_tail(at, slice)) return at;
    const std::uint64_t end = at + core::round_up(table_.length_of(slice), kSectorBytes);
    expect_behind(slice, at + table_.length_of(slice), 1);
    return end;
  }
  if (count == 0) return at;
  std::vector<const std::byte*> bodies(count);
  std::vector<par2::Md5> md5s(count);
  for (std::size_t i = 0; i < count; ++i) bodies[i] = data_.data() + (at - base_) + i * size;
  const std::size_t lanes = digest::md5_lanes().back();
  core::parallel_for(work_.thread_count(), core::divide_up(count, lanes), [&](std::size_t part) {
    const std::size_t first = part * lanes, some = std::min<std::size_t>(lanes, count - first);
    digest::md5_many(std::span(bodies).subspan(first, some), size, std::span(md5s).subspan(first, some));
  });
  const std::uint32_t id = table_.id_of(slice);
  std::uint32_t taken = 0;
  while (taken < count && md5s[taken] == table_.md5s_[id + taken]) {
    found_by_id(id + taken, at + taken * size);
    ++taken;
  }
  if (taken == 0) return at;
  table_.phases_ |= 1u << (at / kSectorBytes % 8);
  const unsigned streak = taken == count ? std::min(2 * expected.streak, kLongestStreak) : 1;
  expect_behind({slice.set, slice.slice + taken - 1}, at + taken * size, streak);
  return at + taken * size;
}

/// The last slice of a file, whatever stands behind it.
bool RawSliceSearch::follow_tail(std::uint64_t at, const RawSlice& slice) {
  const std::uint64_t length = table_.length_of(slice);
  if (at - base_ > data_.size() || length > data_.size() - (at - base_)) return false;
  const core::ByteSpan bytes = data_.subspan(at - base_, length);
  const core::Bytes zeros(table_.slice_bytes(slice.set) - length);
  digest::Md5Stream md5;
  md5.update(bytes);
  md5.update(zeros);
  const std::uint32_t id = table_.id_of(slice);
  if (md5.finish() != table_.md5s_[id]) return false;
  found_by_id(id, at);
  return true;
}

/// `at`: where the slice ends.
void RawSliceSearch::expect_behind(const RawSlice& slice, std::uint64_t at, unsigned streak) {
  const RawSliceTable::File& file = table_.file_of(slice);
  if (slice.slice + 1 < file.first + file.count) {
    expected_.emplace(at, Expected{{slice.set, slice.slice + 1}, streak});
  } else if (file.next != RawSliceTable::kNone && table_.sets_[slice.set].files[file.next].count != 0) {
    const RawSlice next{slice.set, table_.sets_[slice.set].files[file.next].first};
    std::uint64_t last = 0;
    for (const std::uint64_t gap : kGaps) {
      if (core::round_up(at, gap) != last) expected_.emplace(core::round_up(at, gap), Expected{next, 1});
      last = core::round_up(at, gap);
    }
  }
}

/// Past [from, to), or behind the first slice that was found in it.
std::uint64_t RawSliceSearch::roll(std::uint64_t from, std::uint64_t to) {
  const std::size_t first = (from - base_) / kSectorBytes, last = core::divide_up(to - base_, kSectorBytes);
  std::vector<Candidate> likely = candidates(first, last);
  hash(likely);
  for (const Candidate& candidate : likely) {
    if (!take(candidate)) continue;
    run_ = kShortRun;
    return base_ + (candidate.sector + table_.classes_[candidate.one].sectors) * kSectorBytes;
  }
  run_ = std::min(2 * run_, kLongRun);
  return to;
}

void RawSliceSearch::sum_up(std::size_t first, std::size_t last) {
  if (first < summed_from_ || first > summed_to_ || summed_to_ == 0) {
    summed_from_ = summed_to_ = first;
    sums_[first] = 0;
  }
  for (; summed_to_ < last; ++summed_to_) {
    const std::uint32_t sector = digest::crc32(data_.subspan(summed_to_ * kSectorBytes, kSectorBytes)) ^ sector_zeros_;
    sums_[summed_to_ + 1] = sector_shift_(sums_[summed_to_]) ^ sector;
  }
}

/// Sectors of [first, last) at which something has the CRC of a slice, in order; where a whole slice and a tail do, the
/// slice first.
std::vector<RawSliceSearch::Candidate> RawSliceSearch::candidates(std::size_t first, std::size_t last) {
  const std::size_t sectors = data_.size() / kSectorBytes;
  sum_up(first, std::min<std::size_t>(sectors, last + table_.longest() / kSectorBytes));
  std::vector<Candidate> likely;
  for (std::size_t c = 0; c < table_.classes_.size(); ++c) {
    const RawSliceTable::Class& one = table_.classes_[c];
    if (one.sectors > sectors) continue;
    const std::size_t end = std::min<std::size_t>(last, sectors - one.sectors + 1);
    const std::uint32_t *begin = sums_.data(), *behind = sums_.data() + one.sectors;
    for (std::size_t s = first; s < end; ++s) {
      if (one.tail && (table_.phases_ >> ((base_ / kSectorBytes + s) % 8) & 1) == 0) continue;
      const std::uint32_t state = behind[s] ^ one.shift(begin[s]);
      if (!one.may_hold(state)) continue;
      const auto [from, to] = table_.find(one, state);
      if (from != to && !one.settled[from]) likely.push_back({s, c, from, to, {}});
    }
  }
  std::stable_sort(likely.begin(), likely.end(),
                   [](const Candidate& a, const Candidate& b) { return a.sector < b.sector; });
  return likely;
}

void RawSliceSearch::hash(std::vector<Candidate>& candidates) {
  const std::size_t lanes = digest::md5_lanes().back();
  std::map<std::size_t, std::vector<std::size_t>> by_class;
  for (std::size_t i = 0; i < candidates.size(); ++i) by_class[candidates[i].one].push_back(i);
  for (const auto& one_class : by_class) {
    const RawSliceTable::Class& one = table_.classes_[one_class.first];
    const std::vector<std::size_t>& indices = one_class.second;  // clang 14 captures no structured binding
    const std::uint64_t length = one.sectors * kSectorBytes;
    core::parallel_for(work_.thread_count(), core::divide_up(indices.size(), lanes), [&](std::size_t part) {
      const std::size_t first = part * lanes, some = std::min<std::size_t>(lanes, indices.size() - first);
      std::vector<const std::byte*> bodies(some);
      std::vector<core::Bytes> padded(one.tail ? some : 0);
      std::vector<par2::Md5> md5s(some);
      for (std::size_t i = 0; i < some; ++i) {
        bodies[i] = data_.data() + candidates[indices[first + i]].sector * kSectorBytes;
        if (!one.tail) continue;
        padded[i].assign(bodies[i], bodies[i] + length);
        padded[i].resize(one.slice_bytes);
        bodies[i] = padded[i].data();
      }
      digest::md5_many(bodies, one.slice_bytes, md5s);
      for (std::size_t i = 0; i < some; ++i) candidates[indices[first + i]].md5 = md5s[i];
    });
  }
}

bool RawSliceSearch::take(const Candidate& candidate) {
  RawSliceTable::Class& one = table_.classes_[candidate.one];
  if (one.settled[candidate.first]) return false;
  const auto* entry = one.entries.data();
  const auto* hit =
      std::lower_bound(entry + candidate.first, entry + candidate.last, candidate.md5,
                       [&](const RawSliceTable::Entry& a, const par2::Md5& md5) { return table_.md5s_[a.id] < md5; });
  const bool fits = hit != entry + candidate.last && table_.md5s_[hit->id] == candidate.md5;
  if (!fits) {
    // Chance gives a hit once; the same one again and again is content that claims a CRC it does not have.
    if (++misses_[std::uint64_t{candidate.one} << 32 | candidate.first] > kEnoughMisses)
      one.settled[candidate.first] = true;
    return false;
  }
  // Such content may have been found before: by an earlier run, which did not know yet of all that is equal to it.
  while (hit != entry + candidate.last && table_.md5s_[hit->id] == candidate.md5 && table_.found_[hit->id]) ++hit;
  if (hit == entry + candidate.last || table_.md5s_[hit->id] != candidate.md5) return false;
  const std::uint64_t at = base_ + candidate.sector * kSectorBytes;
  const RawSlice slice = table_.slice_of(hit->id);
  found_equal(one, hit->state, candidate.md5, at);
  table_.phases_ |= 1u << (at / kSectorBytes % 8);
  expect_behind(slice, at + table_.length_of(slice), 4);
  return true;
}

/// The slice with this id, whose MD5 fits, and all others of the same content.
void RawSliceSearch::found_by_id(std::uint32_t id, std::uint64_t offset) {
  if (table_.found_[id]) return;
  const RawSlice slice = table_.slice_of(id);
  const std::uint64_t length = table_.length_of(slice), sectors = core::divide_up(length, kSectorBytes);
  core::Bytes padded(sectors * kSectorBytes);
  core::ByteSpan bytes = data_.subspan(offset - base_, length);
  if (length != padded.size()) {
    std::copy(bytes.begin(), bytes.end(), padded.begin());
    bytes = padded;
  }
  for (RawSliceTable::Class& one : table_.classes_) {
    if (one.sectors == sectors && one.slice_bytes == table_.slice_bytes(slice.set))
      found_equal(one, digest::crc32(bytes) ^ one.zeros, table_.md5s_[id], offset);
  }
}

void RawSliceSearch::found_equal(RawSliceTable::Class& one, std::uint32_t state, const par2::Md5& md5,
                                 std::uint64_t offset) {
  const auto [first, last] = table_.find(one, state);
  const auto fits = [&](std::uint32_t i) { return table_.md5s_[one.entries[i].id] == md5; };
  std::uint32_t i = first;
  while (i < last && table_.md5s_[one.entries[i].id] < md5) ++i;
  if (first < last && fits(first) && fits(last - 1)) one.settled[first] = true;  // this was all there is to find
  for (; i < last && fits(i); ++i) {
    const std::uint32_t id = one.entries[i].id;
    if (table_.found_[id]) continue;
    table_.found_[id] = true;
    const RawSlice slice = table_.slice_of(id);
    found_(slice, offset, data_.subspan(offset - base_, table_.length_of(slice)));
  }
}

}  // namespace darkshelf::parity
