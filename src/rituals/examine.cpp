#include "rituals/examine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/payload_reader.hpp"
#include "volume/litter.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;

FindingKind kind_of(volume::FileCondition condition) {
  switch (condition) {
    case volume::FileCondition::kDamaged:
      return FindingKind::kDamaged;
    case volume::FileCondition::kMissing:
      return FindingKind::kMissing;
    case volume::FileCondition::kUnreadable:
      return FindingKind::kUnreadable;
    case volume::FileCondition::kForeign:
      return FindingKind::kForeign;
    case volume::FileCondition::kHealed:
      return FindingKind::kHealed;
  }
  return FindingKind::kDamaged;
}

class Examining {
 public:
  Examining(Context& context, const std::optional<volume::KnownSeal>& known, Depth depth, io::ReadMode mode,
            const Portion* portion, Examination& out)
      : context_(context), known_(known), depth_(depth), mode_(mode), portion_(portion), out_(out) {}

  bool load() {
    const io::Looked there = io::look_at(context_.fs, out_.folder);
    const bool helped = known_ && !(known_->twins.empty() && known_->tag_text.empty());
    if (there.unreadable && !helped) return hidden();
    if (!there.unreadable && !there.is(io::FileType::kDirectory)) {
      out_.failure = fmt::format("{} is missing", core::printable(out_.folder.string()));
      out_.findings.push_back({FindingKind::kMissing, "", {}, 0});
      return false;
    }
    out_.readback_cached |= mode_ == io::ReadMode::kDirect && !io::drop_block_cache(out_.folder);
    try {
      out_.loaded = volume::load_volume(context_.fs, out_.folder, known_, mode_, context_.work);
    } catch (const Error& error) {
      if (error.code() != Code::kUnrepairable && error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
      if (is_hidden()) return hidden();
      out_.failure = error.what();
      const FindingKind kind = contradicts_seal() ? FindingKind::kChanged
                               : is_unreadable()  ? FindingKind::kUnreadable
                                                  : FindingKind::kDamaged;
      out_.findings.push_back({kind, std::string(fv::kTagManifest), {}, 0});
      return false;
    }
    if (out_.volume != core::Uuid{} && out_.loaded->info.volume != out_.volume) {
      out_.failure = fmt::format("{} holds another volume than it should ({})", core::printable(out_.folder.string()),
                                 out_.loaded->info.volume.text());
      out_.findings.push_back({FindingKind::kChanged, std::string(fv::kBagInfo), {}, 0});
      out_.loaded.reset();
      return false;
    }
    out_.volume = out_.loaded->info.volume;
    return true;
  }

  void tag_files() {
    for (const volume::TagFinding& tag : out_.loaded->findings) {
      const auto text = out_.loaded->tag_text.find(tag.file);
      const std::uint64_t bytes =
          text != out_.loaded->tag_text.end() ? text->second.size() : out_.loaded->tagmanifest_text.size();
      const bool changed =
          tag.file == fv::kTagManifest && tag.condition == volume::FileCondition::kDamaged && contradicts_seal();
      out_.findings.push_back({changed ? FindingKind::kChanged : kind_of(tag.condition), tag.file, {}, bytes});
    }
    for (const auto& [name, text] : out_.loaded->tag_text) out_.bytes_read += text.size();
  }

  /// Empty files have no slices; they only have to be there and be empty.
  void empty_files() {
    std::set<std::string> with_slices;
    for (const volume::ProtectedFile& file : out_.loaded->files) with_slices.insert(file.path);
    for (const fv::ManifestEntry& entry : out_.loaded->manifest) {
      if (with_slices.contains(entry.path)) continue;
      const io::Looked there = io::look_at(context_.fs, out_.folder / entry.path);
      if (there.unreadable) {
        out_.findings.push_back({FindingKind::kUnreadable, entry.path, {}, 0});
      } else if (!there.is(io::FileType::kRegular)) {
        out_.findings.push_back({FindingKind::kMissing, entry.path, {}, 0});
      } else if (there.stat->bytes != 0) {
        out_.findings.push_back({FindingKind::kDamaged, entry.path, {}, there.stat->bytes});
      }
    }
  }

  void recovery_files() {
    bool payload_parity_damaged = false;
    std::vector<io::Path> payload_set;
    std::vector<const fv::ManifestEntry*> differing;
    const auto is_of_payload = [](const fv::ManifestEntry& entry) {
      return entry.path.find(".tags.") == std::string::npos;
    };
    out_.everything_else_read = depth_ == Depth::kEverything && (portion_ == nullptr || portion_->everything_else);
    for (const fv::ManifestEntry& entry : out_.loaded->tagmanifest) {
      if (!is_parity(entry.path)) continue;
      if (portion_ != nullptr && portion_->stop()) out_.stopped = true;
      if (out_.stopped) out_.everything_else_read = false;
      if (is_of_payload(entry)) payload_set.push_back(out_.folder / entry.path);
      if (depth_ == Depth::kPayloadOnly) continue;
      bool sound = is_there(entry);
      if (sound && out_.everything_else_read) {
        const Hashed hashed = hash_of(out_.folder / entry.path, entry.sha256);
        if (hashed == Hashed::kDiffers) differing.push_back(&entry);
        if (hashed == Hashed::kUnreadable) tell(FindingKind::kUnreadable, entry);
        sound = hashed != Hashed::kUnreadable;
      }
      if (!sound) payload_parity_damaged |= is_of_payload(entry);
    }
    // A mismatch is read again before it is believed, with the other files read in between.
    for (const fv::ManifestEntry* entry : differing) {
      const Hashed hashed = hash_of(out_.folder / entry->path, entry->sha256);
      tell(hashed == Hashed::kFits      ? FindingKind::kHealed
           : hashed == Hashed::kDiffers ? FindingKind::kDamaged
                                        : FindingKind::kUnreadable,
           *entry);
      if (hashed != Hashed::kFits) payload_parity_damaged |= is_of_payload(*entry);
    }
    if (!out_.lost.empty() || payload_parity_damaged) {
      out_.payload_parity = parity::scan_packets(context_.fs, payload_set, mode_, context_.work);
      // Bytes of another set, or of none, help nobody: only the slices that fit this volume count.
      const auto& main = out_.payload_parity.main;
      if (main && main->slice_bytes != out_.loaded->info.slice_bytes) out_.payload_parity.recovery.clear();
      tell_bad_bytes();
    }
  }

  void strangers() {
    std::set<std::string> ours{std::string(fv::kTagManifest)};
    for (const fv::ManifestEntry& entry : out_.loaded->tagmanifest) ours.insert(entry.path);
    for (const fv::ManifestEntry& entry : out_.loaded->manifest) ours.insert(entry.path);
    look_for_strangers(out_.folder, "", ours, 0);
  }

  /// What the medium did not give, and the time that was lost over it.
  void unreadable_places() {
    for (const io::UnreadablePlaces& places : context_.fs.unreadable_below(out_.folder)) {
      const std::string path = places.path.lexically_relative(out_.folder).string();
      for (FileFinding& finding : out_.findings) {
        if (finding.path != path || finding.kind != FindingKind::kUnreadable) continue;
        finding.sectors = places.sectors();
        finding.cost = places.cost;
      }
    }
  }

  /// Files that overlap a lost slice, or whose header does.
  void photos() {
    const std::uint64_t slice_bytes = out_.loaded->info.slice_bytes;
    std::vector<std::string> paths;
    for (const fv::Member& member : out_.loaded->members) {
      if (member.type != fv::MemberType::kFile) continue;
      std::uint64_t first = member.first_slice, last = first;
      if (out_.loaded->info.layout == fv::Layout::kTar) {
        first = member.header_offset / slice_bytes;
        last = (std::max(member.offset + member.bytes, member.offset + 1) - 1) / slice_bytes;
      } else {
        if (member.bytes == 0) continue;
        last = first + (member.bytes - 1) / slice_bytes;
      }
      const auto hit = std::lower_bound(out_.lost.begin(), out_.lost.end(), first);
      if (hit == out_.lost.end() || *hit > last) continue;
      out_.photos_hit.push_back(member);
      paths.push_back(member.path);
    }
    out_.photos_hit_count = volume::count_photos(paths);
  }

 private:
  static bool is_parity(const std::string& path) {
    return path.ends_with(".par2") && path.find('/') == std::string::npos;
  }

  /// The folder's own seal, taken for true, fits tag files that are not ours: not rot, somebody sealed other contents.
  /// A seal that only tells another hash of a recovery file has rotted.
  bool contradicts_seal() {
    if (!known_) return false;
    try {
      const volume::LoadedVolume own = volume::load_volume(context_.fs, out_.folder, {}, mode_, context_.work);
      if (!own.findings.empty() || own.seal == known_->seal) return false;
      const std::vector<fv::ManifestEntry> ours = fv::decode_manifest(known_->tagmanifest_text);
      return ours.empty() ||
             !std::all_of(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), [&](std::string_view tag) {
               const auto hash = [&](const std::vector<fv::ManifestEntry>& list) {
                 const auto entry =
                     std::find_if(list.begin(), list.end(), [&](const auto& e) { return e.path == tag; });
                 return entry == list.end() ? digest::Sha256{} : entry->sha256;
               };
               return hash(own.tagmanifest) == hash(ours);
             });
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      return false;
    }
  }

