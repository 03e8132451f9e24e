#include "rituals/mend_slices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "parity/reconstruct.hpp"
#include "rituals/parcel_file.hpp"
#include "rituals/payload_reader.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kOpen = 64;

/// Sound recovery slices of the payload in a copy of the volume.
parity::PacketScan parity_of(Context& context, const volume::LoadedVolume& loaded, const io::Path& folder) {
  std::vector<io::Path> set;
  for (const formats::volume::ManifestEntry& entry : loaded.tagmanifest) {
    const bool payload = entry.path.ends_with(".par2") && entry.path.find('/') == std::string::npos &&
                         entry.path.find(".tags.") == std::string::npos;
    if (payload) set.push_back(folder / entry.path);
  }
  parity::PacketScan scan = parity::scan_packets(context.fs, set, io::ReadMode::kCached, context.work);
  if (scan.main && scan.main->slice_bytes != loaded.info.slice_bytes) scan.recovery.clear();
  return scan;
}

}  // namespace

void OpenFiles::read(const io::Path& path, std::uint64_t offset, core::MutableByteSpan into) {
  if (open_.size() > kOpen && !open_.contains(path.string())) open_.clear();
  std::unique_ptr<io::File>& file = open_[path.string()];
  if (!file) file = fs_.open_read(path, mode_);
  if (file->read_at(offset, into) == into.size()) return;
  throw Error(Code::kUnrepairable, fmt::format("{} is shorter than it was sealed", core::printable(path.string())));
}

LostSlices::LostSlices(Context& context, const volume::LoadedVolume& loaded, OpenFiles& files,
                       std::vector<std::uint32_t> lost, io::Path file)
    : context_(context),
      loaded_(loaded),
      files_(files),
      lost_(std::move(lost)),
      had_(lost_.size(), 0),
      file_(std::move(file)) {}

void LostSlices::collect(const Elsewhere& elsewhere, const parity::PacketScan& own_parity, Extent extent) {
  if (lost_.empty()) return;
  const auto out = context_.fs.create(file_);
  if (elsewhere.parcel) take_from_parcel(*elsewhere.parcel, *out);
  for (const Twin& twin : elsewhere.twins) take_from_twin(twin, *out);
  std::vector<std::uint32_t> missing;
  for (std::size_t i = 0; i < lost_.size(); ++i) {
    if (had_[i] == 0) missing.push_back(lost_[i]);
  }
  if (!missing.empty()) {
    const std::vector<Recovery> recovery = recovery_of(elsewhere, own_parity);
    if (recovery.size() >= missing.size()) {
      try {
        rebuild(missing, recovery, *out);
      } catch (const Error& error) {
        if (extent == Extent::kAll || (error.code() != Code::kUnrepairable && !io::is_read_error(error))) throw;
      }
    } else if (extent == Extent::kAll) {
      throw Error(Code::kUnrepairable, what_is_missing(elsewhere, missing.size(), recovery.size()));
    }
  }
  out->sync();
}

std::string LostSlices::what_is_missing(const Elsewhere& elsewhere, std::size_t missing, std::size_t recovery) const {
  std::vector<std::string> others;
  for (const Twin& twin : elsewhere.twins) others.push_back("on " + core::printable(twin.label));
  if (elsewhere.parcel) others.emplace_back("in the parcel");
  const std::string lost = core::count_of(lost_.size(), "slice is lost", "slices are lost");
  const std::string sound = core::count_of(recovery, "recovery slice is sound", "recovery slices are sound");
  if (others.empty()) return fmt::format("{}, and {}", lost, sound);
  return fmt::format("{}, {} cannot be had {} either, and {}", lost,
                     missing == lost_.size() ? "they" : core::with_commas(missing) + " of them",
                     fmt::join(others, " or "), sound + (elsewhere.twins.empty() ? "" : " in all"));
}

bool LostSlices::is_lost(std::uint32_t slice) const { return std::binary_search(lost_.begin(), lost_.end(), slice); }

std::size_t LostSlices::number_of(std::uint32_t slice) const {
  return static_cast<std::size_t>(std::lower_bound(lost_.begin(), lost_.end(), slice) - lost_.begin());
}

void LostSlices::read(std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into) {
  const std::size_t number = number_of(slice);
  if (had_[number] == 0) {
    throw Error(Code::kUnrepairable,
                fmt::format("slice {} of {} is lost", slice, core::printable(place_of(slice).file->path)));
  }
  files_.read(file_, number * loaded_.info.slice_bytes + offset, into);
}

volume::SlicePlace LostSlices::place_of(std::uint32_t slice) const { return volume::place_of(loaded_, slice).value(); }

bool LostSlices::is_sealed(std::uint32_t slice, core::ByteSpan bytes) const {
  return digest::sha256(bytes) == loaded_.slices[slice];
}

