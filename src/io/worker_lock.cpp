#include "io/worker_lock.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace darkshelf::io {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// What decoders and their threads need. A call that is missing here fails, which decoders can live with; one too many
// would be a way out.
constexpr std::array kAllowed = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_lseek,
    SYS_fstat,
    SYS_close,  // open already
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_sendto,
    SYS_sendmsg,
    SYS_ppoll,  // the socket
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,  // memory
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_sched_getaffinity,  // threads
    SYS_gettid,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
    SYS_membarrier,
    SYS_restart_syscall,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,  // signals
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_setitimer,
    SYS_getrandom,  // clocks
#ifdef SYS_poll
    SYS_poll,
#endif
};
// With itself (or 0) as the first argument.
constexpr std::array kAllowedToItself = {SYS_tgkill, SYS_prlimit64};  // abort(), limits of memory

}  // namespace

bool refuse_all_but_work() {
  if (kArchitecture == 0) return false;
  std::vector<sock_filter> filter;
  const auto statement = [&](std::uint16_t code, std::uint32_t value) { filter.push_back(BPF_STMT(code, value)); };
  const auto unless_equal_skip = [&](std::uint32_t value, std::uint8_t skip) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
  };
  const std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
  statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0));
  statement(BPF_RET | BPF_K, refuse);
  statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  // Threads, and no process of its own: it would outlive the request, and have limits of its own. clone3 has its flags
  // in memory, where no filter can look; told that there is none, the C library takes clone.
  unless_equal_skip(SYS_clone3, 1);
  statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
  unless_equal_skip(SYS_clone, 4);
  statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0]));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
  statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  statement(BPF_RET | BPF_K, refuse);
  for (const long call : kAllowed) {
    unless_equal_skip(static_cast<std::uint32_t>(call), 1);
    statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  for (const long call : kAllowedToItself) {
    unless_equal_skip(static_cast<std::uint32_t>(call), 6);
    statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0]));  // the low half: ids have no more
    unless_equal_skip(static_cast<std::uint32_t>(::getpid()), 1);
    statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    unless_equal_skip(0, 1);
    statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    statement(BPF_RET | BPF_K, refuse);
  }
  statement(BPF_RET | BPF_K, refuse);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace darkshelf::io
