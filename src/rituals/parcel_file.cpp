#include "rituals/parcel_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/restore_files.hpp"

namespace darkshelf::rituals {

namespace fp = formats::parcel;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kStep = 1 << 20;

std::optional<fp::Kind> kind_at(io::FileSystem& fs, const io::Path& path) {
  std::array<std::byte, 32> start{};
  const std::size_t got = fs.open_read(path)->read_at(0, start);
  return fp::kind_of(core::as_text(start).substr(0, got));
}

/// As much of the file as its head takes.
std::string head_of(io::File& file, const std::string& name) {
  std::string text;
  core::Bytes buffer(kStep);
  for (;;) {
    const std::size_t got = file.read_at(text.size(), buffer);
    // The last line may begin in what was read before.
    const std::size_t searched = text.size() - std::min<std::size_t>(text.size(), kStep);
    text += core::as_text(core::ByteSpan(buffer).first(got));
    if (const auto length = fp::head_length(std::string_view(text).substr(searched)))
      return text.substr(0, searched + *length);
    if (got < buffer.size() || text.size() > fp::kHeadLimit)
      throw Error(Code::kCorrupt, fmt::format("{} is cut short", name), "copy it again from where it was made");
  }
}

}  // namespace

std::shared_ptr<const ParcelFile> ParcelFile::open(io::FileSystem& fs, const io::Path& path, const core::Work& work) {
  const std::string name = core::printable(path.string());
  const auto stat = fs.stat_following(path);
  if (!stat) throw Error(Code::kNotFound, fmt::format("there is no {}", name), "look at its name (ls)");
  if (stat->type != io::FileType::kRegular || !kind_at(fs, path)) {
    throw Error(Code::kUsage, fmt::format("{} is neither a request nor a parcel", name),
                "darkshelf repair DRIVE --request FILE   (makes a request)");
  }
  auto out = std::make_shared<ParcelFile>();
  out->file_ = fs.open_read(path);
  try {
    const std::string head = head_of(*out->file_, name);
    out->head_ = fp::decode(head);
    if (stat->bytes < head.size() + out->head_.data_bytes()) throw Error(Code::kCorrupt, "it is cut short");
    if (stat->bytes > head.size() + out->head_.data_bytes()) throw Error(Code::kCorrupt, "something stands behind it");
    out->check_data(head.size(), work);
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat)
      throw Error(error.code(), fmt::format("{}: {}", name, error.what()), error.hint());
    if (error.code() != Code::kCorrupt) throw;
    throw Error(Code::kCorrupt, fmt::format("{} is damaged: {}", name, error.what()),
                "copy it again from where it was made; nothing was changed");
  }
  return out;
}

ParcelFile::Place ParcelFile::check_piece(std::uint64_t& offset, std::uint64_t bytes, const digest::Sha256& sha256) {
  const Place place{offset, bytes};
  core::AlignedBuffer buffer(std::min<std::uint64_t>(bytes, kStep));
  digest::Sha256Stream stream;
  for (std::uint64_t at = 0; at < bytes;) {
    const auto part = buffer.span().first(std::min<std::uint64_t>(bytes - at, kStep));
    if (file_->read_at(offset + at, part) != part.size())
      throw Error(Code::kCorrupt, "it became shorter while it was read");
    stream.update(part);
    at += part.size();
  }
  if (stream.finish() != sha256)
    throw Error(Code::kCorrupt, fmt::format("the {} bytes from byte {} are not what its head tells", bytes, offset));
  offset += bytes;
  return place;
}

void ParcelFile::check_data(std::uint64_t offset, const core::Work& work) {
  for (const fp::Part& part : head_.parts) {
    auto& slices = slices_[part.volume];
    if (head_.kind == fp::Kind::kRequest) continue;
    for (const fp::File& file : part.files)
      files_[part.volume][file.name] = check_piece(offset, file.bytes, file.sha256);
    for (const fp::Slice& slice : part.slices) {
      work.check();
      slices[slice.number] = check_piece(offset, slice.bytes, slice.sha256);
    }
  }
}

bool ParcelFile::read_slice(const core::Uuid& volume, std::uint32_t slice, core::MutableByteSpan into) const {
  const auto of_volume = slices_.find(volume);
  if (of_volume == slices_.end()) return false;
  const auto place = of_volume->second.find(slice);
  return place != of_volume->second.end() && place->second.bytes == into.size() &&
         file_->read_at(place->second.offset, into) == into.size();
}

std::map<std::string, std::string> ParcelFile::tag_text(const core::Uuid& volume) const {
  std::map<std::string, std::string> texts;
  const auto of_volume = files_.find(volume);
  if (of_volume == files_.end()) return texts;
  for (const auto& [name, place] : of_volume->second) {
    core::Bytes bytes(place.bytes);
    if (file_->read_at(place.offset, bytes) == bytes.size()) texts[name] = core::as_text(bytes);
  }
  return texts;
}

volume::KnownSeal with_elsewhere(volume::KnownSeal known, const core::Uuid& volume, const Elsewhere& elsewhere) {
  for (const Twin& twin : elsewhere.twins) known.twins.push_back(twin.folder);
  if (elsewhere.parcel) known.tag_text = elsewhere.parcel->tag_text(volume);
  return known;
}

void require_place_for_parcel(io::FileSystem& fs, const io::Path& path) {
  const io::Path absolute = path.is_absolute() ? path : fs.canonical(".") / path;
  refuse_archive_around(fs, absolute.parent_path());
  const auto folder = fs.stat_following(absolute.parent_path());
  if (!folder || folder->type != io::FileType::kDirectory) {
    throw Error(Code::kUsage, fmt::format("there is no folder {}", core::printable(absolute.parent_path().string())),
                "make it, or give another file");
  }
  const auto stat = fs.stat(absolute);
  if (!stat || (stat->type == io::FileType::kRegular && kind_at(fs, absolute))) return;
  throw Error(Code::kUsage,
              fmt::format("{} is there already, and is neither a request nor a parcel", core::printable(path.string())),
              "give another file");
}

}  // namespace darkshelf::rituals
