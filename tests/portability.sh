#!/usr/bin/env bash
# Builds for other processors, systems, standard libraries and versions of xsimd, and runs the tests that fit there. Not
# part of tests/run.sh: it installs cross compilers and emulators (Debian 12), and takes about ten minutes.
#
#   PARTS          default: "aarch64 mingw libcxx xsimd"
#   XSIMD_FOLDERS  folders of other versions of xsimd, each with include/xsimd/xsimd.hpp, for the part xsimd
set -u
cd "$(dirname "$0")/.."
. cmake/packages.sh
PARTS=${PARTS:-aarch64 mingw libcxx xsimd}
scratch=${SCRATCH:-$PWD/build/portability}
mkdir -p "$scratch/include"
# Headers that are not the system's: /usr/include itself is of this machine, not of the one that is compiled for.
for folder in xsimd stb catch2; do ln -sfn "/usr/include/$folder" "$scratch/include/$folder"; done

passed=0 failed=0 skipped=0
result() { # NAME STATUS
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)) && echo "passed: $1"; else failed=$((failed + 1)) && echo "failed: $1"; fi
}
skip() { skipped=$((skipped + 1)) && echo "skipped: $1"; }

# try NAME RUNNER COMPILER_AND_OPTIONS -- SOURCES: compiles one program and runs it.
try() {
    local name=$1 runner=$2 program
    shift 2
    program=$scratch/$(echo "$name" | tr -c 'a-z0-9\n' _).exe
    local options=()
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    local sources=() # of one kind in one translation unit: the library's templates are compiled once
    for source in "$@"; do [ "${source#/}" = "$source" ] && source=$PWD/$source; echo "#include \"$source\""; done >"$program.cpp"
    "${options[@]}" "$program.cpp" -o "$program" ${after[@]+"${after[@]}"} >"$program.log" 2>&1 && $runner "$program" >>"$program.log" 2>&1
    local status=$?
    [ $status -ne 77 ] || status=0 # tests that need FOVEA_DATA were skipped, by name
    [ $status -eq 0 ] || tail -n 20 "$program.log"
    result "$name" $status
}

bits() { tr -d '\r' <"$scratch/$1.exe.log" | tail -n 1; }
same_bits() { # of NAME and this machine's g++
    [ "$(bits "$1")" = "$(bits bits_linux)" ]
    result "$1: the bits of Linux, $(bits "$1")" $?
}

core=(tests/support/main.cpp tests/core/error.cpp tests/core/half.cpp tests/core/random.cpp tests/core/threads.cpp tests/tensor/tensor.cpp)
portable=("${core[@]}" tests/graph/compose.cpp tests/graph/plan.cpp tests/io/json.cpp tests/io/safetensors.cpp
    tests/image/convert.cpp tests/image/orientation.cpp tests/image/resize_pillow.cpp tests/image/resize_matlab.cpp)
kernels=(tests/support/main.cpp tests/backend/convolution.cpp tests/backend/winograd.cpp tests/backend/attention_block.cpp
    tests/backend/pointwise.cpp tests/backend/resampling.cpp)
common=(-std=c++20 -O1 -Iinclude -Itests "-I$scratch/include" "-DFOVEA_VECTORS=\"$PWD/tests/io/vectors\"")
x86=-march=x86-64-v3
after=()
install_packages "${build_packages[@]}" "${test_packages[@]}" || exit 1
try "bits linux" "" g++ "${common[@]}" $x86 -pthread -- tests/portability/bits.cpp

for part in $PARTS; do
    echo "==== $part"
    after=()
    case $part in
    aarch64)
        install_packages qemu-user g++-aarch64-linux-gnu || exit 1
        arm=(aarch64-linux-gnu-g++ "${common[@]}" -static -pthread)
        try "aarch64 library" qemu-aarch64 "${arm[@]}" -- "${portable[@]}"
        # The kernels as fovea::dispatch has them.
        for source in dispatch neon; do
            aarch64-linux-gnu-g++ "${common[@]}" -O2 -DFOVEA_WITH_NEON=1 -c src/dispatch/$source.cpp -o "$scratch/$source.o" || exit 1
        done
        after=("$scratch/dispatch.o" "$scratch/neon.o")
        try "aarch64 kernels beside the reference" qemu-aarch64 "${arm[@]}" -DFOVEA_DISPATCH=1 -- "${kernels[@]}"
        ;;
    mingw)
        install_packages g++-mingw-w64-x86-64-posix wine64 || exit 1
        export WINEPREFIX=$scratch/wine WINEDEBUG=-all
        windows=(x86_64-w64-mingw32-g++-posix "${common[@]}" -static -Wa,-mbig-obj)
        printf '#include <windows.h>\n#include <fovea/fovea.hpp>\nint main() {}\n' >"$scratch/windows_first.cpp"
        try "mingw, after windows.h" /usr/lib/wine/wine64 "${windows[@]}" -- "${scratch#"$PWD"/}/windows_first.cpp"
        try "mingw library" /usr/lib/wine/wine64 "${windows[@]}" -- "${portable[@]}"
        try "bits mingw" /usr/lib/wine/wine64 "${windows[@]}" $x86 -- tests/portability/bits.cpp
        same_bits bits_mingw
        ;;
    libcxx)
        # Two versions beside each other: unpacked, for Debian installs one at a time.
        install_packages clang-16 || exit 1
        for version in 15 16; do
            folder=$scratch/libcxx$version
            if [ ! -d "$folder" ]; then
                mkdir -p "$folder"
                (cd "$folder" && apt-get download -qq libc++-$version-dev libc++abi-$version-dev libunwind-$version-dev 2>/dev/null && for f in *.deb; do dpkg -x "$f" .; done) || exit 1
            fi
            llvm=$folder/usr/lib/llvm-$version
            clang=(clang++-16 -nostdinc++ -nostdlib++ -isystem "$llvm/include/c++/v1" "${common[@]}" -pthread)
            after=("$llvm/lib/libc++.a" "$llvm/lib/libc++abi.a")
            [ $version -gt 15 ] || clang+=(-fexperimental-library) # its algorithms on ranges are behind this option
            try "libcxx $version library" "" "${clang[@]}" -- "${portable[@]}"
            try "bits libcxx $version" "" "${clang[@]}" $x86 -- tests/portability/bits.cpp
            same_bits "bits_libcxx_$version"
        done
        ;;
    xsimd)
        [ -n "${XSIMD_FOLDERS:-}" ] || skip "xsimd: other versions: needs XSIMD_FOLDERS"
        for folder in ${XSIMD_FOLDERS:-}; do
            version=$(grep -hE 'define XSIMD_VERSION_(MAJOR|MINOR|PATCH)' "$folder"/include/xsimd/config/xsimd_config.hpp | grep -oE '[0-9]+$' | paste -sd .)
            try "bits xsimd $version" "" g++ -std=c++20 -O1 -Iinclude "-I$folder/include" $x86 -pthread -- tests/portability/bits.cpp
            same_bits "bits_xsimd_$(echo "$version" | tr . _)"
        done
        ;;
    *) echo "error: unknown part $part" >&2; exit 2 ;;
    esac
done

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
