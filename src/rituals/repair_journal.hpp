#pragma once
// What a repair is going to write, put down and synced before the first byte of a volume changes; for repair.cpp alone.
//
// A journal folder holds `data` (the mended bytes, one after the other) and `journal` (what goes where). It counts once
// `journal` is there: that file is written last, durably. Its bytes are not trusted: every patch carries its SHA-256,
// and one that is found is compared with what was sealed before it is carried out (journal_proof.hpp).

#include "rituals/mend.hpp"

namespace darkshelf::rituals {

struct Patch {
  std::size_t file = 0;                 // into RepairJournal::files
  std::uint64_t offset = 0, bytes = 0;  // in that file
  std::uint64_t data_offset = 0;        // in `data`
  digest::Sha256 sha256{};
};
struct PatchedFile {
  std::string path;           // below the volume's folder
  std::uint64_t bytes = 0;    // its sealed length
  std::int64_t mtime_ns = 0;  // as sealed
  std::uint32_t mode = 0644;
};
struct RepairJournal {
  core::Uuid volume;
  std::string quarantine;    // folder name below darkshelf/quarantine/
  std::uint64_t slices = 0;  // payload slices that are mended by it
  std::vector<PatchedFile> files;
  std::vector<Patch> patches;
  std::uint64_t bytes() const;
};

std::string encode_journal(const RepairJournal& journal);
/// Throws kCorrupt for anything that is no whole journal, or that names a path outside of a volume.
RepairJournal decode_journal(std::string_view text);

/// Compares every damaged file with its sealed bytes and writes what differs into `folder`; commits at the end.
RepairJournal write_journal(Context& context, const Examination& examination, const SealedSource& sealed,
                            const io::Path& folder, const std::string& quarantine);

/// Throws kCorrupt for a journal no repair of this volume has written: of another volume, with a path the seal does not
/// list or a length that is not the sealed one, or that would leave a hole in a file. `members`: those of the volume.
void require_of_volume(Context& context, const RepairJournal& journal, const catalog::Volume& volume,
                       const std::vector<formats::volume::Member>& members, const io::Path& volume_folder);

/// The bytes of a patch; throws kCorrupt unless they are those its SHA-256 tells of.
core::Bytes patch_bytes(io::File& data, const Patch& patch);

/// Puts the damaged bytes, and what stands where a file belongs and is none, into `quarantine` (unless they are there
/// from an earlier, interrupted run), then the mended ones into the volume, all of it synced. Doing it again does no
/// harm.
void apply_journal(Context& context, const RepairJournal& journal, const io::Path& journal_folder,
                   const io::Path& volume_folder, const io::Path& quarantine);

}  // namespace darkshelf::rituals
