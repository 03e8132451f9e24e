#include "volume/volume_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "formats/par2/packets.hpp"
#include "volume/tag_mender.hpp"

namespace darkshelf::volume {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kTagLimit = 512 << 20;  // of one tag file: members of a million files take some 300 MB

/// From the texts of the tag files to what they say.
class Decoding {
 public:
  explicit Decoding(LoadedVolume& out) : out_(out) {}
  void run();

 private:
  [[noreturn]] void contradiction(const std::string& what) {
    throw Error(Code::kCorrupt,
                fmt::format("the tag files of {} contradict each other: {}",
                            out_.folder.empty() ? "a volume" : core::printable(out_.folder.string()), what));
  }

  void require_inside(const fv::Member& member) {
    const auto end = core::checked_add(member.offset, member.type == fv::MemberType::kFile ? member.bytes : 0);
    if (!end || *end > out_.info.payload_bytes || member.header_offset > member.offset) {
      contradiction(fmt::format("{} would lie outside of the tar file", core::printable(member.path)));
    }
  }

  void take_plain_files() {
    for (const fv::Member& member : out_.members) {
      if (member.type != fv::MemberType::kFile || member.bytes == 0) continue;
      const std::uint64_t count = core::divide_up(member.bytes, out_.info.slice_bytes);
      if (count > formats::par2::kMaxSlices) contradiction("a file has more slices than there can be");
      out_.files.push_back(
          {"data/" + member.path, member.bytes, member.first_slice, static_cast<std::uint32_t>(count)});
    }
    std::sort(out_.files.begin(), out_.files.end(),
              [](const auto& a, const auto& b) { return a.first_slice < b.first_slice; });
  }

  LoadedVolume& out_;
};

void Decoding::run() {
  out_.info = fv::decode_bag_info(out_.tag_text.at(std::string(fv::kBagInfo)));
  out_.members = fv::decode_members(out_.tag_text.at(std::string(fv::kMembers)));
  out_.manifest = fv::decode_manifest(out_.tag_text.at(std::string(fv::kManifest)));
  out_.slices = fv::decode_slices(out_.tag_text.at(std::string(fv::kSlices)));
  if (out_.slices.size() != out_.info.slices)
    contradiction("slices.sha256 and bag-info.txt tell different numbers of slices");
  for (const fv::ManifestEntry& entry : out_.manifest) {
    if (!entry.path.starts_with("data/")) contradiction("the manifest names a file outside of data/");
  }
  if (out_.info.layout == fv::Layout::kTar) {
    if (out_.manifest.size() != 1) contradiction("layout tar has one payload file");
    out_.files.push_back({out_.manifest.front().path, out_.info.payload_bytes, 0, out_.info.slices});
    for (const fv::Member& member : out_.members) require_inside(member);
  } else {
    take_plain_files();
  }
  std::uint64_t next = 0;
  for (const ProtectedFile& file : out_.files) {
    if (file.first_slice != next) contradiction("slices are not numbered one after the other");
    if (file.slice_count != core::divide_up(file.bytes, out_.info.slice_bytes))
      contradiction("the payload does not have the slices it is said to have");
    next += file.slice_count;
  }
  if (next != out_.slices.size()) contradiction("the payload does not have the slices it is said to have");
}

class Loading {
 public:
  Loading(io::FileSystem& fs, const io::Path& folder, const std::optional<KnownSeal>& known, io::ReadMode mode,
          const core::Work& work)
      : fs_(fs), known_(known), mode_(mode), work_(work) {
    out_.folder = folder;
  }

  LoadedVolume run() {
    take_seal(known_);
    std::vector<std::string> broken;
    for (const std::string_view name : fv::kTagFiles) {
      if (!read_tag(std::string(name))) broken.emplace_back(name);
    }
    // A mismatch is read again before it is believed, with the other lists read in between.
    std::erase_if(broken, [&](const std::string& name) {
      return reads_well_again(name) || take_from_elsewhere(name, *sealed_hash(name));
    });
    if (!broken.empty()) mend(broken);
    for (TagFinding& found : out_.findings) found.mended |= out_.tag_text.contains(found.file);
    Decoding(out_).run();
    return std::move(out_);
  }

 private:
  void finding(const std::string& file, FileCondition condition, bool mended) {
    out_.findings.push_back({file, condition, mended});
  }

