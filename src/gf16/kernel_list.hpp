#pragma once
// The kernels there are, for kernels.cpp alone; null where this CPU cannot run one.

#include "gf16/kernels.hpp"

namespace darkshelf::gf16 {

const Kernel& scalar_kernel();
const Kernel* neon_kernel();
const Kernel* avx2_kernel();
const Kernel* gfni_avx2_kernel();
const Kernel* gfni_avx512_kernel();

}  // namespace darkshelf::gf16
