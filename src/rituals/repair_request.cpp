#include "rituals/repair_request.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "rituals/findings.hpp"
#include "rituals/mend_slices.hpp"
#include "rituals/parcel_file.hpp"

namespace darkshelf::rituals {

namespace fp = formats::parcel;
namespace fv = formats::volume;

namespace {

/// More than is needed, should some of it not be readable there either.
std::uint32_t spare_of(std::uint32_t needed) { return std::max<std::uint32_t>(4, needed / 20); }

bool fits_seal(Context& context, const io::Path& path, const digest::Sha256& sealed) {
  try {
    const auto stat = context.fs.stat(path);
    return stat && stat->type == io::FileType::kRegular && sha256_of(context, path) == sealed;
  } catch (const core::Error& error) {
    if (ends_all(error)) throw;
    return false;
  }
}

void add_slices(const Examination& examination, fp::Part& part) {
  const volume::LoadedVolume& loaded = *examination.loaded;
  const auto lost = static_cast<std::uint32_t>(examination.lost.size());
  const auto sound = static_cast<std::uint32_t>(examination.payload_parity.recovery.size());
  if (lost <= sound) return;
  part.needed = lost - sound;
  part.spare = std::min(spare_of(part.needed), lost - part.needed);
  for (const std::uint32_t slice : examination.lost)
    part.slices.push_back({slice, volume::place_of(loaded, slice).value().bytes, loaded.slices[slice]});
}

std::vector<std::string> twins_of(Context& context, const AttachedDrive& drive, const std::vector<fp::Part>& parts) {
  std::vector<std::string> twins;
  for (const catalog::Drive& other : context.catalog.drives()) {
    const bool helps = other.id != drive.drive.id && std::any_of(parts.begin(), parts.end(), [&](const fp::Part& part) {
                         const auto copies = context.catalog.copies_of(part.volume);
                         return std::any_of(copies.begin(), copies.end(), [&](const catalog::Copy& copy) {
                           return copy.drive == other.id && copy.health != catalog::CopyHealth::kMissing;
                         });
                       });
    if (helps) twins.push_back(other.place_name.empty() ? other.label : other.label + " (at " + other.place_name + ")");
  }
  return twins;
}

}  // namespace

std::optional<fp::Part> lacking(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                                const Examination& examination) {
  if (health_of(examination) == catalog::CopyHealth::kMissing) return {};
  fp::Part part;
  part.volume = volume.info.volume;
  part.seal = volume.seal;
  part.folder = volume.folder;
  part.slice_bytes = volume.info.slice_bytes;
  for (const fv::ManifestEntry& entry : fv::decode_manifest(volume.tagmanifest)) {
    if (std::find(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), entry.path) == std::end(fv::kTagFiles)) continue;
    const bool known = examination.loaded ? examination.loaded->tag_text.contains(entry.path)
                                          : fits_seal(context, drive.volume_folder(volume) / entry.path, entry.sha256);
    if (!known) part.files.push_back({entry.path, 0, entry.sha256});
  }
  if (examination.loaded) add_slices(examination, part);
  if (part.files.empty() && part.slices.empty()) return {};
  return part;
}

WrittenRequest write_request(Context& context, const AttachedDrive& drive, std::vector<fp::Part> parts,
                             const io::Path& file) {
  fp::Parcel request;
  request.kind = fp::Kind::kRequest;
  request.drive = drive.drive.id;
  request.label = drive.drive.label;
  request.creator = std::string(fp::kCreator);
  request.made = context.world.now();
  request.parts = std::move(parts);
  WrittenRequest written;
  written.file = file;
  written.volumes = request.parts.size();
  for (const fp::Part& part : request.parts) {
    const std::uint64_t slices = std::uint64_t{part.needed} + part.spare;
    written.slices += slices;
    written.files += part.files.size();
    written.bytes += slices * part.slice_bytes;
  }
  written.twins = twins_of(context, drive, request.parts);
  const std::string text = fp::encode(request);
  written.file_bytes = text.size();
  io::write_file_durably(context.fs, file, core::as_bytes(text));
  return written;
}

}  // namespace darkshelf::rituals