  /// The text of a small file; nothing with `condition` set when it is missing or cannot be read.
  std::optional<std::string> text_of(const io::Path& folder, const std::string& name, FileCondition& condition) {
    const io::Path path = folder / name;
    try {
      const auto stat = fs_.stat(path);
      if (!stat || stat->type != io::FileType::kRegular) {
        condition = FileCondition::kMissing;
        return {};
      }
      condition = FileCondition::kDamaged;
      return io::read_text(fs_, path, kTagLimit, mode_);
    } catch (const Error& error) {
      if (error.code() == Code::kCorrupt) return {};
      if (!io::is_read_error(error)) throw;
      condition = FileCondition::kUnreadable;
      return {};
    }
  }

  void take_seal(const std::optional<KnownSeal>& known) {
    const std::string name(fv::kTagManifest);
    FileCondition condition{};
    auto here = text_of(out_.folder, name, condition);
    const auto fits = [&](const digest::Sha256& seal) { return here && digest::sha256(core::as_bytes(*here)) == seal; };
    if (known && here && !fits(known->seal)) {
      FileCondition again{};
      if (auto text = text_of(out_.folder, name, again); text && *text != *here) {
        here = std::move(text);
        if (fits(known->seal)) finding(name, FileCondition::kHealed, false);
      }
    }
    if (known && fits(known->seal)) {
      out_.tagmanifest_text = *here;
    } else if (known && !known->tagmanifest_text.empty()) {
      out_.tagmanifest_text = known->tagmanifest_text;
      finding(name, condition, true);
    } else if (known || !here) {
      throw Error(here ? Code::kCorrupt : Code::kUnrepairable,
                  fmt::format("the seal of {} ({}) is {}, and no second copy of it is known",
                              core::printable(out_.folder.string()), name,
                              here ? "not the one that was recorded" : "missing or cannot be read"));
    } else {
      out_.tagmanifest_text = *here;
    }
    out_.seal = digest::sha256(core::as_bytes(out_.tagmanifest_text));
    out_.tagmanifest = fv::decode_manifest(out_.tagmanifest_text);
  }

  const digest::Sha256* sealed_hash(const std::string& name) const {
    const auto found = std::find_if(out_.tagmanifest.begin(), out_.tagmanifest.end(),
                                    [&](const auto& entry) { return entry.path == name; });
    return found == out_.tagmanifest.end() ? nullptr : &found->sha256;
  }

  bool read_tag(const std::string& name) {
    const digest::Sha256* sealed = sealed_hash(name);
    if (sealed == nullptr)
      throw Error(Code::kCorrupt,
                  fmt::format("the seal of {} does not name {}", core::printable(out_.folder.string()), name));
    FileCondition condition{};
    auto text = text_of(out_.folder, name, condition);
    if (text && digest::sha256(core::as_bytes(*text)) == *sealed) {
      out_.tag_text[name] = std::move(*text);
      return true;
    }
    finding(name, condition, false);
    return false;
  }

  bool take_from_elsewhere(const std::string& name, const digest::Sha256& sealed) {
    const auto take = [&](const std::string& text) {
      if (digest::sha256(core::as_bytes(text)) != sealed) return false;
      out_.tag_text[name] = text;
      return true;
    };
    if (!known_) return false;
    if (const auto text = known_->tag_text.find(name); text != known_->tag_text.end() && take(text->second))
      return true;
    return std::any_of(known_->twins.begin(), known_->twins.end(), [&](const io::Path& twin) {
      FileCondition condition{};
      const auto text = text_of(twin, name, condition);
      return text && take(*text);
    });
  }

  bool reads_well_again(const std::string& name) {
    const auto found = std::find_if(out_.findings.begin(), out_.findings.end(),
                                    [&](const TagFinding& finding) { return finding.file == name; });
    if (found->condition != FileCondition::kDamaged) return false;
    FileCondition condition{};
    auto text = text_of(out_.folder, name, condition);
    if (!text || digest::sha256(core::as_bytes(*text)) != *sealed_hash(name)) return false;
    found->condition = FileCondition::kHealed;
    out_.tag_text[name] = std::move(*text);
    return true;
  }

