#include "rituals/mend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "parity/reconstruct.hpp"
#include "parity/set_builder.hpp"
#include "rituals/findings.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;
constexpr std::size_t kParityHead = 16384;

}  // namespace

struct SealedSource::State {
  State(Context& its_context, const Examination& examination)
      : context(its_context), loaded(*examination.loaded), lost(examination.lost) {
    for (const FileFinding& finding : examination.findings) {
      if (!is_harmless(finding.kind)) damaged.insert(finding.path);
    }
    for (std::size_t i = 0; i < loaded.files.size(); ++i) protected_by_path[loaded.files[i].path] = i;
  }
  ~State() {
    if (work_folder.empty()) return;
    try {
      open.clear();
      io::remove_tree(context.fs, work_folder);
    } catch (...) {  // a work folder that stays is untidy, not wrong
    }
  }

  io::File& file_at(const io::Path& path) {
    auto& file = open[path.string()];
    if (!file) {
      if (open.size() > 64) {
        open.clear();
        return *(open[path.string()] = context.fs.open_read(path));
      }
      file = context.fs.open_read(path);
    }
    return *file;
  }

  void read_exactly(const io::Path& path, std::uint64_t offset, core::MutableByteSpan into) {
    if (file_at(path).read_at(offset, into) == into.size()) return;
    throw Error(Code::kUnrepairable, fmt::format("{} is shorter than it was sealed", core::printable(path.string())));
  }

  std::uint64_t slice_bytes() const { return loaded.info.slice_bytes; }
  bool is_lost(std::uint32_t slice) const { return std::binary_search(lost.begin(), lost.end(), slice); }

  /// Bytes of a payload file, slice by slice: from the drive, or from where it was rebuilt.
  void read_payload(const volume::ProtectedFile& file, std::uint64_t offset, core::MutableByteSpan into) {
    while (!into.empty()) {
      const auto index = static_cast<std::uint32_t>(offset / slice_bytes());
      const std::uint32_t slice = file.first_slice + index;
      std::uint64_t part = std::min<std::uint64_t>(into.size(), slice_bytes() - offset % slice_bytes());
      if (is_lost(slice)) {
        if (!rebuilt)
          throw Error(Code::kUnrepairable, fmt::format("slice {} of {} is lost", slice, core::printable(file.path)));
        const auto number =
            static_cast<std::uint64_t>(std::lower_bound(lost.begin(), lost.end(), slice) - lost.begin());
        read_exactly(rebuilt_slices(), number * slice_bytes() + offset % slice_bytes(), into.first(part));
      } else {
        // On to the next lost slice in one go.
        for (std::uint32_t next = slice + 1; part < into.size() && !is_lost(next); ++next)
          part = std::min<std::uint64_t>(into.size(), part + slice_bytes());
        read_exactly(loaded.folder / file.path, offset, into.first(part));
      }
      into = into.subspan(part);
      offset += part;
    }
  }

  io::Path rebuilt_slices() const { return work_folder / "slices"; }

  void rebuild_slices(const Examination& examination) {
    const auto out = context.fs.create(rebuilt_slices());
    const parity::PacketScan& scan = examination.payload_parity;
    parity::ReconstructRequest request;
    request.slice_bytes = slice_bytes();
    request.slices = loaded.info.slices;
    request.lost = lost;
    for (const parity::RecoveryLocation& at : scan.recovery) request.recovery.push_back(at.exponent);
    request.read_slice = [&](std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
      read_padded(slice, column, into);
    };
    request.read_recovery = [&](std::size_t index, std::uint64_t column, core::MutableByteSpan into) {
      const parity::RecoveryLocation& at = scan.recovery[index];
      read_exactly(scan.files[at.file], at.data_offset + column, into);
    };
    request.write_slice = [&](std::uint32_t slice, std::uint64_t column, core::ByteSpan bytes) {
      const auto number = static_cast<std::uint64_t>(std::lower_bound(lost.begin(), lost.end(), slice) - lost.begin());
      out->write_at(number * slice_bytes() + column, bytes);
    };
    parity::reconstruct(request, context.work);
    verify_slices(*out);
    out->sync();
    rebuilt = true;
  }

  const volume::ProtectedFile& file_of(std::uint32_t slice) const {
    const auto after =
        std::upper_bound(loaded.files.begin(), loaded.files.end(), slice,
                         [](std::uint32_t s, const volume::ProtectedFile& file) { return s < file.first_slice; });
    return *std::prev(after);
  }
  std::uint64_t length_of(std::uint32_t slice) const {
    const volume::ProtectedFile& file = file_of(slice);
    return std::min(slice_bytes(), file.bytes - (slice - file.first_slice) * slice_bytes());
  }

