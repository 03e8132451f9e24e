// One core's worth of parity and of its digests: kernels beside what bounds them, the transform, MD5 and CRC-32.
// Everything lies in a second-level cache, as it does in a real run.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <ctime>
#include <numeric>

#include "core/bytes.hpp"
#include "digest/digest.hpp"
#include "gf16/transform.hpp"

namespace darkshelf {
namespace {

using Bench = benchmark::State;

/// Cycles a second of this core while it works: a dependent addition takes one. 0 where it is not known how to ask.
double clock_rate() {
#ifdef __x86_64__
  static const double kRate = [] {
    constexpr std::uint64_t kSteps = 400'000'000;
    std::uint64_t value = 1;
    const std::uint64_t step = static_cast<std::uint64_t>(std::clock()) | 1;  // a constant would be folded by the CPU
    const std::clock_t began = std::clock();                                  // CPU time: others may use this core too
    for (std::uint64_t i = 0; i < kSteps; i += 4)
      asm volatile("add %1,%0\nadd %1,%0\nadd %1,%0\nadd %1,%0" : "+r"(value) : "r"(step));
    return static_cast<double>(kSteps) * CLOCKS_PER_SEC / static_cast<double>(std::clock() - began);
  }();
  return kRate;
#else
  return 0;
#endif
}

/// What bounds a kernel on an Intel core since Ice Lake: the operations of a vector's product with a constant and its
/// addition, on the ports they all need, so many a cycle. Loads are shared by several outputs and vectors, and fit
/// beside them.
struct Bound {
  std::string_view kernel;
  double width, operations, ports;
};
constexpr Bound kBounds[] = {
    {"scalar", 1, 2, 3},          // loads: the byte's own and that of the table
    {"avx2", 32, 4, 3},           // two PSHUFB, two XOR (the nibbles are taken apart once for all outputs)
    {"gfni-avx2", 32, 2, 3},      // GF2P8AFFINEQB and XOR
    {"gfni-avx512", 64, 1.5, 2},  // GF2P8AFFINEQB, and half of a ternary XOR
};

struct Regions {
  Regions(std::size_t count, std::size_t bytes) : bytes_(bytes), data_(count * bytes) {
    for (std::size_t i = 0; i < data_.size(); ++i) data_.data()[i] = static_cast<std::byte>(i * 2654435761u >> 13);
    for (std::size_t i = 0; i < count; ++i) pointers.push_back(data_.data() + i * bytes_);
  }
  std::vector<const std::byte*> inputs() const { return {pointers.begin(), pointers.end()}; }
  std::vector<std::byte*> pointers;

