// The codecs of formats/minisig against vectors made from its SPEC, and against files of minisign itself.

#include "support/vectors.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "formats/minisig/minisig.hpp"
#include "sign/sign.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fm = formats::minisig;

std::string round_trip(const std::string& name, const std::string& text) {
  if (name.ends_with(".pub")) return fm::encode_public_key(fm::decode_public_key(text));
  if (name.ends_with(".key")) return fm::encode_secret_key(fm::decode_secret_key(text));
  return fm::encode_signature(fm::decode_signature(text));
}

sign::Secret secret(std::string_view text) {
  sign::Secret out(text.size());
  std::memcpy(out.span().data(), text.data(), text.size());
  return out;
}

sign::Verdict verdict(const std::map<std::string, std::string>& files, const std::string& key,
                      const std::string& signature) {
  return sign::verify(fm::decode_public_key(files.at(key)), core::as_bytes(files.at("message.txt")),
                      fm::decode_signature(files.at(signature)));
}

}  // namespace

TEST_CASE("minisig vectors: valid ones decode, encode to the same bytes, and fit each other") {
  const auto files = vectors_in("minisig/vectors/valid");
  CHECK(files.size() == 8);
  for (const auto& [name, text] : files) {
    INFO(name);
    if (name != "message.txt") CHECK(round_trip(name, text) == text);
  }
  const fm::PublicKey key = fm::decode_public_key(files.at("test.pub"));
  CHECK(fm::text_of(key.id) == "192A3B4C5D6E7F81");
  CHECK(key.comment == "public key 192A3B4C5D6E7F81");
  for (const char* name : {"message.txt.minisig", "message-legacy.txt.minisig", "message-long-comments.txt.minisig"}) {
    INFO(name);
    CHECK(verdict(files, "test.pub", name) == sign::Verdict::kFits);
  }
  CHECK_FALSE(fm::decode_signature(files.at("message-legacy.txt.minisig")).prehashed);
  const sign::Secret passphrase = secret("correct horse ü");
  const auto opened = sign::SigningKey::unlock(fm::decode_secret_key(files.at("test.key")), &passphrase);
  CHECK(opened.public_key().key == key.key);
  CHECK(opened.public_key().id == key.id);
  const auto open = sign::SigningKey::unlock(fm::decode_secret_key(files.at("test-no-passphrase.key")), nullptr);
  const fm::Signature again = open.sign(core::as_bytes(files.at("message.txt")), "darkshelf test\t\u00e9", "signature");
  CHECK(fm::encode_signature(again) == files.at("message.txt.minisig"));
}

TEST_CASE("minisig vectors: what only a reader takes is the same as its written form") {
  int tried = 0;
  for (const auto& [name, text] : vectors_in("minisig/vectors/valid/lenient")) {
    INFO(name);
    const std::string written = name.substr(name.find("--as-") + 5);
    CHECK(round_trip(written, text) == vector_text("minisig/vectors/valid/" + written));
    ++tried;
  }
  CHECK(tried == 4);
}

TEST_CASE("minisig vectors: each hostile one is refused with a sentence that says why") {
  const auto bad = bad_vectors("minisig");
  CHECK(bad.size() == 29);
  for (const BadVector& vector : bad)
    CHECK(other_than_refused(vector, [&] { round_trip(vector.name, vector.text); }) == "");
}

TEST_CASE("minisig vectors: files of minisign itself are read, written as they were, and fit") {
  const auto files = vectors_in("minisig/vectors/foreign");
  CHECK(files.size() == 8);
  for (const auto& [name, text] : files) {
    INFO(name);
    if (name != "message.txt") CHECK(round_trip(name, text) == text);
  }
  CHECK(verdict(files, "minisign-no-passphrase.pub", "message.txt.minisig") == sign::Verdict::kFits);
  CHECK(verdict(files, "minisign-no-passphrase.pub", "message-legacy.txt.minisig") == sign::Verdict::kFits);
  CHECK(verdict(files, "minisign.pub", "message-by-minisign-key.txt.minisig") == sign::Verdict::kFits);
  CHECK(verdict(files, "minisign.pub", "message.txt.minisig") == sign::Verdict::kOtherKey);
  const auto open = sign::SigningKey::unlock(fm::decode_secret_key(files.at("minisign-no-passphrase.key")), nullptr);
  CHECK(open.public_key().key == fm::decode_public_key(files.at("minisign-no-passphrase.pub")).key);
}

TEST_CASE("minisig vectors: a key under minisign's own passphrase opens, in the gigabyte it asks for") {
  const sign::Secret passphrase = secret("foreign");
  const auto opened =
      sign::SigningKey::unlock(fm::decode_secret_key(vector_text("minisig/vectors/foreign/minisign.key")), &passphrase);
  CHECK(opened.public_key().key == fm::decode_public_key(vector_text("minisig/vectors/foreign/minisign.pub")).key);
}

TEST_CASE("minisig vectors: cut, flipped and missing bytes never do more than an error") {
  for (const char* name : {"test.pub", "test.key", "message.txt.minisig"}) {
    INFO(name);
    CHECK(harmed_by_damage(vector_text(std::string("minisig/vectors/valid/") + name), [&](const std::string& text) {
            const std::string written = round_trip(name, text);
            if (round_trip(name, written) != written) throw std::runtime_error("does not encode to what decodes");
          }) == "");
  }
}

TEST_CASE("minisig vectors: no damage of a signature or of what it is over goes unseen") {
  const auto files = vectors_in("minisig/vectors/valid");
  const std::string good = files.at("message.txt.minisig");
  const fm::PublicKey key = fm::decode_public_key(files.at("test.pub"));
  const std::size_t first = good.find('\n') + 1;  // line 1 is protected by nothing
  for (std::size_t i = first; i + 1 < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    INFO(i);
    auto verdict = sign::Verdict::kDoesNotMatch;
    try {
      verdict = sign::verify(key, core::as_bytes(files.at("message.txt")), fm::decode_signature(bad));
    } catch (const core::Error& error) {
      CHECK(error.code() == core::Code::kCorrupt);
    }
    CHECK(verdict != sign::Verdict::kFits);
  }
}

TEST_CASE("minisig vectors: make.py makes what is committed") {
  const TempDir folder;
  CHECK(regenerated_otherwise("minisig", folder.path().string()) == "");
}

}  // namespace darkshelf::testing
