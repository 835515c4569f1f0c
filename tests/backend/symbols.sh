#!/bin/sh
# symbols.sh ARCHIVE: no object compiled for an instruction set may offer the linker a function that objects for other
# machines could share: inline functions of the standard library, or of fovea outside the namespace of the set. Picked by
# the linker, AVX-512 code would run, and crash, where it must not.
set -eu
[ "$(uname -m)" = x86_64 ] || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${AR:-ar}" x "$1"
status=0
sets="avx2 avx512 avx512vnni"
if ls | grep -q '^avx512fp16\.cpp'; then # where the compiler knows it
    sets="$sets avx512fp16"
fi
for set in $sets; do
    object=$(ls | grep "^$set\.cpp")
    if "${NM:-nm}" -C "$object" | grep -E ' [VWvwu] ' | grep -v "fovea::$set::" | grep -v -E ' [vw] (__|_ITM)| V DW\.ref\.'; then
        echo "the symbols above leak from $object"
        status=1
    fi
done
# With VNNI the 8-bit convolution alone is compiled again, with AVX512-FP16 what multiplies in half precision.
others='convolution|winograd|depthwise|int8_convolution|attention_block'
for own in 'avx512vnni int8_convolution' 'avx512fp16 attention_block'; do
    set -- $own
    for object in $(ls | grep "^$1\.cpp"); do
        if "${NM:-nm}" -C "$object" | grep -E "$1::($others)\(" | grep -v "$1::$2("; then
            echo "the kernels above are those of avx512, compiled twice"
            status=1
        fi
    done
done
exit $status