 private:
  std::size_t bytes_;
  core::AlignedBuffer data_;
};

/// Sums of products: outputs x inputs, regions of 128 bytes as the transform has them.
void sums(Bench& state, const gf16::Kernel* kernel) {
  constexpr std::size_t kBytes = 128;
  const auto outputs = static_cast<std::size_t>(state.range(0)), inputs = static_cast<std::size_t>(state.range(1));
  Regions from(inputs, kBytes), to(outputs, kBytes);
  std::vector<gf16::Scalar> factors(outputs * inputs);
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = static_cast<gf16::Scalar>(i * 37 + 1);
  const auto in = from.inputs();
  for (auto step : state) {
    kernel->add(to.pointers.data(), outputs, in.data(), inputs, factors.data(), kBytes);
    benchmark::ClobberMemory();
  }
  const auto products = static_cast<double>(outputs * inputs * kBytes) * static_cast<double>(state.iterations());
  state.counters["GB/s"] = benchmark::Counter(products / 1e9, benchmark::Counter::kIsRate);
  for (const Bound& bound : kBounds) {
    if (bound.kernel == kernel->name)
      state.counters["bound_GB/s"] = clock_rate() / 1e9 * bound.width * bound.ports / bound.operations;
  }
}

void to_tower(Bench& state, const gf16::Kernel* kernel) {
  constexpr std::size_t kBytes = 128;
  core::AlignedBuffer from(2 * kBytes), to(2 * kBytes);
  for (auto step : state) {
    kernel->to_tower(to.data(), to.data() + kBytes, from.data(), kBytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(2 * kBytes) * state.iterations());
}

/// Input bytes a second, columns of 256 bytes of so many slices, a tenth as many recovery slices.
void transform(Bench& state, const gf16::Kernel* kernel) {
  constexpr std::size_t kHalf = 128;
  std::vector<std::uint32_t> slices(static_cast<std::size_t>(state.range(0)));
  std::iota(slices.begin(), slices.end(), 0u);
  std::vector<gf16::Word> exponents(slices.size() / 10);
  std::iota(exponents.begin(), exponents.end(), gf16::Word{0});
  const gf16::Transform transform(slices, exponents, *kernel);
  Regions from(slices.size(), 2 * kHalf), to(exponents.size(), 2 * kHalf);
  core::AlignedBuffer scratch(transform.scratch_bytes(kHalf));
  const auto in = from.inputs();
  for (auto step : state) {
    transform.add(to.pointers.data(), in.data(), scratch.data(), kHalf);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(slices.size() * 2 * kHalf) * state.iterations());
  state.counters["products/byte"] = gf16::Transform::cost(slices, exponents) / static_cast<double>(slices.size());
  state.counters["definition"] = 2 * static_cast<double>(exponents.size());
}

void md5_lanes(Bench& state, std::size_t lanes) {
  constexpr std::size_t kMessages = 16, kBytes = 32'768;
  Regions messages(kMessages, kBytes);
  const auto in = messages.inputs();
  std::vector<digest::Md5> out(kMessages);
  for (auto step : state) digest::md5_many(in, kBytes, out, lanes);
  state.SetBytesProcessed(static_cast<std::int64_t>(kMessages * kBytes) * state.iterations());
}

void md5_chain(Bench& state) {
  core::AlignedBuffer bytes(1 << 20);
  digest::Md5Stream md5;
  for (auto step : state) md5.update(bytes.span());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}

void sha256_chain(Bench& state) {
  core::AlignedBuffer bytes(1 << 20);
  digest::Sha256Stream sha256;
  for (auto step : state) sha256.update(bytes.span());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}

void sha256_two(Bench& state) {
  constexpr std::size_t kMessages = 16, kBytes = 32'768;
  Regions messages(kMessages, kBytes);
  const auto in = messages.inputs();
  std::vector<digest::Sha256> out(kMessages);
  for (auto step : state) digest::sha256_many(in, kBytes, out);
  state.SetBytesProcessed(static_cast<std::int64_t>(kMessages * kBytes) * state.iterations());
}

void md5_and_sha256(Bench& state) {
  core::AlignedBuffer bytes(1 << 20);
  digest::Md5Sha256Stream both(32768);
  both.part(0, std::uint64_t{1} << 60);
  for (auto step : state) both.update(bytes.span());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}

void crc32(Bench& state) {
  core::AlignedBuffer bytes(1 << 18);
  for (auto step : state) benchmark::DoNotOptimize(digest::crc32(bytes.span()));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}

void register_all() {
  for (const gf16::Kernel* kernel : gf16::kernels()) {
    const std::string name = kernel->name;
    benchmark::RegisterBenchmark((name + "/sums").c_str(), sums, kernel)
        ->ArgNames({"outputs", "inputs"})
        ->Args({17, 16})
        ->Args({16, 256});
    benchmark::RegisterBenchmark((name + "/to_tower").c_str(), to_tower, kernel);
    benchmark::RegisterBenchmark((name + "/transform").c_str(), transform, kernel)
        ->ArgName("slices")
        ->Arg(500)
        ->Arg(2000)
        ->Arg(8000)
        ->Arg(32'768);
  }
  for (const std::size_t lanes : digest::md5_lanes())
    benchmark::RegisterBenchmark(fmt::format("md5/{}_messages", lanes).c_str(), md5_lanes, lanes);
  benchmark::RegisterBenchmark("md5/one_message", md5_chain);
  benchmark::RegisterBenchmark("sha256/one_message", sha256_chain);
  benchmark::RegisterBenchmark("sha256/2_messages", sha256_two);
  benchmark::RegisterBenchmark("md5_and_sha256/one_message", md5_and_sha256);
  benchmark::RegisterBenchmark("crc32", crc32);
}

}  // namespace
}  // namespace darkshelf

int main(int argc, char** argv) {
  darkshelf::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
