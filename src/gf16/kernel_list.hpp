#pragma once
// The kernels there are, for kernels.cpp alone; null where the compiler's target has no such instructions.

#include "gf16/kernels.hpp"

namespace darkshelf::gf16 {

const Kernel& scalar_kernel();
const Kernel* avx2_kernel();         // null unless this CPU can run it
const Kernel* gfni_avx512_kernel();  // the same

}  // namespace darkshelf::gf16
