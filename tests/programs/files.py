"""What upscale, evaluate and calibrate do with files and folders as people have them: files.py CASE FOLDER_OF_PROGRAMS"""
import json
import os
import shutil
import struct
import time
import zlib

from support import (check, check_clean, check_error, check_success, check_usage_error, data, png, png_chunk, png_size, run,
                     run_case, sample)

nearest = ("--model", "nearest", "--threads", 1)


def picture(path, width=40, height=24):
    path.write_bytes(png(width, height, b"".join(b"\0" + bytes((7 * x + y) % 256 for x in range(3 * width)) for y in range(height))))
    return path


def claimed_png(path, width, height):
    """The beginning of a PNG file of that size: its header can be read, its pixels cannot."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 100)))
    return path


def originals(tmp):
    """No input is ever replaced, whatever name leads to it, unless it is asked for."""
    one = picture(tmp / "one.png")
    (tmp / "in").mkdir()
    two = picture(tmp / "in" / "two.png")
    before = one.read_bytes()
    (tmp / "link.png").symlink_to(one)
    os.link(one, tmp / "hard.png")
    (tmp / "folder").symlink_to(tmp / "in")
    for arguments in ((one, "-o", one), (one, "-o", "."), (one, "-o", tmp / "in" / ".." / "one.png"), (one, "-o", tmp / "link.png"),
                      (tmp / "link.png", "-o", one), (one, "-o", tmp / "hard.png"), (tmp / "in", "-o", tmp / "in"),
                      (tmp / "in", "-o", tmp / "folder"), (one, two, "-o", tmp / "in")):
        check_error(run("upscale", *arguments, *nearest, cwd=tmp), "is an input of this run", "--overwrite")
        check(one.read_bytes() == before == two.read_bytes(), arguments)
    check_clean(tmp, "folder", "hard.png", "in", "link.png", "one.png")
    check_success(run("upscale", tmp / "in", "-o", tmp / "in", "--overwrite", *nearest))
    check(png_size(two)[:2] == (80, 48), png_size(two))


def literal_arguments(tmp):
    """Brackets, commas, dashes, quotes and letters of any script are parts of names."""
    names = ["[tag]", "[a, b]", "a, b", "percent%s%n", "quote\"'", "übung-日本語-😀", "with space", "back\\slash", "{x}", "*"]
    for name in names:
        (tmp / name).mkdir()
        picture(tmp / name / f"{name}.png")
    check_success(run("upscale", *names, "-o", "[out, put]", *nearest, cwd=tmp))
    check_clean(tmp / "[out, put]", *(f"{name}.png" for name in names))
    for name in names:
        check_success(run("upscale", name, "-o", f"[made] {name}", *nearest, cwd=tmp))
        check_success(run("evaluate", "--hr", name, "--scale", 2, "--model", "nearest", "--json", "[j,].json", cwd=tmp))
        check(json.loads((tmp / "[j,].json").read_text())["images"][0]["name"] == name, name)
    check_success(run("upscale", "[tag]", "[a, b]", "-o", "both", *nearest, cwd=tmp))
    check_clean(tmp / "both", "[tag].png", "[a, b].png")
    picture(tmp / "-dash.png")
    check_success(run("upscale", "-o", "dash.png", *nearest, "--", "-dash.png", cwd=tmp))


def sizes(tmp):
    """Any ratio, or a size in pixels: the network, then antialiased interpolation."""
    def made(*how):
        check_success(run("upscale", sample, *how, "-o", tmp / "x.png"))
        return png_size(tmp / "x.png")[:2]
    check(made("--scale", 1.5) == (677, 450))
    check(made("--scale", 3) == (1353, 900))
    check(made("--scale", 0.5) == (226, 150))
    check(made("--width", 500) == (500, 333))
    check(made("--height", 333) == (501, 333))
    check(made("--width", 500, "--height", 500) == (500, 500))
    check(made("--longest-side", 1000) == (1000, 665))
    check(made("--longest_side", 1000, "--model", "bicubic") == (1000, 665))
    check(made("--scale", 2.5, "--model", "nearest") == (1128, 750))
    weights = data("weights/VapSR/VapSR-S.pth")  # x4
    check(made("--scale", 1.5, "--weights", weights) == (677, 450))
    for how in (("--scale", 2, "--width", 5), ("--longest-side", 5, "--height", 5)):
        check_usage_error(run("upscale", sample, *how, "-o", tmp / "y.png"), "expected one of them")
    check(run("upscale", sample, "--scale", 0, "-o", tmp / "y.png").returncode == 2)
    check(not (tmp / "y.png").exists())


def foreseeable(tmp):
    """What can be known before the work is told before it: none of these 24-megapixel images is even decoded."""
    photo = claimed_png(tmp / "photo.png", 6000, 4000)
    wide = claimed_png(tmp / "wide.png", 33000, 8)
    (tmp / "file").write_text("")
    (tmp / "empty").mkdir()
    for arguments, texts in (
            ((photo, "-o", tmp / "no" / "x.png"), ("no/x.png", "cannot write")),
            ((photo, "-o", tmp / "file" / "x.png"), ("file/x.png", "cannot write")),
            ((photo, "-o", "/proc/x.png"), ("/proc/x.png", "cannot write")),
            ((photo, "-o", photo), ("is an input of this run",)),
            ((photo, "-o", tmp / "x.png", "--weights", tmp / "absent.pth"), ("absent.pth",)),
            ((photo, "-o", tmp / "x.png", "--memory-budget", 100), ("6000x4000", "expected --memory-budget")),
            ((wide, "-o", tmp / "x.webp"), ("x.webp", "16383")),
            ((wide, "-o", tmp / "x.jpg"), ("x.jpg", "65500")),
            ((photo, "--scale", 8, "-o", tmp / "x.webp"), ("x.webp", "16383"))):
        start = time.monotonic()
        check_error(run("upscale", *arguments), *texts)
        seconds = time.monotonic() - start
        check(seconds < 10, "found after", seconds, "s", arguments)  # reading the header takes milliseconds, the work minutes
    needed = run("upscale", photo, "-o", tmp / "x.png", "--memory-budget", 100).stderr.split("--memory-budget ")[1].split()[0]
    r = run("upscale", photo, "-o", tmp / "x.png", "--memory-budget", needed)
    check("--memory-budget" not in r.stderr and "photo.png" in r.stderr, "the budget that was named is too small", r.stderr)
    (tmp / "in").mkdir()
    picture(tmp / "in" / "a.png")
    claimed_png(tmp / "in" / "wide.png", 33000, 8)
    r = run("upscale", tmp / "in", "--format", "webp", "-o", tmp / "out", *nearest)
    check(r.returncode == 1 and r.stderr.splitlines()[-1] == "error: 1 of 2 images could not be enlarged", r.stderr)
    check("skipped: " in r.stderr.splitlines()[0] and "16383" in r.stderr.splitlines()[0], "not told before the work", r.stderr)
    check_clean(tmp / "out", "a.webp")
    for output in ("--json", "--report"):
        check_error(run("evaluate", "--scale", 2, "--hr", sample.parent, output, tmp / "no" / "j"), "no/j", "cannot write")
    check_error(run("evaluate", "--scale", 2, "--hr", sample.parent, "--side-by-side", tmp / "file" / "x"), "file/x")
    check_error(run("calibrate", sample, "--weights", data("weights/VapSR/VapSR-S.pth"), "-o", tmp / "no" / "r"), "no/r")
    check_clean(tmp, "empty", "file", "in", "out", "photo.png", "wide.png")


def folder_rules(tmp):
    """One listing for all programs: by content, what is left out is told once, colliding names keep their extension."""
    folder = tmp / "in"
    (folder / "deep" / "er").mkdir(parents=True)
    picture(folder / "a.png")
    shutil.copy(sample, folder / "noext")
    shutil.copy(sample, folder / "photo.jfif")
    (folder / "a.ppm").write_bytes(b"P6 24 24 255\n" + bytes(3 * 24 * 24))
    (folder / "._a.png").write_bytes(b"\0\5\x16\7" + bytes(100))
    (folder / "readme.txt").write_text("not an image")
    picture(folder / "deep" / "b.png")
    picture(folder / "deep" / "er" / "a.png")
    r = run("upscale", folder, "-o", tmp / "out", *nearest)
    check_success(r)
    check_clean(tmp / "out", "a.png", "a.ppm.png", "noext.png", "photo.jfif")
    told = [line for line in r.stderr.splitlines() if "left out" in line]
    check(len(told) == 1 and "2 files that are no images" in told[0] and "1 folder (deep)" in told[0], r.stderr)
    r = run("upscale", "-r", folder, "-o", tmp / "all", *nearest)
    check_success(r)
    check(sorted(str(p.relative_to(tmp / "all")) for p in (tmp / "all").rglob("*") if p.is_file()) ==
          ["a.png", "a.ppm.png", "deep/b.png", "deep/er/a.png", "noext.png", "photo.jfif"], r.stderr)
    check_success(run("evaluate", "--hr", folder, "--scale", 2, "--model", "nearest", "--json", tmp / "j.json"))
    names = [i["name"] for i in json.loads((tmp / "j.json").read_text())["images"]]
    check(names == ["a", "a.ppm", "noext", "photo"], names)
    check_success(run("evaluate", "-r", "--hr", folder, "--scale", 2, "--model", "nearest", "--json", tmp / "j.json"))
    names = [i["name"] for i in json.loads((tmp / "j.json").read_text())["images"]]
    check(names == ["a", "a.ppm", "deep/b", "deep/er/a", "noext", "photo"], names)


def one_bad_picture(tmp):
    """A tiny or damaged picture is named and left out; the others are measured, and the JSON file is written."""
    folder = tmp / "hr"
    folder.mkdir()
    shutil.copy(sample, folder / "good.png")
    whole = {}
    check_success(run("evaluate", "--hr", folder, "--scale", 2, "--model", "nearest", "--json", tmp / "j.json"))
    whole = json.loads((tmp / "j.json").read_text())
    picture(folder / "tiny.png", 1, 1)
    picture(folder / "odd.png", 61, 47)
    (folder / "damaged.png").write_bytes(sample.read_bytes()[:5000])
    r = run("evaluate", "--hr", folder, "--scale", 2, "--model", "nearest", "--json", tmp / "j.json")
    check(r.returncode == 1 and r.stderr.splitlines()[-1].startswith("error: 2 of 4 images"), r.stderr)
    check(sum(line.startswith("left out: ") for line in r.stderr.splitlines()) == 2, r.stderr)
    j = json.loads((tmp / "j.json").read_text())
    check([i["name"] for i in j["images"]] == ["good", "odd"], j)
    check(j["images"][0] == whole["images"][0], "the good picture's figures changed")
    check([l["file"].split("/")[-1] for l in j["left_out"]] == ["damaged.png", "tiny.png"], j)
    weights = data("weights/supercool_random/supercool_x2_c16_r4_l2_bilinear.pt")
    r = run("calibrate", folder, "--weights", weights, "-o", tmp / "ranges.safetensors")
    check(r.returncode == 1 and "1 of 4 images could not be used" in r.stderr and "3 images" in r.stdout, r.stderr, r.stdout)
    check((tmp / "ranges.safetensors").stat().st_size > 0)


def batches(tmp):
    """A second run leaves out what is there; standard streams; formats of results."""
    (tmp / "in").mkdir()
    for name in ("a.png", "b.png"):
        picture(tmp / "in" / name)
    check_success(run("upscale", tmp / "in" / "a.png", "-o", f"{tmp}/out/", *nearest))
    before = (tmp / "out" / "a.png").stat().st_mtime_ns
    r = run("upscale", tmp / "in", "-o", tmp / "out", "--skip-existing", *nearest)
    check_success(r)
    check("left out 1 image" in r.stderr, r.stderr)
    check_clean(tmp / "out", "a.png", "b.png")
    check((tmp / "out" / "a.png").stat().st_mtime_ns == before, "made again")
    check_success(run("upscale", tmp / "in", "-o", tmp / "out", "--skip_existing", *nearest))
    check_success(run("upscale", tmp / "in", "-o", tmp / "jpegs", "--format", "jpg", *nearest))
    check_clean(tmp / "jpegs", "a.jpg", "b.jpg")
    check((tmp / "jpegs" / "a.jpg").read_bytes()[:2] == b"\xff\xd8")

    import subprocess
    from support import programs
    def piped(bytes_in, *arguments):
        return subprocess.run([programs / "upscale", *map(str, arguments), *map(str, nearest)], input=bytes_in, capture_output=True)
    whole = (tmp / "in" / "a.png").read_bytes()
    r = piped(whole, "-", "-o", "-")
    check(r.returncode == 0 and r.stdout == (tmp / "out" / "a.png").read_bytes(), r.stderr)
    r = piped(whole, "-", "-o", "-", "--format", "webp")
    check(r.returncode == 0 and r.stdout[:4] == b"RIFF", r.stderr)
    r = piped(whole, "-", "-o", tmp / "piped.png")
    check(r.returncode == 0 and (tmp / "piped.png").read_bytes() == (tmp / "out" / "a.png").read_bytes(), r.stderr)
    r = piped(b"", "-", "-o", "-")
    check(r.returncode == 1 and r.stdout == b"" and b"standard input" in r.stderr, r.stderr)
    check_usage_error(run("upscale", tmp / "in", "-o", "-", *nearest), "expected one image")
    check_usage_error(run("upscale", tmp / "in" / "a.png", "-o", tmp / "x.png", "--format", "webp", *nearest), "--format webp")


def orientations(tmp):
    """--tta is the mean of the eight orientations; names of the seed's programs."""
    folder = data("data/test/Set5/HR")
    weights = data("weights/supercool_random/supercool_x2_c16_r4_l2_bilinear.pt")
    figures = []
    for how in ((), ("--tta",)):
        check_success(run("evaluate", "--hr", folder, "--scale", 2, *how, "--json", tmp / "j.json"))
        figures.append(json.loads((tmp / "j.json").read_text()))
    check(figures[1]["model"].endswith("eight orientations"), figures[1]["model"])
    gain = figures[1]["mean"]["psnr"] - figures[0]["mean"]["psnr"]
    print(f"Set5 x2: {figures[0]['mean']['psnr']:.3f} dB, --tta {figures[1]['mean']['psnr']:.3f} dB")
    check(0.02 < gain < 0.5, figures)  # published gains are 0.05 to 0.2 dB
    check_success(run("upscale", "--image-path", sample, "--checkpoint-path", weights, "-o", tmp / "a.png", "--tta"))
    check_success(run("upscale", "--image_path", sample, "--checkpoint_path", weights, "-o", tmp / "b.png", "--tta", "--tile", 64))
    check((tmp / "a.png").read_bytes() == (tmp / "b.png").read_bytes(), "tiles give another mean")
    check_usage_error(run("upscale", sample, "--model", "nearest", "--tta", "-o", tmp / "c.png"), "--tta", "no network")
    on_gpu = run("upscale", sample, "--device", "cuda:0", "-o", tmp / "c.png")
    check(on_gpu.returncode == 0 or "cuda" in on_gpu.stderr.lower() and on_gpu.returncode == 1, on_gpu.stderr)
    for name in ("cuda:", "cuda:x", "cuda:-1", "gpu"):
        check(run("upscale", sample, "--device", name, "-o", tmp / "c.png").returncode == 2, name)


run_case(globals())
