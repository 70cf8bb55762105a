#!/usr/bin/env bash
# Builds and runs the kernel's own tests: for each instruction set that this processor has and each
# type under AddressSanitizer with UndefinedBehaviorSanitizer, and the best set under
# ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")"
CC=${CC:-cc}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

sets=("")
if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then sets+=("-mavx2 -mfma"); fi
if grep -qw avx512vl /proc/cpuinfo 2>/dev/null; then sets+=("-march=x86-64-v4"); fi

build_and_run() {
  echo "$1, ${2:-baseline}, $3"
  # shellcheck disable=SC2086
  $CC -O1 -g -std=gnu11 -Wall -Wextra -Werror -Wno-psabi -ffp-contract=fast $2 -DREAL="$1" \
    -fsanitize="$3" -fno-sanitize-recover=all test_kernel.c -o "$out/test" -lm -pthread
  "$out/test"
}

for real in float double; do
  for isa in "${sets[@]}"; do build_and_run $real "$isa" address,undefined; done
  build_and_run $real "$isa" thread
done
