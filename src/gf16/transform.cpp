#include "gf16/transform.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

namespace darkshelf::gf16 {

namespace {

constexpr std::uint32_t kAcross = 257, kWithin = 255;
constexpr std::size_t kPairsTogether = 4;  // pairs of rows that a sum takes in before it is stored again
constexpr std::size_t kMostColumns = 8;    // 4 * 2 combinations of residues mod 5 and mod 3 that inputs have

/// r_p of the header.
constexpr std::uint32_t root_log(std::uint32_t p) {
  const std::uint32_t cofactor = kOrder / p;
  std::uint32_t inverse = 1;
  while (cofactor % p * inverse % p != 1) ++inverse;
  return cofactor * inverse % kOrder;
}

/// r_p^(i * j) for p = 3, 5 or 17: elements of GF(2^8).
template <std::uint32_t P>
Scalar root(std::uint32_t i, std::uint32_t j) {
  static const auto kPowers = [] {
    std::array<Scalar, P> powers{};
    for (std::uint32_t k = 0; k < P; ++k) powers[k] = to_tower(power_of_two(std::uint64_t{root_log(P)} * k)).low;
    return powers;
  }();
  return kPowers[i * j % P];
}

/// One of the first sums: the inputs of a row that agree mod 5 and mod 3.
struct Gather {
  std::uint32_t mod5 = 0, mod3 = 0;
  std::vector<std::uint32_t> inputs;  // into the caller's columns
  std::vector<std::uint32_t> mod17;   // of each
  const Scalar* factors = nullptr;    // [needed residue mod 17][input]
};
struct Row {
  std::vector<Gather> gathers;  // none: no input has this residue
};

/// What is wanted of the residues of e. Sums are made for every combination of a wanted residue mod 3, one mod 5 and
/// one mod 17, in this order: what nobody asked for costs less than picking it out.
struct Wanted {
  std::vector<std::uint32_t> residues17, residues5, residues3;
  struct Within {                        // one b = e mod 255
    std::size_t place = 0;               // among the combinations
    std::vector<std::uint32_t> outputs;  // into exponents
  };
  std::vector<Within> within;

