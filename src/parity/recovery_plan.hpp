#pragma once
// Computing recovery slices: R_e = sum over i of slice_i * 2^(n_i * e) for a set of exponents e, within a memory limit.
// A plan is told the shape of the work and chooses how; accumulators are fed slices or columns of slices in any order.
// Today the direct sum does it; a transform fits behind the same two classes.

#include <cstdint>
#include <memory>
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

/// Columns [begin, end) of every slice, in bytes; begin a multiple of 128.
struct Columns {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t bytes() const { return end - begin; }
};

class RecoveryPlan {
 public:
  /// Throws core::Error(kUsage) when not even the narrowest column fits the memory, or the request breaks PAR2's
  /// limits.
  explicit RecoveryPlan(RecoveryRequest request);
  const RecoveryRequest& request() const { return request_; }
  /// One pass over all input per element. One element: everything fits and the input may be streamed once.
  const std::vector<Columns>& passes() const { return passes_; }
  /// "direct sum, gfni-avx512, 2 threads, 1 pass", for -v and --plan.
  std::string description() const;
  /// Peak bytes an Accumulator of this plan takes.
  std::uint64_t memory_needed() const;

 private:
  RecoveryRequest request_;
  std::vector<Columns> passes_;
};

/// Accumulates one pass. Not thread-safe; uses the plan's threads inside.
class Accumulator {
 public:
  Accumulator(const RecoveryPlan& plan, std::size_t pass);
  ~Accumulator();
  /// The columns of this pass of input slice `slice` (short data is as if zeros followed). Each slice at most once;
  /// slices never fed count as zeros. The bytes are taken over before it returns.
  void add(std::uint32_t slice, core::ByteSpan bytes);
  /// After the last add: recovery bytes of exponents()[index], columns of this pass, written to `into`.
  void finish();
  void read(std::size_t index, core::MutableByteSpan into) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The definition itself, word by word, for checking: adds slice * factor to `sum` (both slice_bytes long, plain
/// order).
void add_by_definition(core::MutableByteSpan sum, core::ByteSpan slice, std::uint32_t slice_index,
                       std::uint32_t exponent);

}  // namespace darkshelf::parity
