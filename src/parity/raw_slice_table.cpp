#include "parity/raw_slice_table.hpp"

#include <algorithm>
#include <bit>

#include "core/error.hpp"
#include "parity/packet_carver.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;

std::uint32_t RawSliceTable::add_set(const std::vector<NumberedFile>& files, std::uint64_t slice_bytes) {
  Set set;
  set.base = static_cast<std::uint32_t>(md5s_.size());
  set.slice_bytes = slice_bytes;
  std::vector<std::size_t> by_name(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    by_name[i] = i;
    set.files.push_back({files[i].first_slice, files[i].slice_count, files[i].description.bytes, kNone});
    set.count += files[i].slice_count;
  }
  if (md5s_.size() + set.count >= kNone)
    throw core::Error(core::Code::kFailed, "there are more slices to look for than can be numbered");
  std::sort(by_name.begin(), by_name.end(),
            [&](std::size_t a, std::size_t b) { return files[a].description.name < files[b].description.name; });
  for (std::size_t i = 1; i < by_name.size(); ++i)
    set.files[by_name[i - 1]].next = static_cast<std::uint32_t>(by_name[i]);
  md5s_.resize(md5s_.size() + set.count);
  found_.resize(md5s_.size());
  sets_.push_back(std::move(set));
  const auto number = static_cast<std::uint32_t>(sets_.size() - 1);
  if (slice_bytes % kSectorBytes != 0 || slice_bytes > kLongestRawSlice) return number;
  const std::uint32_t zeros = digest::crc32_zeros(0, slice_bytes);
  for (const NumberedFile& file : files) {
    for (std::uint32_t s = 0; file.checksums != nullptr && s < file.slice_count; ++s) {
      const RawSlice slice{number, file.first_slice + s};
      const std::uint64_t sectors = core::divide_up(length_of(slice), kSectorBytes);
      const std::uint64_t shape = sectors << 32 | slice_bytes / kSectorBytes;
      const auto [at, fresh] = class_by_shape_.emplace(shape, classes_.size());
      if (fresh) {
        Class one;
        one.sectors = sectors;
        one.slice_bytes = slice_bytes;
        one.tail = sectors * kSectorBytes != slice_bytes;
        one.zeros = digest::crc32_zeros(0, sectors * kSectorBytes);
        one.shift = CrcShift(static_cast<std::int64_t>(sectors * kSectorBytes));
        classes_.push_back(std::move(one));
      }
      const std::uint64_t added = slice_bytes - sectors * kSectorBytes;
      auto padding = padding_.find(added);
      if (padding == padding_.end()) padding = padding_.emplace(added, -static_cast<std::int64_t>(added)).first;
      md5s_[id_of(slice)] = file.checksums->slices[s].md5;
      classes_[at->second].entries.push_back({padding->second(file.checksums->slices[s].crc32 ^ zeros), id_of(slice)});
    }
  }
  return number;
}

void RawSliceTable::settle() {
  for (Class& one : classes_) {
    index(one);
    longest_ = std::max(longest_, one.slice_bytes);
    if (one.entries.empty() || one.entries.front().state != 0) continue;
    const par2::Md5 zeros = digest::md5(core::Bytes(one.slice_bytes));
    for (std::size_t i = 0; i < one.entries.size() && one.entries[i].state == 0; ++i) {
      if (md5s_[one.entries[i].id] == zeros) found_[one.entries[i].id] = true;
      one.settled[0] = true;  // whatever else claims the CRC of zeros
    }
  }
  // The longest first: where a whole slice fits, no tail is meant.
  std::sort(classes_.begin(), classes_.end(),
            [](const Class& a, const Class& b) { return a.tail != b.tail ? b.tail : a.sectors > b.sectors; });
  class_by_shape_.clear();
}

void RawSliceTable::index(Class& one) {
  std::sort(one.entries.begin(), one.entries.end(), [&](const Entry& a, const Entry& b) {
    return a.state != b.state ? a.state < b.state : md5s_[a.id] < md5s_[b.id];
  });
  one.settled.assign(one.entries.size(), false);
  const unsigned bits = static_cast<unsigned>(
      std::clamp<std::size_t>(static_cast<std::size_t>(std::bit_width(one.entries.size())), 6, 30));
  one.bucket_shift = 32 - bits;
  one.buckets.assign((std::size_t{1} << bits) + 1, static_cast<std::uint32_t>(one.entries.size()));
  one.filter.assign((std::size_t{1} << std::min(bits + 4, 32u)) / 64, 0);
  one.filter_mask = static_cast<std::uint32_t>(one.filter.size() * 64 - 1);
  for (std::size_t i = one.entries.size(); i-- > 0;) {
    const std::uint32_t state = one.entries[i].state, bit = state & one.filter_mask;
    one.filter[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    one.buckets[state >> one.bucket_shift] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t i = one.buckets.size() - 1; i-- > 0;) one.buckets[i] = std::min(one.buckets[i], one.buckets[i + 1]);
}

std::pair<std::uint32_t, std::uint32_t> RawSliceTable::find(const Class& one, std::uint32_t state) const {
  const std::uint32_t bucket = state >> one.bucket_shift;
  const auto begin = one.entries.begin() + one.buckets[bucket], end = one.entries.begin() + one.buckets[bucket + 1];
  const auto [first, last] =
      std::equal_range(begin, end, Entry{state, 0}, [](const Entry& a, const Entry& b) { return a.state < b.state; });
  return {static_cast<std::uint32_t>(first - one.entries.begin()),
          static_cast<std::uint32_t>(last - one.entries.begin())};
}

RawSlice RawSliceTable::slice_of(std::uint32_t id) const {
  const auto after =
      std::upper_bound(sets_.begin(), sets_.end(), id, [](std::uint32_t i, const Set& set) { return i < set.base; });
  auto set = std::prev(after);
  while (set->count == 0) --set;  // one that protects nothing shares its base with the next
  return {static_cast<std::uint32_t>(set - sets_.begin()), id - set->base};
}

const RawSliceTable::File& RawSliceTable::file_of(const RawSlice& slice) const {
  const std::vector<File>& files = sets_[slice.set].files;
  const auto after = std::upper_bound(files.begin(), files.end(), slice.slice,
                                      [](std::uint32_t s, const File& file) { return s < file.first; });
  auto file = std::prev(after);
  while (file->count == 0) --file;
  return *file;
}

std::uint64_t RawSliceTable::length_of(const RawSlice& slice) const {
  const File& file = file_of(slice);
  const std::uint64_t size = sets_[slice.set].slice_bytes;
  return std::min(size, file.bytes - (slice.slice - file.first) * size);
}

std::uint32_t RawSliceTable::found_in(std::uint32_t set) const {
  const auto from = found_.begin() + sets_[set].base;
  return static_cast<std::uint32_t>(std::count(from, from + sets_[set].count, true));
}

}  // namespace darkshelf::parity