  explicit Wanted(std::span<const Word> exponents) {
    std::array<std::vector<std::uint32_t>, kWithin> by_residue;
    for (std::uint32_t o = 0; o < exponents.size(); ++o) by_residue[exponents[o] % kWithin].push_back(o);
    const auto residues = [&](std::uint32_t p) {
      std::vector<std::uint32_t> out;
      for (std::uint32_t j = 0; j < p; ++j) {
        for (std::uint32_t b = j; b < kWithin; b += p) {
          if (by_residue[b].empty()) continue;
          out.push_back(j);
          break;
        }
      }
      return out;
    };
    residues17 = residues(17);
    residues5 = residues(5);
    residues3 = residues(3);
    const auto place = [](const std::vector<std::uint32_t>& list, std::uint32_t residue) {
      return static_cast<std::size_t>(std::lower_bound(list.begin(), list.end(), residue) - list.begin());
    };
    for (std::uint32_t b = 0; b < kWithin; ++b) {
      if (by_residue[b].empty()) continue;
      const std::size_t at =
          (place(residues3, b % 3) * residues5.size() + place(residues5, b % 5)) * residues17.size() +
          place(residues17, b % 17);
      within.push_back({at, std::move(by_residue[b])});
    }
  }
  std::size_t combinations() const { return residues3.size() * residues5.size() * residues17.size(); }
};

std::array<Row, kAcross> rows_of(std::span<const std::uint32_t> slices) {
  std::array<Row, kAcross> rows;
  for (std::uint32_t i = 0; i < slices.size(); ++i) {
    const std::uint32_t n = slice_log(slices[i]);
    std::vector<Gather>& gathers = rows[n % kAcross].gathers;
    auto gather = std::find_if(gathers.begin(), gathers.end(),
                               [&](const Gather& g) { return g.mod5 == n % 5 && g.mod3 == n % 3; });
    if (gather == gathers.end()) gather = gathers.insert(gathers.end(), {n % 5, n % 3, {}, {}, nullptr});
    gather->inputs.push_back(i);
    gather->mod17.push_back(n % 17);
  }
  return rows;
}

/// Products, and a charge for each region that is read or written and for each call of a kernel; `length` in regions.
double cost_of_sum(std::size_t outputs, std::size_t inputs, std::size_t length = 1) {
  return static_cast<double>(length) * (static_cast<double>(outputs * inputs) + static_cast<double>(outputs + inputs)) +
         5;
}

}  // namespace

struct Transform::Plan {
  Plan(std::span<const std::uint32_t> slices, std::span<const Word> exponents)
      : wanted(exponents), rows(rows_of(slices)) {
    for (Row& row : rows) {
      for (Gather& gather : row.gathers) gather.factors = factors_for(gather.mod17);
    }
    for (std::uint32_t a = 1; a <= kAcross / 2; ++a) {
      if (!rows[a].gathers.empty() || !rows[kAcross - a].gathers.empty()) pairs.push_back(a);
    }
    // In the order of their use: groups of pairs, then residues, then outputs, then (Q, P) of each pair.
    across.reserve(pairs.size() * 2 * exponents.size());
    std::array<Tower, kAcross> powers;
    for (std::uint32_t k = 0; k < kAcross; ++k)
      powers[k] = to_tower(power_of_two(std::uint64_t{root_log(kAcross)} * k));
    for (std::size_t first = 0; first < pairs.size(); first += kPairsTogether) {
      const std::size_t end = std::min(first + kPairsTogether, pairs.size());
      for (const Wanted::Within& within : wanted.within) {
        for (const std::uint32_t o : within.outputs) {
          for (std::size_t p = first; p < end; ++p) {
            const Tower u = powers[pairs[p] * (exponents[o] % kAcross) % kAcross];
            across.push_back(u.high);
            across.push_back(u.low);
          }
        }
      }
    }
  }

  /// The same residues mod 17 come again and again: one table for all of them.
  const Scalar* factors_for(const std::vector<std::uint32_t>& mod17) {
    auto [found, fresh] = factors17.try_emplace(mod17);
    if (fresh) {
      for (const std::uint32_t j : wanted.residues17) {
        for (const std::uint32_t i : mod17) found->second.push_back(root<17>(i, j));
      }
    }
    return found->second.data();
  }

  /// Halves of columns: the first sums of a row, its second sums, and both halves of the two rows of each pair.
  std::size_t scratch_halves() const {
    return kMostColumns * wanted.residues17.size() + 2 * wanted.residues5.size() * wanted.residues17.size() +
           kPairsTogether * 4 * wanted.combinations();
  }

  Wanted wanted;
  std::array<Row, kAcross> rows;
  std::vector<std::uint32_t> pairs;
  std::vector<Scalar> across;
  std::map<std::vector<std::uint32_t>, std::vector<Scalar>> factors17;
};

namespace {

/// One column of everything, from inputs to sums. Within a row the low and the high halves know nothing of each other.
class Working {
 public:
  Working(const Wanted& wanted, const std::byte* const* columns, std::byte* scratch, std::size_t half)
      : wanted_(wanted), columns_(columns), kernel_(kernel()), half_(half) {
    const auto take = [&](std::size_t halves) {
      std::byte* taken = scratch;
      scratch += halves * half;
      return taken;
    };
    first_ = take(kMostColumns * wanted.residues17.size());
    second_ = take(2 * wanted.residues5.size() * wanted.residues17.size());
    pairs_ = take(kPairsTogether * 4 * wanted.combinations());
  }

  /// T and T' of a pair of rows become Q and P.
  void pair(std::size_t place, const Row& row, const Row& mirrored) {
    transform_row(row, rows_at(place, 0, 0), rows_at(place, 0, 1));
    transform_row(mirrored, rows_at(place, 1, 0), rows_at(place, 1, 1));
    combine(rows_at(place, 0, 0), rows_at(place, 0, 1), rows_at(place, 1, 0), rows_at(place, 1, 1));
  }