  /// Nothing of the folder can be read: nobody can tell what is in it.
  bool is_hidden() {
    const std::string_view some[] = {fv::kTagManifest, fv::kBagInfo, fv::kMembers};
    return std::all_of(std::begin(some), std::end(some), [&](std::string_view name) {
      return io::look_at(context_.fs, out_.folder / std::string(name)).unreadable;
    });
  }
  bool hidden() {
    out_.failure =
        fmt::format("the folder {} cannot be read: the medium fails there", core::printable(out_.folder.string()));
    out_.findings.push_back({FindingKind::kUnreadable, "", {}, 0});
    return false;
  }

  /// Is it the medium that keeps the lists from being had?
  bool is_unreadable() {
    const auto fails = [&](std::string_view name) {
      const io::Path path = out_.folder / std::string(name);
      const io::Looked there = io::look_at(context_.fs, path);
      return there.unreadable || (there.is(io::FileType::kRegular) && hash_of(path, {}) == Hashed::kUnreadable);
    };
    return fails(fv::kTagManifest) || std::any_of(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), fails);
  }

  enum class Hashed { kFits, kDiffers, kUnreadable };
  Hashed hash_of(const io::Path& path, const digest::Sha256& wanted) {
    try {
      const auto file = context_.fs.open_read(path, mode_);
      out_.readback_cached |= mode_ == io::ReadMode::kDirect && !file->is_direct();
      core::AlignedBuffer buffer(kChunk);
      digest::Sha256Stream sha256;
      bool unreadable = false;  // then the rest is read all the same: to know of all bad sectors
      for (std::uint64_t offset = 0;;) {
        context_.work.check();
        std::size_t got = 0;
        try {
          got = file->read_at(offset, buffer.span());
        } catch (const io::UnreadableSectors&) {
          unreadable = true;
          const std::uint64_t bytes = file->stat().bytes;
          got = offset < bytes ? std::min<std::uint64_t>(buffer.size(), bytes - offset) : 0;
        }
        sha256.update(buffer.span().first(got));
        offset += got;
        out_.bytes_read += got;
        context_.work.told().advance(got);
        if (got < buffer.size()) break;
      }
      if (unreadable) return Hashed::kUnreadable;
      return sha256.finish() == wanted ? Hashed::kFits : Hashed::kDiffers;
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      return Hashed::kUnreadable;
    }
  }

  bool is_there(const fv::ManifestEntry& entry) {
    const io::Looked there = io::look_at(context_.fs, out_.folder / entry.path);
    if (there.is(io::FileType::kRegular)) return true;
    out_.findings.push_back({there.unreadable ? FindingKind::kUnreadable : FindingKind::kMissing, entry.path, {}, 0});
    return false;
  }

  void tell(FindingKind kind, const fv::ManifestEntry& entry) {
    const io::Looked there = io::look_at(context_.fs, out_.folder / entry.path);
    out_.findings.push_back({kind, entry.path, {}, there.stat ? there.stat->bytes : 0});
  }

  /// Of damaged recovery data: how many of its bytes are in no sound packet.
  void tell_bad_bytes() {
    for (FileFinding& finding : out_.findings) {
      if (!is_parity(finding.path) || finding.kind == FindingKind::kMissing || finding.kind == FindingKind::kHealed)
        continue;
      std::uint64_t bad = 0;
      for (const parity::BadRange& range : out_.payload_parity.bad) {
        if (out_.payload_parity.files[range.file] == out_.folder / finding.path) bad += range.bytes;
      }
      if (bad != 0) finding.bytes = bad;
    }
  }

  void look_for_strangers(const io::Path& folder, const std::string& below, const std::set<std::string>& ours,
                          int depth) {
    if (depth > 200) return;
    const auto entries = io::list_if_readable(context_.fs, folder);
    if (!entries) return out_.findings.push_back({FindingKind::kUnreadable, below, {}, 0});
    for (const io::Entry& entry : *entries) {
      const std::string path = below.empty() ? entry.name : below + "/" + entry.name;
      if (ours.contains(path) || path == fv::kSignature) continue;
      if (entry.name == volume::kLostAndFound && entry.type == io::FileType::kDirectory) continue;
      if (volume::is_litter(entry.name)) {
        out_.findings.push_back({FindingKind::kLitter, path, {}, 0});
      } else if (entry.type == io::FileType::kDirectory) {
        look_for_strangers(folder / entry.name, path, ours, depth + 1);
      } else {
        const io::Looked there = io::look_at(context_.fs, folder / entry.name);
        out_.findings.push_back({FindingKind::kForeign, path, {}, there.stat ? there.stat->bytes : 0});
      }
    }
  }

  Context& context_;
  const std::optional<volume::KnownSeal>& known_;
  Depth depth_;
  io::ReadMode mode_;
  const Portion* portion_;
  Examination& out_;
};

}  // namespace

