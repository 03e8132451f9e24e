#include "io/raw_medium.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

constexpr unsigned kAskAgainAfter = 16;  // errors in a row

}  // namespace

RawMedium::RawMedium(FileSystem& fs, const Path& path, std::vector<BadRegion> known)
    : path_(path), file_(fs.open_read(path, ReadMode::kDirect)), bytes_(file_->stat().bytes), bad_(std::move(known)) {}

std::vector<BadRegion> RawMedium::bad() const {
  const std::scoped_lock lock(mutex_);
  return bad_;
}

std::size_t RawMedium::read(std::uint64_t offset, core::MutableByteSpan into) {
  const std::scoped_lock lock(mutex_);
  if (offset >= bytes_) return 0;
  into = into.first(std::min<std::uint64_t>(into.size(), bytes_ - offset));
  bool in_pieces = false;
  for (std::size_t at = 0; at < into.size();) {
    const std::uint64_t here = offset + at;
    const auto next =
        std::find_if(bad_.begin(), bad_.end(), [&](const BadRegion& region) { return region.end > here; });
    std::uint64_t end = offset + into.size();
    if (next != bad_.end() && next->begin <= here) {
      end = std::min(end, next->end);
      std::fill_n(into.begin() + static_cast<std::ptrdiff_t>(at), end - here, std::byte{});
      at += end - here;
      continue;
    }
    if (next != bad_.end()) end = std::min(end, next->begin);
    if (in_pieces) end = std::min(end, here + kPiece);
    if (try_read(here, into.subspan(at, end - here))) {
      if (in_pieces) skip_ = kPiece;
      at += end - here;
    } else if (!in_pieces && end - here > kPiece) {
      in_pieces = true;
    } else {
      add_bad({here, std::min(bytes_, here + std::max(skip_, end - here)), false});
      skip_ = std::min(2 * skip_, kLongestSkip);
      in_pieces = true;
    }
  }
  if (!in_pieces) skip_ = kPiece;
  return into.size();
}

bool RawMedium::read_exactly(std::uint64_t offset, core::MutableByteSpan into) {
  const std::scoped_lock lock(mutex_);
  if (offset > bytes_ || into.size() > bytes_ - offset) return false;
  const bool known = std::any_of(bad_.begin(), bad_.end(), [&](const BadRegion& region) {
    return region.begin < offset + into.size() && region.end > offset;
  });
  return !known && try_read(offset, into);
}

bool RawMedium::try_read(std::uint64_t offset, core::MutableByteSpan into) {
  try {
    if (file_->read_at(offset, into) != into.size())
      throw Error(Code::kDriveGone, fmt::format("{} ends before it should", core::printable(path_.string())),
                  "plug it in again, and type the same command again");
  } catch (const Unanswered& error) {
    // The next run does not begin with this place: it would never get past it.
    add_bad(
        {offset, std::min(bytes_, offset + std::max<std::uint64_t>(splitting_ ? 0 : skip_, into.size())), splitting_});
    throw Error(Code::kDriveGone, fmt::format("{} does not answer: {}", core::printable(path_.string()), error.what()),
                "let the drive cool down, plug it in again, and type the same command again: it goes on where it was");
  } catch (const Error& error) {
    if (!is_read_error(error)) throw;
    if (++errors_ % kAskAgainAfter == 0) require_there();
    return false;
  }
  errors_ = 0;
  last_good_ = offset / kSector * kSector;
  return true;
}

/// A drive that answers nothing is gone, not ruined.
void RawMedium::require_there() {
  core::AlignedBuffer sector(kSector);
  try {
    if (last_good_ < bytes_) {
      file_->read_at(last_good_, sector.span());
      return;
    }
    if (errors_ < 4 * kAskAgainAfter) return;  // it may be the beginning that is bad
  } catch (const Error& error) {
    if (!is_read_error(error)) throw;
  }
  throw Error(Code::kDriveGone, fmt::format("{} answers no more", core::printable(path_.string())),
              "let the drive cool down, plug it in again, and type the same command again: it goes on where it was");
}

