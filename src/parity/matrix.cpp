#include "parity/matrix.hpp"

#include <algorithm>
#include <set>

namespace darkshelf::parity {

using gf16::Word;

namespace {

constexpr std::size_t kRowsTogether = 16;  // rows one thread takes at a time
constexpr std::size_t kSpareRows = 32;     // others to choose from, before all are looked at

/// to[i] ^= sum over k of factors[i * from.size() + k] * from[k], shared out over threads.
void add_multiples(const std::vector<std::byte*>& to, const std::vector<const std::byte*>& from,
                   const std::vector<Word>& factors, std::size_t half, const core::Work& work) {
  const bool small = to.size() * from.size() * half < (1 << 20);
  core::parallel_for(small ? 1 : work.thread_count(), core::divide_up(to.size(), kRowsTogether), [&](std::size_t i) {
    const std::size_t first = i * kRowsTogether, count = std::min(kRowsTogether, to.size() - first);
    gf16::multiply_add(to.data() + first, count, from.data(), from.size(), factors.data() + first * from.size(), half);
  });
}

/// Where n consecutive exponents begin of which the most are there.
std::uint32_t best_window(const std::vector<std::uint16_t>& exponents, std::size_t n) {
  std::uint32_t best = exponents.front();
  std::size_t most = 0, end = 0;
  for (std::size_t begin = 0; begin < exponents.size(); ++begin) {
    while (end < exponents.size() && exponents[end] < exponents[begin] + n) ++end;
    if (end - begin <= most) continue;
    most = end - begin;
    best = exponents[begin];
  }
  // Exponents end at 65534, and 2^65535 is 1.
  return static_cast<std::uint32_t>(std::min<std::size_t>(best, gf16::kOrder - std::min<std::size_t>(n, gf16::kOrder)));
}

/// Row u: what the slices with exponents first, first + 1 … contribute to lost[u]. With master(x) = prod (x - b_u),
/// master(x) / (x - b_u) is zero at every b but b_u; its coefficients, divided by its value there, pick out slice u
/// (see any text on Lagrange's interpolation).
Matrix vandermonde_inverse(const std::vector<std::uint32_t>& lost, std::uint32_t first, const core::Work& work) {
  const std::size_t n = lost.size();
  std::vector<Word> master(n + 1), nodes(n);
  master[0] = 1;
  for (std::size_t u = 0; u < n; ++u) {
    nodes[u] = gf16::factor(lost[u], 1);
    for (std::size_t i = u + 1; i > 0; --i)
      master[i] = static_cast<Word>(master[i - 1] ^ gf16::multiply(master[i], nodes[u]));
    master[0] = gf16::multiply(master[0], nodes[u]);
  }
  Matrix inverse(n, n);
  core::parallel_for(n < 128 ? 1 : work.thread_count(), n, [&](std::size_t u) {
    std::vector<Word> quotient(n);
    Word next = 0, value = 0;
    for (std::size_t i = n; i > 0; --i) {
      next = static_cast<Word>(master[i] ^ gf16::multiply(next, nodes[u]));
      quotient[i - 1] = next;
      value = static_cast<Word>(gf16::multiply(value, nodes[u]) ^ next);
    }
    const Word scale = gf16::inverse(gf16::multiply(value, gf16::factor(lost[u], first)));
    for (std::size_t i = 0; i < n; ++i) inverse.set(u, i, gf16::multiply(quotient[i], scale));
  });
  return inverse;
}

/// Gauss and Jordan: the first `unknowns` columns become unit columns, one in each of the first rows. Which of the
/// original rows those came from, or nothing when there are not so many independent ones.
std::optional<std::vector<std::size_t>> eliminate(Matrix& m, std::size_t unknowns, const core::Work& work) {
  std::vector<std::size_t> origin(m.rows());
  for (std::size_t i = 0; i < origin.size(); ++i) origin[i] = i;
  for (std::size_t c = 0; c < unknowns; ++c) {
    work.check();
    std::size_t pivot = c;
    while (pivot < m.rows() && m.at(pivot, c) == 0) ++pivot;
    if (pivot == m.rows()) return {};
    m.swap_rows(c, pivot);
    std::swap(origin[c], origin[pivot]);
    // p becomes p / lead by adding (1 / lead + 1) p to it.
    const Word lead = m.at(c, c);
    std::byte* to = m.row(c);
    const Word scale = static_cast<Word>(gf16::inverse(lead) ^ 1);
    core::AlignedBuffer copy(2 * m.half());
    std::copy_n(to, copy.size(), copy.data());
    const std::byte* from = copy.data();
    gf16::multiply_add(&to, 1, &from, 1, &scale, m.half());
    std::vector<std::byte*> others;
    std::vector<Word> factors;
    for (std::size_t r = 0; r < m.rows(); ++r) {
      const Word factor = m.at(r, c);
      if (r == c || factor == 0) continue;
      others.push_back(m.row(r));
      factors.push_back(factor);
    }
    add_multiples(others, {m.row(c)}, factors, m.half(), work);
  }
  origin.resize(unknowns);
  return origin;
}

class Solving {
 public:
  Solving(const std::vector<std::uint32_t>& lost, const std::vector<std::uint16_t>& exponents, const core::Work& work)
      : lost_(lost),
        exponents_(exponents),
        work_(work),
        n_(lost.size()),
        first_(best_window(exponents, n_)),
        window_(vandermonde_inverse(lost, first_, work)) {
    for (std::size_t i = 0; i < exponents.size(); ++i) {
      const bool inside = exponents[i] >= first_ && exponents[i] < first_ + n_;
      (inside ? there_ : others_).push_back(i);
    }
    std::size_t next = 0;
    for (std::size_t j = 0; j < n_; ++j) {
      if (next < there_.size() && exponents[there_[next]] == first_ + j) {
        columns_there_.push_back(j);
        ++next;
      } else {
        columns_missing_.push_back(j);
      }
    }
  }

