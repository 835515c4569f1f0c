# For the scripts: the Debian (and Ubuntu) packages that fovea needs, and their installation.
build_packages=(g++ cmake ninja-build libxsimd-dev libstb-dev libpng-dev libjpeg-dev libwebp-dev zlib1g-dev libcli11-dev
    nlohmann-json3-dev)
test_packages=(clang catch2 python3)
benchmark_packages=(libbenchmark-dev time)

# install_packages NAME...: installs those that are missing; says so in one line where it may not.
install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q "ok installed" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "error: missing packages: expected root or sudo to install: ${missing[*]}" >&2; return 1; }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
}
