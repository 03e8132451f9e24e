#pragma once
// Computing recovery slices: R_e = sum over i of slice_i * 2^(n_i * e) for a set of exponents e, within a memory limit.
// A plan is told the shape of the work and chooses how; accumulators are fed slices, or columns of slices, in any
// order.
//
// Two methods: the sum as it is defined (direct), whose cost is slices x exponents, and the Fourier transform
// (gf16/transform.hpp). Recovery slices are linear in the input slices and in each column of bytes, so both may be done
// for groups of slices, the sums adding up, and for some columns at a time, which reads the input again for the others.
// A plan weighs all of these by what they cost.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::parity {

struct RecoveryRequest {
  std::uint64_t slice_bytes = 0;         // multiple of 4
  std::uint32_t slices = 0;              // input slices, at most 32,768
  std::vector<std::uint16_t> exponents;  // wanted, any set, each at most 65534
  std::uint64_t memory = 0;              // bytes the accumulators and buffers may take
  unsigned threads = 1;
};

/// Columns [begin, end) of every slice, in bytes; begin a multiple of 256.
struct Columns {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t bytes() const { return end - begin; }
};

enum class Method { kDirect, kTransform };

/// What comes from the first pass is read in pieces of this size, or of one slice where that is more.
inline constexpr std::uint64_t kReadTogether = 4 << 20;

/// What a plan asks of the medium the input lies on. The first pass reads everything in order; later ones pick some
/// columns out of every slice.
struct ReadPattern {
  std::uint64_t bytes = 0, reads = 0, seeks = 0;
  /// For a disk of kDiskRate and kDiskSeek, which reads on where that is quicker than to seek.
  double disk_seconds = 0;
};
inline constexpr double kDiskRate = 150e6, kDiskSeek = 9e-3;

class RecoveryPlan {
 public:
  /// Throws core::Error(kUsage) when not even the narrowest column fits the memory, or the request breaks PAR2's
  /// limits.
  explicit RecoveryPlan(RecoveryRequest request);
  /// The same with a method of the caller's choice, for tests and measurements.
  RecoveryPlan(RecoveryRequest request, Method method);

  const RecoveryRequest& request() const { return request_; }
  Method method() const { return method_; }
  /// One pass over all input per element. One element: everything fits and the input may be streamed once.
  const std::vector<Columns>& passes() const { return passes_; }
  /// Slices that are gathered before they are added to the sums, all together.
  std::uint32_t group() const { return group_; }
  /// Peak bytes an Accumulator of this plan takes.
  std::uint64_t memory_needed() const;
  /// Products of a byte, in all, and the seconds they take by the measured speed of the kernel.
  double products() const { return products_; }
  double seconds() const;
  /// "transform in memory, gfni-avx512, 2 threads, 1 pass", for -v and --plan.
  std::string description() const;
  ReadPattern read_pattern() const;
  /// The same with what each strategy would have cost, and what is read; some lines.
  std::string explanation() const;

 private:
  struct Choice;
  Choice weigh(Method method, std::uint64_t columns, std::uint64_t group) const;
  void choose(const std::vector<Method>& methods);
  bool consider(Method method, std::uint64_t columns, Choice& best) const;

  RecoveryRequest request_;
  Method method_ = Method::kDirect;
  std::uint32_t group_ = 0;
  double products_ = 0;
  std::vector<Columns> passes_;
};

/// One input slice, or the columns of it that a pass is about; short data is as if zeros followed.
struct SlicePart {
  std::uint32_t slice = 0;
  core::ByteSpan bytes;
};

/// Accumulates one pass. Not thread-safe; uses the plan's threads inside.
class Accumulator {
 public:
  Accumulator(const RecoveryPlan& plan, std::size_t pass);
  ~Accumulator();
  /// Each slice at most once; slices never fed count as zeros. The bytes are taken over before it returns, by so many
  /// threads (0: those of the plan).
  void add(std::span<const SlicePart> parts, unsigned threads = 0);
  void add(std::uint32_t slice, core::ByteSpan bytes);
  /// After the last add: recovery bytes of exponents()[index], columns of this pass, written to `into`. Any number of
  /// threads may read at once.
  void finish();
  void read(std::size_t index, core::MutableByteSpan into) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// sum ^= slice * 2^(n * exponent), word by word as PAR2 defines it: slow, and the judge of everything else.
void add_by_definition(core::MutableByteSpan sum, core::ByteSpan slice, std::uint32_t slice_index,
                       std::uint32_t exponent);

}  // namespace darkshelf::parity
