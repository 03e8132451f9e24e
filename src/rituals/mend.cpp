#include "rituals/mend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "rituals/findings.hpp"
#include "rituals/parcel_file.hpp"
#include "rituals/remake_parity.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// What the system would read ahead around bad sectors, for its cache, takes the drive long.
io::ReadMode mode_for(const Examination& examination) {
  const bool bad = std::any_of(examination.findings.begin(), examination.findings.end(),
                               [](const FileFinding& finding) { return finding.kind == FindingKind::kUnreadable; });
  return bad ? io::ReadMode::kDirect : io::ReadMode::kCached;
}

}  // namespace

struct SealedSource::State {
  State(Context& its_context, const Examination& examination, const io::Path& work)
      : context(its_context),
        loaded(*examination.loaded),
        work_folder(work),
        open(its_context.fs, mode_for(examination)),
        slices(its_context, loaded, open, examination.lost, work / "slices") {
    for (const FileFinding& finding : examination.findings) {
      if (!is_harmless(finding.kind)) damaged.insert(finding.path);
    }
    for (std::size_t i = 0; i < loaded.files.size(); ++i) protected_by_path[loaded.files[i].path] = i;
  }
  ~State() {
    if (work_folder.empty()) return;
    try {
      open.close();
      io::remove_tree(context.fs, work_folder);
    } catch (...) {  // a work folder that stays is untidy, not wrong
    }
  }

  std::uint64_t slice_bytes() const { return loaded.info.slice_bytes; }

  /// Bytes of a payload file, slice by slice: from the drive, or from where it was rebuilt.
  void read_payload(const volume::ProtectedFile& file, std::uint64_t offset, core::MutableByteSpan into) {
    while (!into.empty()) {
      const auto index = static_cast<std::uint32_t>(offset / slice_bytes());
      const std::uint32_t slice = file.first_slice + index;
      std::uint64_t part = std::min<std::uint64_t>(into.size(), slice_bytes() - offset % slice_bytes());
      if (slices.is_lost(slice)) {
        slices.read(slice, offset % slice_bytes(), into.first(part));
      } else {
        // On to the next lost slice in one go.
        for (std::uint32_t next = slice + 1; part < into.size() && !slices.is_lost(next); ++next)
          part = std::min<std::uint64_t>(into.size(), part + slice_bytes());
        open.read(loaded.folder / file.path, offset, into.first(part));
      }
      into = into.subspan(part);
      offset += part;
    }
  }

  /// Tag files nobody needs for reading may be lost here and known there.
  void complete_tags(const Elsewhere& elsewhere) {
    const bool complete = std::all_of(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), [&](std::string_view name) {
      return loaded.tag_text.contains(std::string(name));
    });
    if (complete || elsewhere.nowhere()) return;
    const auto known =
        with_elsewhere(volume::KnownSeal{loaded.seal, loaded.tagmanifest_text, {}, {}}, loaded.info.volume, elsewhere);
    loaded.tag_text =
        volume::load_volume(context.fs, loaded.folder, known, io::ReadMode::kCached, context.work).tag_text;
  }

  /// Damaged recovery files are read from a twin, or made again from the sealed bytes they protect; they are the same
  /// to the byte.
  void mend_parity(const Elsewhere& elsewhere) {
    bool payload = false, tags = false;
    for (const fv::ManifestEntry& entry : loaded.tagmanifest) {
      const bool parity = entry.path.ends_with(".par2") && entry.path.find('/') == std::string::npos;
      if (!parity || !damaged.contains(entry.path) || take_whole(entry, elsewhere)) continue;
      (entry.path.find(".tags.") == std::string::npos ? payload : tags) = true;
    }
    if (payload) rebuild_payload_set();
    if (tags) rebuild_tags_set();
    for (const fv::ManifestEntry& entry : loaded.tagmanifest) {
      const auto place = made.find(entry.path);
      if (place == made.end() || sha256_of(context, place->second) == entry.sha256) continue;
      throw Error(Code::kUnrepairable,
                  fmt::format("{} could not be made again as it was sealed", core::printable(entry.path)));
    }
  }

  bool take_whole(const fv::ManifestEntry& entry, const Elsewhere& elsewhere) {
    for (const Twin& twin : elsewhere.twins) {
      try {
        const io::Path path = twin.folder / entry.path;
        const auto stat = context.fs.stat(path);
        if (!stat || stat->type != io::FileType::kRegular || sha256_of(context, path) != entry.sha256) continue;
        made[entry.path] = path;
        return true;
      } catch (const Error& error) {
        if (ends_all(error)) throw;
      }
    }
    return false;
  }

  io::Path place_of(const std::string& path) const {
    const auto found = made.find(path);
    return found == made.end() ? loaded.folder / path : found->second;
  }

  parity::CreateFile into_work_folder() {
    return [this](const std::string& name) {
      made[name] = work_folder / name;
      return context.fs.create(work_folder / name);
    };
  }

  void rebuild_payload_set() {
    remake_payload_set(
        loaded.info, loaded.files,
        [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
          read_payload(loaded.files[file], offset, into);
        },
        into_work_folder(), context.work);
  }

  void rebuild_tags_set() { write_tags_set(loaded.info, loaded.tag_text, into_work_folder(), context.work); }

  Context& context;
  volume::LoadedVolume loaded;
  io::Path work_folder;           // removed with this object; empty: nothing was rebuilt
  std::set<std::string> damaged;  // paths with a finding
  std::map<std::string, std::size_t> protected_by_path;
  std::map<std::string, io::Path> made;  // recovery files, and where they are as they were sealed
  OpenFiles open;
  LostSlices slices;
};

