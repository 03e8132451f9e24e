#include "digest/sha1.hpp"

#include <openssl/evp.h>

#include "core/error.hpp"

namespace darkshelf::digest {

namespace {

void must(int done) {
  if (done != 1)
    throw core::Error(core::Code::kFailed, "the system's cryptography library (OpenSSL) refused to compute a SHA-1");
}

}  // namespace

struct Sha1Stream::State {
  State() : context(EVP_MD_CTX_new()) {
    must(context != nullptr ? EVP_DigestInit_ex(context, EVP_sha1(), nullptr) : 0);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
  EVP_MD_CTX* context;
};

Sha1Stream::Sha1Stream() : state_(std::make_unique<State>()) {}
Sha1Stream::Sha1Stream(Sha1Stream&&) noexcept = default;
Sha1Stream& Sha1Stream::operator=(Sha1Stream&&) noexcept = default;
Sha1Stream::~Sha1Stream() = default;

void Sha1Stream::update(core::ByteSpan bytes) { must(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size())); }

Sha1 Sha1Stream::finish() {
  Sha1 out{};
  must(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), nullptr));
  return out;
}

}  // namespace darkshelf::digest
