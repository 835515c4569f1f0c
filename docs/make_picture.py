#!/usr/bin/env python3
"""Makes docs/picture.png, the picture at the top of README.md: input, bicubic interpolation, fovea and original, from
left to right, of a part of examples/data/chelsea.png.

    docs/make_picture.py [FOLDER_OF_PROGRAMS]     default: build/release/examples

The sample is shrunk four times by `upscale`; `evaluate` enlarges it again with the built-in x4 network and by bicubic
interpolation, and prints the PSNR of both for README's caption. Needs Pillow.
"""
import pathlib
import subprocess
import sys

from PIL import Image

scale = 4
part = (124, 72, 236, 168)  # left, top, right, bottom in pixels of the original, multiples of the scale
zoom = 2  # each pixel of the original is shown as zoom x zoom pixels
gap = 4  # between the panels of this picture and of those that `evaluate` writes

repository = pathlib.Path(__file__).resolve().parents[1]
programs = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else repository / "build/release/examples").resolve()
work = repository / "build/picture"
for name in ("original", "input"):
    (work / name).mkdir(parents=True, exist_ok=True)

original = Image.open(repository / "examples/data/chelsea.png").convert("RGB")
original = original.crop((0, 0, original.width // scale * scale, original.height // scale * scale))
original.save(work / "original/chelsea.png")
subprocess.run([programs / "upscale", work / "original/chelsea.png", "--model", "bicubic", "--scale", str(1 / scale),
                "-o", work / "input/chelsea.png", "--overwrite"], check=True)
subprocess.run([programs / "evaluate", "--scale", str(scale), "--hr", work / "original", "--lr", work / "input",
                "--model", "pretrained", "--side-by-side", work / "side_by_side"], check=True)

small = Image.open(work / "input/chelsea.png").convert("RGB").resize(original.size, Image.NEAREST)
beside = Image.open(work / "side_by_side/chelsea.png").convert("RGB")  # bicubic, network, original
panels = [small]
for i in range(3):
    left = i * (original.width + gap)
    panels.append(beside.crop((left, 0, left + original.width, original.height)))

width, height = zoom * (part[2] - part[0]), zoom * (part[3] - part[1])
picture = Image.new("RGB", (4 * width + 3 * gap, height), "white")
for i, panel in enumerate(panels):
    picture.paste(panel.crop(part).resize((width, height), Image.NEAREST), (i * (width + gap), 0))
target = repository / "docs/picture.png"
picture.save(target, optimize=True)
print(f"{target.relative_to(repository)}: {picture.width}x{picture.height} pixels, {target.stat().st_size} bytes")
