#include "rituals/service_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rituals/catalog_copies.hpp"
#include "rituals/signatures.hpp"
#include "volume/litter.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kTextLimit = 1 << 20;

class Looking {
 public:
  Looking(Context& context, const AttachedDrive& drive) : context_(context), drive_(drive) {}

  std::vector<FileFinding> run() {
    if (drive_.drive.catalog_mode != "none") catalog_copy();
    start_here();
    return std::move(findings_);
  }

 private:
  void tell(FindingKind kind, const std::string& below) { findings_.push_back({kind, below, {}, 0}); }

  /// Runs `look`, which tells whether the file is as it should be; a mismatch is looked at again before it is believed.
  template <typename Look>
  bool is_sound(const std::string& below, Look look) {
    const io::Looked there = io::look_at(context_.fs, drive_.root / below);
    if (!there.is(io::FileType::kRegular)) {
      tell(there.unreadable ? FindingKind::kUnreadable
           : there.stat     ? FindingKind::kDamaged
                            : FindingKind::kMissing,
           below);
      return false;
    }
    try {
      if (look(*there.stat) || look(*there.stat)) return true;
      tell(FindingKind::kDamaged, below);
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      tell(FindingKind::kUnreadable, below);
    }
    return false;
  }

  void catalog_copy() {
    const std::string current_path(fd::kCurrent);
    fd::CurrentCatalog current;
    const bool named = is_sound(current_path, [&](const io::Stat&) {
      try {
        current = fd::decode_current(
            io::read_text(context_.fs, drive_.root / current_path, kTextLimit, io::ReadMode::kDirect));
        return true;
      } catch (const Error& error) {
        if (error.code() != Code::kCorrupt) throw;
        return false;
      }
    });
    for (FileFinding& finding : examine_other_copies(context_, drive_, current.name))
      findings_.push_back(std::move(finding));
    if (!named) return;
    const std::string copy = std::string(fd::kCatalogFolder) + "/" + current.name;
    is_sound(copy, [&](const io::Stat& stat) {
      return stat.bytes == current.bytes &&
             sha256_of(context_, drive_.root / copy, io::ReadMode::kDirect) == current.sha256;
    });
  }

  /// One text in two places: they prove each other. Which of two that differ is the damaged one nobody can tell; both
  /// are written anew.
  void start_here() {
    const std::string inside(fd::kStartHere), outside = fd::root_start_here_name(drive_.identity.label);
    const auto text_of = [&](const std::string& below) {
      return io::read_text(context_.fs, drive_.root / below, kTextLimit, io::ReadMode::kDirect);
    };
    const auto has_text = [](const io::Stat& stat) { return stat.bytes > 0 && stat.bytes <= kTextLimit; };
    if (!is_sound(outside, has_text)) return;
    is_sound(inside, [&](const io::Stat& stat) { return has_text(stat) && text_of(inside) == text_of(outside); });
  }

  Context& context_;
  const AttachedDrive& drive_;
  std::vector<FileFinding> findings_;
};

bool is_year(const std::string& name) {
  return name == "undated" || (name.size() == 4 && name.find_first_not_of("0123456789") == std::string::npos);
}

/// Names directly in darkshelf/ that are its own. A file ".new" is one that is being written, or was by a run that was
/// killed.
bool is_own(const io::Entry& entry) {
  static const std::set<std::string> kFolders = {"catalog", "seals",      "keys",      ".incoming",
                                                 ".repair", "quarantine", "lost+found"};
  static const std::set<std::string> kFiles = {"START-HERE.txt", "drive.json", ".lock"};
  if (kFolders.contains(entry.name)) return true;  // something else of that name is refused when it is used
  std::string name = entry.name;
  if (name.ends_with(".new")) name.erase(name.size() - 4);
  return kFiles.contains(name) || (is_year(entry.name) && entry.type == io::FileType::kDirectory);
}

}  // namespace

std::vector<FileFinding> examine_service_files(Context& context, const AttachedDrive& drive) {
  std::vector<FileFinding> findings = Looking(context, drive).run();
  for (FileFinding& key : examine_keys(context, drive)) findings.push_back(std::move(key));
  return findings;
}

