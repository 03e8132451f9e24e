#include "rituals/rescue_volumes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "parity/reconstruct.hpp"
#include "rituals/drive_parts.hpp"
#include "rituals/identity_file.hpp"
#include "rituals/remake_parity.hpp"
#include "rituals/rescue_payload.hpp"
#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kTagLimit = 512 << 20;  // of all tag files of a volume together
constexpr std::size_t kChunk = 4 << 20;

/// Recovery data of a set, straight from the medium.
void read_recovery(io::RawMedium& medium, const CarvedSet& set, std::size_t index, std::uint64_t column,
                   core::MutableByteSpan into) {
  if (!medium.read_exactly(set.scan.recovery[index].data_offset + column, into))
    throw Error(Code::kFailed, "a recovery slice that was sound a while ago cannot be read any more",
                "type the same command again");
}

parity::ReconstructRequest request_for(io::RawMedium& medium, const CarvedSet& set,
                                       const std::vector<std::uint32_t>& lost) {
  parity::ReconstructRequest request;
  request.slice_bytes = set.scan.main->slice_bytes;
  request.slices = set.slices;
  request.lost = lost;
  for (const parity::RecoveryLocation& at : set.scan.recovery) request.recovery.push_back(at.exponent);
  request.read_recovery = [&](std::size_t index, std::uint64_t column, core::MutableByteSpan into) {
    read_recovery(medium, set, index, column, into);
  };
  return request;
}

}  // namespace

std::map<std::string, std::string> rebuild_tags(io::RawMedium& medium, const CarvedSet& set, const FoundSlices& found,
                                                const core::Work& work) {
  const std::uint64_t size = set.scan.main->slice_bytes;
  if (set.slices * size > kTagLimit) throw Error(Code::kCorrupt, "its lists are larger than such lists ever are");
  core::Bytes slices(set.slices * size);
  const auto slice = [&](std::uint32_t s) { return core::MutableByteSpan(slices).subspan(s * size, size); };
  std::vector<std::uint32_t> lost = found.lost;
  for (const parity::NumberedFile& file : set.files) {
    for (std::uint32_t i = 0; i < file.slice_count; ++i) {
      const auto place = found.places.find(file.first_slice + i);
      if (place == found.places.end() || place->second == FoundSlices::kZeros) continue;
      const auto into = slice(place->first).first(std::min(size, file.description.bytes - i * size));
      const bool sound =
          medium.read_exactly(place->second, into) && digest::md5(slice(place->first)) == found.checksums[place->first];
      if (!sound) lost.push_back(place->first);
    }
  }
  std::sort(lost.begin(), lost.end());
  parity::ReconstructRequest request = request_for(medium, set, lost);
  request.read_slice = [&](std::uint32_t s, std::uint64_t column, core::MutableByteSpan into) {
    std::copy_n(slice(s).begin() + static_cast<std::ptrdiff_t>(column), into.size(), into.begin());
  };
  request.write_slice = [&](std::uint32_t s, std::uint64_t column, core::ByteSpan bytes) {
    std::copy(bytes.begin(), bytes.end(), slice(s).begin() + static_cast<std::ptrdiff_t>(column));
  };
  if (!lost.empty()) parity::reconstruct(request, work);
  std::map<std::string, std::string> texts;
  for (const parity::NumberedFile& file : set.files) {
    const core::ByteSpan bytes = core::ByteSpan(slices).subspan(file.first_slice * size, file.description.bytes);
    if (digest::md5(bytes) != file.description.md5)
      throw Error(Code::kUnrepairable,
                  fmt::format("what was rebuilt of {} is not what was sealed", core::printable(file.description.name)));
    texts[file.description.name] = core::as_text(bytes);
  }
  for (const std::string_view name : fv::kTagFiles) texts.try_emplace(std::string(name));  // empty ones are in no set
  return texts;
}

