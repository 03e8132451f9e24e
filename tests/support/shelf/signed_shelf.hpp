#pragma once
// Signatures as files on the drives of a ProgramShelf.

#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {

/// The id of the key of the shelf's machine, made if there is none: without a passphrase, Anna's.
std::string anna_signs(ProgramShelf& shelf);

/// Signature files of the nth volume on a drive: in it, and beside it.
io::Path signature_in(const ProgramShelf& shelf, const std::string& drive, std::size_t nth);
io::Path signature_beside(const ProgramShelf& shelf, const std::string& drive, std::size_t nth);

std::string text_at(const io::Path& path);
void put_text(const io::Path& path, const std::string& text);
/// One character of the signature itself (line 2) becomes another.
void flip_signature(const io::Path& path);

}  // namespace darkshelf::testing
