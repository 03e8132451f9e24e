#pragma once
// What an examination found, as the catalog records it.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// A finding that tells of nothing wrong with what was sealed: something beside it, or bytes that were right after all.
bool is_harmless(FindingKind kind);
/// The same of one the catalog has, which keeps kinds by their names.
bool is_harmless(const catalog::Finding& finding);

/// Contents that contradict the seal.
bool is_changed(const Examination& examination);

catalog::CopyHealth health_of(const Examination& examination);

/// `path` is below the drive's root. One row for each range of slices, or one for the file.
void add_finding(catalog::Scrub& record, const std::optional<core::Uuid>& volume, const std::string& path,
                 const FileFinding& finding, std::uint64_t photos_hit);
/// All findings of a volume's examination.
void add_findings(catalog::Scrub& record, const catalog::Volume& volume, const Examination& examination);

/// Damage that a ritual came upon which was no check (a restore, a copy): the copy is known as bad from now on, and the
/// next check reads it whole. Nothing is recorded of what is sound.
void record_damage(Context& context, const catalog::Drive& drive, const catalog::Volume& volume,
                   const Examination& examination);
/// The same of what lies beside the volumes, paths below the drive's root; nothing of a drive that is known as failing.
void record_damage(Context& context, const catalog::Drive& drive, const std::vector<FileFinding>& beside);

}  // namespace darkshelf::rituals
