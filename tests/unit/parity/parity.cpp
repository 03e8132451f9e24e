// Recovery slices against their definition; what is lost comes back; sets stream within the memory they are given.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <numeric>
#include <thread>

#include "core/error.hpp"
#include "parity/matrix.hpp"
#include "parity/reconstruct.hpp"
#include "parity/recovery_plan.hpp"
#include "parity/set_builder.hpp"
#include "parity/set_reader.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"
#include "support/watched_file_system.hpp"

namespace darkshelf::testing {
namespace {

std::vector<core::Bytes> slices_of(std::uint32_t count, std::uint64_t bytes, std::uint64_t seed) {
  std::vector<core::Bytes> slices;
  for (std::uint32_t i = 0; i < count; ++i) slices.push_back(seeded_bytes(bytes, seed + i));
  return slices;
}

std::vector<core::Bytes> recovery_by_definition(const std::vector<core::Bytes>& slices,
                                                const std::vector<std::uint16_t>& exponents) {
  std::vector<core::Bytes> recovery;
  for (const std::uint16_t exponent : exponents) {
    core::Bytes sum(slices.front().size());
    for (std::uint32_t i = 0; i < slices.size(); ++i) parity::add_by_definition(sum, slices[i], i, exponent);
    recovery.push_back(std::move(sum));
  }
  return recovery;
}

std::vector<core::Bytes> recovery_by_plan(const std::vector<core::Bytes>& slices, const parity::RecoveryPlan& plan,
                                          std::uint64_t seed) {
  std::vector<core::Bytes> recovery(plan.request().exponents.size(), core::Bytes(plan.request().slice_bytes));
  std::vector<std::uint32_t> order(slices.size());
  std::iota(order.begin(), order.end(), 0u);
  Dice dice(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[dice.below(i)]);
  for (std::size_t pass = 0; pass < plan.passes().size(); ++pass) {
    const parity::Columns columns = plan.passes()[pass];
    parity::Accumulator sums(plan, pass);
    for (const std::uint32_t slice : order)
      sums.add(slice, core::ByteSpan(slices[slice]).subspan(columns.begin, columns.bytes()));
    sums.finish();
    for (std::size_t r = 0; r < recovery.size(); ++r)
      sums.read(r, core::MutableByteSpan(recovery[r]).subspan(columns.begin, columns.bytes()));
  }
  return recovery;
}

}  // namespace

TEST_CASE("recovery plan: what it computes is the definition, in any order, memory and number of threads") {
  const std::vector<std::uint16_t> exponents = {0, 1, 2, 3, 7, 100, 4097, 32767, 65534};
  for (const std::uint64_t bytes : {4u, 124u, 128u, 4096u, 5000u}) {
    const auto slices = slices_of(37, bytes, bytes);
    const auto wanted = recovery_by_definition(slices, exponents);
    for (const unsigned threads : {1u, 2u, 5u}) {
      for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{4} << 20}) {
        CAPTURE(bytes, threads, memory);
        for (const parity::Method method : {parity::Method::kDirect, parity::Method::kTransform}) {
          const parity::RecoveryPlan plan({bytes, 37, exponents, memory, threads}, method);
          CHECK(plan.memory_needed() <= memory);
          CHECK(recovery_by_plan(slices, plan, threads) == wanted);
        }
      }
    }
  }
}