std::optional<FileFinding> examine_second_seal(Context& context, const AttachedDrive& drive,
                                               const catalog::Volume& volume) {
  const std::string below =
      fmt::format("{}/{}/{}", fd::kSeals, volume.info.volume.text(), formats::volume::kTagManifest);
  const auto finding = [&](FindingKind kind) { return FileFinding{kind, below, {}, 0}; };
  const io::Looked there = io::look_at(context.fs, drive.root / below);
  if (there.unreadable) return finding(FindingKind::kUnreadable);
  if (!there.is(io::FileType::kRegular)) return finding(FindingKind::kMissing);
  try {
    const std::string text =
        io::read_text(context.fs, drive.root / below, volume.tagmanifest.size() + 1, io::ReadMode::kDirect);
    if (digest::sha256(core::as_bytes(text)) == volume.seal) return {};
  } catch (const Error& error) {
    if (ends_all(error)) throw;
    if (io::is_read_error(error)) return finding(FindingKind::kUnreadable);
  }
  return finding(FindingKind::kDamaged);
}

std::vector<FileFinding> unreadable_beside(Context& context, const AttachedDrive& drive) {
  std::vector<FileFinding> found;
  if (drive.identity_unreadable) found.push_back({FindingKind::kUnreadable, std::string(fd::kIdentity), {}, 0});
  for (const catalog::Volume& volume : context.catalog.volumes_on(drive.drive.id)) {
    if (auto wrong = examine_second_seal(context, drive, volume)) found.push_back(std::move(*wrong));
  }
  try {
    for (FileFinding& finding : examine_service_files(context, drive)) found.push_back(std::move(finding));
  } catch (const Error& error) {
    if (ends_all(error)) throw;  // what the system refuses is no verdict on the medium
  }
  std::erase_if(found, [](const FileFinding& finding) { return finding.kind != FindingKind::kUnreadable; });
  return found;
}

std::vector<FileFinding> find_strangers(Context& context, const AttachedDrive& drive) {
  std::vector<FileFinding> found;
  const std::string top(fd::kFolder);
  const auto tell = [&](const std::string& below, const io::Entry& entry) {
    const io::Looked there = io::look_at(context.fs, drive.root / below);
    found.push_back({volume::is_litter(entry.name) ? FindingKind::kLitter : FindingKind::kForeign,
                     below,
                     {},
                     there.is(io::FileType::kRegular) ? there.stat->bytes : 0});
  };
  const auto list = [&](const std::string& below) -> std::vector<io::Entry> {
    if (auto entries = io::list_if_readable(context.fs, drive.root / below)) return std::move(*entries);
    found.push_back({FindingKind::kUnreadable, below, {}, 0});
    return {};
  };
  std::set<io::Path> volumes;
  for (const catalog::Volume& volume : context.catalog.volumes_on(drive.drive.id))
    volumes.insert(drive.volume_folder(volume));
  std::vector<io::Path> unreadable;  // no volume, for all that can be told, and no stranger either
  for (const io::Path& folder : volume::volume_folders(context.fs, drive.root, &unreadable)) volumes.insert(folder);
  volumes.insert(unreadable.begin(), unreadable.end());
  for (const io::Entry& entry : list(top)) {
    const std::string below = top + "/" + entry.name;
    if (!is_own(entry)) tell(below, entry);
    if (!is_year(entry.name) || entry.type != io::FileType::kDirectory) continue;
    for (const io::Entry& inner : list(below)) {
      if (!volumes.contains(drive.root / below / inner.name)) tell(below + "/" + inner.name, inner);
    }
  }
  // Beside what darkshelf keeps in these nothing is looked at but litter.
  const auto look_for_litter = [&](const auto& self, const std::string& below, int depth) -> void {
    if (!io::look_at(context.fs, drive.root / below).is(io::FileType::kDirectory)) return;
    for (const io::Entry& entry : list(below)) {
      if (volume::is_litter(entry.name))
        tell(below + "/" + entry.name, entry);
      else if (entry.type == io::FileType::kDirectory && depth > 0)
        self(self, below + "/" + entry.name, depth - 1);
    }
  };
  for (const char* folder : {"catalog", "seals", "keys"}) look_for_litter(look_for_litter, top + "/" + folder, 1);
  return found;
}

}  // namespace darkshelf::rituals
