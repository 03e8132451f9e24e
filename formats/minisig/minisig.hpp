#pragma once
// The three files of minisign: public key, secret key, signature. SPEC.md is normative. Pure: nothing is signed or
// verified here (src/sign). Decoders throw core::Error(kCorrupt) that says what is wrong.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.hpp"

namespace darkshelf::formats::minisig {

using KeyId = std::array<std::byte, 8>;
/// As minisign shows it: 16 hex digits, upper case, the last byte first.
std::string text_of(const KeyId& id);

struct PublicKey {
  std::string comment;  // of line 1; not protected by anything
  KeyId id{};
  std::array<std::byte, 32> key{};  // Ed25519
};
std::string encode_public_key(const PublicKey& key);
PublicKey decode_public_key(std::string_view text);
/// The second line alone, as people pass it on; the first line of a file may be missing.
std::string public_key_line(const PublicKey& key);
PublicKey decode_public_key_line(std::string_view line);

/// Only the secret part is encrypted; who holds that in the clear wipes it (src/sign).
struct SecretKeyFile {
  enum class Derivation { kNone, kScrypt };
  std::string comment;
  Derivation derivation = Derivation::kScrypt;
  std::array<std::byte, 32> salt{};
  std::uint64_t operations = 0, memory = 0;  // scrypt's cost
  static constexpr std::size_t kSecretBytes = 104;
  std::array<std::byte, kSecretBytes> secret{};  // key id 8, Ed25519 seed 32, public key 32, checksum 32
};
std::string encode_secret_key(const SecretKeyFile& file);
SecretKeyFile decode_secret_key(std::string_view text);

struct Signature {
  std::string comment;    // not protected
  bool prehashed = true;  // over BLAKE2b-512 of the file, else over the file itself
  KeyId id{};             // of the key it was made with
  std::array<std::byte, 64> signature{};
  std::string trusted_comment;  // protected by `global`
  std::array<std::byte, 64> global{};
};
std::string encode_signature(const Signature& signature);
Signature decode_signature(std::string_view text);

/// No file of these is longer.
inline constexpr std::size_t kLongest = 16 << 10;
/// Behind the name of what is signed; of public keys.
inline constexpr std::string_view kSignatureEnding = ".minisig", kPublicKeyEnding = ".pub";

}  // namespace darkshelf::formats::minisig
