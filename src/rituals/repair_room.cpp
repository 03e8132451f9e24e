#include "rituals/repair_room.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/findings.hpp"
#include "rituals/restore_files.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kPiece = 64 << 10;  // files without slices are mended in pieces of this

/// For folders, names, and the last blocks of files that are not full.
std::uint64_t with_reserve(std::uint64_t bytes) { return bytes + bytes / 16 + (256 << 10); }

struct Needs {
  std::uint64_t work = 0;   // journal, rebuilt slices, recovery files made whole before they are compared
  std::uint64_t drive = 0;  // damaged bytes in quarantine, and what was missing
};

Needs needs_of(const Examination& examination) {
  const formats::volume::BagInfo& info = examination.loaded->info;
  const std::uint64_t slices = examination.lost.size() * info.slice_bytes;
  std::uint64_t payload_set = 0, tags_set = 0, patches = slices;
  for (const FileFinding& finding : examination.findings) {
    if (is_harmless(finding.kind) || !finding.slices.empty()) continue;
    if (!finding.path.ends_with(".par2")) {
      patches += finding.bytes + kPiece;
      continue;
    }
    const bool tags = finding.path.find(".tags.") != std::string::npos;
    const std::uint64_t set = tags ? info.tag_recovery_slices * (info.tag_slice_bytes + 68) * 11 / 10
                                   : info.recovery_slices * (info.slice_bytes + 68) * 11 / 10;
    (tags ? tags_set : payload_set) = set;
    patches += std::min(finding.kind == FindingKind::kMissing ? set : finding.bytes, set) + 2 * kPiece;
  }
  return {with_reserve(patches + slices + payload_set + tags_set), with_reserve(patches)};
}

/// `what_for`: goes on where the place is named.
Error no_space(std::uint64_t needed, std::uint64_t free, const std::string& where, const std::string& what_for,
               const std::string& hint) {
  return Error(Code::kNoSpace,
               fmt::format("the repair needs {} on {}{}, and {} are free", core::format_size(needed),
                           core::printable(where), what_for, core::format_size(free)),
               hint);
}

/// No other folder helps here.
std::string how_to_make_room(Context& context, const AttachedDrive& drive) {
  const std::string label = core::shell_quote(drive.drive.label);
  const io::Path quarantine = drive.root / std::string(fd::kQuarantine);
  const auto stat = context.fs.stat(quarantine);
  const std::uint64_t kept = stat && stat->type == io::FileType::kDirectory ? tree_bytes(context.fs, quarantine) : 0;
  if (kept > 0) {
    return fmt::format("darkshelf repair {} --discard   (frees {}: damaged bytes that earlier repairs have kept)",
                       label, core::format_size(kept));
  }
  return fmt::format("darkshelf copy {} --to ANOTHER-DRIVE   (copies are mended on the way), or make room on it",
                     label);
}

}  // namespace

io::Path folder_of_journals(Context& context, const AttachedDrive& drive, const std::optional<io::Path>& work) {
  if (!work) return drive.root / std::string(fd::kJournal);
  refuse_archive_around(context.fs, *work);
  const io::Path folder = *work / drive.drive.id.text();
  try {
    context.fs.make_dirs(folder);
  } catch (const Error& error) {
    if (ends_all(error)) throw;
    throw Error(Code::kUsage, fmt::format("the folder for the journal of the repair cannot be used: {}", error.what()),
                "give another folder: --work DIR");
  }
  return folder;
}

void require_room(Context& context, const AttachedDrive& drive, const Examination& examination,
                  const std::optional<io::Path>& work, const io::Path& journals) {
  const Needs needs = needs_of(examination);
  const std::uint64_t free = context.fs.space(drive.root).free;
  if (needs.drive > free) {
    throw no_space(needs.drive, free, drive.drive.label,
                   ", wherever its journal is, for the damaged bytes that it keeps and for what is missing",
                   how_to_make_room(context, drive));
  }
  if (!work) {
    if (needs.work + needs.drive <= free) return;
    throw no_space(needs.work + needs.drive, free, drive.drive.label, "",
                   "give a folder on another disk for its journal: --work DIR");
  }
  const std::uint64_t free_there = context.fs.space(journals).free;
  const auto here = context.fs.stat(drive.root), there = context.fs.stat_following(journals);
  const bool same_disk = here && there && here->device == there->device;
  const std::uint64_t needed = needs.work + (same_disk ? needs.drive : 0);
  if (needed <= free_there) return;
  throw no_space(needed, free_there, work->string(), "", "give a folder on another disk, with more room: --work DIR");
}

}  // namespace darkshelf::rituals