std::string_view name_of(FindingKind kind) {
  switch (kind) {
    case FindingKind::kDamaged:
      return "damaged";
    case FindingKind::kUnreadable:
      return "unreadable";
    case FindingKind::kMissing:
      return "missing";
    case FindingKind::kChanged:
      return "changed";
    case FindingKind::kForeign:
      return "foreign";
    case FindingKind::kLitter:
      return "litter";
    case FindingKind::kHealed:
      return "healed";
  }
  return "";
}

bool Examination::intact() const {
  return loaded && std::all_of(findings.begin(), findings.end(),
                               [](const FileFinding& finding) { return finding.kind == FindingKind::kHealed; });
}

Examination examine(Context& context, const io::Path& folder, const core::Uuid& volume,
                    const std::optional<volume::KnownSeal>& known, Depth depth, io::ReadMode mode,
                    const SliceObserver& on_slice, const Portion* portion) {
  Examination out;
  out.folder = folder;
  out.volume = volume;
  Examining examining(context, known, depth, mode, portion, out);
  if (!examining.load()) {
    examining.unreadable_places();
    return out;
  }
  examining.tag_files();
  read_payload(context, mode, on_slice, portion, out);
  examining.empty_files();
  examining.recovery_files();
  examining.strangers();
  examining.unreadable_places();
  examining.photos();
  return out;
}

std::optional<volume::KnownSeal> known_seal(const std::optional<catalog::Volume>& volume) {
  if (!volume) return {};
  return volume::KnownSeal{volume->seal, volume->tagmanifest};
}

}  // namespace darkshelf::rituals
