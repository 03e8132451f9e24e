#include "rituals/journal_proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/text.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kJournalLimit = 256 << 20, kTagLimit = 512 << 20;
constexpr std::size_t kBuffer = 4 << 20;

Error other_bytes(const std::string& path) {
  return Error(Code::kCorrupt, fmt::format("the journal of an interrupted repair would write other bytes into {} than "
                                           "were sealed",
                                           core::printable(path)));
}

/// A file of the volume as it would be with the patches in it. Nothing is written.
class Patched {
 public:
  Patched(io::FileSystem& fs, io::File& data, const PatchedFile& file, const io::Path& place)
      : file_(file), data_(data) {
    const auto stat = fs.stat(place);
    if (stat && stat->type == io::FileType::kRegular) on_drive_ = fs.open_read(place, io::ReadMode::kDirect);
  }

  const std::string& path() const { return file_.path; }
  std::uint64_t bytes() const { return file_.bytes; }
  const std::vector<const Patch*>& patches() const { return patches_; }
  void add(const Patch& patch) { patches_.push_back(&patch); }

  /// Throws kCorrupt where two patches tell of one place.
  void sort() {
    const auto begins = [](const Patch* patch) { return patch->offset; };
    std::sort(patches_.begin(), patches_.end(), [&](const Patch* a, const Patch* b) { return begins(a) < begins(b); });
    for (std::size_t i = 1; i < patches_.size(); ++i) {
      if (begins(patches_[i]) < patches_[i - 1]->offset + patches_[i - 1]->bytes) {
        throw Error(Code::kCorrupt, fmt::format("the journal of an interrupted repair tells twice of one place in {}",
                                                core::printable(file_.path)));
      }
    }
  }

  void read(std::uint64_t offset, core::MutableByteSpan into) {
    const std::uint64_t end = offset + into.size();
    std::uint64_t done = offset;  // only what no patch tells is read from the drive: it may be what cannot be read
    const auto from_drive = [&](std::uint64_t upto) {
      if (done < upto) read_drive(done, into.subspan(done - offset, upto - done));
    };
    std::fill(into.begin(), into.end(), std::byte{});
    for (auto at = first_behind(offset); at != patches_.cend() && (*at)->offset < end; ++at) {
      const core::Bytes& bytes = bytes_of(**at);
      const std::uint64_t from = std::max(offset, (*at)->offset), to = std::min(end, (*at)->offset + (*at)->bytes);
      if (from >= to) continue;
      from_drive(from);
      std::memcpy(into.data() + (from - offset), bytes.data() + (from - (*at)->offset), to - from);
      done = to;
    }
    from_drive(end);
  }

  digest::Sha256 sha256(core::Work& work) {
    core::AlignedBuffer buffer(kBuffer);
    digest::Sha256Stream sha256;
    for (std::uint64_t at = 0; at < file_.bytes;) {
      work.check();
      const auto part = buffer.span().first(std::min<std::uint64_t>(buffer.size(), file_.bytes - at));
      read(at, part);
      sha256.update(part);
      at += part.size();
    }
    return sha256.finish();
  }

 private:
  std::vector<const Patch*>::const_iterator first_behind(std::uint64_t offset) const {
    return std::partition_point(patches_.begin(), patches_.end(),
                                [&](const Patch* patch) { return patch->offset + patch->bytes <= offset; });
  }

  void read_drive(std::uint64_t offset, core::MutableByteSpan into) {
    if (on_drive_) on_drive_->read_at(offset, into);
  }

  /// Many slices may lie in one patch.
  const core::Bytes& bytes_of(const Patch& patch) {
    if (last_ != &patch) bytes_ = patch_bytes(data_, patch);
    last_ = &patch;
    return bytes_;
  }

  const PatchedFile& file_;
  io::File& data_;
  std::unique_ptr<io::File> on_drive_;
  std::vector<const Patch*> patches_;
  const Patch* last_ = nullptr;
  core::Bytes bytes_;
};