  /// Sums of up to kPairsTogether pairs; returns where the factors go on.
  const Scalar* across(std::size_t pair_count, const Scalar* factors, std::byte* const* sums) {
    std::array<const std::byte*, 2 * kPairsTogether> from;
    for (const Wanted::Within& within : wanted_.within) {
      to_.resize(within.outputs.size());
      for (std::size_t high = 0; high < 2; ++high) {
        for (std::size_t o = 0; o < to_.size(); ++o) to_[o] = sums[within.outputs[o]] + high * half_;
        for (std::size_t p = 0; p < pair_count; ++p) {
          from[2 * p] = rows_at(p, 0, high) + within.place * half_;
          from[2 * p + 1] = rows_at(p, 1, high) + within.place * half_;
        }
        kernel_.add(to_.data(), to_.size(), from.data(), 2 * pair_count, factors, half_);
      }
      factors += to_.size() * 2 * pair_count;
    }
    return factors;
  }

 private:
  std::size_t row_bytes() const { return wanted_.combinations() * half_; }
  std::byte* rows_at(std::size_t place, std::size_t mirrored, std::size_t high) const {
    return pairs_ + ((place * 2 + mirrored) * 2 + high) * row_bytes();
  }

  void transform_row(const Row& row, std::byte* low, std::byte* high) {
    over_17(row, 0);
    over_5(row);
    over_3(low);
    over_17(row, half_);
    over_5(row);
    over_3(high);
  }

  /// first_[gather][residue mod 17]
  void over_17(const Row& row, std::size_t half_at) {
    std::array<std::byte*, 17> to;
    std::array<const std::byte*, 16> from;
    const std::size_t outputs = wanted_.residues17.size();
    std::byte* at = first_;
    for (const Gather& gather : row.gathers) {
      for (std::size_t i = 0; i < gather.inputs.size(); ++i) from[i] = columns_[gather.inputs[i]] + half_at;
      for (std::size_t j = 0; j < outputs; ++j, at += half_) to[j] = at;
      kernel_.set(to.data(), outputs, from.data(), gather.inputs.size(), gather.factors, half_);
    }
  }

  /// second_[residue mod 3 of the inputs: 1, 2][residue mod 5][residue mod 17], all of the last at once.
  void over_5(const Row& row) {
    const std::size_t length = wanted_.residues17.size() * half_, outputs = wanted_.residues5.size();
    for (std::uint32_t mod3 = 1; mod3 <= 2; ++mod3) {
      std::array<std::byte*, 5> to;
      std::array<const std::byte*, 4> from;
      std::array<std::uint32_t, 4> mod5;
      std::array<Scalar, 20> factors;
      std::size_t inputs = 0;
      for (std::size_t g = 0; g < row.gathers.size(); ++g) {
        if (row.gathers[g].mod3 != mod3) continue;
        from[inputs] = first_ + g * length;
        mod5[inputs++] = row.gathers[g].mod5;
      }
      for (std::size_t o = 0; o < outputs; ++o) {
        to[o] = second_ + ((mod3 - 1) * outputs + o) * length;
        for (std::size_t i = 0; i < inputs; ++i) factors[o * inputs + i] = root<5>(mod5[i], wanted_.residues5[o]);
      }
      kernel_.set(to.data(), outputs, from.data(), inputs, factors.data(), length);
    }
  }

  /// out[residue mod 3][residue mod 5][residue mod 17], all of the last two at once.
  void over_3(std::byte* out) {
    const std::size_t length = wanted_.residues5.size() * wanted_.residues17.size() * half_;
    std::array<std::byte*, 3> to;
    const std::array<const std::byte*, 2> from = {second_, second_ + length};
    std::array<Scalar, 6> factors;
    for (std::size_t o = 0; o < wanted_.residues3.size(); ++o) {
      to[o] = out + o * length;
      for (std::uint32_t i = 0; i < 2; ++i) factors[2 * o + i] = root<3>(i + 1, wanted_.residues3[o]);
    }
    kernel_.set(to.data(), wanted_.residues3.size(), from.data(), 2, factors.data(), length);
  }

