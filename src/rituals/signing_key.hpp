#pragma once
// The signing key of this machine, in two files beside the catalog, and which keys are trusted.

#include <optional>

#include "rituals/context.hpp"
#include "sign/sign.hpp"

namespace darkshelf::rituals {

/// Where a catalog's key lies: signing.key (secret) and signing.pub beside it.
io::Path secret_key_path(const io::Path& catalog);
io::Path public_key_path(const io::Path& catalog);

struct KeyFile {
  KeyFile() = default;
  KeyFile(const KeyFile&) = default;
  KeyFile& operator=(const KeyFile&) = default;
  ~KeyFile() { sign::wipe(file.secret.data(), file.secret.size()); }  // without a passphrase it is in the clear

  io::Path path;
  formats::minisig::SecretKeyFile file;
  bool wants_passphrase = true;
  bool readable_by_others = false;
};
/// Nothing if there is none. Throws kCorrupt with what to do about it.
std::optional<KeyFile> read_key_file(io::FileSystem& fs, const io::Path& catalog);

/// Opens it. Throws kFailed when the passphrase is wrong. The public half beside it is written anew when it is missing,
/// and the key is trusted from now on if it never was.
sign::SigningKey open_key(Context& context, const KeyFile& key, const sign::Secret* passphrase);

/// The key file of a create_key() that was killed; nothing if there is none. Throws kFailed when there is a key
/// already.
std::optional<KeyFile> begun_key(Context& context);
/// Makes both files, mode 0600 and 0644, and trusts the key under `name`; finishes one that was begun under the same
/// passphrase. Throws kFailed when there is a key already.
formats::minisig::PublicKey create_key(Context& context, const std::string& name, const sign::Secret* passphrase);
/// The public half; nothing if it is not there.
std::optional<formats::minisig::PublicKey> own_public_key(io::FileSystem& fs, const io::Path& catalog);

/// A public key file, or the line of text in one. Throws kNotFound, kCorrupt.
formats::minisig::PublicKey public_key_from(io::FileSystem& fs, const std::string& file_or_text);
struct Trusted {
  catalog::KnownKey key;
  bool is_new = true;  // else it was trusted under this name before
};
/// Throws kFailed when another key of that id is known: one of the two is a forgery.
Trusted trust_key(Context& context, const formats::minisig::PublicKey& key, const std::string& name);
/// By id, or the beginning of it: from now on its signatures are an unknown key's. Throws kNotFound, kUsage.
catalog::KnownKey distrust_key(Context& context, const std::string& id);

}  // namespace darkshelf::rituals
