#pragma once
// PAR2's recovery slices as a pruned Fourier transform over GF(2^16).
//
// PAR2 defines R_e = sum over slices i of d_i * 2^(n_i * e), n_i being the i-th positive integer coprime with 65535
// (PAR2 2.0, "Reed-Solomon"). The order of 2 is N = 65535 = 257 * 17 * 5 * 3, so R_e is the discrete Fourier transform
// with root 2 of the sequence that has d_i at n_i and zeros elsewhere. The factors of N are coprime to each other;
// by Good (1958) and Thomas (1963) the transform is then one of dimensions 257 x 17 x 5 x 3 without twiddle factors: n
// and e are replaced by their residues, and
//
//   2^(n e) = r257^(n e) * r17^(n e) * r5^(n e) * r3^(n e),   r_p = 2^((N/p) * ((N/p)^-1 mod p)) of order p.
//
// *Rows.* For each residue a = n mod 257 there are at most 16 * 4 * 2 = 128 inputs, since no residue of an n is zero.
// Sums over 17, then 5, then 3 make T_a[b] of them, b = e mod 255. These roots lie in the subfield GF(2^8), so that
// in tower form (tower.hpp) a product costs one byte operation instead of two.
//
// *Across.* R_e = sum over a of r257^(a e) * T_a[e mod 255]. With r = r257, u = r^(a e) = c + d t and T' = T_{257-a}
// the two rows a and 257 - a contribute u T + u^-1 T'. The inverse of u is its conjugate c + d + d t, so with P = T +
// T'
//
//   u T + u^-1 T' = d Q + c P,   Q = T + P + t P,
//
// where c and d are in GF(2^8) again: two products of bytes for what were two products of words.
//
// *Three, in rows or between them.* With few slices a row has few inputs for its 255 sums. The sum over 3 may as well
// be made across: rows are then the residues mod 771, twice as many, each with 85 sums, and u gets a factor r3^(a e),
// which lies in GF(2^8) and so leaves all of the above as it is. What costs less is chosen.
//
// Everything is pruned: inputs that are zero, residues of e that nobody asked for, and a first sum over 17 that costs
// only the inputs that are there. For all 32,768 slices and 3,277 recovery slices it is about 58 products of bytes for
// each input byte, where the definition has 6,554; for 2,000 slices and 200 it is about 210 against 400.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "gf16/kernels.hpp"

namespace darkshelf::gf16 {

class Transform {
 public:
  /// `slices`: numbers of the input slices that are not zero, each once. `exponents`: any, each below 65535. `by`: for
  /// tests and measurements.
  Transform(std::span<const std::uint32_t> slices, std::span<const Word> exponents, const Kernel& by = kernel());
  ~Transform();
  Transform(Transform&&) noexcept;

  /// What add() costs, in products of one byte for each byte of a column; what else it does is counted in the same
  /// coin. For cost models.
  static double cost(std::span<const std::uint32_t> slices, std::span<const Word> exponents);

  /// Bytes of scratch memory that add() needs for columns of 2 * half bytes.
  std::size_t scratch_bytes(std::size_t half) const;
  /// Column `sums[o]` ^= the contribution of all slices to exponents[o]. Columns have `half` low bytes and then `half`
  /// high bytes (kernels.hpp), `half` a multiple of kRegionUnit; columns[i] is that of slices[i]. `scratch` is aligned
  /// to kRegionUnit. Any number of threads may call at once with sums and scratch of their own.
  void add(std::byte* const* sums, const std::byte* const* columns, std::byte* scratch, std::size_t half) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
  const Kernel* kernel_;
};

}  // namespace darkshelf::gf16
