#include "digest/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "core/error.hpp"

namespace darkshelf::digest {

namespace {

using core::Code;
using core::Error;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// One running OpenSSL hash.
class Running {
 public:
  explicit Running(const EVP_MD* kind) : context_(EVP_MD_CTX_new()), kind_(kind) { start(); }
  Running(const Running& other) : context_(EVP_MD_CTX_new()), kind_(other.kind_) { copy(other); }
  Running& operator=(const Running& other) {
    copy(other);
    return *this;
  }

  void update(core::ByteSpan bytes) { must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }
  template <std::size_t N>
  std::array<std::byte, N> finish() {
    std::array<std::byte, N> out;
    must(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr));
    start();
    return out;
  }

 private:
  static void must(int done) {
    if (done != 1) throw Error(Code::kFailed, "the system's cryptography library (OpenSSL) refused to compute a hash");
  }
  void start() { must(context_ ? EVP_DigestInit_ex(context_.get(), kind_, nullptr) : 0); }
  void copy(const Running& other) { must(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get())); }

  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
  const EVP_MD* kind_;
};

template <std::size_t N>
std::array<std::byte, N> at_once(const EVP_MD* kind, core::ByteSpan bytes) {
  Running running(kind);
  running.update(bytes);
  return running.finish<N>();
}

}  // namespace

struct Sha256Stream::State : Running {
  State() : Running(EVP_sha256()) {}
};
struct Md5Stream::State : Running {
  State() : Running(EVP_md5()) {}
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::Sha256Stream(const Sha256Stream& other) : state_(std::make_unique<State>(*other.state_)) {}
Sha256Stream& Sha256Stream::operator=(const Sha256Stream& other) {
  *state_ = *other.state_;
  return *this;
}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;
void Sha256Stream::update(core::ByteSpan bytes) { state_->update(bytes); }
Sha256 Sha256Stream::finish() { return state_->finish<32>(); }

Md5Stream::Md5Stream() : state_(std::make_unique<State>()) {}
Md5Stream::Md5Stream(const Md5Stream& other) : state_(std::make_unique<State>(*other.state_)) {}
Md5Stream& Md5Stream::operator=(const Md5Stream& other) {
  *state_ = *other.state_;
  return *this;
}
Md5Stream::Md5Stream(Md5Stream&&) noexcept = default;
Md5Stream& Md5Stream::operator=(Md5Stream&&) noexcept = default;
Md5Stream::~Md5Stream() = default;
void Md5Stream::update(core::ByteSpan bytes) { state_->update(bytes); }
Md5 Md5Stream::finish() { return state_->finish<16>(); }

Sha256 sha256(core::ByteSpan bytes) { return at_once<32>(EVP_sha256(), bytes); }
Md5 md5(core::ByteSpan bytes) { return at_once<16>(EVP_md5(), bytes); }

namespace {

/// Of a slice that is padded with zeros.
SliceDigests padded_digests(core::ByteSpan bytes, std::uint64_t slice_bytes) {
  static constexpr std::array<std::byte, 65536> kZeros{};
  SliceDigests out;
  Running md5(EVP_md5());
  md5.update(bytes);
  const std::uint64_t padding = slice_bytes - bytes.size();
  for (std::uint64_t rest = padding; rest != 0;) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(rest, kZeros.size()));
    md5.update({kZeros.data(), part});
    rest -= part;
  }
  out.md5 = md5.finish<16>();
  out.crc32 = crc32_zeros(crc32(bytes), padding);
  return out;
}

}  // namespace

void slice_digests(core::ByteSpan bytes, std::uint64_t slice_bytes, Hashes hashes, std::span<SliceDigests> out) {
  const auto slice = [&](std::size_t i) {
    return bytes.subspan(i * slice_bytes, std::min<std::uint64_t>(slice_bytes, bytes.size() - i * slice_bytes));
  };
  const std::size_t whole = bytes.size() / slice_bytes;
  std::vector<const std::byte*> messages(whole);
  std::vector<Md5> md5(whole);
  for (std::size_t i = 0; i < whole; ++i) messages[i] = slice(i).data();
  md5_many(messages, slice_bytes, md5);
  std::vector<Sha256> sha256_of_whole(hashes == Hashes::kPar2AndSha256 ? whole : 0);
  if (!sha256_of_whole.empty()) sha256_many(messages, slice_bytes, sha256_of_whole);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i < whole) {
      out[i].md5 = md5[i];
      out[i].crc32 = crc32(slice(i));
    } else {
      out[i] = padded_digests(slice(i), slice_bytes);
    }
    if (hashes == Hashes::kPar2AndSha256) out[i].sha256 = i < whole ? sha256_of_whole[i] : sha256(slice(i));
  }
}

}  // namespace darkshelf::digest