void RawMedium::add_bad(const BadRegion& region) {
  BadRegion added = region;
  const auto after = std::find_if(bad_.begin(), bad_.end(), [&](const BadRegion& b) { return b.begin >= added.begin; });
  if (after != bad_.end()) added.end = std::min(added.end, after->begin);
  if (after != bad_.begin()) {
    BadRegion& before = *std::prev(after);
    if (before.end == added.begin && before.tried && added.tried) {
      before.end = added.end;
      return;
    }
  }
  if (added.begin < added.end) bad_.insert(after, added);
}

void RawMedium::split(const core::Work& work, const std::function<void(std::uint64_t, std::uint64_t)>& readable) {
  std::vector<BadRegion> left;
  {
    const std::scoped_lock lock(mutex_);
    for (const BadRegion& region : bad_) {
      if (!region.tried) left.push_back(region);
    }
  }
  while (!left.empty()) {
    work.check();
    const BadRegion region = left.back();
    left.pop_back();
    split_one(region, left, readable);
  }
}

void RawMedium::split_one(const BadRegion& region, std::vector<BadRegion>& left,
                          const std::function<void(std::uint64_t, std::uint64_t)>& readable) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> good;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = std::find(bad_.begin(), bad_.end(), region);
    if (at != bad_.end()) bad_.erase(at);
    core::AlignedBuffer piece(kPiece);
    std::uint64_t step = kSector;
    std::vector<BadRegion> passed;
    /// Whoever is stopped in the middle has not tried the rest, and has not handed on what was good.
    struct Splitting {
      RawMedium& medium;
      const BadRegion& region;
      bool done = false;
      ~Splitting() {
        medium.splitting_ = false;
        if (done) return;
        std::vector<BadRegion> hung;
        for (const BadRegion& bad : medium.bad_) {
          if (bad.begin >= region.begin && bad.end <= region.end && bad.tried) hung.push_back(bad);
        }
        std::erase_if(medium.bad_,
                      [&](const BadRegion& bad) { return bad.begin >= region.begin && bad.end <= region.end; });
        std::uint64_t from = region.begin;
        for (const BadRegion& bad : hung) {
          medium.add_bad({from, bad.begin, false});
          medium.add_bad(bad);
          from = bad.end;
        }
        medium.add_bad({from, region.end, false});
      }
    } splitting{*this, region};
    splitting_ = true;
    for (std::uint64_t pos = region.begin; pos < region.end;) {
      const bool after_good = !good.empty() && good.back().second == pos;
      const std::uint64_t wanted = std::min(after_good ? kPiece : kSector - pos % kSector, region.end - pos);
      if (try_read(pos, piece.span().first(wanted))) {
        if (after_good) {
          good.back().second = pos + wanted;
        } else {
          good.emplace_back(pos, pos + wanted);
        }
        pos += wanted;
        step = kSector;
        continue;
      }
      const std::uint64_t sector = std::min(kSector - pos % kSector, region.end - pos);
      const std::uint64_t end = std::min(region.end, pos + std::max(sector, step));
      // Where a long read behind good sectors failed, its first sector may well be good: it is tried alone.
      if (wanted > sector) {
        if (try_read(pos, piece.span().first(sector))) {
          good.back().second = pos + sector;
          pos += sector;
          if (pos < region.end) passed.push_back({pos, std::min(region.end, pos + wanted - sector), false});
          pos = std::min(region.end, pos + wanted - sector);
          continue;
        }
      }
      add_bad({pos, pos + sector, true});
      if (pos + sector < end) passed.push_back({pos + sector, end, false});
      pos = end;
      step = std::min(2 * step, std::uint64_t{1} << 20);
    }
    if (good.empty() && !passed.empty() && passed.back().end == region.end) {
      // Steps that grow may have gone past the end of what is bad.
      const std::uint64_t last = std::max(passed.back().begin, (region.end - 1) / kSector * kSector);
      if (try_read(last, piece.span().first(region.end - last))) {
        good.emplace_back(last, region.end);
        passed.back().end = last;
        if (passed.back().begin == last) passed.pop_back();
      }
    }
    for (BadRegion& rest : passed) {
      rest.tried = good.empty();  // nothing in all of the region: no more is worth the time
      add_bad(rest);
      if (!rest.tried) left.push_back(rest);
    }
    splitting.done = true;
  }
  for (const auto& [begin, end] : good) readable(begin, end);
}

}  // namespace darkshelf::io
