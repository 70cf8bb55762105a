#!/usr/bin/env bash
# Builds and runs the kernel's own tests: for each instruction set that this processor has and each
# type, under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")"
CC=${CC:-cc}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

sets=("")
if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then sets+=("-mavx2 -mfma"); fi
if grep -qw avx512vl /proc/cpuinfo 2>/dev/null; then sets+=("-march=x86-64-v4"); fi

for real in float double; do
  for isa in "${sets[@]}"; do
    for sanitizer in address,undefined thread; do
      echo "$real, ${isa:-baseline}, $sanitizer"
      # shellcheck disable=SC2086
      $CC -O1 -g -std=gnu11 -Wall -Wextra -Werror -Wno-psabi -ffp-contract=fast $isa -DREAL=$real \
        -fsanitize=$sanitizer -fno-sanitize-recover=all test_kernel.c -o "$out/test" -lm -pthread
      "$out/test"
    done
  done
done
