// Keys and signatures in memory: what fits, what does not, and that secrets do not stay behind.

#include "sign/sign.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "core/error.hpp"

namespace darkshelf::testing {
namespace {

namespace fm = formats::minisig;
using sign::Secret;
using sign::SigningKey;
using sign::Verdict;

constexpr sign::Effort kCheap{32768, 1 << 20};

Secret secret(std::string_view text) {
  Secret out(text.size());
  if (!text.empty()) std::memcpy(out.span().data(), text.data(), text.size());
  return out;
}

core::Code code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const core::Error& error) {
    CHECK_FALSE(std::string(error.what()).empty());
    return error.code();
  }
  FAIL("it was accepted");
  return core::Code::kFailed;
}

}  // namespace

TEST_CASE("sign: a signature fits its key, its message and its trusted comment, and nothing else") {
  const SigningKey key = SigningKey::generate(), other = SigningKey::generate();
  const auto message = core::as_bytes("the seal");
  const fm::Signature good = key.sign(message, "volume 1", "x");
  CHECK(good.prehashed);
  CHECK(sign::verify(key.public_key(), message, good) == Verdict::kFits);
  CHECK(sign::verify(key.public_key(), core::as_bytes("the seaI"), good) == Verdict::kDoesNotMatch);
  CHECK(sign::verify(key.public_key(), {}, good) == Verdict::kDoesNotMatch);
  CHECK(sign::verify(other.public_key(), message, good) == Verdict::kOtherKey);
  fm::PublicKey same_id = other.public_key();
  same_id.id = key.public_key().id;  // anybody can make a key of any id
  CHECK(sign::verify(same_id, message, good) == Verdict::kDoesNotMatch);
  const auto changed = [&](const std::function<void(fm::Signature&)>& change) {
    fm::Signature bad = good;
    change(bad);
    return sign::verify(key.public_key(), message, bad);
  };
  CHECK(changed([](fm::Signature& s) { s.comment = "untrusted is untrusted"; }) == Verdict::kFits);
  CHECK(changed([](fm::Signature& s) { s.trusted_comment = "volume 2"; }) == Verdict::kDoesNotMatch);
  CHECK(changed([](fm::Signature& s) { s.prehashed = false; }) == Verdict::kDoesNotMatch);
  CHECK(changed([](fm::Signature& s) { s.global[63] ^= std::byte{1}; }) == Verdict::kDoesNotMatch);
  for (std::size_t i = 0; i < good.signature.size(); ++i)
    CHECK(changed([&](fm::Signature& s) { s.signature[i] ^= std::byte{0x10}; }) == Verdict::kDoesNotMatch);
  CHECK(key.sign(message, "volume 1", "x").signature == good.signature);  // no chance in it
}

TEST_CASE("sign: a locked key opens with its passphrase alone") {
  const SigningKey key = SigningKey::generate();
  const Secret right = secret("correct horse ü"), wrong = secret("correct horse u"), none;
  const fm::SecretKeyFile locked = key.lock(&right, kCheap), again = key.lock(&right, kCheap);
  CHECK(locked.derivation == fm::SecretKeyFile::Derivation::kScrypt);
  CHECK(locked.secret != again.secret);  // another salt
  const SigningKey opened = SigningKey::unlock(locked, &right);
  CHECK(opened.public_key().key == key.public_key().key);
  CHECK(opened.public_key().id == key.public_key().id);
  CHECK(sign::verify(key.public_key(), core::as_bytes("m"), opened.sign(core::as_bytes("m"), "t", "u")) ==
        Verdict::kFits);
  CHECK(code_of([&] { SigningKey::unlock(locked, &wrong); }) == core::Code::kFailed);
  CHECK(code_of([&] { SigningKey::unlock(locked, &none); }) == core::Code::kFailed);
  CHECK(code_of([&] { SigningKey::unlock(locked, nullptr); }) == core::Code::kFailed);

  const fm::SecretKeyFile open = key.lock(nullptr);
  CHECK(open.derivation == fm::SecretKeyFile::Derivation::kNone);
  CHECK(SigningKey::unlock(open, nullptr).public_key().key == key.public_key().key);
}

TEST_CASE("sign: a damaged or greedy key file is refused") {
  const SigningKey key = SigningKey::generate();
  const Secret right = secret("p");
  fm::SecretKeyFile locked = key.lock(&right, kCheap);
  locked.secret[50] ^= std::byte{1};
  CHECK(code_of([&] { SigningKey::unlock(locked, &right); }) == core::Code::kFailed);
  locked.memory = std::uint64_t{1} << 40;
  CHECK(code_of([&] { SigningKey::unlock(locked, &right); }) == core::Code::kCorrupt);
  locked.memory = 1 << 20;
  locked.operations = ~std::uint64_t{0};
  CHECK(code_of([&] { SigningKey::unlock(locked, &right); }) == core::Code::kCorrupt);
  fm::SecretKeyFile open = key.lock(nullptr);
  open.secret[20] ^= std::byte{1};  // the seed gives another public key
  CHECK(code_of([&] { SigningKey::unlock(open, nullptr); }) == core::Code::kCorrupt);
  open = key.lock(nullptr);
  open.secret[103] = std::byte{1};  // a checksum, and it is wrong
  CHECK(code_of([&] { SigningKey::unlock(open, nullptr); }) == core::Code::kCorrupt);
}

TEST_CASE("sign: what locking costs is what SPEC.md says") {
  const SigningKey key = SigningKey::generate();
  const Secret right = secret("p");
  const fm::SecretKeyFile locked = key.lock(&right);
  CHECK(locked.operations == 33'554'432);
  CHECK(locked.memory == 67'108'864);
}

TEST_CASE("secret: moved, shortened, compared, wiped") {
  Secret one = secret("abcdef");
  const std::byte* at = one.span().data();
  Secret two = std::move(one);
  CHECK(two.span().data() == at);
  CHECK(two == secret("abcdef"));
  CHECK_FALSE(two == secret("abcdeF"));
  two.shorten(3);
  CHECK(two == secret("abc"));
  two.shorten(9);
  CHECK(two.size() == 3);
  CHECK(Secret{} == secret(""));
  char text[] = "secret";
  sign::wipe(text, sizeof text);
  CHECK(std::all_of(std::begin(text), std::end(text), [](char c) { return c == 0; }));
}

}  // namespace darkshelf::testing
