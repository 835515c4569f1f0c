#!/usr/bin/env bash
# What it costs to embed a network: time and peak memory of the compiler, and the size of the program, stripped, for
# examples/embed.cpp (the single header, one network, weights in memory, no exceptions and no RTTI).
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(mktemp)
trap 'rm -f "$program"' EXIT
printf '%-10s %10s %12s %14s\n' compiler seconds "memory, MB" "stripped, KB"
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    python3 - "$compiler" "$program" <<'PYTHON'
import os, resource, subprocess, sys, time
compiler, program = sys.argv[1:]
start = time.monotonic()
subprocess.run([compiler, "-std=c++20", "-O2", "-march=native", "-fno-exceptions", "-fno-rtti", "-Isingle_include",
                "examples/embed.cpp", "-o", program, "-pthread"], check=True)
seconds, peak = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
subprocess.run(["strip", program], check=True)
print(f"{compiler:<10} {seconds:10.1f} {peak:12.0f} {os.path.getsize(program) / 1024:14.0f}")
PYTHON
done
