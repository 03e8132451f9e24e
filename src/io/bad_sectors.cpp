#include "io/bad_sectors.hpp"

#include <algorithm>
#include <cerrno>

#include "core/bytes.hpp"
#include "io/paths.hpp"

namespace darkshelf::io {

namespace {

/// `stretches` without [offset, end).
std::vector<BadStretch> without(const std::vector<BadStretch>& stretches, std::uint64_t offset, std::uint64_t end) {
  std::vector<BadStretch> left;
  for (const BadStretch& one : stretches) {
    const std::uint64_t one_end = one.offset + one.bytes;
    if (one.offset < std::min(offset, one_end))
      left.push_back({one.offset, std::min(offset, one_end) - one.offset, one.asked});
    if (std::max(end, one.offset) < one_end)
      left.push_back({std::max(end, one.offset), one_end - std::max(end, one.offset), one.asked});
  }
  return left;
}

}  // namespace

UnreadableSectors::UnreadableSectors(const Path& path, std::vector<BadStretch> stretches)
    : Error(Error::from_os(EIO, "read", path, stretches.front().offset)), stretches_(std::move(stretches)) {}

std::uint64_t UnreadablePlaces::sectors() const {
  std::uint64_t count = 0;
  for (const BadStretch& one : stretches) count += one.asked ? core::divide_up(one.bytes, kSector) : 0;
  return count;
}

std::uint64_t UnreadablePlaces::stepped_over() const {
  std::uint64_t bytes = 0;
  for (const BadStretch& one : stretches) bytes += one.asked ? 0 : one.bytes;
  return bytes;
}

std::vector<BadStretch> BadSectors::within(const Path& path, std::uint64_t offset, std::uint64_t bytes) const {
  const std::lock_guard hold(mutex_);
  std::vector<BadStretch> found;
  const auto file = files_.find(path);
  if (file == files_.end()) return found;
  const std::uint64_t end = offset + bytes;
  for (const BadStretch& one : file->second.stretches) {
    const std::uint64_t first = std::max(one.offset, offset), last = std::min(one.offset + one.bytes, end);
    if (one.asked && first < last) found.push_back({first, last - first, true});
  }
  return found;
}

void BadSectors::add(const Path& path, const std::vector<BadStretch>& stretches, std::uint64_t second_try,
                     std::chrono::nanoseconds cost) {
  const std::lock_guard hold(mutex_);
  UnreadablePlaces& file = files_[path];
  file.path = path;
  file.second_try += second_try;
  file.cost += cost;
  for (BadStretch one : stretches) {
    if (one.asked) {  // whoever read a part of a sector has learned of all of it
      const std::uint64_t end = core::round_up(one.offset + one.bytes, kSector);
      one.offset = one.offset / kSector * kSector;
      one.bytes = end - one.offset;
    }
    std::vector<BadStretch> fresh{one};
    if (one.asked) {
      file.stretches = without(file.stretches, one.offset, one.offset + one.bytes);
    } else {  // stepped over: what was asked for before stays known
      for (const BadStretch& known : file.stretches) fresh = without(fresh, known.offset, known.offset + known.bytes);
    }
    file.stretches.insert(file.stretches.end(), fresh.begin(), fresh.end());
  }
  std::sort(file.stretches.begin(), file.stretches.end(),
            [](const BadStretch& a, const BadStretch& b) { return a.offset < b.offset; });
}

void BadSectors::sound(const Path& path, std::uint64_t offset, std::uint64_t bytes) {
  const std::lock_guard hold(mutex_);
  const auto file = files_.find(path);
  if (file == files_.end() || file->second.stretches.empty()) return;
  file->second.stretches = without(file->second.stretches, offset, offset + bytes);
}

void BadSectors::forget(const Path& path) {
  const std::lock_guard hold(mutex_);
  std::erase_if(files_, [&](const auto& file) { return lies_in(file.first, path); });
}

std::vector<UnreadablePlaces> BadSectors::below(const Path& folder) const {
  const std::lock_guard hold(mutex_);
  std::vector<UnreadablePlaces> found;
  for (const auto& [path, file] : files_) {
    if (lies_in(path, folder)) found.push_back(file);
  }
  return found;
}

}  // namespace darkshelf::io
