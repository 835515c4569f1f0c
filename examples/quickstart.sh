#!/usr/bin/env bash
# Installs what is missing, builds, enlarges the bundled sample and measures the result:
#
#   examples/quickstart.sh                      with the network that is built in
#   examples/quickstart.sh net.pth              with the network in that weight file (.pth, .pt, .safetensors)
#
# Results go to build/quickstart.
set -euo pipefail
cd "$(dirname "$0")/.."
weights=${1:-}
if [ -n "$weights" ]; then
    weights=$(realpath -- "$1" 2>/dev/null) && [ -f "$weights" ] || { echo "error: $1: no such weight file" >&2; exit 1; }
fi

. cmake/packages.sh
install_packages "${build_packages[@]}" || exit 1

cmake --preset release -DFOVEA_TESTS=OFF -DFOVEA_BENCHMARKS=OFF >/dev/null
cmake --build --preset release --parallel "$(nproc)"

programs=build/release/examples out=build/quickstart sample=examples/data
mkdir -p "$out"
model=(--model pretrained)
scale=2
if [ -n "$weights" ]; then
    model=(--weights "$weights")
    scale=$("$programs/info" "$weights" | sed -n 's/^network: .* x\([0-9]*\),.*/\1/p')
    [ -n "$scale" ] || { echo "error: $weights: holds no network that enlarges images" >&2; exit 1; }
fi

echo
"$programs/upscale" "$sample/chelsea.png" "${model[@]}" --scale "$scale" -o "$out/chelsea_x$scale.png"
echo
echo "The sample shrunk $scale times, enlarged again, and compared with the original:"
"$programs/evaluate" --scale "$scale" --hr "$sample" "${model[@]}" --side-by-side "$out/side_by_side"
echo
echo "Enlarged sample:                       $out/chelsea_x$scale.png"
echo "Side by side (bicubic, model, original): $out/side_by_side/chelsea.png"