struct VolumeRescue::Volume {
  const RescueTarget& target;
  volume::LoadedVolume loaded;
  io::Path folder = {};  // where it is gathered
  std::string tagmanifest = {};
  digest::Sha256 seal{};
  io::Path place = {};
};

io::Path VolumeRescue::gathered(const io::Path& work_folder, const CarvedSet& payload) {
  return work_folder / core::to_hex(payload.scan.set_id);
}

std::optional<io::Path> VolumeRescue::without_lists(io::FileSystem& fs, const io::Path& to, const CarvedSet& payload) {
  const io::Path folder = to / "without-lists";
  if (!fs.stat(folder)) return {};
  const std::string end = "_" + core::to_hex(payload.scan.set_id);
  for (const io::Entry& entry : fs.list(folder)) {
    if (entry.name.ends_with(end)) return folder / entry.name;
  }
  return {};
}

template <typename Stream>
auto VolumeRescue::digest_of(const io::Path& path) {
  const auto file = context_.fs.open_read(path, io::ReadMode::kDirect);
  core::AlignedBuffer buffer(kChunk);
  Stream stream;
  std::uint64_t offset = 0;
  for (std::size_t got = 0; (got = file->read_at(offset, buffer.span())) != 0; offset += got) {
    context_.work.check();
    stream.update(buffer.span().first(got));
  }
  return stream.finish();
}

void VolumeRescue::run(const RescueTarget& target, RescuedVolume& out) {
  io::FileSystem& fs = context_.fs;
  Volume volume{target,
                volume::volume_from_texts(rebuild_tags(medium_, *target.tags, *target.tags_found, context_.work))};
  volume.folder = gathered(work_folder_, target.payload != nullptr ? *target.payload : *target.tags);
  volume.place = *request_.to / std::string(fd::kFolder) / folder_below(volume.loaded.info);
  const io::Path sealed = volume.place / std::string(fv::kTagManifest);
  if (fs.stat(sealed)) {  // it is put there only when it is whole
    volume.tagmanifest = io::read_text(fs, sealed, kTagLimit);
    require_its_own(volume);
    out.there_before = true;
  } else {
    take_back(target, volume.folder);
    write_payload(target, volume.folder, out);
    write_the_rest(volume);
    core::stop_point("rescue.rebuilt");
    prove(volume);
  }
  volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
  out.seal_hex = core::to_hex(volume.seal);
  out.seal = compare(volume);
  out.state = RescueState::kRescued;
  if (out.seal == SealCompared::kDiffers) {
    out.folder = out.there_before ? volume.place : volume.folder;
    out.failure = "it agrees with its own lists, but not with the seal in the catalog";
    return;
  }
  put_in_place(volume, out);
}

/// Anybody can leave a volume on a drive that claims the place of another.
void VolumeRescue::require_its_own(const Volume& volume) {
  const std::string name(fv::kManifest);
  const digest::Sha256 manifest = digest::sha256(core::as_bytes(volume.loaded.tag_text.at(name)));
  const std::vector<fv::ManifestEntry> sealed = fv::decode_manifest(volume.tagmanifest);
  const bool same = std::any_of(sealed.begin(), sealed.end(), [&](const fv::ManifestEntry& entry) {
    return entry.path == name && entry.sha256 == manifest;
  });
  if (!same) throw Error(Code::kFailed, fmt::format("{} is another volume", core::printable(volume.place.string())));
}

