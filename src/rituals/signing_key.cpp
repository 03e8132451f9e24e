#include "rituals/signing_key.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace darkshelf::rituals {

namespace fm = formats::minisig;
using core::Code;
using core::Error;

namespace {

constexpr std::uint32_t kForOthers = 0077;

io::Path beside(const io::Path& catalog, const char* name) { return catalog.parent_path() / name; }

/// Wipes a text when it is let go, whatever happens.
struct Wiped {
  std::string text;
  ~Wiped() { sign::wipe(text.data(), text.size()); }
};

/// A name as sentences use it, and as fits a line of a key file.
std::string checked_name(const std::string& name) {
  constexpr std::size_t kLongestName = 100;
  if (name.empty() || name.size() > kLongestName || core::printable(name) != name)
    throw Error(Code::kUsage, fmt::format("\"{}\" is no name for a key: it takes 1 to {} printable bytes",
                                          core::printable(name), kLongestName));
  return name;
}

std::optional<catalog::KnownKey> told_here(Context& context, const fm::PublicKey& key) {
  for (const catalog::KnownKey& known : context.catalog.keys()) {
    if (known.told_here && known.key.id == key.id && known.key.key == key.key) return known;
  }
  return {};
}

[[noreturn]] void refuse_another(const io::Path& secret) {
  throw Error(Code::kFailed, fmt::format("there is a signing key already: {}", core::printable(secret.string())),
              "darkshelf key show   (a key is never overwritten; to begin another, move both files away)");
}

/// A key that a run which was killed has made, under the passphrase of the same command.
fm::PublicKey finish_key(Context& context, const KeyFile& begun, const sign::Secret* passphrase) {
  if (begun.wants_passphrase != (passphrase != nullptr)) refuse_another(begun.path);
  std::optional<fm::PublicKey> key;
  try {
    key = sign::SigningKey::unlock(begun.file, passphrase).public_key();
  } catch (const Error& error) {
    if (error.code() != Code::kFailed) throw;
  }
  if (!key || told_here(context, *key)) refuse_another(begun.path);
  return *key;
}

}  // namespace

io::Path secret_key_path(const io::Path& catalog) { return beside(catalog, "signing.key"); }
io::Path public_key_path(const io::Path& catalog) { return beside(catalog, "signing.pub"); }

std::optional<KeyFile> read_key_file(io::FileSystem& fs, const io::Path& catalog) {
  KeyFile key;
  key.path = secret_key_path(catalog);
  const auto stat = fs.stat_following(key.path);
  if (!stat) return {};
  try {
    const Wiped secret{io::read_text(fs, key.path, fm::kLongest)};
    key.file = fm::decode_secret_key(secret.text);
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    throw Error(Code::kFailed, fmt::format("{} cannot be used: {}", core::printable(key.path.string()), error.what()),
                "bring it back from your backup of it; without one: move it away, and darkshelf key create");
  }
  key.wants_passphrase = key.file.derivation == fm::SecretKeyFile::Derivation::kScrypt;
  key.readable_by_others = (stat->mode & kForOthers) != 0;
  return key;
}

sign::SigningKey open_key(Context& context, const KeyFile& key, const sign::Secret* passphrase) {
  sign::SigningKey opened = sign::SigningKey::unlock(key.file, passphrase);
  const fm::PublicKey public_key = opened.public_key();
  const io::Path path = public_key_path(context.catalog.path());
  const auto there = own_public_key(context.fs, context.catalog.path());
  if (!there || there->id != public_key.id || there->key != public_key.key)
    io::write_file_durably(context.fs, path, core::as_bytes(fm::encode_public_key(public_key)));
  const auto told = told_here(context, public_key);
  if (!told) {
    trust_key(context, public_key, context.world.host());
  } else if (!told->trusted) {
    throw Error(
        Code::kFailed, fmt::format("the signing key {} is trusted no longer", fm::text_of(public_key.id)),
        fmt::format("darkshelf key trust {}   (if it is trusted all the same), or move {} away and make another",
                    core::shell_quote(path.string()), core::shell_quote(key.path.string())));
  }
  return opened;
}

