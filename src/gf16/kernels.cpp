#include "gf16/kernels.hpp"

#include <cstdlib>

#include "core/error.hpp"
#include "gf16/kernel_list.hpp"

namespace darkshelf::gf16 {

namespace {

const Kernel& choose() {
  const std::vector<const Kernel*> possible = kernels();
  const char* wanted = std::getenv("DARKSHELF_KERNEL");
  if (wanted == nullptr || *wanted == '\0') return *possible.back();
  std::string names;
  for (const Kernel* candidate : possible) {
    if (std::string_view(wanted) == candidate->name) return *candidate;
    names += names.empty() ? candidate->name : std::string(", ") + candidate->name;
  }
  throw core::Error(core::Code::kUsage,
                    "DARKSHELF_KERNEL names \"" + std::string(wanted) + "\", and this CPU can run: " + names);
}

}  // namespace

std::vector<const Kernel*> kernels() {
  std::vector<const Kernel*> possible = {&scalar_kernel()};
  for (const Kernel* candidate : {avx2_kernel(), gfni_avx512_kernel()}) {
    if (candidate != nullptr) possible.push_back(candidate);
  }
  return possible;
}

const Kernel& kernel() {
  static const Kernel& chosen = choose();
  return chosen;
}

}  // namespace darkshelf::gf16