void VolumeRescue::run_payload(const RescueTarget& target, RescuedVolume& out) {
  io::FileSystem& fs = context_.fs;
  const io::Path folder = gathered(work_folder_, *target.payload);
  out.state = RescueState::kPayloadOnly;
  if (const auto before = without_lists(fs, *request_.to, *target.payload)) {
    out.folder = *before;
    out.there_before = true;
    return;
  }
  out.folder = *request_.to / "without-lists" / fmt::format("{}_{}", core::slug(out.name), folder.filename().string());
  write_payload(target, folder, out);
  for (const parity::NumberedFile& file : target.payload->files) {
    if (digest_of<digest::Md5Stream>(folder / file.description.name) == file.description.md5) continue;
    throw Error(Code::kUnrepairable,
                fmt::format("what was rebuilt of {} is not what was sealed", core::printable(file.description.name)));
  }
  io::sync_tree(fs, folder);
  fs.make_dirs(out.folder.parent_path());
  fs.rename(folder, out.folder);
  fs.sync_dir(out.folder.parent_path());
  fs.sync_dir(work_folder_);
}

/// A payload that came back alone before its lists were found.
void VolumeRescue::take_back(const RescueTarget& target, const io::Path& folder) {
  io::FileSystem& fs = context_.fs;
  const auto alone = target.payload != nullptr ? without_lists(fs, *request_.to, *target.payload) : std::nullopt;
  if (!alone) return;
  io::remove_tree(fs, folder);
  fs.rename(*alone, folder);
  fs.sync_dir(alone->parent_path());
  fs.sync_dir(work_folder_);
}

void VolumeRescue::write_payload(const RescueTarget& target, const io::Path& folder, RescuedVolume& out) {
  context_.fs.make_dirs(folder);
  if (target.payload == nullptr) return;
  const CarvedSet& set = *target.payload;
  const std::vector<std::uint32_t>& lost = target.payload_found->lost;
  GatheredPayload payload(context_.fs, folder, set);
  payload.make_all();
  if (lost.empty()) return payload.sync();
  parity::ReconstructRequest request = request_for(medium_, set, lost);
  request.read_slice = [&](std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
    payload.read(slice, column, into);
  };
  request.write_slice = [&](std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
    payload.write(slice, column, bytes);
  };
  parity::reconstruct(request, context_.work);
  payload.sync();
  out.rebuilt = static_cast<std::uint32_t>(lost.size());
}

/// Tag files, empty files, both PAR2 sets, and the tagmanifest over all of them: what a volume is besides its payload
/// follows from its lists.
void VolumeRescue::write_the_rest(Volume& volume) {
  io::FileSystem& fs = context_.fs;
  const volume::LoadedVolume& loaded = volume.loaded;
  std::vector<std::string> names;
  const auto make = [&](const std::string& name) {
    if (fs.stat(volume.folder / name)) fs.remove_file(volume.folder / name);  // of a run that was killed
    names.push_back(name);
    return fs.create(volume.folder / name);
  };
  for (const fv::ManifestEntry& entry : loaded.manifest) {
    if (fs.stat(volume.folder / entry.path)) continue;
    if (entry.sha256 != digest::sha256({}))
      throw Error(Code::kUnrepairable, fmt::format("{} is in no PAR2 set that was found", core::printable(entry.path)));
    fs.make_dirs((volume.folder / entry.path).parent_path());
    fs.create(volume.folder / entry.path);
  }
  if (!loaded.files.empty()) {
    GatheredPayload payload(fs, volume.folder, *volume.target.payload);
    remake_payload_set(
        loaded.info, loaded.files,
        [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
          payload.read_file(file, offset, into);
        },
        make, context_.work);
  }
  write_tags_set(loaded.info, loaded.tag_text, make, context_.work);
  for (const std::string_view name : fv::kTagFiles)
    make(std::string(name))->write_at(0, core::as_bytes(loaded.tag_text.at(std::string(name))));
  std::vector<fv::ManifestEntry> sealed;
  for (const std::string& name : names) sealed.push_back({digest_of<digest::Sha256Stream>(volume.folder / name), name});
  volume.tagmanifest = fv::encode_manifest(sealed);
  make(std::string(fv::kTagManifest))->write_at(0, core::as_bytes(volume.tagmanifest));
  give_sealed_times(fs, volume.folder, loaded.info);
  for (const fv::Member& member : loaded.members) {
    if (loaded.info.layout == fv::Layout::kFiles && member.type == fv::MemberType::kFile)
      fs.set_mtime(volume.folder / "data" / member.path, member.mtime_ns);
  }
  io::sync_tree(fs, volume.folder);
}

