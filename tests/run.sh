#!/usr/bin/env bash
# Installs what is missing (Debian, Ubuntu), builds, and runs every test: all of them in a release build by g++; the
# library's again as built by clang++, with assertions, under the address and undefined-behaviour sanitizers; those with
# threads under the thread sanitizer; what needs a CUDA compiler, where there is one. The last line counts:
# N passed, N failed, N skipped.
#
#   FOVEA_DATA   folder with data/, weights/ and golden/; default: ../shared where that exists. Without, tests that need it
#                are skipped
#   JOBS         compilers and tests at once; default: the number of processors
#   PARTS        default: "release asan tsan cuda", and "clang" where clang++ is without its sanitizers' library: asan and
#                tsan are then g++'s, which takes three times as long to compile them
set -u
cd "$(dirname "$0")/.."

. cmake/packages.sh
JOBS=${JOBS:-$(nproc)}
if [ -z "${FOVEA_DATA:-}" ] && [ -d ../shared ]; then FOVEA_DATA=$(cd ../shared && pwd); fi
export FOVEA_DATA=${FOVEA_DATA:-}

passed=0 failed=0 skipped=0
failures=()

# count FILE NAME: the number of that name in the first element of a JUnit file.
count() { sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p;/$2=/q" "$1" | head -n 1; }

# part NAME PRESET COMPILER [FOLDER]: configures, builds and tests in FOLDER, build/NAME. The arrays `options` (of CMake),
# `targets` (none: all) and `filter` (of ctest) are those of the part.
part() {
    local name=$1 preset=$2 compiler=$3 folder=${4:-build/$1} begin=$SECONDS
    local results=$PWD/$folder/results.xml
    mkdir -p "$folder"
    printf '\n==== %s: %s, preset %s\n' "$name" "$compiler" "$preset"
    rm -f "$results"
    if ! CXX=$compiler cmake --preset "$preset" -B "$folder" -DFOVEA_BENCHMARKS=OFF -DFOVEA_TESTS=ON -DFOVEA_EXAMPLES=ON "${options[@]+"${options[@]}"}" >"$folder/configure.log" 2>&1; then
        cat "$folder/configure.log"
        failed=$((failed + 1)) failures+=("$name: does not configure")
    elif ! cmake --build "$folder" -j "$JOBS" ${targets[@]+--target "${targets[@]}"}; then
        failed=$((failed + 1)) failures+=("$name: does not build")
    else
        ctest --test-dir "$folder" -j "$JOBS" --output-on-failure --output-junit "$results" "${filter[@]+"${filter[@]}"}" |
            grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#.* Passed )' # leaves failures, what was skipped, the summary
        if [ -s "$results" ]; then
            local all wrong left
            all=$(count "$results" tests) wrong=$(count "$results" failures)
            left=$(($(count "$results" skipped) + $(count "$results" disabled)))
            passed=$((passed + all - wrong - left)) failed=$((failed + wrong)) skipped=$((skipped + left))
            [ "$wrong" -gt 0 ] && failures+=("$name: $wrong tests")
        else
            failed=$((failed + 1)) failures+=("$name: its tests gave no results")
        fi
    fi
    echo "$name took $((SECONDS - begin)) s"
}

widest_sets() { # of cmake/dispatch.cmake
    has() { grep -qw "$1" /proc/cpuinfo; }
    local sets=avx2
    if has avx512bw && has avx512vl; then sets=avx512; fi
    if [ $sets = avx512 ] && has avx512_vnni; then sets="$sets;avx512vnni"; fi
    if [ "$sets" = "avx512;avx512vnni" ] && has avx512_fp16; then sets="$sets;avx512fp16"; fi
    echo "$sets"
}

install_packages "${build_packages[@]}" "${test_packages[@]}" || exit 1
clang_sanitizes() { echo 'int main() {}' | clang++ -fsanitize=address,undefined -x c++ - -o /dev/null 2>/dev/null; }
sanitizing=clang++
if ! clang_sanitizes; then
    install_packages libclang-rt-dev # Debian recommends it with clang; elsewhere it may have no such name
    clang_sanitizes || sanitizing=g++
fi
if [ $sanitizing = g++ ]; then PARTS=${PARTS:-release clang asan tsan cuda}; else PARTS=${PARTS:-release asan tsan cuda}; fi
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
for name in $PARTS; do
    options=() targets=() filter=()
    case $name in
    release)
        options=(-DFOVEA_CUDA=OFF)
        part release release g++
        ;;
    clang)
        # Lightly optimised and with assertions, as `release` is not.
        options=(-DFOVEA_EXAMPLES=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O1)
        targets=(test_core test_tensor test_graph test_backend_cpu test_model) filter=(-R '^(core|tensor|graph|backend_cpu|model):')
        part clang release clang++
        ;;
    asan)
        # The widest set of kernels that this machine runs, and the baseline. Tests with the label `compile` call both
        # compilers already.
        options=(-DFOVEA_EXAMPLES=OFF "-DFOVEA_DISPATCH_SETS=$(widest_sets)") filter=(-LE compile)
        part asan asan $sanitizing
        ;;
    tsan)
        # What runs on several threads: nothing else is new to this sanitizer.
        options=(-DFOVEA_EXAMPLES=OFF -DFOVEA_DISPATCH_SETS=baseline) targets=(test_core test_data test_model)
        filter=(-R '^(core|data):|^model:.*(exactly|batch|thread|schedule)')
        part tsan tsan $sanitizing
        ;;
    cuda)
        # In the folder of `release`, whose objects it needs for the programs. Tests with the label gpu are skipped without one.
        if ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
            printf '\n==== cuda\nskipped: cuda: needs nvcc\n'
            skipped=$((skipped + 1))
            continue
        fi
        options=(-DFOVEA_CUDA=ON) targets=(cuda_tests fovea_files upscale evaluate calibrate info) filter=(-L 'cuda|gpu')
        part cuda release g++ build/release
        ;;
    *) echo "error: unknown part $name" >&2; exit 2 ;;
    esac
done

echo
for failure in "${failures[@]+"${failures[@]}"}"; do echo "failed: $failure"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
