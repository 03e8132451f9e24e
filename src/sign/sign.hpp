#pragma once
// Signing and verifying as minisign does (formats/minisig): Ed25519 over BLAKE2b-512, secret keys under a passphrase
// by scrypt. Pure: bytes in, bytes out; files are for those above.

#include "formats/minisig/minisig.hpp"
#include "sign/secret.hpp"

namespace darkshelf::sign {

namespace fm = formats::minisig;

/// What it costs to try one passphrase: as much work as minisign's own keys ask for, in a sixteenth of their memory.
struct Effort {
  std::uint64_t operations = 33'554'432;
  std::uint64_t memory = 64 << 20;
};

/// A secret key, in the clear for as long as it lives.
class SigningKey {
 public:
  /// From the system's random numbers.
  static SigningKey generate();

  /// Throws kFailed when the passphrase is wrong, missing, or none is wanted; kCorrupt when the key makes no sense.
  static SigningKey unlock(const fm::SecretKeyFile& file, const Secret* passphrase);
  fm::SecretKeyFile lock(const Secret* passphrase, const Effort& effort = {}) const;

  fm::PublicKey public_key() const;
  fm::Signature sign(core::ByteSpan message, const std::string& trusted_comment, const std::string& comment) const;

 private:
  explicit SigningKey(Secret secret) : secret_(std::move(secret)) {}

  Secret secret_;  // key id, seed, public key
};

enum class Verdict { kFits, kOtherKey, kDoesNotMatch };
/// Both of its signatures: over the message, and over the trusted comment.
Verdict verify(const fm::PublicKey& key, core::ByteSpan message, const fm::Signature& signature);

}  // namespace darkshelf::sign
