# For the scripts: the Debian (and Ubuntu) packages that fovea needs, and their installation.
build_packages=(g++ cmake ninja-build libxsimd-dev libstb-dev libpng-dev libjpeg-dev libwebp-dev libtiff-dev libgif-dev libavif-dev
    libjxl-dev libopenjp2-7-dev liblcms2-dev zlib1g-dev libcli11-dev nlohmann-json3-dev)
test_packages=(clang catch2 libeigen3-dev binutils python3 python3-pil libimage-exiftool-perl)
benchmark_packages=(libbenchmark-dev)
documentation_packages=(doxygen)

# install_packages NAME...: installs those that are missing; says so in one line where it may not.
install_packages() {
    command -v dpkg-query >/dev/null || return 0 # another distribution: its packages are the user's choice
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "error: not installed, and neither root nor sudo to do it: apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    local patient=(-o DPkg::Lock::Timeout=300) # seconds, where another apt-get is at work
    "${as_root[@]}" apt-get "${patient[@]}" update -qq
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${patient[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        echo "error: could not install ${missing[*]}" >&2
        return 1
    fi
}
