#include "parity/matrix.hpp"

#include <algorithm>
#include <cstring>

namespace darkshelf::parity {

namespace {

constexpr std::size_t kWordsInBlock = gf16::kBlock / 2;
constexpr std::size_t kRowsTogether = 64;  // rows one thread takes at a time

std::size_t bytes_for(std::size_t words) { return core::round_up(words, kWordsInBlock) * 2; }

}  // namespace

Matrix::Matrix(std::size_t rows, std::size_t columns)
    : row_bytes_(bytes_for(columns)), storage_(rows * row_bytes_), rows_(rows) {
  for (std::size_t i = 0; i < rows; ++i) rows_[i] = storage_.data() + i * row_bytes_;
}

gf16::Word Matrix::at(std::size_t row, std::size_t column) const {
  const std::byte* word = rows_[row] + column / kWordsInBlock * gf16::kBlock + column % kWordsInBlock;
  return static_cast<gf16::Word>(std::to_integer<unsigned>(word[0]) | std::to_integer<unsigned>(word[kWordsInBlock])
                                                                          << 8);
}

void Matrix::set(std::size_t row, std::size_t column, gf16::Word value) {
  std::byte* word = rows_[row] + column / kWordsInBlock * gf16::kBlock + column % kWordsInBlock;
  word[0] = static_cast<std::byte>(value & 0xFF);
  word[kWordsInBlock] = static_cast<std::byte>(value >> 8);
}

void Matrix::clear_row(std::size_t row) { std::memset(rows_[row], 0, row_bytes_); }

std::vector<std::size_t> solvable_choice(const std::vector<std::uint32_t>& lost,
                                         const std::vector<std::uint16_t>& candidates, const core::Work& work) {
  // Rows are taken in turn; one that adds nothing to those taken before is passed over.
  const std::size_t n = lost.size();
  Matrix basis(n, n), candidate(1, n);
  std::vector<std::size_t> chosen, pivots;
  for (std::size_t c = 0; c < candidates.size() && chosen.size() < n; ++c) {
    work.check();
    for (std::size_t u = 0; u < n; ++u) candidate.set(0, u, gf16::factor(lost[u], candidates[c]));
    std::byte* out = candidate.row(0);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const gf16::Word factor = candidate.at(0, pivots[i]);
      const std::byte* in = basis.row(i);
      if (factor != 0) gf16::kernel().multiply_add(&out, 1, &in, 1, &factor, basis.row_bytes());
    }
    std::size_t pivot = 0;
    while (pivot < n && candidate.at(0, pivot) == 0) ++pivot;
    if (pivot == n) continue;
    const gf16::Word scale = gf16::inverse(candidate.at(0, pivot));
    std::byte* to = basis.row(chosen.size());
    const std::byte* from = candidate.row(0);
    gf16::kernel().multiply_add(&to, 1, &from, 1, &scale, basis.row_bytes());
    chosen.push_back(c);
    pivots.push_back(pivot);
  }
  return chosen;
}

std::optional<std::vector<gf16::Word>> inverse_of(const std::vector<std::uint32_t>& lost,
                                                  const std::vector<std::uint16_t>& exponents, const core::Work& work) {
  const std::size_t n = lost.size();
  Matrix m(n, 2 * n), scaled(1, 2 * n);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t u = 0; u < n; ++u) m.set(r, u, gf16::factor(lost[u], exponents[r]));
    m.set(r, n + r, 1);
  }
  std::vector<gf16::Word> factors(n);
  for (std::size_t c = 0; c < n; ++c) {
    work.check();
    std::size_t pivot = c;
    while (pivot < n && m.at(pivot, c) == 0) ++pivot;
    if (pivot == n) return {};
    m.swap_rows(c, pivot);
    const gf16::Word scale = gf16::inverse(m.at(c, c));
    scaled.clear_row(0);
    std::byte* to = scaled.row(0);
    const std::byte* from = m.row(c);
    gf16::kernel().multiply_add(&to, 1, &from, 1, &scale, m.row_bytes());
    std::memcpy(m.row(c), scaled.row(0), m.row_bytes());
    std::vector<std::byte*> others;
    factors.clear();
    for (std::size_t r = 0; r < n; ++r) {
      const gf16::Word factor = m.at(r, c);
      if (r == c || factor == 0) continue;
      others.push_back(m.row(r));
      factors.push_back(factor);
    }
    const std::byte* pivot_row = m.row(c);
    const std::size_t shares = core::divide_up(others.size(), kRowsTogether);
    const bool small = others.size() * m.row_bytes() < (1 << 20);
    core::parallel_for(small ? 1 : work.thread_count(), shares, [&](std::size_t share) {
      const std::size_t first = share * kRowsTogether, count = std::min(kRowsTogether, others.size() - first);
      gf16::kernel().multiply_add(others.data() + first, count, &pivot_row, 1, factors.data() + first, m.row_bytes());
    });
  }
  std::vector<gf16::Word> inverse(n * n);
  for (std::size_t u = 0; u < n; ++u) {
    for (std::size_t r = 0; r < n; ++r) inverse[u * n + r] = m.at(u, n + r);
  }
  return inverse;
}

std::uint64_t inverse_memory(std::uint64_t n) { return n * bytes_for(2 * n) + 2 * n * n; }

}  // namespace darkshelf::parity
