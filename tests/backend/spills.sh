#!/bin/sh
# spills.sh ARCHIVE: the inner loops of the convolutions keep their sums in registers. Compilers that run out of them
# move sums to the stack and back without a word, at a third of the speed.
set -eu
[ "$(uname -m)" = x86_64 ] && command -v "${OBJDUMP:-objdump}" > /dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${AR:-ar}" x "$1"
status=0
for object in avx2.cpp* avx512.cpp* avx512vnni.cpp*; do
    "${OBJDUMP:-objdump}" -d --no-show-raw-insn -C "$object" > code
    if ! grep -q '^[0-9a-f]* <.*sum_block<2' code; then
        echo "$object has no sum_block<2, ...>"
        status=1
    fi
    if awk '/^[0-9a-f]+ <.*>:$/ { inside = /sum_block</; name = $0 }
            inside && /[yz]mm/ && /\(%rsp/ { print name; print; found = 1 }
            END { exit !found }' code; then
        echo "$object: vectors on the stack"
        status=1
    fi
done
exit $status