/// The lists of the volume: as they lie there, as the journal would write them, or mended, but always as sealed.
volume::LoadedVolume lists_of(Context& context, const catalog::Volume& volume, const io::Path& folder,
                              const Elsewhere& elsewhere, std::vector<Patched>& files) {
  volume::KnownSeal known{volume.seal, volume.tagmanifest, {}, {}};
  for (const Twin& twin : elsewhere.twins) known.twins.push_back(twin.folder);
  for (Patched& file : files) {
    const bool list =
        std::find(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), file.path()) != std::end(fv::kTagFiles);
    if (!list || file.bytes() > kTagLimit) continue;
    core::Bytes text(file.bytes());
    file.read(0, text);
    known.tag_text[file.path()] = std::string(core::as_text(text));
  }
  try {
    return volume::load_volume(context.fs, folder, known, io::ReadMode::kCached, context.work);
  } catch (const Error& error) {
    if (error.code() != Code::kUnrepairable) throw;
    throw Error(
        Code::kUnrepairable,
        fmt::format("the journal of an interrupted repair cannot be compared with what was sealed, and is kept: "
                    "{}",
                    error.what()));
  }
}

/// Of a payload file the slices that patches touch.
void require_slices(Context& context, Patched& file, const volume::LoadedVolume& loaded,
                    const volume::ProtectedFile& sealed) {
  const std::uint64_t slice_bytes = loaded.info.slice_bytes;
  core::Bytes slice(slice_bytes);
  std::uint64_t next = 0;  // slice of the file
  for (const Patch* patch : file.patches()) {
    const std::uint64_t last = (patch->offset + patch->bytes - 1) / slice_bytes;
    for (next = std::max(next, patch->offset / slice_bytes); next <= last; ++next) {
      context.work.check();
      const std::uint64_t at = next * slice_bytes;
      const auto part = core::MutableByteSpan(slice).first(std::min(slice_bytes, sealed.bytes - at));
      file.read(at, part);
      if (digest::sha256(part) != loaded.slices[sealed.first_slice + next]) throw other_bytes(file.path());
    }
  }
}

void require_sealed_bytes(Context& context, const RepairJournal& journal, const io::Path& journal_folder,
                          const catalog::Volume& volume, const io::Path& volume_folder, const Elsewhere& elsewhere) {
  const auto data = context.fs.open_read(journal_folder / "data");
  std::vector<Patched> files;
  files.reserve(journal.files.size());
  for (const PatchedFile& file : journal.files) files.emplace_back(context.fs, *data, file, volume_folder / file.path);
  for (const Patch& patch : journal.patches) files[patch.file].add(patch);
  for (Patched& file : files) file.sort();
  const volume::LoadedVolume loaded = lists_of(context, volume, volume_folder, elsewhere, files);
  for (Patched& file : files) {
    const auto payload = std::find_if(loaded.files.begin(), loaded.files.end(),
                                      [&](const volume::ProtectedFile& one) { return one.path == file.path(); });
    if (payload != loaded.files.end()) {
      if (file.bytes() != payload->bytes) throw other_bytes(file.path());
      require_slices(context, file, loaded, *payload);
      continue;
    }
    const auto listed = [&](const std::vector<fv::ManifestEntry>& list) {
      const auto entry =
          std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.path == file.path(); });
      return entry == list.end() ? std::nullopt : std::optional(entry->sha256);
    };
    auto sealed = file.path() == fv::kTagManifest ? std::optional(loaded.seal) : listed(loaded.tagmanifest);
    if (!sealed) sealed = listed(loaded.manifest);  // a photo of no bytes has no slices
    if (!sealed || file.sha256(context.work) != *sealed) throw other_bytes(file.path());
  }
}

}  // namespace

RepairJournal usable_journal(Context& context, const io::Path& folder, const catalog::Volume& volume,
                             const io::Path& volume_folder, const Elsewhere& elsewhere) {
  for (const char* name : {"journal", "data"}) {
    const auto stat = context.fs.stat(folder / name);
    if (!stat || stat->type != io::FileType::kRegular)
      throw Error(Code::kCorrupt, fmt::format("an interrupted repair has left no {}", name));
  }
  RepairJournal journal = decode_journal(io::read_text(context.fs, folder / "journal", kJournalLimit));
  require_of_volume(context, journal, volume, context.catalog.members_of(volume.info.volume), volume_folder);
  require_sealed_bytes(context, journal, folder, volume, volume_folder, elsewhere);
  return journal;
}

}  // namespace darkshelf::rituals
