// The real minisign, and b2sum with openssl, as judges of what we sign; and we of what minisign does.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "sign/sign.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fm = formats::minisig;

constexpr const char* kText = "hex  members.jsonl\nhex  bag-info.txt\n";

void put(const io::Path& path, const std::string& text) {
  io::write_file_durably(io::posix(), path, core::as_bytes(text));
}
std::string get(const io::Path& path) { return io::read_text(io::posix(), path, 1 << 20); }

sign::Secret secret(std::string_view text) {
  sign::Secret out(text.size());
  std::memcpy(out.span().data(), text.data(), text.size());
  return out;
}

ProcessResult in_folder(const TempDir& folder, const std::vector<std::string>& command, const std::string& input = {}) {
  ProcessOptions options;
  options.folder = folder.path();
  options.input = input;
  return run_process(command, options);
}

bool lacks_minisign() {
  if (has_program("minisign")) return false;
  skip("there is no minisign");
  return true;
}

}  // namespace

TEST_CASE("minisign: it accepts our signatures, and not when a byte of message or comment is another") {
  if (lacks_minisign()) return;
  TempDir temp;
  const auto key = sign::SigningKey::generate();
  const fm::Signature signature = key.sign(core::as_bytes(kText), "darkshelf volume 1", "signature");
  put(temp / "our.pub", fm::encode_public_key(key.public_key()));
  put(temp / "seal", kText);
  put(temp / "seal.minisig", fm::encode_signature(signature));
  const std::vector<std::string> verify = {"minisign", "-V", "-H", "-p", "our.pub", "-m", "seal"};
  const ProcessResult good = in_folder(temp, verify);
  INFO(good.out << good.err);
  CHECK(good.exit_code == 0);
  CHECK(good.out.find("Trusted comment: darkshelf volume 1") != std::string::npos);
  CHECK(in_folder(temp, {"minisign", "-V", "-P", fm::public_key_line(key.public_key()), "-m", "seal"}).exit_code == 0);
  fm::Signature other = signature;
  other.trusted_comment = "darkshelf volume 2";
  put(temp / "seal.minisig", fm::encode_signature(other));
  CHECK(in_folder(temp, verify).exit_code != 0);
  put(temp / "seal.minisig", fm::encode_signature(signature));
  put(temp / "seal", std::string(kText) + "x");
  CHECK(in_folder(temp, verify).exit_code != 0);
}

TEST_CASE("minisign: it signs with our secret keys, with and without a passphrase") {
  if (lacks_minisign()) return;
  TempDir temp;
  const auto key = sign::SigningKey::generate();
  const sign::Secret passphrase = secret("correct horse ü");
  put(temp / "locked.key", fm::encode_secret_key(key.lock(&passphrase)));
  put(temp / "open.key", fm::encode_secret_key(key.lock(nullptr)));
  put(temp / "seal", kText);
  for (const char* name : {"locked.key", "open.key"}) {
    INFO(name);
    const ProcessResult signed_by_it =
        in_folder(temp, {"minisign", "-S", "-s", name, "-m", "seal", "-x", std::string(name) + ".minisig", "-t", "its"},
                  "correct horse ü\n");
    INFO(signed_by_it.out << signed_by_it.err);
    REQUIRE(signed_by_it.exit_code == 0);
    const fm::Signature signature = fm::decode_signature(get(temp / (std::string(name) + ".minisig")));
    CHECK(sign::verify(key.public_key(), core::as_bytes(kText), signature) == sign::Verdict::kFits);
    CHECK(signature.trusted_comment == "its");
  }
  CHECK(in_folder(temp, {"minisign", "-S", "-s", "locked.key", "-m", "seal"}, "wrong\n").exit_code != 0);
}

TEST_CASE("minisign: we read its keys and accept its signatures, legacy ones too") {
  if (lacks_minisign()) return;
  TempDir temp;
  REQUIRE(in_folder(temp, {"minisign", "-G", "-W", "-p", "its.pub", "-s", "its.key"}).exit_code == 0);
  put(temp / "seal", kText);
  REQUIRE(in_folder(temp, {"minisign", "-S", "-s", "its.key", "-m", "seal"}).exit_code == 0);
  REQUIRE(in_folder(temp, {"minisign", "-S", "-l", "-s", "its.key", "-m", "seal", "-x", "legacy"}).exit_code == 0);
  const fm::PublicKey key = fm::decode_public_key(get(temp / "its.pub"));
  // In the comment minisign leaves out zeros in front.
  const std::string id = fm::text_of(key.id);
  CHECK(get(temp / "its.pub").find(id.substr(id.find_first_not_of('0'))) != std::string::npos);
  for (const char* name : {"seal.minisig", "legacy"}) {
    INFO(name);
    const fm::Signature signature = fm::decode_signature(get(temp / name));
    CHECK(signature.prehashed == (std::string(name) != "legacy"));
    CHECK(sign::verify(key, core::as_bytes(kText), signature) == sign::Verdict::kFits);
    CHECK(sign::verify(key, core::as_bytes("other"), signature) == sign::Verdict::kDoesNotMatch);
  }
  const auto opened = sign::SigningKey::unlock(fm::decode_secret_key(get(temp / "its.key")), nullptr);
  CHECK(opened.public_key().key == key.key);
}

TEST_CASE("minisign: b2sum and openssl accept our signatures too") {
  for (const char* program : {"b2sum", "openssl", "basenc"}) {
    if (has_program(program)) continue;
    skip(fmt::format("there is no program {}", program));
    return;
  }
  TempDir temp;
  const auto key = sign::SigningKey::generate();
  put(temp / "our.pub", fm::encode_public_key(key.public_key()));
  put(temp / "seal", kText);
  put(temp / "seal.minisig", fm::encode_signature(key.sign(core::as_bytes(kText), "größer", "x")));
  const std::string script = R"sh(set -e
{ printf '302A300506032B6570032100' | basenc --base16 -d; sed -n 2p our.pub | base64 -d | tail -c 32; } > key.der
sed -n 2p seal.minisig | base64 -d | tail -c 64 > one
sed -n 4p seal.minisig | base64 -d > two
b2sum -l 512 seal | head -c 128 | tr a-f A-F | basenc --base16 -d > hash
{ cat one; sed -n 3p seal.minisig | tail -c +18 | head -c -1; } > commented
openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in hash -sigfile one
openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in commented -sigfile two
)sh";
  const ProcessResult judged = in_folder(temp, {"bash", "-c", script});
  INFO(judged.out << judged.err);
  CHECK(judged.exit_code == 0);
  put(temp / "seal", std::string(kText) + "x");
  CHECK(in_folder(temp, {"bash", "-c", script}).exit_code != 0);
}

}  // namespace darkshelf::testing
