#include "formats/minisig/minisig.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/error.hpp"

namespace darkshelf::formats::minisig {

using core::Code;
using core::Error;

namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ", kTrusted = "trusted comment: ";
constexpr std::size_t kLongestComment = 1024, kLongestTrusted = 8192;  // as minisign has them, ends included
constexpr std::string_view kPlain = "Ed", kPrehashed = "ED", kScrypt = "Sc", kBlake2b = "B2";
constexpr std::string_view kNoDerivation{"\0\0", 2};

constexpr std::size_t kPublicBytes = 42, kSecretFileBytes = 158, kSignatureBytes = 74, kGlobalBytes = 64;

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw Error(Code::kCorrupt, fmt::format("{}: {}", what, why));
}

/// Takes fields out of a line of base64, one after the other.
class Fields {
 public:
  Fields(std::string_view line, std::size_t bytes, std::string what) : what_(std::move(what)) {
    auto decoded = core::from_base64(line);
    // What has another text for the same bytes would not be the same file when it is written again.
    if (!decoded || core::to_base64(*decoded) != line) refuse(what_, "is not in base64");
    if (decoded->size() != bytes) refuse(what_, fmt::format("has {} bytes where {} belong", decoded->size(), bytes));
    bytes_ = std::move(*decoded);
  }

  std::string text(std::size_t count) {
    const std::string out(core::as_text(core::ByteSpan(bytes_).subspan(at_, count)));
    at_ += count;
    return out;
  }
  template <std::size_t N>
  void take(std::array<std::byte, N>& out) {
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), N, out.begin());
    at_ += N;
  }
  std::uint64_t number() {
    const auto value = core::load_le<std::uint64_t>(bytes_.data() + at_);
    at_ += sizeof value;
    return value;
  }
  const std::string& what() const { return what_; }

 private:
  core::Bytes bytes_;
  std::size_t at_ = 0;
  std::string what_;
};

void put(core::Bytes& out, core::ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put(core::Bytes& out, std::string_view text) { put(out, core::as_bytes(text)); }

/// `count` lines; CR in front of LF and a missing last LF are overlooked, anything behind them is not.
std::vector<std::string> lines_of(std::string_view text, std::size_t count, const std::string& what) {
  if (text.size() > kLongest) refuse(what, fmt::format("is longer than the {} bytes such a file can have", kLongest));
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (lines.size() != count) refuse(what, fmt::format("has {} lines where {} belong", lines.size(), count));
  return lines;
}

std::string comment_in(const std::string& line, std::string_view prefix, std::size_t longest, const std::string& what) {
  if (!line.starts_with(prefix)) refuse(what, fmt::format("does not begin with \"{}\"", prefix));
  if (line.size() >= longest) refuse(what, "is too long");
  if (line.find_first_of(std::string_view("\r\0", 2)) != std::string::npos) refuse(what, "holds CR or NUL");
  return line.substr(prefix.size());
}

std::string first_line(std::string_view comment) { return fmt::format("{}{}\n", kUntrusted, comment); }

}  // namespace

std::string text_of(const KeyId& id) { return fmt::format("{:016X}", core::load_le<std::uint64_t>(id.data())); }

std::string public_key_line(const PublicKey& key) {
  core::Bytes bytes;
  put(bytes, kPlain);
  put(bytes, key.id);
  put(bytes, key.key);
  return core::to_base64(bytes);
}

std::string encode_public_key(const PublicKey& key) { return first_line(key.comment) + public_key_line(key) + "\n"; }

PublicKey decode_public_key_line(std::string_view line) {
  Fields fields(line, kPublicBytes, "the public key");
  PublicKey key;
  if (fields.text(2) != kPlain) refuse(fields.what(), "is of another kind than Ed25519");
  fields.take(key.id);
  fields.take(key.key);
  return key;
}

PublicKey decode_public_key(std::string_view text) {
  const auto lines = lines_of(text, 2, "the public key file");
  PublicKey key = decode_public_key_line(lines[1]);
  key.comment = comment_in(lines[0], kUntrusted, kLongestComment, "line 1 of the public key file");
  return key;
}

std::string encode_secret_key(const SecretKeyFile& file) {
  core::Bytes bytes;
  put(bytes, kPlain);
  put(bytes, file.derivation == SecretKeyFile::Derivation::kScrypt ? kScrypt : kNoDerivation);
  put(bytes, kBlake2b);
  put(bytes, file.salt);
  for (const std::uint64_t number : {file.operations, file.memory}) {
    std::array<std::byte, 8> field{};
    core::store_le(field.data(), number);
    put(bytes, field);
  }
  put(bytes, file.secret);
  return first_line(file.comment) + core::to_base64(bytes) + "\n";
}

SecretKeyFile decode_secret_key(std::string_view text) {
  const auto lines = lines_of(text, 2, "the secret key file");
  SecretKeyFile file;
  file.comment = comment_in(lines[0], kUntrusted, kLongestComment, "line 1 of the secret key file");
  Fields fields(lines[1], kSecretFileBytes, "the secret key");
  if (fields.text(2) != kPlain) refuse(fields.what(), "is of another kind than Ed25519");
  const std::string derivation = fields.text(2);
  if (derivation != kScrypt && derivation != kNoDerivation)
    refuse(fields.what(), "is encrypted in a way that is not known");
  file.derivation = derivation == kScrypt ? SecretKeyFile::Derivation::kScrypt : SecretKeyFile::Derivation::kNone;
  if (fields.text(2) != kBlake2b) refuse(fields.what(), "has a checksum of an unknown kind");
  fields.take(file.salt);
  file.operations = fields.number();
  file.memory = fields.number();
  fields.take(file.secret);
  return file;
}

std::string encode_signature(const Signature& signature) {
  core::Bytes bytes;
  put(bytes, signature.prehashed ? kPrehashed : kPlain);
  put(bytes, signature.id);
  put(bytes, signature.signature);
  return fmt::format("{}{}\n{}{}\n{}\n", first_line(signature.comment), core::to_base64(bytes), kTrusted,
                     signature.trusted_comment, core::to_base64(signature.global));
}

Signature decode_signature(std::string_view text) {
  const auto lines = lines_of(text, 4, "the signature file");
  Signature signature;
  signature.comment = comment_in(lines[0], kUntrusted, kLongestComment, "line 1 of the signature file");
  Fields fields(lines[1], kSignatureBytes, "the signature");
  const std::string algorithm = fields.text(2);
  if (algorithm != kPlain && algorithm != kPrehashed) refuse(fields.what(), "is of another kind than Ed25519");
  signature.prehashed = algorithm == kPrehashed;
  fields.take(signature.id);
  fields.take(signature.signature);
  signature.trusted_comment = comment_in(lines[2], kTrusted, kLongestTrusted, "line 3 of the signature file");
  Fields global(lines[3], kGlobalBytes, "the signature of the trusted comment");
  global.take(signature.global);
  return signature;
}

}  // namespace darkshelf::formats::minisig