  void mend(const std::vector<std::string>& broken) {
    std::vector<io::Path> folders{out_.folder}, set;
    if (known_) folders.insert(folders.end(), known_->twins.begin(), known_->twins.end());
    for (const io::Path& folder : folders) {
      for (const fv::ManifestEntry& entry : out_.tagmanifest) {
        const bool tags = entry.path.find(".tags.") != std::string::npos && entry.path.ends_with(".par2") &&
                          entry.path.find('/') == std::string::npos;
        if (tags) set.push_back(folder / entry.path);
      }
    }
    // PAR2 protects no empty files, and they need none.
    for (const std::string& name : broken) {
      const digest::Sha256* sealed = sealed_hash(name);
      if (sealed != nullptr && *sealed == digest::sha256({})) out_.tag_text[name] = {};
    }
    std::string why = "its parity is gone";
    try {
      for (auto& [name, text] : mend_tag_files(fs_, folders, set, broken, mode_, work_)) {
        const digest::Sha256* sealed = sealed_hash(name);
        if (sealed != nullptr && digest::sha256(core::as_bytes(text)) == *sealed) out_.tag_text[name] = std::move(text);
      }
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      why = error.what();
    }
    // Without these nothing can be compared; the others can be written anew from what is known or are for other
    // programs.
    for (const std::string_view needed : {fv::kMembers, fv::kManifest, fv::kSlices, fv::kBagInfo}) {
      if (!out_.tag_text.contains(std::string(needed))) {
        throw Error(Code::kUnrepairable, fmt::format("{} of {} is damaged beyond what its parity can mend: {}", needed,
                                                     core::printable(out_.folder.string()), why));
      }
    }
  }

  io::FileSystem& fs_;
  const std::optional<KnownSeal>& known_;
  io::ReadMode mode_;
  const core::Work& work_;
  LoadedVolume out_;
};

bool is_volume(const std::vector<io::Entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const io::Entry& entry) {
    return entry.name == fv::kBagInfo || entry.name == fv::kTagManifest || entry.name.ends_with(".par2");
  });
}

}  // namespace

LoadedVolume load_volume(io::FileSystem& fs, const io::Path& folder, const std::optional<KnownSeal>& known,
                         io::ReadMode mode, const core::Work& work) {
  return Loading(fs, folder, known, mode, work).run();
}

LoadedVolume volume_from_texts(std::map<std::string, std::string> tag_text) {
  LoadedVolume out;
  out.tag_text = std::move(tag_text);
  for (const std::string_view needed : {fv::kMembers, fv::kManifest, fv::kSlices, fv::kBagInfo}) {
    if (!out.tag_text.contains(std::string(needed)))
      throw Error(Code::kUnrepairable, fmt::format("{} is lost", needed));
  }
  Decoding(out).run();
  return out;
}

std::optional<SlicePlace> place_of(const LoadedVolume& volume, std::uint32_t slice) {
  const auto after = std::upper_bound(volume.files.begin(), volume.files.end(), slice,
                                      [](std::uint32_t s, const ProtectedFile& file) { return s < file.first_slice; });
  if (after == volume.files.begin()) return {};
  const ProtectedFile& file = *std::prev(after);
  const std::uint32_t index = slice - file.first_slice;
  if (index >= file.slice_count) return {};
  const std::uint64_t offset = index * volume.info.slice_bytes;
  return SlicePlace{&file, offset, std::min(volume.info.slice_bytes, file.bytes - offset)};
}

std::vector<io::Path> volume_folders(io::FileSystem& fs, const io::Path& drive_root,
                                     std::vector<io::Path>* unreadable) {
  std::vector<io::Path> folders;
  const io::Path root = drive_root / std::string(formats::drive::kFolder);
  if (!fs.stat(root)) return folders;
  const auto list = [&](const io::Path& folder) -> std::vector<io::Entry> {
    if (unreadable == nullptr) return fs.list(folder);
    if (auto entries = io::list_if_readable(fs, folder)) return std::move(*entries);
    unreadable->push_back(folder);
    return {};
  };
  for (const io::Entry& year : list(root)) {
    const bool digits = year.name.size() == 4 && year.name.find_first_not_of("0123456789") == std::string::npos;
    if (year.type != io::FileType::kDirectory || (!digits && year.name != "undated")) continue;
    for (const io::Entry& entry : list(root / year.name)) {
      const io::Path folder = root / year.name / entry.name;
      if (entry.type == io::FileType::kDirectory && is_volume(list(folder))) folders.push_back(folder);
    }
  }
  return folders;
}

bool is_archive(io::FileSystem& fs, const io::Path& folder) {
  namespace fd = formats::drive;
  if (folder.filename().string() != fd::kFolder) return false;
  const io::Path root = folder.parent_path();
  return fs.stat(root / std::string(fd::kIdentity)) || fs.stat(root / std::string(fd::kSeals));
}

io::Path archive_around(io::FileSystem& fs, const io::Path& folder) {
  for (io::Path at = folder; at.has_parent_path(); at = at.parent_path()) {
    if (is_archive(fs, at)) return at;
  }
  return {};
}

}  // namespace darkshelf::volume
