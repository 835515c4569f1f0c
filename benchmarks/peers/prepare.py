"""prepare.py NETWORK HEIGHT WIDTH FOLDER REFERENCE: writes what every engine is given and judged by.

    weights.safetensors   the random weights, for fovea
    net.onnx              the network for a fixed input, for OpenVINO and ONNX Runtime
    net.ncnn.param, .bin  the same for ncnn, or net.ncnn.error with the reason why there is none
    input.npy             (1,3,H,W) float32 in [0,1]; input.raw: the same as (H,W,3)
    reference.npy         (C,h,w) float64: the network by PyTorch in double precision, where REFERENCE is 1; along a
                          side that is longer than PART + REACH, the first PART pixels' output alone
"""
import json
import os
import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

import networks

PART, REACH = 128, 192  # pixels of the input; no output depends on one that is REACH or more away
PATTERN = 64  # the side of what ncnn's network is traced with; it takes every size then
BAND = 32  # rows of a convolution at once: in double precision a whole layer's patches may not fit memory


def write_safetensors(path, tensors):
    header, data, at = {"__metadata__": {"range": "[0,1]"}}, [], 0
    for name, t in tensors.items():
        raw = t.detach().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def convolve_in_bands(conv, x):
    """conv(x), for stride 1."""
    rows = x.shape[2]
    (up, left), reach = conv.padding, (conv.kernel_size[0] - 1) * conv.dilation[0]
    padded = F.pad(x, (left, left, up, up))
    bands = [F.conv2d(padded[:, :, y:min(y + BAND, rows) + reach], conv.weight, conv.bias, 1, 0, conv.dilation, conv.groups)
             for y in range(0, rows, BAND)]
    return torch.cat(bands, 2)


def reference(net, x):
    rows, columns = (side if side <= PART + REACH else PART for side in x.shape[2:])
    x = x[:, :, :PART + REACH, :PART + REACH]
    net = net.double()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.forward = lambda x, conv=module: convolve_in_bands(conv, x)
    with torch.inference_mode():
        y = net(x.double())[0]
    scale = y.shape[1] // x.shape[2]
    return y[:, :rows * scale, :columns * scale].contiguous().numpy()


def export_onnx(net, x, path):
    """By tracing: needs no package but torch and onnx."""
    torch.onnx.export(net, (x,), path, input_names=["x"], output_names=["y"], opset_version=18, dynamo=False)


def export_ncnn(net, x, folder):
    """pnnx writes more files, all beside the script that it is given."""
    import pnnx
    x = x[:, :, :PATTERN, :PATTERN].contiguous()
    torch.jit.trace(net, x, check_trace=False).save(folder / "net.pt")
    try:
        pnnx.convert(str(folder / "net.pt"), x, fp16=False)
        if not (folder / "net.ncnn.bin").exists():
            raise RuntimeError("wrote no network")
    except Exception as problem:
        (folder / "net.ncnn.error").write_text(str(problem).splitlines()[0])


def main(name, height, width, folder, with_reference):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    net = networks.make(name)
    x = torch.rand(1, 3, int(height), int(width), generator=torch.Generator().manual_seed(2))
    write_safetensors(folder / "weights.safetensors", net.state_dict())
    np.save(folder / "input.npy", x.numpy())
    x[0].permute(1, 2, 0).contiguous().numpy().tofile(folder / "input.raw")
    with torch.inference_mode():
        export_onnx(net, x, folder / "net.onnx")
        export_ncnn(net, x, folder)
    if with_reference == "1":
        np.save(folder / "unfinished.npy", reference(net, x))
        os.replace(folder / "unfinished.npy", folder / "reference.npy")
    (folder / "complete").touch()


main(*sys.argv[1:])
