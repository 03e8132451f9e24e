#include "volume/tag_mender.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"
#include "parity/reconstruct.hpp"
#include "parity/set_reader.hpp"

namespace darkshelf::volume {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kTagLimit = 512 << 20;

/// The protected texts in memory, slice by slice: what lies on the drive where it is intact, and room for the rest.
class Texts {
 public:
  Texts(io::FileSystem& fs, const std::vector<io::Path>& folders, const parity::PacketScan& scan, io::ReadMode mode)
      : fs_(fs), mode_(mode), slice_bytes_(scan.main->slice_bytes), files_(parity::numbered_files(scan)) {
    std::uint64_t total = 0;
    for (const parity::NumberedFile& file : files_) total += file.description.bytes;
    if (total > 6 * kTagLimit)
      throw Error(Code::kCorrupt, "the tags PAR2 set claims files of a size tag files never have");
    for (const parity::NumberedFile& file : files_) {
      if (file.description.name.find('/') != std::string::npos)
        throw Error(Code::kCorrupt, "the tags PAR2 set names a file in a folder");
      load(folders, file);
    }
  }

  std::uint32_t slices() const { return files_.empty() ? 0 : files_.back().first_slice + files_.back().slice_count; }
  const std::vector<std::uint32_t>& lost() const { return lost_; }

  void read(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) const {
    const auto [file, offset] = find(slice);
    const core::Bytes& text = texts_[file];
    for (std::size_t i = 0; i < into.size(); ++i) {
      const std::uint64_t at = offset + column + i;
      into[i] = at < text.size() ? text[at] : std::byte{};
    }
  }
  void write(std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
    const auto [file, offset] = find(slice);
    core::Bytes& text = texts_[file];
    for (std::size_t i = 0; i < bytes.size() && offset + column + i < text.size(); ++i)
      text[offset + column + i] = bytes[i];
  }
  std::map<std::string, std::string> take(const std::vector<std::string>& names) const {
    std::map<std::string, std::string> out;
    for (std::size_t f = 0; f < files_.size(); ++f) {
      const std::string& name = files_[f].description.name;
      if (std::find(names.begin(), names.end(), name) != names.end()) out[name] = std::string(core::as_text(texts_[f]));
    }
    return out;
  }

 private:
  std::pair<std::size_t, std::uint64_t> find(std::uint32_t slice) const {
    const auto after = std::upper_bound(files_.begin(), files_.end(), slice,
                                        [](std::uint32_t s, const auto& f) { return s < f.first_slice; });
    const auto file = static_cast<std::size_t>(after - files_.begin()) - 1;
    return {file, (slice - files_[file].first_slice) * slice_bytes_};
  }

  void load(const std::vector<io::Path>& folders, const parity::NumberedFile& file) {
    core::Bytes text(file.description.bytes);
    std::vector<std::unique_ptr<io::File>> sources;
    for (const io::Path& folder : folders) {
      const io::Path path = folder / file.description.name;
      if (!io::look_at(fs_, path).is(io::FileType::kRegular)) continue;
      try {
        sources.push_back(fs_.open_read(path, mode_));
      } catch (const Error& error) {
        if (!io::is_read_error(error)) throw;
      }
    }
    core::Bytes slice(slice_bytes_);
    for (std::uint32_t s = 0; s < file.slice_count; ++s) {
      const std::uint64_t at = s * slice_bytes_, length = std::min<std::uint64_t>(slice_bytes_, text.size() - at);
      const auto read_intact = [&](const std::unique_ptr<io::File>& source) {
        try {
          const std::size_t got = source->read_at(at, core::MutableByteSpan(slice).first(length));
          std::fill(slice.begin() + static_cast<std::ptrdiff_t>(got), slice.end(), std::byte{});
          return digest::crc32(slice) == file.checksums->slices[s].crc32 &&
                 digest::md5(slice) == file.checksums->slices[s].md5;
        } catch (const Error& error) {
          if (!io::is_read_error(error)) throw;
          return false;
        }
      };
      if (file.checksums != nullptr && std::any_of(sources.begin(), sources.end(), read_intact)) {
        std::copy_n(slice.begin(), length, text.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        lost_.push_back(file.first_slice + s);
      }
    }
    texts_.push_back(std::move(text));
  }

  io::FileSystem& fs_;
  io::ReadMode mode_;
  std::uint64_t slice_bytes_;
  std::vector<parity::NumberedFile> files_;
  std::vector<core::Bytes> texts_;
  std::vector<std::uint32_t> lost_;
};

}  // namespace

std::map<std::string, std::string> mend_tag_files(io::FileSystem& fs, const std::vector<io::Path>& folders,
                                                  const std::vector<io::Path>& set,
                                                  const std::vector<std::string>& broken, io::ReadMode mode,
                                                  const core::Work& work) {
  const parity::PacketScan scan = parity::scan_packets(fs, set, mode, work);
  if (!scan.main) throw Error(Code::kUnrepairable, "no sound packet of the tags PAR2 set tells what it protects");
  Texts texts(fs, folders, scan, mode);
  parity::ReconstructRequest request;
  request.slice_bytes = scan.main->slice_bytes;
  request.slices = texts.slices();
  request.lost = texts.lost();
  for (const parity::RecoveryLocation& at : scan.recovery) request.recovery.push_back(at.exponent);
  request.read_slice = [&](std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
    texts.read(slice, column, into);
  };
  request.read_recovery = [&](std::size_t index, std::uint64_t column, core::MutableByteSpan into) {
    const parity::RecoveryLocation& at = scan.recovery[index];
    const auto file = fs.open_read(scan.files[at.file], mode);
    if (file->read_at(at.data_offset + column, into) != into.size())
      throw Error(Code::kUnrepairable, "the tags PAR2 set became shorter while it was read");
  };
  request.write_slice = [&](std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
    texts.write(slice, column, bytes);
  };
  parity::reconstruct(request, work);
  return texts.take(broken);
}

}  // namespace darkshelf::volume
