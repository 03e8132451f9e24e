#pragma once
// Steps that adding and accepting a drive share.

#include "rituals/drives.hpp"

namespace darkshelf::rituals {

/// hdd, ssd, flash or nas, as the medium tells; and throws kUsage for another word.
std::string kind_of(const io::Medium& medium);
void check_kind(const std::string& kind);
/// The place of this name; throws kUsage.
std::optional<core::Uuid> place_id(Context& context, const std::string& name);
/// A drive inside a drive would be scrubbed, counted and ejected with it: throws kWrongDrive.
void check_not_nested(io::FileSystem& fs, const io::Path& root);

/// Throws kUsage for what is no label, or is another drive's.
void check_label(Context& context, const std::string& label);
void write_identity(io::FileSystem& fs, const io::Path& root, const formats::drive::DriveIdentity& identity);
/// The folder a person named, as it is really called; throws kNotFound.
io::Path folder_given(io::FileSystem& fs, const io::Path& path);
/// Throws kWrongDrive where nothing can be written; `what` cannot be done then.
void require_writable_medium(Context& context, const io::Path& root, const io::Medium& medium, const std::string& what);

/// Is what lies there another medium than the known drive it claims to be, or one of two that claim it?
bool is_another_medium(Context& context, const io::Path& root, const catalog::Drive& known);
/// A copy of `original` lies there: it gets an identity of its own, as `drive` describes it, and what it holds is
/// recorded as unproven. Throws kWrongDrive unless it can only be the copy.
catalog::Drive accept_copy(Context& context, const io::Path& root, const catalog::Drive& original,
                           catalog::NewDrive drive);

}  // namespace darkshelf::rituals
