#!/bin/sh
# run.sh [--venv FOLDER] [OPTION...]: fovea beside OpenVINO, ONNX Runtime, ncnn and PyTorch; the options are those of
# compare.py, listed by --help. The engines live in a virtual environment, made at the first run (default:
# build/peers/venv): 0.9 GB where the index offers PyTorch for CPUs only, else 6 GB with the CUDA libraries that PyTorch
# brings and nothing here uses.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../build/peers/venv
if [ "${1:-}" = --venv ]; then
    [ $# -ge 2 ] || { echo "error: --venv: expected a folder" >&2; exit 2; }
    venv=$2
    shift 2
fi
case " $* " in *" --help "* | *" -h "*) exec python3 "$here/compare.py" --help ;; esac

if ! "$venv/bin/python" -c 'import numpy, ncnn, onnx, onnxruntime, openvino, pnnx, torch' 2> /dev/null; then
    echo "making $venv" >&2
    python3 -m venv "$venv"
    "$venv/bin/python" -c 'import torch' 2> /dev/null ||
        "$venv/bin/pip" install --quiet --retries 0 --timeout 15 --index-url https://download.pytorch.org/whl/cpu torch ||
        echo "no PyTorch for CPUs only: taking the default one" >&2
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
exec "$venv/bin/python" "$here/compare.py" "$@"
