#include "sign/sign.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::sign {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kIdBytes = 8, kKeyBytes = crypto_sign_SECRETKEYBYTES, kSumBytes = 32;
constexpr std::size_t kClearBytes = kIdBytes + kKeyBytes;  // what the checksum is over, without the algorithm's name
static_assert(kClearBytes + kSumBytes == fm::SecretKeyFile::kSecretBytes);
static_assert(crypto_sign_SEEDBYTES + crypto_sign_PUBLICKEYBYTES == kKeyBytes);
// A key from elsewhere asks for what its maker liked. More than this is no key but an attack on the machine.
constexpr std::uint64_t kMostMemory = std::uint64_t{2} << 30, kMostOperations = std::uint64_t{1} << 32;

unsigned char* raw(core::MutableByteSpan bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
const unsigned char* raw(core::ByteSpan bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

void begin() {
  if (::sodium_init() < 0) throw Error(Code::kFailed, "libsodium cannot be used on this machine");
}

using Hash = std::array<std::byte, crypto_generichash_BYTES_MAX>;

Hash prehash(core::ByteSpan message) {
  Hash hash{};
  ::crypto_generichash(raw(core::MutableByteSpan(hash)), hash.size(), raw(message), message.size(), nullptr, 0);
  return hash;
}

/// What the second signature is over.
core::Bytes with_comment(const fm::Signature& signature) {
  core::Bytes bytes(signature.signature.begin(), signature.signature.end());
  const core::ByteSpan comment = core::as_bytes(signature.trusted_comment);
  bytes.insert(bytes.end(), comment.begin(), comment.end());
  return bytes;
}

/// BLAKE2b-256 of the algorithm's name and the key in the clear.
std::array<std::byte, kSumBytes> checksum(core::ByteSpan clear) {
  std::array<std::byte, kSumBytes> sum{};
  crypto_generichash_state state;
  ::crypto_generichash_init(&state, nullptr, 0, sum.size());
  ::crypto_generichash_update(&state, raw(core::as_bytes("Ed")), 2);
  ::crypto_generichash_update(&state, raw(clear), clear.size());
  ::crypto_generichash_final(&state, raw(core::MutableByteSpan(sum)), sum.size());
  ::sodium_memzero(&state, sizeof state);
  return sum;
}

void xor_with_stream(core::MutableByteSpan bytes, const fm::SecretKeyFile& file, const Secret& passphrase) {
  Secret stream(bytes.size());
  const int failed = ::crypto_pwhash_scryptsalsa208sha256(
      raw(stream.span()), stream.size(), reinterpret_cast<const char*>(passphrase.span().data()), passphrase.size(),
      raw(core::ByteSpan(file.salt)), file.operations, static_cast<std::size_t>(file.memory));
  if (failed != 0) {
    throw Error(
        Code::kFailed,
        fmt::format("the {} of memory that opening the key takes cannot be had", core::format_size(file.memory)),
        "close other programs and type the same command again");
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= stream.span()[i];
}

}  // namespace

SigningKey SigningKey::generate() {
  begin();
  Secret secret(kClearBytes);
  ::randombytes_buf(secret.span().data(), kIdBytes);
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  ::crypto_sign_keypair(public_key, raw(secret.span().subspan(kIdBytes)));
  return SigningKey(std::move(secret));
}

SigningKey SigningKey::unlock(const fm::SecretKeyFile& file, const Secret* passphrase) {
  begin();
  const bool encrypted = file.derivation == fm::SecretKeyFile::Derivation::kScrypt;
  if (encrypted && (passphrase == nullptr || passphrase->empty()))
    throw Error(Code::kFailed, "the signing key wants its passphrase");
  if (file.memory > kMostMemory || file.operations > kMostOperations)
    throw Error(Code::kCorrupt, "the signing key asks for more memory or work than any key does");
  Secret clear(file.secret.size());
  std::copy(file.secret.begin(), file.secret.end(), clear.span().begin());
  if (encrypted) xor_with_stream(clear.span(), file, *passphrase);
  const core::ByteSpan key = std::as_const(clear).span().first(kClearBytes);
  const core::ByteSpan sum = std::as_const(clear).span().subspan(kClearBytes);
  // Without a passphrase minisign writes no checksum.
  const bool none = !encrypted && std::all_of(sum.begin(), sum.end(), [](std::byte b) { return b == std::byte{}; });
  if (const auto right = checksum(key); !none && ::sodium_memcmp(sum.data(), right.data(), right.size()) != 0) {
    if (encrypted)
      throw Error(Code::kFailed, "the passphrase is not that of the signing key",
                  "type the same command again, with the right one; nothing was written");
    throw Error(Code::kCorrupt, "the signing key is damaged: its checksum does not fit");
  }
  Secret again(kKeyBytes);
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  ::crypto_sign_seed_keypair(public_key, raw(again.span()), raw(key.subspan(kIdBytes)));
  if (::sodium_memcmp(again.span().data(), key.data() + kIdBytes, kKeyBytes) != 0)
    throw Error(Code::kCorrupt, "the signing key is damaged: its two halves do not fit");
  clear.shorten(kClearBytes);
  return SigningKey(std::move(clear));
}

fm::SecretKeyFile SigningKey::lock(const Secret* passphrase, const Effort& effort) const {
  fm::SecretKeyFile file;
  file.comment = fmt::format("secret key {} of darkshelf", fm::text_of(public_key().id));
  if (passphrase == nullptr) {
    file.derivation = fm::SecretKeyFile::Derivation::kNone;
    std::copy(secret_.span().begin(), secret_.span().end(), file.secret.begin());
    return file;  // no checksum either, as minisign has it
  }
  ::randombytes_buf(file.salt.data(), file.salt.size());
  file.operations = effort.operations;
  file.memory = effort.memory;
  Secret bytes(file.secret.size());
  const auto sum = checksum(secret_.span());
  std::copy(sum.begin(), sum.end(), std::copy(secret_.span().begin(), secret_.span().end(), bytes.span().begin()));
  xor_with_stream(bytes.span(), file, *passphrase);
  std::copy(bytes.span().begin(), bytes.span().end(), file.secret.begin());
  return file;
}

fm::PublicKey SigningKey::public_key() const {
  fm::PublicKey key;
  const core::ByteSpan bytes = secret_.span();
  std::copy_n(bytes.begin(), key.id.size(), key.id.begin());
  std::copy_n(bytes.begin() + kIdBytes + crypto_sign_SEEDBYTES, key.key.size(), key.key.begin());
  key.comment = fmt::format("public key {} of darkshelf", fm::text_of(key.id));
  return key;
}

fm::Signature SigningKey::sign(core::ByteSpan message, const std::string& trusted_comment,
                               const std::string& comment) const {
  fm::Signature out;
  out.comment = comment;
  out.trusted_comment = trusted_comment;
  out.id = public_key().id;
  const unsigned char* key = raw(secret_.span().subspan(kIdBytes));
  const Hash hash = prehash(message);
  ::crypto_sign_detached(raw(core::MutableByteSpan(out.signature)), nullptr, raw(core::ByteSpan(hash)), hash.size(),
                         key);
  const core::Bytes all = with_comment(out);
  ::crypto_sign_detached(raw(core::MutableByteSpan(out.global)), nullptr, raw(core::ByteSpan(all)), all.size(), key);
  return out;
}

Verdict verify(const fm::PublicKey& key, core::ByteSpan message, const fm::Signature& signature) {
  begin();
  if (key.id != signature.id) return Verdict::kOtherKey;
  const unsigned char* public_key = raw(core::ByteSpan(key.key));
  const auto fits = [&](const std::array<std::byte, 64>& one, core::ByteSpan over) {
    return ::crypto_sign_verify_detached(raw(core::ByteSpan(one)), raw(over), over.size(), public_key) == 0;
  };
  const Hash hash = prehash(message);
  const bool both = fits(signature.signature, signature.prehashed ? core::ByteSpan(hash) : message) &&
                    fits(signature.global, with_comment(signature));
  return both ? Verdict::kFits : Verdict::kDoesNotMatch;
}

}  // namespace darkshelf::sign
