#include "gf16/transform.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

namespace darkshelf::gf16 {

namespace {

constexpr std::uint32_t kAcross = 257;
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

/// Where the sum over 3 is made: within rows, or across them, with twice as many rows then.
enum class Three { kInRows, kBetweenRows };

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
/// Rows whose residues mod 257 are each other's negative: the second one is the mirrored one.
struct RowPair {
  std::uint32_t residue = 0;  // of the first row, mod 257
  std::uint32_t mod3 = 0;     // of all inputs, if rows are so divided
  Row rows[2];
};

/// What is wanted of the residues of e. Sums are made for every combination of a wanted residue mod 3, one mod 5 and
/// one mod 17, in this order: what nobody asked for costs less than picking it out.
struct Wanted {
  std::vector<std::uint32_t> residues17, residues5, residues3;
  struct Within {                        // one b = e mod 255, or 85
    std::size_t place = 0;               // among the combinations
    std::vector<std::uint32_t> outputs;  // into exponents
  };
  std::vector<Within> within;

  Wanted(std::span<const Word> exponents, Three three) {
    const std::uint32_t modulus = three == Three::kInRows ? 255 : 85;
    std::vector<std::vector<std::uint32_t>> by_residue(modulus);
    for (std::uint32_t o = 0; o < exponents.size(); ++o) by_residue[exponents[o] % modulus].push_back(o);
    const auto residues = [&](std::uint32_t p) {
      std::vector<std::uint32_t> out;
      for (std::uint32_t j = 0; j < p; ++j) {
        for (std::uint32_t b = j; b < modulus; b += p) {
          if (by_residue[b].empty()) continue;
          out.push_back(j);
          break;
        }
      }
      return out;
    };
    residues17 = residues(17);
    residues5 = residues(5);
    residues3 = three == Three::kInRows ? residues(3) : std::vector<std::uint32_t>{0};
    const auto place = [](const std::vector<std::uint32_t>& list, std::uint32_t residue) {
      return static_cast<std::size_t>(std::lower_bound(list.begin(), list.end(), residue) - list.begin());
    };
    for (std::uint32_t b = 0; b < modulus; ++b) {
      if (by_residue[b].empty()) continue;
      const std::size_t at =
          (place(residues3, three == Three::kInRows ? b % 3 : 0) * residues5.size() + place(residues5, b % 5)) *
              residues17.size() +
          place(residues17, b % 17);
      within.push_back({at, std::move(by_residue[b])});
    }
  }
  std::size_t combinations() const { return residues3.size() * residues5.size() * residues17.size(); }
};

/// The pairs of rows that have inputs.
std::vector<RowPair> pairs_of(std::span<const std::uint32_t> slices, Three three) {
  std::vector<RowPair> all((kAcross / 2) * (three == Three::kInRows ? 1 : 2));
  for (std::uint32_t i = 0; i < slices.size(); ++i) {
    const std::uint32_t n = slice_log(slices[i]), a = n % kAcross, residue = std::min(a, kAcross - a);
    const std::uint32_t mod3 = three == Three::kInRows ? 0 : n % 3;
    RowPair& pair = all[(residue - 1) + (mod3 == 2 ? kAcross / 2 : 0)];
    pair.residue = residue;
    pair.mod3 = mod3;
    std::vector<Gather>& gathers = pair.rows[a == residue ? 0 : 1].gathers;
    auto gather = std::find_if(gathers.begin(), gathers.end(),
                               [&](const Gather& g) { return g.mod5 == n % 5 && g.mod3 == n % 3; });
    if (gather == gathers.end()) gather = gathers.insert(gathers.end(), {n % 5, n % 3, {}, {}, nullptr});
    gather->inputs.push_back(i);
    gather->mod17.push_back(n % 17);
  }
  std::erase_if(all, [](const RowPair& pair) { return pair.residue == 0; });
  return all;
}

/// Products, and a charge for each region that is read or written and for each call of a kernel; `length` in regions.
double cost_of_sum(std::size_t outputs, std::size_t inputs, std::size_t length = 1) {
  return static_cast<double>(length) * (static_cast<double>(outputs * inputs) + static_cast<double>(outputs + inputs)) +
         5;
}

double cost_of(std::span<const std::uint32_t> slices, std::span<const Word> exponents, Three three) {
  const Wanted wanted(exponents, three);
  const std::size_t n17 = wanted.residues17.size(), n5 = wanted.residues5.size(), n3 = wanted.residues3.size();
  const std::size_t classes = three == Three::kInRows ? 2 : 1;  // of inputs of a row, mod 3
  const std::vector<RowPair> pairs = pairs_of(slices, three);
  double sum = 0;
  for (const RowPair& pair : pairs) {
    for (const Row& row : pair.rows) {
      std::array<std::size_t, 2> with_mod3{};
      for (const Gather& gather : row.gathers) {
        sum += cost_of_sum(n17, gather.inputs.size());
        ++with_mod3[classes == 2 ? gather.mod3 - 1 : 0];
      }
      for (std::size_t i = 0; i < classes; ++i) sum += cost_of_sum(n5, with_mod3[i], n17);
    }
    sum += cost_of_sum(n3, 2 * classes, n5 * n17) + cost_of_sum(n3, 3 * classes, n5 * n17);
  }
  for (const Wanted::Within& within : wanted.within) {
    sum += static_cast<double>(pairs.size() / kPairsTogether) * cost_of_sum(within.outputs.size(), 2 * kPairsTogether);
    if (const std::size_t rest = pairs.size() % kPairsTogether; rest != 0)
      sum += cost_of_sum(within.outputs.size(), 2 * rest);
  }
  return sum;
}

Three cheaper(std::span<const std::uint32_t> slices, std::span<const Word> exponents) {
  return cost_of(slices, exponents, Three::kInRows) <= cost_of(slices, exponents, Three::kBetweenRows)
             ? Three::kInRows
             : Three::kBetweenRows;
}

}  // namespace

struct Transform::Plan {
  Plan(std::span<const std::uint32_t> slices, std::span<const Word> exponents, Three three)
      : wanted(exponents, three), classes(three == Three::kInRows ? 2 : 1), pairs(pairs_of(slices, three)) {
    for (RowPair& pair : pairs) {
      for (Row& row : pair.rows) {
        for (Gather& gather : row.gathers) gather.factors = factors_for(gather.mod17);
      }
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
            const Tower u = powers[pairs[p].residue * (exponents[o] % kAcross) % kAcross];
            const Scalar w = root<3>(pairs[p].mod3, exponents[o] % 3);  // 1 where 3 is within rows
            across.push_back(multiply_scalars(u.high, w));
            across.push_back(multiply_scalars(u.low, w));
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

  /// Halves of columns: the first sums of a row, the second sums of a pair, and (Q, P) of some pairs.
  std::size_t scratch_halves() const {
    return kMostColumns * wanted.residues17.size() + 8 * wanted.residues5.size() * wanted.residues17.size() +
           kPairsTogether * 4 * wanted.combinations();
  }

  Wanted wanted;
  std::size_t classes;  // of the inputs of a row, mod 3
  std::vector<RowPair> pairs;
  std::vector<Scalar> across;
  std::map<std::vector<std::uint32_t>, std::vector<Scalar>> factors17;
};

namespace {

/// One column of everything, from inputs to sums. Within a row the low and the high halves know nothing of each other.
class Working {
 public:
  Working(const Wanted& wanted, std::size_t classes, const Kernel& kernel, const std::byte* const* columns,
          std::byte* scratch, std::size_t half)
      : wanted_(wanted), classes_(classes), columns_(columns), kernel_(kernel), half_(half) {
    const auto take = [&](std::size_t halves) {
      std::byte* taken = scratch;
      scratch += halves * half;
      return taken;
    };
    first_ = take(kMostColumns * wanted.residues17.size());
    second_ = take(8 * wanted.residues5.size() * wanted.residues17.size());
    pairs_ = take(kPairsTogether * 4 * wanted.combinations());
  }

  /// Q and P of a pair of rows.
  void pair(std::size_t place, const RowPair& rows) {
    for (std::size_t mirrored = 0; mirrored < 2; ++mirrored) {
      for (std::size_t high = 0; high < 2; ++high) {
        over_17(rows.rows[mirrored], high * half_);
        over_5(rows.rows[mirrored], mirrored, high);
      }
    }
    over_3(place);
  }

  /// Sums of up to kPairsTogether pairs; returns where the factors go on.
  const Scalar* across(std::size_t pair_count, const Scalar* factors, std::byte* const* sums) {
    std::array<const std::byte*, 2 * kPairsTogether> from;
    for (const Wanted::Within& within : wanted_.within) {
      to_.resize(within.outputs.size());
      for (std::size_t high = 0; high < 2; ++high) {
        for (std::size_t o = 0; o < to_.size(); ++o) to_[o] = sums[within.outputs[o]] + high * half_;
        for (std::size_t p = 0; p < pair_count; ++p) {
          from[2 * p] = pair_at(p, 0, high) + within.place * half_;
          from[2 * p + 1] = pair_at(p, 1, high) + within.place * half_;
        }
        kernel_.add(to_.data(), to_.size(), from.data(), 2 * pair_count, factors, half_);
      }
      factors += to_.size() * 2 * pair_count;
    }
    return factors;
  }

 private:
  /// Of place's Q (0) or P (1): [residue mod 3][residue mod 5][residue mod 17].
  std::byte* pair_at(std::size_t place, std::size_t which, std::size_t high) const {
    return pairs_ + ((place * 2 + which) * 2 + high) * wanted_.combinations() * half_;
  }
  /// Second sums of inputs that agree mod 3: [residue mod 5][residue mod 17].
  std::byte* second_at(std::size_t mirrored, std::size_t high, std::size_t mod3_class) const {
    return second_ +
           ((mirrored * 2 + high) * 2 + mod3_class) * wanted_.residues5.size() * wanted_.residues17.size() * half_;
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

  /// All residues mod 17 at once.
  void over_5(const Row& row, std::size_t mirrored, std::size_t high) {
    const std::size_t length = wanted_.residues17.size() * half_, outputs = wanted_.residues5.size();
    for (std::size_t c = 0; c < classes_; ++c) {
      std::array<std::byte*, 5> to;
      std::array<const std::byte*, 4> from;
      std::array<std::uint32_t, 4> mod5;
      std::array<Scalar, 20> factors;
      std::size_t inputs = 0;
      for (std::size_t g = 0; g < row.gathers.size(); ++g) {
        if (classes_ == 2 && row.gathers[g].mod3 != c + 1) continue;
        from[inputs] = first_ + g * length;
        mod5[inputs++] = row.gathers[g].mod5;
      }
      for (std::size_t o = 0; o < outputs; ++o) {
        to[o] = second_at(mirrored, high, c) + o * length;
        for (std::size_t i = 0; i < inputs; ++i) factors[o * inputs + i] = root<5>(mod5[i], wanted_.residues5[o]);
      }
      kernel_.set(to.data(), outputs, from.data(), inputs, factors.data(), length);
    }
  }

  /// The sum over 3 gives T and T', and those Q = T + P + t P and P = T + T'; both in one step, all residues mod 5 and
  /// mod 17 at once. t P has delta * P's high half as its low half, and the sum of P's halves as its high half, so
  ///   Q low = T' low + delta (T high + T' high), Q high = T high + T low + T' low.
  void over_3(std::size_t place) {
    const Scalar delta = tower_delta();
    sum_over_3(pair_at(place, 0, 0), {{{1, 0, 1}, {0, 1, delta}, {1, 1, delta}}});
    sum_over_3(pair_at(place, 0, 1), {{{0, 1, 1}, {0, 0, 1}, {1, 0, 1}}});
    sum_over_3(pair_at(place, 1, 0), {{{0, 0, 1}, {1, 0, 1}}});
    sum_over_3(pair_at(place, 1, 1), {{{0, 1, 1}, {1, 1, 1}}});
  }

  struct Part {
    std::size_t mirrored, high;
    Scalar factor;  // 0: there is no such part
  };
  void sum_over_3(std::byte* out, const std::array<Part, 3>& parts) {
    const std::size_t length = wanted_.residues5.size() * wanted_.residues17.size() * half_;
    std::array<std::byte*, 3> to;
    std::array<const std::byte*, 6> from;
    std::array<Scalar, 18> factors;
    std::size_t inputs = 0;
    for (const Part& part : parts) {
      for (std::size_t c = 0; c < classes_ && part.factor != 0; ++c)
        from[inputs++] = second_at(part.mirrored, part.high, c);
    }
    for (std::size_t o = 0; o < wanted_.residues3.size(); ++o) {
      to[o] = out + o * length;
      for (std::uint32_t i = 0; i < inputs; ++i) {
        const Scalar w = classes_ == 2 ? root<3>(i % 2 + 1, wanted_.residues3[o]) : Scalar{1};
        factors[o * inputs + i] = multiply_scalars(w, parts[i / classes_].factor);
      }
    }
    kernel_.set(to.data(), wanted_.residues3.size(), from.data(), inputs, factors.data(), length);
  }

  const Wanted& wanted_;
  std::size_t classes_;
  const std::byte* const* columns_;
  const Kernel& kernel_;
  std::size_t half_;
  std::byte *first_, *second_, *pairs_;
  std::vector<std::byte*> to_;
};

}  // namespace

Transform::Transform(std::span<const std::uint32_t> slices, std::span<const Word> exponents, const Kernel& by)
    : plan_(std::make_unique<const Plan>(slices, exponents, cheaper(slices, exponents))), kernel_(&by) {}
Transform::~Transform() = default;
Transform::Transform(Transform&&) noexcept = default;

double Transform::cost(std::span<const std::uint32_t> slices, std::span<const Word> exponents) {
  return std::min(cost_of(slices, exponents, Three::kInRows), cost_of(slices, exponents, Three::kBetweenRows));
}

std::size_t Transform::scratch_bytes(std::size_t half) const { return plan_->scratch_halves() * half; }

void Transform::add(std::byte* const* sums, const std::byte* const* columns, std::byte* scratch,
                    std::size_t half) const {
  const Plan& plan = *plan_;
  Working working(plan.wanted, plan.classes, *kernel_, columns, scratch, half);
  const Scalar* factors = plan.across.data();
  for (std::size_t first = 0; first < plan.pairs.size(); first += kPairsTogether) {
    const std::size_t count = std::min(kPairsTogether, plan.pairs.size() - first);
    for (std::size_t p = 0; p < count; ++p) working.pair(p, plan.pairs[first + p]);
    factors = working.across(count, factors, sums);
  }
}

}  // namespace darkshelf::gf16