std::optional<KeyFile> begun_key(Context& context) {
  const io::Path& catalog = context.catalog.path();
  std::optional<KeyFile> key = read_key_file(context.fs, catalog);
  if (!key) return {};
  const auto there = own_public_key(context.fs, catalog);
  if (there && told_here(context, *there)) refuse_another(key->path);
  return key;
}

fm::PublicKey create_key(Context& context, const std::string& name, const sign::Secret* passphrase) {
  const std::optional<KeyFile> begun = begun_key(context);
  checked_name(name);
  fm::PublicKey public_key;
  if (begun) {
    public_key = finish_key(context, *begun, passphrase);
  } else {
    const sign::SigningKey key = sign::SigningKey::generate();
    KeyFile locked;  // wiped when it is let go
    locked.file = key.lock(passphrase);
    public_key = key.public_key();
    const Wiped text{fm::encode_secret_key(locked.file)};
    constexpr std::uint32_t kForOwner = 0600;
    io::write_file_durably(context.fs, secret_key_path(context.catalog.path()), core::as_bytes(text.text), kForOwner);
    core::stop_point("key.secret-written");
  }
  io::write_file_durably(context.fs, public_key_path(context.catalog.path()),
                         core::as_bytes(fm::encode_public_key(public_key)));
  core::stop_point("key.public-written");
  trust_key(context, public_key, name);
  return public_key;
}

std::optional<fm::PublicKey> own_public_key(io::FileSystem& fs, const io::Path& catalog) {
  const io::Path path = public_key_path(catalog);
  if (!fs.stat_following(path)) return {};
  try {
    return fm::decode_public_key(io::read_text(fs, path, fm::kLongest));
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    return {};  // as good as missing: it is written anew when the key is opened
  }
}

fm::PublicKey public_key_from(io::FileSystem& fs, const std::string& file_or_text) {
  const auto stat = file_or_text.empty() ? std::nullopt : fs.stat_following(file_or_text);
  const std::string name = core::printable(file_or_text);
  const std::string hint =
      "it is the second line of a .pub file that is wanted, or the file; darkshelf key show prints it";
  try {
    if (!stat) return fm::decode_public_key_line(file_or_text);
    return fm::decode_public_key(io::read_text(fs, file_or_text, fm::kLongest));
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    if (!stat) throw Error(Code::kNotFound, fmt::format("{} is neither a file nor a public key", name), hint);
    throw Error(Code::kFailed, fmt::format("{} is no public key: {}", name, error.what()), hint);
  }
}

Trusted trust_key(Context& context, const fm::PublicKey& key, const std::string& name) {
  Trusted out;
  out.key.key = key;
  out.key.name = name;
  for (const catalog::KnownKey& known : context.catalog.keys()) {
    if (known.key.id != key.id || !known.told_here) continue;
    if (known.key.key != key.key) {
      throw Error(Code::kFailed,
                  fmt::format("another key with the id {} is known as {}'s: one of the two pretends to be the other",
                              fm::text_of(key.id), core::printable(known.name)),
                  "ask whose keys they are; ids are made by chance, and are never the same by accident");
    }
    if (out.key.name.empty()) out.key.name = known.name;
    out.is_new = !known.trusted || known.name != out.key.name;
  }
  if (out.key.name.empty()) throw Error(Code::kUsage, "whose key is it? --name NAME", "darkshelf key trust --help");
  checked_name(out.key.name);
  if (out.is_new) context.catalog.record_key(out.key);
  return out;
}

catalog::KnownKey distrust_key(Context& context, const std::string& id) {
  std::vector<catalog::KnownKey> found;
  for (catalog::KnownKey& known : context.catalog.keys()) {
    if (known.trusted && !id.empty() && fm::text_of(known.key.id).starts_with(id)) found.push_back(std::move(known));
  }
  if (found.size() != 1) {
    throw Error(found.empty() ? Code::kNotFound : Code::kUsage,
                fmt::format(fmt::runtime(found.empty() ? "no trusted key has the id {}" : "several keys begin with {}"),
                            core::printable(id)),
                "darkshelf key show   (lists the keys that are trusted)");
  }
  found.front().trusted = false;
  context.catalog.record_key(found.front());
  return found.front();
}

}  // namespace darkshelf::rituals
