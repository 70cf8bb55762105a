/* What the library exports: the version, and the functions for an instruction set and a type. */
#include <stddef.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef void (*Function)(void);

#define DECLARE(isa) extern const Function shoal_##isa##_float[], shoal_##isa##_double[];
DECLARE(baseline)
#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avx512)
#endif

/* One more whenever an argument or a structure of the entry points changes. */
EXPORT int shoal_kernel_version(void) { return 5; }

/* 1 if this processor and its operating system can run an instruction set. */
EXPORT int shoal_can_run(const char *isa) {
    if (!strcmp(isa, "baseline")) return 1;
#if defined(__x86_64__)
    if (!strcmp(isa, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(isa, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
    return 0;
}

/* The entry points descend, evaluate and predict; NULL for an instruction set that cannot run. */
EXPORT const Function *shoal_functions(const char *isa, int is_double) {
    if (!shoal_can_run(isa)) return NULL;
#if defined(__x86_64__)
    if (!strcmp(isa, "avx2")) return is_double ? shoal_avx2_double : shoal_avx2_float;
    if (!strcmp(isa, "avx512")) return is_double ? shoal_avx512_double : shoal_avx512_float;
#endif
    return is_double ? shoal_baseline_double : shoal_baseline_float;
}