  /// P = T + T' takes the place of T', and Q = T + P + t P that of T. t P has delta * P's high half as its low half,
  /// and the sum of P's halves as its high half; so Q is T + P + delta P' below and T + P's low half above.
  void combine(std::byte* t_low, std::byte* t_high, std::byte* p_low, std::byte* p_high) {
    const std::array<Scalar, 2> factors = {1, tower_delta()};
    const auto add = [&](std::byte* to, std::array<const std::byte*, 2> from, std::size_t count) {
      kernel_.add(&to, 1, from.data(), count, factors.data(), row_bytes());
    };
    add(p_low, {t_low}, 1);
    add(p_high, {t_high}, 1);
    add(t_low, {p_low, p_high}, 2);
    add(t_high, {p_low}, 1);
  }

  const Wanted& wanted_;
  const std::byte* const* columns_;
  const Kernel& kernel_;
  std::size_t half_;
  std::byte *first_, *second_, *pairs_;
  std::vector<std::byte*> to_;
};

}  // namespace

Transform::Transform(std::span<const std::uint32_t> slices, std::span<const Word> exponents)
    : plan_(std::make_unique<const Plan>(slices, exponents)) {}
Transform::~Transform() = default;
Transform::Transform(Transform&&) noexcept = default;

double Transform::cost(std::span<const std::uint32_t> slices, std::span<const Word> exponents) {
  const Wanted wanted(exponents);
  const std::size_t n17 = wanted.residues17.size(), n5 = wanted.residues5.size(), n3 = wanted.residues3.size();
  const auto rows = rows_of(slices);
  double sum = 0;
  std::size_t pairs = 0;
  for (std::uint32_t a = 1; a <= kAcross / 2; ++a) {
    if (rows[a].gathers.empty() && rows[kAcross - a].gathers.empty()) continue;
    ++pairs;
    for (const Row* row : {&rows[a], &rows[kAcross - a]}) {
      std::array<std::size_t, 2> with_mod3{};
      for (const Gather& gather : row->gathers) {
        sum += cost_of_sum(n17, gather.inputs.size());
        ++with_mod3[gather.mod3 - 1];
      }
      for (const std::size_t count : with_mod3) sum += cost_of_sum(n5, count, n17);
      sum += cost_of_sum(n3, 2, n5 * n17);
    }
    sum += 3 * cost_of_sum(1, 2, wanted.combinations());
  }
  for (const Wanted::Within& within : wanted.within) {
    sum += static_cast<double>(pairs / kPairsTogether) * cost_of_sum(within.outputs.size(), 2 * kPairsTogether);
    if (const std::size_t rest = pairs % kPairsTogether; rest != 0) sum += cost_of_sum(within.outputs.size(), 2 * rest);
  }
  return sum;
}

std::size_t Transform::scratch_bytes(std::size_t half) const { return plan_->scratch_halves() * half; }

void Transform::add(std::byte* const* sums, const std::byte* const* columns, std::byte* scratch,
                    std::size_t half) const {
  const Plan& plan = *plan_;
  Working working(plan.wanted, columns, scratch, half);
  const Scalar* factors = plan.across.data();
  for (std::size_t first = 0; first < plan.pairs.size(); first += kPairsTogether) {
    const std::size_t count = std::min(kPairsTogether, plan.pairs.size() - first);
    for (std::size_t p = 0; p < count; ++p) {
      const std::uint32_t a = plan.pairs[first + p];
      working.pair(p, plan.rows[a], plan.rows[kAcross - a]);
    }
    factors = working.across(count, factors, sums);
  }
}

}  // namespace darkshelf::gf16