  /// Columns of an intact slice; behind the end of its file stand zeros, whatever the drive has there.
  void read_padded(std::uint32_t slice, std::uint64_t column, core::MutableByteSpan into) {
    const volume::ProtectedFile& file = file_of(slice);
    const std::uint64_t length = length_of(slice);
    const std::uint64_t real = column < length ? std::min<std::uint64_t>(into.size(), length - column) : 0;
    if (real > 0)
      read_exactly(loaded.folder / file.path, (slice - file.first_slice) * slice_bytes() + column, into.first(real));
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(real), into.end(), std::byte{});
  }

  void verify_slices(io::File& file) {
    core::Bytes slice(slice_bytes());
    for (std::size_t i = 0; i < lost.size(); ++i) {
      const std::uint64_t length = length_of(lost[i]);
      const auto bytes = core::MutableByteSpan(slice).first(length);
      if (file.read_at(i * slice_bytes(), bytes) != length || digest::sha256(bytes) != loaded.slices[lost[i]]) {
        throw Error(Code::kUnrepairable, fmt::format("what was rebuilt of slice {} in {} is not what was sealed",
                                                     lost[i], core::printable(loaded.folder.string())));
      }
    }
  }

  /// Damaged recovery files are made again from the sealed bytes they protect; they are the same to the byte.
  void rebuild_parity() {
    bool payload = false, tags = false;
    for (const std::string& path : damaged) {
      if (!path.ends_with(".par2") || path.find('/') != std::string::npos) continue;
      (path.find(".tags.") == std::string::npos ? payload : tags) = true;
    }
    if (payload) rebuild_payload_set();
    if (tags) rebuild_tags_set();
    for (const fv::ManifestEntry& entry : loaded.tagmanifest) {
      if (!made.contains(entry.path)) continue;
      if (hash_of(work_folder / entry.path) == entry.sha256) continue;
      throw Error(Code::kUnrepairable,
                  fmt::format("{} could not be made again as it was sealed", core::printable(entry.path)));
    }
  }

  digest::Sha256 hash_of(const io::Path& path) {
    const auto file = context.fs.open_read(path);
    core::AlignedBuffer buffer(kChunk);
    digest::Sha256Stream sha256;
    std::uint64_t offset = 0;
    for (std::size_t got = 0; (got = file->read_at(offset, buffer.span())) != 0; offset += got)
      sha256.update(buffer.span().first(got));
    return sha256.finish();
  }

  parity::CreateFile into_work_folder() {
    return [this](const std::string& name) {
      made.insert(name);
      return context.fs.create(work_folder / name);
    };
  }

  void rebuild_payload_set() {
    std::vector<parity::SetFile> files;
    for (const volume::ProtectedFile& file : loaded.files) {
      core::Bytes head(std::min<std::uint64_t>(kParityHead, file.bytes));
      read_payload(file, 0, head);
      files.push_back({file.path, file.bytes, digest::md5(head)});
    }
    parity::SetOptions options;
    options.base = fv::base_name(loaded.info);
    options.slice_bytes = slice_bytes();
    options.recovery_slices = loaded.info.recovery_slices;
    options.creator = loaded.info.creator;
    parity::SetBuilder builder(files, options, context.work);
    core::AlignedBuffer buffer(kChunk);
    for (std::size_t i = 0; i < files.size(); ++i) {
      builder.begin_file(i);
      for (std::uint64_t offset = 0; offset < files[i].bytes;) {
        context.work.check();
        const auto part = buffer.span().first(std::min<std::uint64_t>(kChunk, files[i].bytes - offset));
        read_payload(loaded.files[i], offset, part);
        builder.append(part);
        offset += part.size();
      }
      builder.end_file();
    }
    builder.write(into_work_folder(), [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
      read_payload(loaded.files[file], offset, into);
    });
  }

  void rebuild_tags_set() {
    std::vector<parity::SetFile> files;
    for (const std::string_view name : fv::kTagFiles) {
      const auto text = loaded.tag_text.find(std::string(name));
      if (text == loaded.tag_text.end())
        throw Error(Code::kUnrepairable, fmt::format("{} is lost, and with it what its parity was made from", name));
      const core::ByteSpan bytes = core::as_bytes(text->second);
      if (!bytes.empty())
        files.push_back(
            {std::string(name), bytes.size(), digest::md5(bytes.first(std::min(bytes.size(), kParityHead)))});
    }
    parity::SetOptions options;
    options.base = fv::base_name(loaded.info) + ".tags";
    options.slice_bytes = loaded.info.tag_slice_bytes;
    options.recovery_slices = loaded.info.tag_recovery_slices;
    options.creator = loaded.info.creator;
    parity::SetBuilder builder(files, options, context.work);
    for (std::size_t i = 0; i < files.size(); ++i) {
      builder.begin_file(i);
      builder.append(core::as_bytes(loaded.tag_text.at(files[i].name)));
      builder.end_file();
    }
    builder.write(into_work_folder(), [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
      std::memcpy(into.data(), loaded.tag_text.at(files[file].name).data() + offset, into.size());
    });
  }

  Context& context;
  volume::LoadedVolume loaded;
  std::vector<std::uint32_t> lost;
  std::set<std::string> damaged;  // paths with a finding
  std::map<std::string, std::size_t> protected_by_path;
  io::Path work_folder;  // removed with this object; empty: nothing was rebuilt
  bool rebuilt = false;
  std::set<std::string> made;  // recovery files made again in work_folder
  std::map<std::string, std::unique_ptr<io::File>> open;
};

SealedSource::SealedSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
SealedSource::SealedSource(SealedSource&&) noexcept = default;
SealedSource::~SealedSource() = default;

SealedSource SealedSource::mend(Context& context, const Examination& examination, const io::Path& work_folder,
                                bool payload_only) {
  if (!examination.loaded) throw Error(Code::kUnrepairable, examination.failure);
  auto state = std::make_unique<State>(context, examination);
  context.fs.make_dirs(work_folder);
  state->work_folder = work_folder;
  if (!state->lost.empty()) state->rebuild_slices(examination);
  if (!payload_only) state->rebuild_parity();
  return SealedSource(std::move(state));
}

SealedSource SealedSource::as_is(Context& context, const Examination& examination) {
  if (!examination.loaded) throw Error(Code::kUnrepairable, examination.failure);
  return SealedSource(std::make_unique<State>(context, examination));
}

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
      const io::Path path = (s.made.contains(entry.path) ? s.work_folder : s.loaded.folder) / entry.path;
      const auto stat = s.context.fs.stat(path);
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
    s.read_exactly((s.made.contains(path) ? s.work_folder : s.loaded.folder) / path, offset, into);
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
