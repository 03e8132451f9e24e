#include "rituals/repair_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "core/text.hpp"
#include "formats/volume/paths.hpp"
#include "rituals/findings.hpp"
#include "rituals/quarantine.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::string_view kFirstLine = "darkshelf repair journal 1";
constexpr std::uint64_t kStep = 64 << 10;  // files without slices are compared in pieces of this
constexpr std::uint64_t kFarthest = std::numeric_limits<std::int64_t>::max();  // no file system goes beyond

std::string hex_of(const std::string& text) { return core::to_hex(core::as_bytes(text)); }

class Writing {
 public:
  Writing(Context& context, const Examination& examination, const SealedSource& sealed, const io::Path& folder)
      : context_(context), examination_(examination), sealed_(sealed), folder_(folder) {}

  RepairJournal run(const std::string& quarantine) {
    journal_.volume = examination_.volume;
    journal_.quarantine = quarantine;
    journal_.slices = examination_.lost.size();
    data_ = context_.fs.create(folder_ / "data");
    for (const auto& member : sealed_.volume().members) members_["data/" + member.path] = &member;
    std::map<std::string, std::uint64_t> lengths;
    for (const auto& [path, bytes] : sealed_.files()) lengths[path] = bytes;
    std::set<std::string> done;
    for (const FileFinding& finding : examination_.findings) {
      if (!is_harmless(finding.kind) && done.insert(finding.path).second)
        add_file(finding.path, lengths.at(finding.path));
    }
    data_->sync();
    context_.fs.sync_dir(folder_);
    core::stop_point("repair.journal-written");
    io::write_file_durably(context_.fs, folder_ / "journal", core::as_bytes(encode_journal(journal_)));
    core::stop_point("repair.committed");
    return std::move(journal_);
  }

 private:
  void add_file(const std::string& path, std::uint64_t bytes) {
    require_no_links(context_.fs, examination_.folder, path);  // before it is committed to
    const io::Path place = examination_.folder / path;
    const auto stat = context_.fs.stat(place);
    const bool there = stat && stat->type == io::FileType::kRegular;
    PatchedFile file{path, bytes, sealed_.volume().info.sealed.time_since_epoch().count(), 0644};
    if (there) file.mode = stat->mode;
    const auto member = members_.find(path);
    if (member != members_.end() && sealed_.volume().info.layout == fv::Layout::kFiles)
      file.mtime_ns = member->second->mtime_ns;
    const auto on_drive = there ? context_.fs.open_read(place, io::ReadMode::kDirect) : nullptr;
    for (const auto& [begin, end] : suspect_ranges(path, bytes)) {
      for (std::uint64_t offset = begin; offset < end; offset += kStep) {
        context_.work.check();
        compare(path, offset, std::min(kStep, end - offset), on_drive.get());
      }
    }
    journal_.files.push_back(std::move(file));
  }

  /// Of payload files the lost slices; of other files everything.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> suspect_ranges(const std::string& path,
                                                                      std::uint64_t bytes) const {
    const volume::LoadedVolume& loaded = sealed_.volume();
    const auto file =
        std::find_if(loaded.files.begin(), loaded.files.end(), [&](const auto& f) { return f.path == path; });
    if (file == loaded.files.end()) return {{0, bytes}};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    for (const FileFinding& finding : examination_.findings) {
      if (finding.path != path) continue;
      for (const SliceRange& range : finding.slices) {
        const auto first = volume::place_of(loaded, range.first).value();
        const auto last = volume::place_of(loaded, range.first + range.count - 1).value();
        ranges.emplace_back(first.offset, last.offset + last.bytes);
      }
    }
    return ranges;
  }

  void compare(const std::string& path, std::uint64_t offset, std::uint64_t length, io::File* on_drive) {
    core::Bytes wanted(length), found(length);
    sealed_.read(path, offset, wanted);
    if (on_drive != nullptr) {
      found.resize(on_drive->read_at(offset, found));
      if (found == wanted) return;
    }
    Patch patch{journal_.files.size(), offset, length, data_bytes_, digest::sha256(wanted)};
    data_->write_at(data_bytes_, wanted);
    data_bytes_ += length;
    journal_.patches.push_back(patch);
  }

  Context& context_;
  const Examination& examination_;
  const SealedSource& sealed_;
  io::Path folder_;
  std::unique_ptr<io::File> data_;
  std::uint64_t data_bytes_ = 0;
  std::map<std::string, const fv::Member*> members_;
  RepairJournal journal_;
};

