#!/usr/bin/env bash
# Installs what is missing (Debian, Ubuntu), builds, and runs every test: release by g++ and by clang++, then under the
# address, undefined-behaviour and thread sanitizers. The last line counts: N passed, N failed, N skipped.
#
#   FOVEA_DATA   folder with data/, weights/ and golden/; default: ../shared where that exists. Without, tests that need it
#                are skipped
#   JOBS         compilers and tests at once; default: the number of processors
#   PARTS        default: "release clang asan tsan"
set -u
cd "$(dirname "$0")/.."

packages=(g++ clang cmake ninja-build libxsimd-dev catch2 libstb-dev libcli11-dev nlohmann-json3-dev
          libwebp-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev python3)
JOBS=${JOBS:-$(nproc)}
PARTS=${PARTS:-release clang asan tsan}
if [ -z "${FOVEA_DATA:-}" ] && [ -d ../shared ]; then FOVEA_DATA=$(cd ../shared && pwd); fi
export FOVEA_DATA=${FOVEA_DATA:-}

passed=0 failed=0 skipped=0
failures=()

is_installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

install_packages() {
    command -v dpkg-query >/dev/null || return 0 # another distribution: its packages are the user's choice
    local missing=() package
    for package in "${packages[@]}"; do
        # Ubuntu's name of the same library
        if [ "$package" = libjpeg62-turbo-dev ] && is_installed libjpeg-turbo8-dev; then continue; fi
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "error: not installed, and neither root nor sudo to do it: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    if [[ " ${missing[*]} " == *" libjpeg62-turbo-dev "* ]] && ! apt-cache show libjpeg62-turbo-dev >/dev/null 2>&1; then
        missing=("${missing[@]/libjpeg62-turbo-dev/libjpeg-turbo8-dev}")
    fi
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; then
        echo "error: could not install ${missing[*]}" >&2
        exit 1
    fi
}

# count FILE NAME: the number of that name in the first element of a JUnit file.
count() { sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p;/$2=/q" "$1" | head -n 1; }

# part NAME PRESET COMPILER EXCLUDED-LABELS: configures, builds and tests in build/NAME.
part() {
    local name=$1 preset=$2 compiler=$3 excluded=$4 folder=build/$1 begin=$SECONDS
    local results=$PWD/$folder/results.xml
    mkdir -p "$folder"
    printf '\n==== %s: %s, preset %s\n' "$name" "$compiler" "$preset"
    rm -f "$results"
    if ! CXX=$compiler cmake --preset "$preset" -B "$folder" -DFOVEA_BENCHMARKS=OFF >"$folder/configure.log" 2>&1; then
        cat "$folder/configure.log"
        failed=$((failed + 1)) failures+=("$name: does not configure")
    elif ! cmake --build "$folder" -j "$JOBS"; then
        failed=$((failed + 1)) failures+=("$name: does not build")
    else
        local filter=()
        [ -n "$excluded" ] && filter=(-LE "$excluded")
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

install_packages
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
for name in $PARTS; do
    case $name in
    release) part release release g++ "" ;;
    clang) part clang release clang++ compile ;; # those tests call both compilers already
    asan) part asan asan g++ "compile|slow" ;;
    tsan) part tsan tsan g++ "compile|slow" ;;
    *) echo "error: unknown part $name" >&2; exit 2 ;;
    esac
done

echo
for failure in "${failures[@]+"${failures[@]}"}"; do echo "failed: $failure"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
