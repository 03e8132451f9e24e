#pragma once
// How signatures and rows of seals are told.

#include "cli/session.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

/// "Signatures: 2 volumes signed by Anna (key …), 1 volume unsigned." Nothing where nobody signs. `root`: where the
/// drive is, for the key that lies on it.
void tell_tally(Output& out, const rituals::SignatureTally& tally, const io::Path& root);
Json tally_json(const rituals::SignatureTally& tally);
/// `state`, `key`, `signer` and `comment`.
Json signature_json(const rituals::SignatureView& view);

/// What is missing in rows of seals, or too much. Tells whether something contradicts what was sealed.
bool tell_chains(Output& out, const std::vector<shelf::ChainFinding>& chains);

/// Of a scrub: both, and of which volumes other copies have a signature. Returns what tell_chains does.
bool tell_signatures(Output& out, const rituals::ScrubReport& report);

}  // namespace darkshelf::cli