void keep_damaged(Context& context, io::File& file, const std::string& path, const std::vector<const Patch*>& patches,
                  const io::Path& quarantine) {
  for (const Patch* patch : patches) {
    context.work.check();
    const io::Path kept = quarantine / fmt::format("{}.{}", path, patch->offset);
    if (context.fs.stat(kept)) continue;
    core::Bytes damaged(patch->bytes);
    damaged.resize(file.read_at(patch->offset, damaged));
    if (damaged.empty()) continue;
    context.fs.make_dirs(kept.parent_path());
    io::write_file_durably(context.fs, kept, damaged);
  }
}

}  // namespace

std::uint64_t RepairJournal::bytes() const {
  std::uint64_t sum = 0;
  for (const Patch& patch : patches) sum += patch.bytes;
  return sum;
}

std::string encode_journal(const RepairJournal& journal) {
  std::string text = fmt::format("{}\nvolume {}\nquarantine {}\nslices {}\n", kFirstLine, journal.volume.text(),
                                 journal.quarantine, journal.slices);
  for (const PatchedFile& file : journal.files)
    text += fmt::format("file {} {} {} {}\n", file.bytes, file.mtime_ns, file.mode, hex_of(file.path));
  for (const Patch& patch : journal.patches) {
    text += fmt::format("patch {} {} {} {} {}\n", patch.file, patch.offset, patch.bytes, patch.data_offset,
                        core::to_hex(patch.sha256));
  }
  return text + "end\n";
}

RepairJournal decode_journal(std::string_view text) {
  const auto corrupt = [] { return Error(Code::kCorrupt, "the journal of an interrupted repair is damaged"); };
  std::istringstream lines{std::string(text)};
  std::string line, word, volume;
  RepairJournal journal;
  if (!std::getline(lines, line) || line != kFirstLine) throw corrupt();
  bool ended = false;
  while (!ended && std::getline(lines, line)) {
    std::istringstream words(line);
    words >> word;
    if (word == "volume" && words >> volume) {
      const auto id = core::Uuid::parse(volume);
      if (!id) throw corrupt();
      journal.volume = *id;
    } else if (word == "quarantine" && words >> journal.quarantine) {
      fv::require_safe_path(journal.quarantine, "journal");
    } else if (word == "slices" && words >> journal.slices) {
      continue;
    } else if (word == "file") {
      PatchedFile file;
      std::string path;
      if (!(words >> file.bytes >> file.mtime_ns >> file.mode >> path) || file.bytes > kFarthest) throw corrupt();
      const auto bytes = core::from_hex(path);
      if (!bytes) throw corrupt();
      file.path = core::as_text(*bytes);
      file.mode &= 0777;
      fv::require_safe_path(file.path, "journal");
      journal.files.push_back(std::move(file));
    } else if (word == "patch") {
      Patch patch;
      std::string hash;
      if (!(words >> patch.file >> patch.offset >> patch.bytes >> patch.data_offset >> hash)) throw corrupt();
      const auto sha256 = core::digest_from_hex<32>(hash);
      if (!sha256 || patch.file >= journal.files.size() || patch.bytes == 0 || patch.bytes > kStep) throw corrupt();
      const auto end = core::checked_add(patch.offset, patch.bytes);
      if (!end || *end > journal.files[patch.file].bytes) throw corrupt();
      const auto data_end = core::checked_add(patch.data_offset, patch.bytes);
      if (!data_end || *data_end > kFarthest) throw corrupt();
      patch.sha256 = *sha256;
      journal.patches.push_back(patch);
    } else if (word == "end") {
      ended = true;
    } else {
      throw corrupt();
    }
  }
  if (!ended || volume.empty() || journal.quarantine.empty()) throw corrupt();
  return journal;
}

RepairJournal write_journal(Context& context, const Examination& examination, const SealedSource& sealed,
                            const io::Path& folder, const std::string& quarantine) {
  return Writing(context, examination, sealed, folder).run(quarantine);
}