/// All of it is read back from where it was written.
void VolumeRescue::prove(Volume& volume) {
  std::vector<fv::ManifestEntry> all = volume.loaded.manifest;
  const std::vector<fv::ManifestEntry> beside = fv::decode_manifest(volume.tagmanifest);
  all.insert(all.end(), beside.begin(), beside.end());
  core::parallel_for(context_.work.thread_count(), all.size(), [&](std::size_t i) {
    if (digest_of<digest::Sha256Stream>(volume.folder / all[i].path) == all[i].sha256) return;
    throw Error(Code::kUnrepairable,
                fmt::format("what was rebuilt of {} is not what was sealed", core::printable(all[i].path)));
  });
}

SealCompared VolumeRescue::compare(const Volume& volume) {
  const bool told = std::find(request_.seals.begin(), request_.seals.end(), volume.seal) != request_.seals.end();
  const auto known = context_.catalog == nullptr ? std::nullopt : context_.catalog->volume(volume.loaded.info.volume);
  if (known) return known->seal == volume.seal ? SealCompared::kFits : SealCompared::kDiffers;
  return told ? SealCompared::kFits : SealCompared::kNot;
}

void VolumeRescue::put_in_place(Volume& volume, RescuedVolume& out) {
  io::FileSystem& fs = context_.fs;
  make_drive(volume);
  out.folder = volume.place;
  if (out.there_before) return;
  const io::Path seals = *request_.to / std::string(fd::kSeals) / volume.loaded.info.volume.text();
  fs.make_dirs(seals);
  io::write_file_durably(fs, seals / std::string(fv::kTagManifest), core::as_bytes(volume.tagmanifest));
  fs.make_dirs(volume.place.parent_path());
  fs.rename(volume.folder, volume.place);
  fs.sync_dir(volume.place.parent_path());
  fs.sync_dir(work_folder_);
  core::stop_point("rescue.placed");
}

/// The folder is a drive like any other, so that `catalog recover` takes it in and `copy` reads from it.
void VolumeRescue::make_drive(const Volume& first) {
  if (!label_.empty()) return;
  io::FileSystem& fs = context_.fs;
  if (const auto there = read_identity(fs, *request_.to)) {
    label_ = there->label;
    return;
  }
  fd::DriveIdentity identity;
  identity.id = context_.world.new_id();
  identity.created = context_.world.now();
  identity.catalog_mode = "none";
  const std::string wanted = "rescued " + core::format_date(identity.created);
  identity.label = wanted;
  const auto taken = [&] {
    if (context_.catalog == nullptr) return false;
    const auto drives = context_.catalog->drives();
    return std::any_of(drives.begin(), drives.end(), [&](const auto& drive) { return drive.label == identity.label; });
  };
  for (int next = 2; taken(); ++next) identity.label = fmt::format("{} {}", wanted, next);
  fs.make_dirs(*request_.to / std::string(fd::kFolder));
  fd::StartHere facts;
  facts.label = identity.label;
  facts.example_volume = folder_below(first.loaded.info);
  facts.example_base = fv::base_name(first.loaded.info);
  const bool files = first.loaded.info.layout == fv::Layout::kFiles;
  (files ? facts.has_files_layout : facts.has_tar_layout) = true;
  facts.written = identity.created;
  for (const std::string& name : {std::string(fd::kStartHere), fd::root_start_here_name(identity.label)})
    io::write_file_durably(fs, *request_.to / name, core::as_bytes(fd::start_here(facts)));
  write_identity(fs, *request_.to, identity);  // last: it tells that all of this is there
  label_ = identity.label;
}

}  // namespace darkshelf::rituals
