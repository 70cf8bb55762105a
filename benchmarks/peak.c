/* Multiply-adds per second of one core: 12 sums that do not wait for each other, nothing in memory.
 * A vector is as wide as the processor's: cc -O2 -march=native -DREAL=float peak.c */
#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

#if defined(__aarch64__)
#define REGISTER "+w"
#else
#define REGISTER "+x"
#endif

typedef REAL vec __attribute__((vector_size(BYTES)));

int main(void) {
    const long n = 10000000;
    double best = 0;
    vec total[12] = {0}, a = (vec){0} + (REAL)0.5, b = (vec){0} + (REAL)0.25;
    for (int round = 0; round < 9; round++) {
        const clock_t started = clock();
        for (long k = 0; k < n; k++) {
#pragma GCC unroll 12
            for (int i = 0; i < 12; i++) {
                total[i] = total[i] * a + b;
                __asm__ volatile("" : REGISTER(total[i])); /* each one is needed */
            }
        }
        const double seconds = (double)(clock() - started) / CLOCKS_PER_SEC;
        const double rate = 24.0 * (double)n * (BYTES / sizeof(REAL)) / seconds;
        if (rate > best) best = rate;
    }
    printf("%.6g\n", best);
    return 0;
}