TEST_CASE("recovery plan: little memory means several passes, too little is said") {
  std::vector<std::uint16_t> exponents(64);
  std::iota(exponents.begin(), exponents.end(), std::uint16_t{0});
  const auto slices = slices_of(20, 65'536, 5);
  const auto wanted = recovery_by_definition(slices, exponents);
  const parity::RecoveryPlan roomy({65'536, 20, exponents, 64 << 20, 2});
  CHECK(roomy.passes().size() == 1);
  const parity::RecoveryPlan tight({65'536, 20, exponents, 2 << 20, 2});
  CHECK(tight.passes().size() > 1);
  CHECK(recovery_by_plan(slices, tight, 1) == wanted);
  CHECK_THROWS_AS(parity::RecoveryPlan({65'536, 20, exponents, 1000, 2}), core::Error);
  CHECK_THROWS_AS(parity::RecoveryPlan({65'536, 32'769, exponents, 1 << 30, 2}), core::Error);
  CHECK_THROWS_AS(parity::RecoveryPlan({65'535, 20, exponents, 1 << 30, 2}), core::Error);
}

TEST_CASE("recovery plan: an 8 GiB volume is read once in order when its memory allows, and says what it reads") {
  parity::RecoveryRequest request;
  request.slice_bytes = 262'144;
  request.slices = 32'768;
  request.exponents.resize(3277);
  std::iota(request.exponents.begin(), request.exponents.end(), std::uint16_t{0});
  request.threads = 2;
  const std::uint64_t volume = std::uint64_t{8} << 30;
  request.memory = std::uint64_t{2} << 30;
  const parity::RecoveryPlan grouped(request);
  CHECK(grouped.passes().size() == 1);
  CHECK(grouped.memory_needed() <= request.memory);
  CHECK(grouped.read_pattern().bytes == volume);
  CHECK(grouped.read_pattern().seeks == 1);
  CHECK(grouped.read_pattern().disk_seconds == Approx(57.3).margin(0.1));
  CHECK(grouped.explanation().find("transform in groups of") != std::string::npos);
  request.memory = std::uint64_t{256} << 20;
  const parity::RecoveryPlan columns(request);
  const parity::ReadPattern pattern = columns.read_pattern();
  CHECK(columns.memory_needed() <= request.memory);
  CHECK(columns.passes().size() > 1);
  CHECK(pattern.seeks == 1 + (columns.passes().size() - 1) * request.slices);
  CHECK(pattern.bytes == 2 * volume - columns.passes().front().bytes() * request.slices);
  CHECK(pattern.disk_seconds > 57.3 * static_cast<double>(columns.passes().size()) * 0.95);
  CHECK(columns.explanation().find("of reading again") != std::string::npos);
}

TEST_CASE("reconstruct: any lost slices from any recovery slices") {
  Dice dice(11);
  for (int round = 0; round < 30; ++round) {
    const auto count = static_cast<std::uint32_t>(2 + dice.below(60));
    const std::uint64_t bytes = 4 * (1 + dice.below(300));
    const auto slices = slices_of(count, bytes, 1000 + static_cast<std::uint64_t>(round));
    std::vector<std::uint32_t> lost;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (dice.below(4) == 0) lost.push_back(i);
    }
    std::vector<std::uint16_t> exponents;
    for (std::uint16_t e = static_cast<std::uint16_t>(dice.below(30'000));
         exponents.size() < lost.size() + dice.below(4); e = static_cast<std::uint16_t>(e + 1 + dice.below(500)))
      exponents.push_back(e);
    CAPTURE(round, count, bytes, lost.size(), exponents.size());
    const auto recovery = recovery_by_definition(slices, exponents);
    std::map<std::uint32_t, core::Bytes> rebuilt;
    parity::ReconstructRequest request;
    request.slice_bytes = bytes;
    request.slices = count;
    request.lost = lost;
    request.recovery = exponents;
    request.read_slice = [&](std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into) {
      REQUIRE(std::find(lost.begin(), lost.end(), slice) == lost.end());
      std::copy_n(slices[slice].begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    };
    request.read_recovery = [&](std::size_t index, std::uint64_t offset, core::MutableByteSpan into) {
      std::copy_n(recovery[index].begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    };
    request.write_slice = [&](std::uint32_t slice, std::uint64_t offset, core::ByteSpan got) {
      core::Bytes& into = rebuilt.try_emplace(slice, core::Bytes(bytes)).first->second;
      std::copy(got.begin(), got.end(), into.begin() + static_cast<std::ptrdiff_t>(offset));
    };
    parity::reconstruct(request, {});
    REQUIRE(rebuilt.size() == lost.size());
    for (const auto& [slice, content] : rebuilt) REQUIRE(content == slices[slice]);
  }
}

TEST_CASE("reconstruct: too few recovery slices is said, and nothing is written") {
  parity::ReconstructRequest request;
  request.slice_bytes = 64;
  request.slices = 4;
  request.lost = {1, 2};
  request.recovery = {0};
  request.read_slice = [](std::uint32_t, std::uint64_t, core::MutableByteSpan) {};
  request.read_recovery = [](std::size_t, std::uint64_t, core::MutableByteSpan) {};
  request.write_slice = [](std::uint32_t, std::uint64_t, core::ByteSpan) { FAIL("nothing may be written"); };
  try {
    parity::reconstruct(request, {});
    FAIL("it cannot be done");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kUnrepairable);
  }
}

TEST_CASE("matrix: a choice of recovery slices that cannot be solved is passed over") {
  // n(k) of slices whose logs differ by 65535/3 make equal factors at exponents that are multiples of 3 (the known flaw
  // of PAR2's matrix); such a pair is found by search.
  std::uint32_t a = 0, b = 0;
  for (std::uint32_t i = 0; i < gf16::kMaxSlices && b == 0; ++i) {
    for (std::uint32_t j = i + 1; j < gf16::kMaxSlices; ++j) {
      if (gf16::slice_log(j) - gf16::slice_log(i) == 65535 / 3) {
        a = i;
        b = j;
        break;
      }
    }
  }
  REQUIRE(b != 0);
  REQUIRE(gf16::factor(a, 3) == gf16::factor(b, 3));
  const std::vector<std::uint32_t> lost = {a, b};
  CHECK_FALSE(parity::solve(lost, {0, 3}, {}));
  CHECK(parity::solve(lost, {0, 1}, {}));
  CHECK_FALSE(parity::solve(lost, {0, 3, 6}, {}));
  const auto solution = parity::solve(lost, {0, 3, 6, 7}, {});
  REQUIRE(solution);
  CHECK(std::find(solution->rows.begin(), solution->rows.end(), 3) != solution->rows.end());
}

TEST_CASE("matrix: what is said to contribute to a lost slice does, whatever is missing between the exponents") {
  Dice dice(31);
  for (int round = 0; round < 40; ++round) {
    const std::size_t n = 1 + dice.below(70);
    std::vector<std::uint32_t> lost;
    for (std::uint32_t slice = static_cast<std::uint32_t>(dice.below(100)); lost.size() < n;
         slice += static_cast<std::uint32_t>(1 + dice.below(300)))
      lost.push_back(slice);
    std::vector<std::uint16_t> exponents;
    const std::uint64_t gaps = 1 + dice.below(4) * dice.below(200);
    for (std::uint32_t e = static_cast<std::uint32_t>(dice.below(2000));
         exponents.size() < n + dice.below(3) && e < 65'535; e += static_cast<std::uint32_t>(1 + dice.below(gaps)))
      exponents.push_back(static_cast<std::uint16_t>(e));
    if (exponents.size() < n) continue;
    CAPTURE(round, n, gaps);
    const auto solution = parity::solve(lost, exponents, {});
    REQUIRE(solution);
    REQUIRE(solution->rows.size() == n);
    // Inverse times matrix is one.
    for (std::size_t u = 0; u < n; ++u) {
      for (std::size_t v = 0; v < n; ++v) {
        gf16::Word sum = 0;
        for (std::size_t r = 0; r < n; ++r) {
          sum = static_cast<gf16::Word>(
              sum ^ gf16::multiply(solution->inverse[u * n + r], gf16::factor(lost[v], exponents[solution->rows[r]])));
        }
        REQUIRE(sum == (u == v ? 1 : 0));
      }
    }
  }
}

TEST_CASE("set builder: the same bytes whatever the memory, the threads and the pieces") {
  const std::vector<std::pair<std::string, std::size_t>> files = {{"a", 50'000}, {"b/c", 1}, {"d", 123'456}};
  std::vector<core::Bytes> contents;
  for (const auto& [name, bytes] : files) contents.push_back(seeded_bytes(bytes, bytes));
  std::map<std::string, core::Bytes> first;
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{3} << 20}) {
    for (const unsigned threads : {1u, 3u}) {
      TempDir temp;
      std::vector<parity::SetFile> set;
      for (std::size_t i = 0; i < files.size(); ++i) {
        const core::ByteSpan content = contents[i];
        set.push_back({files[i].first, files[i].second,
                       digest::md5(content.first(std::min<std::size_t>(content.size(), 16'384)))});
      }
      core::Work work;
      work.memory = memory;
      work.threads = threads;
      parity::SetBuilder builder(set, {"set", 1024, 0, 60, "test"}, work);
      Dice dice(threads);
      for (const std::size_t i : {2u, 0u, 1u}) {
        builder.begin_file(i);
        for (std::size_t at = 0; at < contents[i].size();) {
          const std::size_t piece = std::min<std::size_t>(contents[i].size() - at, 1 + dice.below(7000));
          builder.append(core::ByteSpan(contents[i]).subspan(at, piece));
          at += piece;
        }
        builder.end_file();
        CHECK(builder.digests(i).sha256 == digest::sha256(contents[i]));
        CHECK(builder.digests(i).md5 == digest::md5(contents[i]));
      }
      builder.write([&](const std::string& name) { return io::posix().create(temp / name); },
                    [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
                      std::copy_n(contents[file].begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                                  into.begin());
                    });
      std::map<std::string, core::Bytes> written;
      for (const std::string& name : builder.file_names())
        written[name] = io::read_file(io::posix(), temp / name, 1 << 20);
      CHECK(written.size() == 2);
      if (first.empty()) first = written;
      CHECK(written == first);
      const parity::PacketScan scan = parity::scan_packets(
          io::posix(), parity::files_of_set(io::posix(), temp / "set.par2"), io::ReadMode::kCached, {});
      CHECK(scan.bad.empty());
      CHECK(scan.recovery.size() == 60);
      CHECK(parity::numbered_files(scan).size() == files.size());
    }
  }
}

}  // namespace darkshelf::testing
