#!/bin/sh
# run.sh [--venv FOLDER] [OPTION...]: fovea beside OpenVINO, ONNX Runtime, ncnn and PyTorch; the options are those of
# compare.py, listed by --help. The engines live in a virtual environment, made at the first run (default:
# build/peers/venv): 6 GB, most of it CUDA libraries that PyTorch brings and nothing here uses; far less where
# PyTorch's own index, with packages for CPUs only, can be reached.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../build/peers/venv
if [ "${1:-}" = --venv ]; then
    [ $# -ge 2 ] || { echo "error: --venv: expected a folder" >&2; exit 2; }
    venv=$2
    shift 2
fi
case " $* " in *" --help "* | *" -h "*) exec python3 "$here/options.py" --help ;; esac
python3 "$here/options.py" "$@" # wrong ones are told before gigabytes are fetched

if ! "$venv/bin/python" -c 'import numpy, ncnn, onnx, onnxruntime, openvino, pnnx, torch' 2> /dev/null; then
    echo "making $venv" >&2
    python3 -m venv "$venv"
    "$venv/bin/python" -c 'import torch' 2> /dev/null ||
        "$venv/bin/pip" install --quiet --retries 0 --timeout 15 --index-url https://download.pytorch.org/whl/cpu torch \
            2> /dev/null || echo "PyTorch for CPUs only cannot be had here: taking the default package, 5 GB" >&2
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
exec "$venv/bin/python" "$here/compare.py" "$@"
