// All digests of a file in one chain, or in a thread each where the CPU cannot do that: the same ones.

#include "parity/file_chains.hpp"

#include <catch2/catch.hpp>

#include "support/chance.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {

TEST_CASE("file chains: digests of a file, its slices and its parts are the same in one chain and in several") {
  const bool at_once = GENERATE(true, false);
  const std::uint64_t slice_bytes = GENERATE(4096u, 100u);  // the other are not hashed along
  if (at_once && !digest::Md5Sha256Stream::is_possible()) return skip("the CPU has no instructions for SHA-256");
  CAPTURE(at_once, slice_bytes);
  parity::FileChains chains(digest::Hashes::kPar2AndSha256, slice_bytes, at_once);
  CHECK(chains.has_slices() == (at_once && slice_bytes == 4096));
  for (const std::size_t bytes : {10'000u, 3'000'001u}) {  // the second on threads
    const core::Bytes file = seeded_bytes(bytes, bytes);
    const core::ByteSpan all(file);
    const std::vector<std::pair<std::size_t, std::size_t>> parts = {{512, 513}, {1024, bytes - 100}};
    core::Bytes passed_on;
    chains.begin([&](core::ByteSpan more) { passed_on.insert(passed_on.end(), more.begin(), more.end()); });
    std::size_t told = 0;
    constexpr std::size_t kPiece = 1 << 20;
    for (std::size_t at = 0; at < bytes; at += kPiece) {
      while (told < parts.size() && parts[told].first < at + kPiece) {
        chains.part(parts[told].first, parts[told].second);
        ++told;
      }
      chains.update(all.subspan(at, std::min(kPiece, bytes - at)));
    }
    const auto digests = chains.finish();
    CHECK(passed_on == file);
    CHECK(digests.md5 == digest::md5(all));
    CHECK(digests.sha256 == digest::sha256(all));
    REQUIRE(digests.parts.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i)
      CHECK(digests.parts[i] == digest::sha256(all.subspan(parts[i].first, parts[i].second - parts[i].first)));
    REQUIRE(digests.slices.size() == (chains.has_slices() ? core::divide_up(bytes, slice_bytes) : 0));
    for (std::size_t i = 0; i < digests.slices.size(); ++i) {
      const std::size_t at = i * slice_bytes;
      CHECK(digests.slices[i] == digest::sha256(all.subspan(at, std::min<std::size_t>(slice_bytes, bytes - at))));
    }
  }
}

}  // namespace darkshelf::testing