void LostSlices::take_from_parcel(const ParcelFile& parcel, io::File& out) {
  core::Bytes buffer(loaded_.info.slice_bytes);
  for (std::size_t i = 0; i < lost_.size(); ++i) {
    context_.work.check();
    const auto bytes = core::MutableByteSpan(buffer).first(place_of(lost_[i]).bytes);
    if (!parcel.read_slice(loaded_.info.volume, lost_[i], bytes) || !is_sealed(lost_[i], bytes)) continue;
    out.write_at(i * loaded_.info.slice_bytes, bytes);
    ++origin_.from_parcel;
    had_[i] = 1;
  }
}

/// What is still lost is read there as a check reads it: past what is unreadable, over long runs of that, and compared
/// with the seal. What is missing there or cut short is not had.
void LostSlices::take_from_twin(const Twin& twin, io::File& out) {
  Portion wanted;
  wanted.everything_else = false;
  for (std::size_t i = 0; i < lost_.size(); ++i) {
    if (had_[i] != 0) continue;
    if (!wanted.slices.empty() && wanted.slices.back().first + wanted.slices.back().count == lost_[i])
      ++wanted.slices.back().count;
    else
      wanted.slices.push_back({lost_[i], 1});
  }
  if (wanted.slices.empty()) return;
  Examination there;
  there.folder = twin.folder;
  there.loaded = loaded_;
  const auto take = [&](std::uint32_t slice, core::ByteSpan bytes) {
    if (!is_lost(slice) || had_[number_of(slice)] != 0) return;
    out.write_at(number_of(slice) * loaded_.info.slice_bytes, bytes);
    ++origin_.from_twins[twin.label];
    had_[number_of(slice)] = 1;
  };
  Context quiet = context_;  // how far it is, the ritual tells
  quiet.work.progress = nullptr;
  try {
    read_payload(quiet, io::ReadMode::kDirect, take, &wanted, there);
  } catch (const Error& error) {
    if (ends_all(error) || error.path() == file_) throw;
  }
}

/// One place for every exponent, of the PAR2 set of which the most is sound: all copies have the same, but for one that
/// was overwritten with something else.
std::vector<LostSlices::Recovery> LostSlices::recovery_of(const Elsewhere& elsewhere,
                                                          const parity::PacketScan& own) const {
  std::map<formats::par2::Md5, std::map<std::uint16_t, Recovery>> sets;
  const auto add = [&](const parity::PacketScan& scan) {
    for (const parity::RecoveryLocation& at : scan.recovery)
      sets[scan.set_id].try_emplace(at.exponent, Recovery{scan.files[at.file], at.data_offset, at.exponent});
  };
  add(own);
  for (const Twin& twin : elsewhere.twins) {
    try {
      add(parity_of(context_, loaded_, twin.folder));
    } catch (const Error& error) {
      if (ends_all(error)) throw;
    }
  }
  const auto most = std::max_element(sets.begin(), sets.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::vector<Recovery> recovery;
  if (most == sets.end()) return recovery;
  for (const auto& [exponent, place] : most->second) recovery.push_back(place);
  return recovery;
}

void LostSlices::rebuild(const std::vector<std::uint32_t>& missing, const std::vector<Recovery>& recovery,
                         io::File& out) {
  const std::uint64_t slice_bytes = loaded_.info.slice_bytes;
  parity::ReconstructRequest request;
  request.slice_bytes = slice_bytes;
  request.slices = loaded_.info.slices;
  request.lost = missing;
  for (const Recovery& at : recovery) request.recovery.push_back(at.exponent);
  request.read_slice = [&](std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
    read_padded(slice, column, into);
  };
  request.read_recovery = [&](std::size_t index, std::uint64_t column, core::MutableByteSpan into) {
    files_.read(recovery[index].file, recovery[index].offset + column, into);
  };
  request.write_slice = [&](std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
    out.write_at(number_of(slice) * slice_bytes + column, bytes);
  };
  parity::reconstruct(request, context_.work);
  core::Bytes buffer(slice_bytes);
  for (const std::uint32_t slice : missing) {
    const auto bytes = core::MutableByteSpan(buffer).first(place_of(slice).bytes);
    if (out.read_at(number_of(slice) * slice_bytes, bytes) != bytes.size() || !is_sealed(slice, bytes)) {
      throw Error(Code::kUnrepairable, fmt::format("what was rebuilt of slice {} in {} is not what was sealed", slice,
                                                   core::printable(loaded_.folder.string())));
    }
    had_[number_of(slice)] = 1;
  }
  origin_.rebuilt = missing.size();
}

/// Columns of a slice that is intact or was had from elsewhere; behind the end of its file stand zeros, whatever the
/// drive has there.
void LostSlices::read_padded(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
  const volume::SlicePlace place = place_of(slice);
  const std::uint64_t real = column < place.bytes ? std::min<std::uint64_t>(into.size(), place.bytes - column) : 0;
  if (real > 0 && is_lost(slice)) {
    read(slice, column, into.first(real));
  } else if (real > 0) {
    files_.read(loaded_.folder / place.file->path, place.offset + column, into.first(real));
  }
  std::fill(into.begin() + static_cast<std::ptrdiff_t>(real), into.end(), std::byte{});
}

}  // namespace darkshelf::rituals
