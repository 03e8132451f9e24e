#pragma once
// Systems over GF(2^16) for what is lost: which recovery slices to use, and what each of them contributes to each lost
// slice; for reconstruct.cpp.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.hpp"
#include "core/work.hpp"
#include "gf16/kernels.hpp"

namespace darkshelf::parity {

/// Rows of words in tower form (gf16/kernels.hpp), so that kernels add multiples of rows.
class Matrix {
 public:
  Matrix(std::size_t rows, std::size_t columns);
  std::size_t rows() const { return rows_.size(); }
  std::size_t columns() const { return columns_; }
  /// Low bytes of a row; the high bytes follow. Rows are this long each way, zeros behind the last column.
  std::size_t half() const { return half_; }
  gf16::Word at(std::size_t row, std::size_t column) const;
  void set(std::size_t row, std::size_t column, gf16::Word value);
  void swap_rows(std::size_t a, std::size_t b) { std::swap(rows_[a], rows_[b]); }
  std::byte* row(std::size_t index) { return rows_[index]; }
  const std::byte* row(std::size_t index) const { return rows_[index]; }

 private:
  std::size_t columns_, half_;
  core::AlignedBuffer storage_;
  std::vector<std::byte*> rows_;
};

/// Word u * n + r of `inverse` is what recovery slice exponents[rows[r]] contributes to lost slice lost[u].
struct Solution {
  std::vector<std::size_t> rows;
  std::vector<gf16::Word> inverse;
};

/// Recovery slices out of those with `exponents` (ascending, each once) that can be solved for the lost slices. Nothing
/// when there is no such choice: with too few of them, or (PAR2's known flaw) an unlucky set with gaps.
///
/// n consecutive exponents make a Vandermonde system, whose inverse takes n^2 steps. So the n consecutive exponents are
/// taken of which the fewest are missing; the missing recovery slices are unknowns themselves, and only for those a
/// system is eliminated, from as many other exponents.
std::optional<Solution> solve(const std::vector<std::uint32_t>& lost, const std::vector<std::uint16_t>& exponents,
                              const core::Work& work);

/// The most bytes solve() takes for n lost slices, what it returns included.
std::uint64_t solution_memory(std::uint64_t n);

}  // namespace darkshelf::parity
