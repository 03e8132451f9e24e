#include "rituals/rescue_payload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::rituals {

namespace {

constexpr std::size_t kPayloadsOpen = 8;
constexpr std::size_t kOpenFiles = 16;  // of each payload: thousands may be gathered at once

}  // namespace

std::size_t GatheredPayload::file_of(std::uint32_t slice) const {
  const auto after = std::upper_bound(set_.files.begin(), set_.files.end(), slice,
                                      [](std::uint32_t s, const auto& file) { return s < file.first_slice; });
  auto found = std::prev(after);
  while (found->slice_count == 0) --found;
  return static_cast<std::size_t>(found - set_.files.begin());
}

io::File& GatheredPayload::file(std::size_t index) {
  auto& open = open_[index];
  if (open) return *open;
  if (open_.size() > kOpenFiles) {
    sync();
    open_.clear();
    return file(index);
  }
  const io::Path path = folder_ / set_.files[index].description.name;
  fs_.make_dirs(path.parent_path());
  open = fs_.stat(path) ? fs_.open_write(path) : fs_.create(path);
  if (open->stat().bytes != set_.files[index].description.bytes) open->truncate(set_.files[index].description.bytes);
  return *open;
}

void GatheredPayload::write(std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
  const std::size_t index = file_of(slice);
  const parity::NumberedFile& file_there = set_.files[index];
  const std::uint64_t offset = (slice - file_there.first_slice) * set_.scan.main->slice_bytes + column;
  if (offset >= file_there.description.bytes) return;
  file(index).write_at(offset,
                       bytes.first(std::min<std::uint64_t>(bytes.size(), file_there.description.bytes - offset)));
}

void GatheredPayload::read(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
  const std::size_t index = file_of(slice);
  const parity::NumberedFile& file_there = set_.files[index];
  const std::uint64_t offset = (slice - file_there.first_slice) * set_.scan.main->slice_bytes + column;
  const std::uint64_t length = file_there.description.bytes;
  const std::uint64_t real = offset < length ? std::min<std::uint64_t>(into.size(), length - offset) : 0;
  if (real > 0) read_file(index, offset, into.first(real));
  std::fill(into.begin() + static_cast<std::ptrdiff_t>(real), into.end(), std::byte{});
}

void GatheredPayload::read_file(std::size_t index, std::uint64_t offset, core::MutableByteSpan into) {
  io::File& from = file(index);
  if (from.read_at(offset, into) != into.size()) {
    throw core::Error(core::Code::kFailed,
                      fmt::format("{} became shorter while it was read", core::printable(from.path().string())));
  }
}

void GatheredPayload::make_all() {
  for (std::size_t i = 0; i < set_.files.size(); ++i) file(i);
}

void GatheredPayload::sync() {
  for (auto& [index, open] : open_) {
    if (open) open->sync();
  }
}

GatheredPayload& OpenPayloads::open(io::FileSystem& fs, std::uint32_t number, const io::Path& folder,
                                    const CarvedSet& set) {
  if (open_.size() >= kPayloadsOpen && !open_.contains(number)) close_all();
  return open_.try_emplace(number, fs, folder, set).first->second;
}

void OpenPayloads::sync() {
  for (auto& [number, payload] : open_) payload.sync();
}

void OpenPayloads::close_all() {
  sync();
  open_.clear();
}

}  // namespace darkshelf::rituals
