#pragma once
// Who sealed it: the signatures of seals as they lie on drives, and as the catalog knows them.

#include <map>
#include <tuple>

#include "rituals/examine.hpp"
#include "shelf/chain.hpp"
#include "sign/sign.hpp"

namespace darkshelf::rituals {

enum class SignatureState {
  kUnsigned,
  kSigned,        // by a key that is trusted here
  kUnknownKey,    // by one that is not
  kDoesNotMatch,  // the key is trusted, and never signed this
  kDamaged,       // no signature can be made out
  kUnreadable,
};
std::string_view name_of(SignatureState state);

struct SignatureView {
  SignatureState state = SignatureState::kUnsigned;
  std::string key;      // id, "" where none can be told
  std::string signer;   // trusted: whose it is; unknown: what another catalog says, or this one said once; or ""
  std::string comment;  // the trusted one; believed when signed
};
/// "signed by Anna (key 1A2B3C4D5E6F7081)".
std::string sentence_of(const SignatureView& view);

/// `text` is a signature file, `sealed` what it should be over.
SignatureView judge_signature(const std::vector<catalog::KnownKey>& keys, std::string_view sealed,
                              const std::string& text);
/// As the catalog knows it, with no drive plugged in.
SignatureView known_signature(catalog::Catalog& catalog, const catalog::Volume& volume);

/// The signature of a volume on a drive, in the volume and beside it in seals/.
struct DriveSignature {
  SignatureView view;
  std::vector<FileFinding> findings;  // paths below the drive's root
  std::string good;                   // the text that is true: from the drive, else from the catalog; "" if none is
  bool elsewhere = false;             // there is none on the drive, and other copies have one
  bool new_here = false;              // true, and not recorded of this drive yet
};
/// `drive`: which one it is; reads past caches. Never writes.
DriveSignature examine_signature(Context& context, const io::Path& root, const core::Uuid& drive,
                                 const catalog::Volume& volume, const std::vector<catalog::KnownKey>& keys);
/// Records that the drive has it, if it is true.
void record_signature(Context& context, const core::Uuid& drive, const catalog::Volume& volume,
                      const std::string& text);
/// The same for one that may be there.
void note_signature(Context& context, const io::Path& root, const core::Uuid& drive, const catalog::Volume& volume);

/// What a volume that no catalog knows says of its place in its writer's row of seals; nothing where it cannot be had.
std::optional<shelf::Link> link_at(Context& context, const io::Path& folder);

/// How many volumes are signed by whom.
class SignatureTally {
 public:
  void add(const SignatureView& view);
  std::vector<std::pair<SignatureView, std::uint64_t>> rows() const;  // unsigned ones last
  bool any_signature() const;

 private:
  std::map<std::tuple<bool, SignatureState, std::string, std::string>, std::uint64_t> counts_;
};

/// What the key says of a volume: its trusted comment tells which volume, and when.
std::string make_signature(const sign::SigningKey& key, const formats::volume::BagInfo& info, std::string_view sealed,
                           core::Time when);
/// What goes along with a copy of the volume in `folder`: the signature that is known to be true, else the one that
/// lies there, if nothing speaks against it; "" if there is none. It is no part of the seal, and no reason to fail.
std::string signature_to_carry(Context& context, const catalog::Volume& volume, const io::Path& folder);
/// Durably beside a copy that is there already: second copy first, then into the volume. What stood there and differs
/// is kept in quarantine. Recorded if it is true.
void place_signature(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                     const std::string& text);
/// darkshelf/keys/<id>.pub of every known key that signed something there. Only what is missing or wrong is written.
void write_keys(Context& context, const AttachedDrive& drive);
/// Path of it below the drive's root.
std::string key_file_on_drive(const std::string& id);
/// Those whose file is missing, or not the key.
std::vector<FileFinding> examine_keys(Context& context, const AttachedDrive& drive);

}  // namespace darkshelf::rituals