  std::optional<Solution> run() {
    if (columns_missing_.empty()) return whole_window();
    if (others_.size() < columns_missing_.size()) return {};
    const std::size_t few = std::min(others_.size(), columns_missing_.size() + kSpareRows);
    if (auto solution = with_others(few)) return solution;
    if (few < others_.size()) return with_others(others_.size());
    return {};
  }

 private:
  Solution whole_window() const {
    Solution solution{there_, std::vector<Word>(n_ * n_)};
    for (std::size_t u = 0; u < n_; ++u) {
      for (std::size_t j = 0; j < n_; ++j) solution.inverse[u * n_ + j] = window_.at(u, j);
    }
    return solution;
  }

  /// What the recovery slice of another exponent e is, from those of the window: sum over u of b_u^e times row u.
  Matrix from_window(std::size_t count) const {
    Matrix rows(count, n_);
    std::vector<std::byte*> to(count);
    std::vector<const std::byte*> from(n_);
    std::vector<Word> factors(count * n_);
    for (std::size_t u = 0; u < n_; ++u) from[u] = window_.row(u);
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = rows.row(i);
      for (std::size_t u = 0; u < n_; ++u) factors[i * n_ + u] = gf16::factor(lost_[u], exponents_[others_[i]]);
    }
    add_multiples(to, from, factors, rows.half(), work_);
    return rows;
  }

  /// Each of the first `count` others gives an equation: itself = known part + part of the missing ones. Eliminated,
  /// they tell each missing one as a sum of those that are there and those chosen here.
  std::optional<Solution> with_others(std::size_t count) const {
    const std::size_t missing = columns_missing_.size(), there = columns_there_.size();
    Matrix m(count, missing + there + count);
    {
      const Matrix rows = from_window(count);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < missing; ++j) m.set(i, j, rows.at(i, columns_missing_[j]));
        for (std::size_t j = 0; j < there; ++j) m.set(i, missing + j, rows.at(i, columns_there_[j]));
        m.set(i, missing + there + i, 1);
      }
    }
    const auto chosen = eliminate(m, missing, work_);
    if (!chosen) return {};
    Solution solution;
    solution.rows = there_;
    for (const std::size_t i : *chosen) solution.rows.push_back(others_[i]);
    // Rows of the answer: what is there keeps its own part of the window's inverse, and all get that of the missing.
    Matrix answer(n_, n_), told(missing, n_);
    for (std::size_t j = 0; j < missing; ++j) {
      for (std::size_t k = 0; k < there; ++k) told.set(j, k, m.at(j, missing + k));
      for (std::size_t k = 0; k < missing; ++k) told.set(j, there + k, m.at(j, missing + there + (*chosen)[k]));
    }
    std::vector<std::byte*> to(n_);
    std::vector<const std::byte*> from(missing);
    std::vector<Word> factors(n_ * missing);
    for (std::size_t j = 0; j < missing; ++j) from[j] = told.row(j);
    for (std::size_t u = 0; u < n_; ++u) {
      to[u] = answer.row(u);
      for (std::size_t k = 0; k < there; ++k) answer.set(u, k, window_.at(u, columns_there_[k]));
      for (std::size_t j = 0; j < missing; ++j) factors[u * missing + j] = window_.at(u, columns_missing_[j]);
    }
    add_multiples(to, from, factors, answer.half(), work_);
    solution.inverse.resize(n_ * n_);
    for (std::size_t u = 0; u < n_; ++u) {
      for (std::size_t k = 0; k < n_; ++k) solution.inverse[u * n_ + k] = answer.at(u, k);
    }
    return solution;
  }

  const std::vector<std::uint32_t>& lost_;
  const std::vector<std::uint16_t>& exponents_;
  const core::Work& work_;
  std::size_t n_;
  std::uint32_t first_;
  Matrix window_;
  std::vector<std::size_t> there_, others_;                   // into exponents_
  std::vector<std::size_t> columns_there_, columns_missing_;  // of the window
};

}  // namespace

Matrix::Matrix(std::size_t rows, std::size_t columns)
    : columns_(columns), half_(core::round_up(columns, gf16::kRegionUnit)), storage_(rows * 2 * half_), rows_(rows) {
  for (std::size_t i = 0; i < rows; ++i) rows_[i] = storage_.data() + i * 2 * half_;
}

Word Matrix::at(std::size_t row, std::size_t column) const {
  const std::byte* low = rows_[row] + column;
  return gf16::from_tower({std::to_integer<std::uint8_t>(low[0]), std::to_integer<std::uint8_t>(low[half_])});
}

void Matrix::set(std::size_t row, std::size_t column, Word value) {
  const gf16::Tower pair = gf16::to_tower(value);
  rows_[row][column] = static_cast<std::byte>(pair.low);
  rows_[row][column + half_] = static_cast<std::byte>(pair.high);
}

std::optional<Solution> solve(const std::vector<std::uint32_t>& lost, const std::vector<std::uint16_t>& exponents,
                              const core::Work& work) {
  if (exponents.size() < lost.size() || lost.empty()) return {};
  return Solving(lost, exponents, work).run();
}

std::uint64_t solution_memory(std::uint64_t n) {
  const std::uint64_t row = core::round_up(n + kSpareRows, gf16::kRegionUnit);
  // The window's inverse, the equations with what is beside them, and what is returned.
  return 2 * n * row + (n + kSpareRows) * 3 * row * 2 + 3 * 2 * n * row;
}

}  // namespace darkshelf::parity