SealedSource::SealedSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
SealedSource::SealedSource(SealedSource&&) noexcept = default;
SealedSource::~SealedSource() = default;

SealedSource SealedSource::mend(Context& context, const Examination& examination, const io::Path& work_folder,
                                Need need, const Elsewhere& elsewhere) {
  if (!examination.loaded) throw Error(Code::kUnrepairable, examination.failure);
  auto state = std::make_unique<State>(context, examination, work_folder);
  context.fs.make_dirs(work_folder);
  state->complete_tags(elsewhere);
  state->slices.collect(elsewhere, examination.payload_parity,
                        need == Need::kWhatIsPossible ? LostSlices::Extent::kWhatIsPossible : LostSlices::Extent::kAll);
  if (need == Need::kEverything) state->mend_parity(elsewhere);
  return SealedSource(std::move(state));
}

SealedSource SealedSource::as_is(Context& context, const Examination& examination) {
  if (!examination.loaded) throw Error(Code::kUnrepairable, examination.failure);
  return SealedSource(std::make_unique<State>(context, examination, io::Path()));
}

const Origin& SealedSource::origin() const { return state_->slices.origin(); }

const volume::LoadedVolume& SealedSource::volume() const { return state_->loaded; }

std::vector<std::pair<std::string, std::uint64_t>> SealedSource::files() const {
  State& s = *state_;
  std::vector<std::pair<std::string, std::uint64_t>> files;
  for (const fv::ManifestEntry& entry : s.loaded.manifest) {
    const auto found = s.protected_by_path.find(entry.path);
    files.emplace_back(entry.path, found == s.protected_by_path.end() ? 0 : s.loaded.files[found->second].bytes);
  }
  for (const fv::ManifestEntry& entry : s.loaded.tagmanifest) {
    if (const auto text = s.loaded.tag_text.find(entry.path); text != s.loaded.tag_text.end()) {
      files.emplace_back(entry.path, text->second.size());
    } else {
      const auto stat = s.context.fs.stat(s.place_of(entry.path));
      files.emplace_back(entry.path, stat ? stat->bytes : 0);
    }
  }
  files.emplace_back(std::string(fv::kTagManifest), s.loaded.tagmanifest_text.size());
  return files;
}

void SealedSource::read(const std::string& path, std::uint64_t offset, core::MutableByteSpan into) const {
  State& s = *state_;
  const auto from_text = [&](const std::string& text) {
    if (offset > text.size() || into.size() > text.size() - offset)
      throw Error(Code::kFailed, fmt::format("{} ends before that", path));
    std::memcpy(into.data(), text.data() + offset, into.size());
  };
  if (const auto found = s.protected_by_path.find(path); found != s.protected_by_path.end()) {
    s.read_payload(s.loaded.files[found->second], offset, into);
  } else if (const auto text = s.loaded.tag_text.find(path); text != s.loaded.tag_text.end()) {
    from_text(text->second);
  } else if (path == fv::kTagManifest) {
    from_text(s.loaded.tagmanifest_text);
  } else {
    s.open.read(s.place_of(path), offset, into);
  }
}

void SealedSource::read_member(const fv::Member& member, std::uint64_t offset, core::MutableByteSpan into) const {
  if (state_->loaded.info.layout == fv::Layout::kTar) {
    state_->read_payload(state_->loaded.files.front(), member.offset + offset, into);
  } else {
    read("data/" + member.path, offset, into);
  }
}

}  // namespace darkshelf::rituals
