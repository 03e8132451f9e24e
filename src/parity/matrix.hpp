#pragma once
// Square systems over GF(2^16), eliminated with the region kernels; for reconstruct.cpp.

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "core/work.hpp"
#include "gf16/kernels.hpp"

namespace darkshelf::parity {

/// Rows of words in plane order.
class Matrix {
 public:
  Matrix(std::size_t rows, std::size_t columns);
  std::size_t rows() const { return rows_.size(); }
  std::size_t row_bytes() const { return row_bytes_; }
  gf16::Word at(std::size_t row, std::size_t column) const;
  void set(std::size_t row, std::size_t column, gf16::Word value);
  void swap_rows(std::size_t a, std::size_t b) { std::swap(rows_[a], rows_[b]); }
  void clear_row(std::size_t row);
  std::byte* row(std::size_t index) { return rows_[index]; }
  const std::byte* row(std::size_t index) const { return rows_[index]; }

 private:
  std::size_t row_bytes_;
  core::AlignedBuffer storage_;
  std::vector<std::byte*> rows_;
};

/// The exponents, out of `candidates`, whose rows make a system that can be solved for the lost slices; fewer than
/// lost.size() when there is none.
std::vector<std::size_t> solvable_choice(const std::vector<std::uint32_t>& lost,
                                         const std::vector<std::uint16_t>& candidates, const core::Work& work);

/// Coefficients of the inverse: word u * n + r is what recovery row `exponents[r]` contributes to lost slice u; nothing
/// when the system is singular.
std::optional<std::vector<gf16::Word>> inverse_of(const std::vector<std::uint32_t>& lost,
                                                  const std::vector<std::uint16_t>& exponents, const core::Work& work);

/// Bytes inverse_of takes for n lost slices.
std::uint64_t inverse_memory(std::uint64_t n);

}  // namespace darkshelf::parity
