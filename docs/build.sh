#!/usr/bin/env bash
# Makes the documentation as HTML in build/docs/html: README.md, the guides in docs/ and the reference of the public
# headers. Installs Doxygen if it is missing (Debian, Ubuntu). Warnings of Doxygen go to build/docs/warnings.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

. cmake/packages.sh
install_packages "${documentation_packages[@]}" || exit 1
command -v doxygen >/dev/null || { echo "error: doxygen: not found" >&2; exit 1; }

mkdir -p build/docs
doxygen docs/Doxyfile
echo "documentation: build/docs/html/index.html"