void require_of_volume(Context& context, const RepairJournal& journal, const catalog::Volume& volume,
                       const std::vector<fv::Member>& members, const io::Path& volume_folder) {
  const auto corrupt = [](const std::string& why) {
    return Error(Code::kCorrupt, fmt::format("the journal of an interrupted repair {}", why));
  };
  if (journal.volume != volume.info.volume) throw corrupt("is of another volume");
  constexpr std::uint64_t kAnyLength = ~std::uint64_t{0};  // a hash is all the seal tells of it
  std::map<std::string, std::uint64_t> sealed;
  for (const fv::ManifestEntry& entry : fv::decode_manifest(volume.tagmanifest)) sealed[entry.path] = kAnyLength;
  sealed[std::string(fv::kTagManifest)] = volume.tagmanifest.size();
  if (volume.info.layout == fv::Layout::kTar) {
    sealed[fmt::format("data/{}.tar", fv::base_name(volume.info))] = volume.info.payload_bytes;
  } else {
    for (const fv::Member& member : members) {
      if (member.type == fv::MemberType::kFile) sealed["data/" + member.path] = member.bytes;
    }
  }
  std::vector<std::map<std::uint64_t, std::uint64_t>> patched(journal.files.size());  // begin to end
  for (const Patch& patch : journal.patches) {
    std::uint64_t& end = patched[patch.file][patch.offset];
    end = std::max(end, patch.offset + patch.bytes);
  }
  for (std::size_t i = 0; i < journal.files.size(); ++i) {
    const PatchedFile& file = journal.files[i];
    const auto known = sealed.find(file.path);
    if (known == sealed.end()) throw corrupt(fmt::format("names {}", core::printable(file.path)));
    if (known->second != kAnyLength && known->second != file.bytes)
      throw corrupt(fmt::format("gives {} another length", core::printable(file.path)));
    const auto stat = context.fs.stat(volume_folder / file.path);
    std::uint64_t covered = stat && stat->type == io::FileType::kRegular ? stat->bytes : 0;
    for (const auto& [begin, end] : patched[i]) {
      if (begin <= covered) covered = std::max(covered, end);
    }
    if (covered < file.bytes) throw corrupt(fmt::format("leaves a hole in {}", core::printable(file.path)));
  }
}

core::Bytes patch_bytes(io::File& data, const Patch& patch) {
  core::Bytes bytes(patch.bytes);
  if (data.read_at(patch.data_offset, bytes) != bytes.size() || digest::sha256(bytes) != patch.sha256) {
    throw Error(Code::kCorrupt, fmt::format("{} is damaged", core::printable(data.path().string())));
  }
  return bytes;
}

void apply_journal(Context& context, const RepairJournal& journal, const io::Path& journal_folder,
                   const io::Path& volume_folder, const io::Path& quarantine) {
  io::FileSystem& fs = context.fs;
  const auto data = fs.open_read(journal_folder / "data");
  for (const Patch& patch : journal.patches) patch_bytes(*data, patch);  // all of it is sound before any of it is used
  std::vector<std::vector<const Patch*>> patches(journal.files.size());
  for (const Patch& patch : journal.patches) patches[patch.file].push_back(&patch);
  const auto open = [&](std::size_t i) { return fs.open_write(volume_folder / journal.files[i].path); };

  for (std::size_t i = 0; i < journal.files.size(); ++i) {
    const io::Path place = volume_folder / journal.files[i].path;
    clear_the_way(fs, volume_folder, journal.files[i].path, quarantine);
    fs.make_dirs(place.parent_path());
    if (!fs.stat(place)) fs.create(place);
    keep_damaged(context, *open(i), journal.files[i].path, patches[i], quarantine);
  }
  core::stop_point("repair.quarantined");

  std::size_t applied = 0;
  for (std::size_t i = 0; i < journal.files.size(); ++i) {
    const auto file = open(i);
    for (const Patch* patch : patches[i]) {
      if (applied++ == journal.patches.size() / 2) core::stop_point("repair.half-applied");
      file->write_at(patch->offset, patch_bytes(*data, *patch));
    }
    if (file->stat().bytes != journal.files[i].bytes) file->truncate(journal.files[i].bytes);
    file->set_mode(journal.files[i].mode);
    file->set_mtime(journal.files[i].mtime_ns);
    file->sync();
    fs.sync_dir(file->path().parent_path());
  }
  core::stop_point("repair.applied");
}

}  // namespace darkshelf::rituals
