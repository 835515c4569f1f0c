"""Runs the programs as a user does and checks exit codes, messages and results: programs.py CASE FOLDER_OF_PROGRAMS"""
import json
import random
import resource
import struct

from support import (check, check_clean, check_error, check_success, check_usage_error, data, full_disk, png, png_size, run,
                     run_case, sample, vectors)


def random_supercool(path, channels, ratio, layers, scale):
    """A safetensors file with random weights, folded."""
    shapes = {"input": (channels, 3, 5, 5), "decoder.conv": (3 * scale * scale, channels, 3, 3)}
    for i in range(layers):
        shapes[f"encoder.{i}.conv1"] = (channels * ratio, channels, 3, 3)
        shapes[f"encoder.{i}.conv2"] = (channels, channels * ratio, 3, 3)
    header, body, r = {}, b"", random.Random(1)
    for name, (o, i, k, _) in shapes.items():
        for part, shape, n, size in (("weight", (o, i, k, k), o * i * k * k, 0.5 / (i * k * k) ** 0.5), ("bias", (o,), o, 0.01)):
            raw = struct.pack(f"<{n}f", *(r.uniform(-size, size) for _ in range(n)))
            header[f"{name}.{part}"] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
            body += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def contract(tmp):
    for program in ("upscale", "evaluate", "calibrate", "info"):
        r = run(program, "--help")
        check_success(r)
        check("--help" in r.stdout, r.stdout)
    for arguments in ([], [sample], [sample, "-o", "x.png", "--tile", "-3"], [sample, "-o", "x.png", "--no-such-option"],
                      [sample, "-o", "x.png", "--threads", "many"], [sample, "-o", "x.png", "--convolution", "magic"]):
        r = run("upscale", *arguments, cwd=tmp)
        check(r.returncode == 2 and r.stderr.startswith("error: ") and len(r.stderr.splitlines()) == 1, r.args, r.stderr)
    check(run("evaluate", "--scale", 2).returncode == 2)
    check(run("info").returncode == 2)
    check_success(run("upscale", "--list-models"))
    for spelling in ("--memory-budget", "--memory_budget"):
        check_success(run("upscale", sample, "--model", "nearest", spelling, 100, "-o", tmp / "a.png"))
    check(png_size(tmp / "a.png")[:2] == (902, 600), png_size(tmp / "a.png"))
    on_gpu = run("upscale", sample, "--device", "cuda", "-o", tmp / "b.png")
    if on_gpu.returncode == 0:  # built with CUDA, on a machine with a GPU
        (tmp / "b.png").unlink()
    else:
        check_error(on_gpu, "cuda" if "this build" in on_gpu.stderr else "CUDA", "expected")
    check_usage_error(run("upscale", sample, "--model", "bicubic", "--device", "cuda", "-o", tmp / "b.png"), "bicubic",
                      "expected cpu")
    check_usage_error(run("upscale", sample, "--model", "magic", "-o", tmp / "b.png"), "magic", "expected")
    check_usage_error(run("upscale", sample, "-o", tmp / "b.gif"), "b.gif", "expected")
    for program, rest in (("upscale", (sample, "-o", tmp / "b.png")), ("evaluate", ("--scale", 2, "--hr", sample.parent))):
        check_usage_error(run(program, *rest, "--model", "bicubic", "--weights", sample), "--weights", "bicubic")
        check_usage_error(run(program, *rest, "--model", "bicubic", "--precision", "fp16"), "--precision fp16", "bicubic")
        check_usage_error(run(program, *rest, "--model", "pretrained", "--weights", sample), "--weights")
    check_clean(tmp, "a.png")


def formats(tmp):
    """Every file ends in a picture, or in one error line, exit 1 and no output."""
    files = sorted(p for p in data("data/formats").rglob("*") if p.is_file())
    pictures = errors = 0
    out = tmp / "out.png"
    for f in files:
        r = run("upscale", f, "--model", "nearest", "--scale", 1, "--threads", 1, "-o", out, timeout=120)
        if r.returncode == 0:
            check(png_size(out)[0] > 0, f)
            out.unlink()
            pictures += 1
        else:
            check_error(r, f)
            errors += 1
        check_clean(tmp)
    print(f"{pictures} pictures, {errors} errors, {len(files)} files")
    check(pictures > 400, "too few files could be read")


def broken_images(tmp):
    whole, out = sample.read_bytes(), tmp / "out" / "x.png"
    out.parent.mkdir()
    bad = tmp / "bad.png"
    for n in (0, 1, 8, 20, 33, 100, 5000, len(whole) // 2):
        bad.write_bytes(whole[:n])
        check_error(run("upscale", bad, "-o", out), bad)
    bad.write_bytes(png(60000, 60000, b""))
    check_error(run("upscale", bad, "-o", out), bad, "60000x60000")
    bad.write_bytes(b"not an image")
    check_error(run("upscale", bad, "-o", out), bad)
    check_error(run("upscale", tmp / "absent.png", "-o", out), "absent.png")
    check_error(run("upscale", tmp / "out", "-o", out), "holds no images")
    check_clean(out.parent)
    bad.write_bytes(png(3, 2, b"\0" + bytes(6) + bytes(12) + b"\0" + bytes(18), depth=16))
    check_success(run("upscale", bad, "-o", out))
    check(png_size(out) == (6, 4, 16, 2), png_size(out))


def broken_weights(tmp):
    pt = data("weights/supercool_random/supercool_x2_c16_r4_l2_bilinear.pt").read_bytes()
    out, bad, r = tmp / "out", tmp / "bad.pt", random.Random(3)
    out.mkdir()
    attempt = lambda: run("upscale", sample, "--weights", bad, "-o", out / "x.png")
    for n in [0, 1, 2, 50, 1000, len(pt) // 2, len(pt) - 30, len(pt) - 1]:
        bad.write_bytes(pt[:n])
        check_error(attempt(), bad)
    for _ in range(40):
        changed = bytearray(pt)
        for _ in range(r.randint(1, 20)):
            changed[r.randrange(len(pt))] = r.randrange(256)
        bad.write_bytes(changed)
        result = attempt()
        if result.returncode != 0:
            check_error(result)
        elif (out / "x.png").exists():
            (out / "x.png").unlink()
    safe = tmp / "good.safetensors"
    random_supercool(safe, 16, 2, 2, 2)
    check_success(run("upscale", sample, "--weights", safe, "-o", tmp / "good.png"))
    good = safe.read_bytes()
    for n in (0, 7, 8, 100, len(good) // 2, len(good) - 1):
        bad.write_bytes(good[:n])
        check_error(attempt(), bad)
    random_supercool(bad, 20, 1, 1, 2)
    check_error(attempt(), "20 channels", "not among those built in")
    check_error(run("upscale", sample, "--weights", tmp / "absent.pt", "-o", out / "x.png"), "absent.pt")
    check_error(run("upscale", sample, "--weights", sample, "-o", out / "x.png"), "chelsea.png")
    check_error(run("upscale", sample, "--weights", data("weights/lpips_v0.1/alex.pth"), "-o", out / "x.png"), "alex.pth")
    check_error(run("evaluate", "--hr", sample.parent, "--weights", safe, "--scale", 4), "expected --scale 2")
    check_clean(out)


def outputs(tmp):
    check_error(run("upscale", sample, "-o", tmp / "no" / "such" / "x.png"), "x.png")
    (tmp / "file").write_text("")
    check_error(run("upscale", sample, "-o", tmp / "file" / "x.png"), "x.png")
    old = tmp / "kept.png"
    old.write_text("old")
    r = run("upscale", sample, "-o", old, preexec_fn=full_disk(20000))
    check_error(r, old)
    check(old.read_text() == "old", "an output that failed replaced the old file")
    check_clean(tmp, "file", "kept.png")
    for name in ("a.jpg", "a.webp", "a.png"):
        check_success(run("upscale", sample, "-o", tmp / name, "--quality", 80))
        check((tmp / name).stat().st_size > 10000, name)


def folders(tmp):
    (tmp / "in").mkdir()
    for name in ("one.png", "two.png"):
        (tmp / "in" / name).write_bytes(sample.read_bytes())
    (tmp / "in" / "readme.txt").write_text("not an image")
    check_success(run("upscale", tmp / "in", "--model", "nearest", "-o", tmp / "out"))
    check_clean(tmp / "out", "one.png", "two.png")
    (tmp / "in" / "three.png").write_bytes(b"damaged")
    r = run("upscale", tmp / "in", "--model", "nearest", "-o", tmp / "out2")
    check(r.returncode == 1 and r.stderr.splitlines()[-1] == "error: 1 of 3 images could not be enlarged", r.stderr)
    check("skipped: " in r.stderr and "three.png" in r.stderr, r.stderr)
    check_clean(tmp / "out2", "one.png", "two.png")
    (tmp / "other").mkdir()
    (tmp / "other" / "one.png").write_bytes(sample.read_bytes())
    check_error(run("upscale", tmp / "in" / "one.png", tmp / "other" / "one.png", "-o", tmp / "out3"), "would both become")


def lpips(tmp):
    """Repeated pixels look worse than bicubic interpolation."""
    weights = data("weights/lpips_v0.1/squeeze.pth")
    options = ["--lpips-backbone", data("weights/lpips_squeeze_backbone/squeeze.backbone.pth"), "--lpips_weights"]
    figures = []
    common = ["--scale", 4, "--hr", sample.parent, "--metrics", "lpips,psnr", *options]
    for model in ("bicubic", "nearest"):
        r = run("evaluate", *common, weights, "--model", model, "--json", tmp / "j.json")
        check_success(r)
        check("lpips" in r.stdout, r.stdout)
        figures.append(json.loads((tmp / "j.json").read_text())["mean"]["lpips"])
    check(0.05 < figures[0] < figures[1] < 1, figures)
    check_error(run("evaluate", *common, data("weights/lpips_v0.1/alex.pth")), "squeeze.backbone.pth", "do not fit")
    check_error(run("evaluate", *common, options[1]), "expected the linear")


def evaluate(tmp):
    r = run("evaluate", "--scale", 2, "--hr", sample.parent, "--model", "bicubic", "--json", tmp / "j.json", "--report",
            tmp / "r.html", "--side-by-side", tmp / "pictures", "--downscale", "pillow", "--metrics", "psnr,ssim,vif")
    check_success(r)
    j = json.loads((tmp / "j.json").read_text())
    check([i["name"] for i in j["images"]] == ["chelsea"], j)
    check(25 < j["mean"]["psnr"] < 45 and 0.8 < j["mean"]["ssim"] < 1 and 0.3 < j["mean"]["vif"] < 1, j)
    check(abs(j["mean"]["psnr"] - j["bicubic"]["psnr"]) < 1e-9, "bicubic beside bicubic", j)
    check("chelsea" in (tmp / "r.html").read_text())
    check(png_size(tmp / "pictures" / "chelsea.png")[:2] == (3 * 450 + 8, 300), png_size(tmp / "pictures" / "chelsea.png"))
    check_usage_error(run("evaluate", "--scale", 2, "--hr", sample.parent, "--metrics", "psnr,beauty"), "beauty", "psnr")
    check_usage_error(run("evaluate", "--scale", 2, "--hr", sample.parent, "--metrics", "lpips"), "expected --lpips-backbone")
    check_error(run("evaluate", "--scale", 2, "--hr", sample.parent, "--json", tmp / "no" / "j.json"), "j.json")
    random_supercool(tmp / "w.safetensors", 16, 2, 1, 2)
    figures = []
    for method in ("auto", "direct", "winograd"):
        check_success(run("evaluate", "--scale", 2, "--hr", sample.parent, "--weights", tmp / "w.safetensors", "--convolution", method,
                          "--json", tmp / "j.json"))
        figures.append(json.loads((tmp / "j.json").read_text())["mean"]["psnr"])
    check(max(figures) - min(figures) < 1e-3, "methods of convolution differ", figures)
    (tmp / "empty").mkdir()
    check_error(run("evaluate", "--scale", 2, "--hr", tmp / "empty"), "holds no images")
    (tmp / "hr").mkdir()
    (tmp / "hr" / "chelsea.png").write_bytes(sample.read_bytes())
    check_error(run("evaluate", "--scale", 2, "--hr", tmp / "hr", "--lr", tmp / "empty"), "holds no image for chelsea.png")


def precision(tmp):
    weights, other, ranges = tmp / "w.safetensors", tmp / "other.safetensors", tmp / "ranges.safetensors"
    random_supercool(weights, 16, 2, 2, 2)
    random_supercool(other, 16, 1, 2, 2)
    r = run("calibrate", sample.parent, "--weights", weights, "-o", ranges)
    check_success(r)
    check("1 images, ranges of 4 convolutions" in r.stdout, r.stdout)
    int8 = ("--weights", weights, "--precision", "int8")
    check_success(run("upscale", sample, *int8, "--calibration", ranges, "-o", tmp / "a.png"))
    check_success(run("upscale", sample, *int8, "--calibration", sample.parent, "--threads", 1, "-o", tmp / "b.png"))
    check_success(run("upscale", sample, "--weights", weights, "-o", tmp / "c.png"))
    a, b, c = ((tmp / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    check(a == b, "ranges from a file and from its images give different pictures")
    check(a != c, "8 bits and float32 give the same picture")
    figures = []
    for options in ((), ("--precision", "int8", "--calibration", ranges)):
        check_success(run("evaluate", "--scale", 2, "--hr", sample.parent, "--weights", weights, *options, "--json", tmp / "j.json"))
        figures.append(json.loads((tmp / "j.json").read_text()))
    check(figures[1]["model"] == figures[0]["model"] + ", int8", figures)
    check(abs(figures[0]["mean"]["psnr"] - figures[1]["mean"]["psnr"]) < 0.3, figures)

    for name in ("bf16", "fp16"):
        half = ("--weights", weights, "--precision", name)
        check_success(run("upscale", sample, *half, "-o", tmp / f"{name}.png"))
        check_success(run("upscale", sample, *half, "--tile", 100, "--threads", 1, "-o", tmp / "tiles.png"))
        check((tmp / f"{name}.png").read_bytes() == (tmp / "tiles.png").read_bytes(), name, "tiles give another picture")
        check((tmp / f"{name}.png").read_bytes() != c, name, "and float32 give the same picture")
        check_success(run("evaluate", "--scale", 2, "--hr", sample.parent, *half, "--json", tmp / "j.json"))
        j = json.loads((tmp / "j.json").read_text())
        check(j["model"] == figures[0]["model"] + ", " + name, j)
        check(abs(figures[0]["mean"]["psnr"] - j["mean"]["psnr"]) < 0.05, name, figures, j)

    out = tmp / "x.png"
    built_in = out.with_name("built_in.png")
    check(run("upscale", sample, "--precision", "bf16", "-o", built_in).returncode == 0)
    check_usage_error(run("upscale", sample, "--weights", weights, "--precision", "fp16", "--calibration", ranges, "-o", out),
                "expected --precision int8")
    check(run("evaluate", "--scale", 2, "--hr", sample.parent, "--precision", "half").returncode == 2)
    check_usage_error(run("upscale", sample, *int8, "-o", out), "--precision int8", "expected --calibration")
    check_usage_error(run("upscale", sample, "--precision", "int8", "-o", out), "--precision int8", "expected --calibration")
    check_usage_error(run("evaluate", "--hr", sample.parent, "--scale", 3), "--scale 3", "--model bicubic")
    check_usage_error(run("upscale", sample, "--weights", weights, "--calibration", ranges, "-o", out), "expected --precision int8")
    check_error(run("upscale", sample, *int8, "--calibration", weights, "-o", out), weights, "holds no activation ranges")
    check_error(run("upscale", sample, *int8, "--calibration", tmp / "absent", "-o", out), "absent")
    check_error(run("upscale", sample, *int8, "--calibration", sample, "-o", out), "chelsea.png")
    check_error(run("upscale", sample, "--weights", other, "--precision", "int8", "--calibration", ranges, "-o", out), ranges,
                "other weights", "supercool x2, 16 channels, hidden 32")
    ranges.write_bytes(ranges.read_bytes()[:-3])
    check_error(run("upscale", sample, *int8, "--calibration", ranges, "-o", out), ranges)
    (tmp / "empty").mkdir()
    check_error(run("upscale", sample, *int8, "--calibration", tmp / "empty", "-o", out), "holds no images")
    check_error(run("calibrate", sample, "--weights", weights, "-o", tmp / "no" / "r.safetensors"), "r.safetensors")
    check(run("upscale", sample, "--precision", "int4", "-o", out).returncode == 2)
    check(run("calibrate", sample).returncode == 2)
    check(not out.exists(), "an output in spite of an error")


def info(tmp):
    r = run("info", data("weights/supercool_random/supercool_x4_c32_r2_l3.pt"), "--tensors")
    check_success(r)
    for text in ("supercool x4, 32 channels, hidden 64, 3 blocks, bicubic skip", "model_args.num_channels = 32", "input.bias"):
        check(text in r.stdout, text, r.stdout)
    r = run("info", data("weights/VapSR/VapSR-S.pth"))
    check("vapsr x4, 32 channels" in r.stdout and "154956" in r.stdout, r.stdout)
    check_error(run("info", sample), "chelsea.png")
    r = run("info", data("weights/VapSR/VapSR-S.pth"), "--graph", "--size", "64", "48")
    check_success(r)
    lines = r.stdout.splitlines()
    check(len(lines) == 21 and "48x64x3" in lines[1] and lines[-1].split()[:2] == ["sum", "154956"], r.stdout)
    check("192x256x3" in lines[-2] and "92" in lines[-2].split(), r.stdout)  # the receptive radius
    check(run("info", data("weights/VapSR/VapSR-S.pth"), "--graph", "--size", "0", "48").returncode == 2)
    check_error(run("info", vectors / "foreign.pt", "--graph"), "foreign.pt")
    r = run("info", vectors / "foreign.pt")
    check_success(r)
    for line in ("network:  not known here", "from:     model/", "value:    namespace: argparse.Namespace (not read)",
                 "value:    called: os.system (not read)", "value:    like_dictionary.value = 7"):
        check(line in r.stdout.splitlines(), line, r.stdout)
    check_error(run("info", vectors / "module.pt"), "module.pt", "torch.save(model.state_dict(), ...)")
    r = run("info", vectors / "small.pt")
    for line in ("from:     model/", "beside:   optimizer/state/0 (2 tensors)", "beside:   critic (1 tensor)"):
        check(line in r.stdout.splitlines(), line, r.stdout)


def wrapped_weights(tmp):
    """upscale takes weights as training programs wrap them; info says where the network was."""
    folder = data("cases/weights")
    def enlarge(name):
        check_success(run("upscale", sample, "--weights", folder / name, "-o", tmp / "x.png", "--threads", 1))
        picture = (tmp / "x.png").read_bytes()
        (tmp / "x.png").unlink()
        return picture
    plain = enlarge("plain.pth")
    for name in ("average_generator_ema.pth", "lightning_gan.ckpt", "beside_namespace.pth", "prefix_netG.pth", "old_format.pth"):
        check(enlarge(name) == plain, name, "gives another picture")
    for name in ("whole_module.pth", "torchscript.pt"):
        check_error(run("upscale", sample, "--weights", folder / name, "-o", tmp / "y.png"), name, "state_dict()")
    r = run("info", folder / "average_generator_ema.pth")
    for line in ("from:     state_dict/generator_ema.", "beside:   generator. (8 tensors)", "beside:   step_counter (1 tensor)"):
        check(line in r.stdout.splitlines(), line, r.stdout)


TABLE = [  # weights, scale, set, psnr, ssim: computed by an independent implementation from the same files
    ("VapSR/VapSR_X4.pth", 4, "Set5", 32.3997, 0.8974), ("VapSR/VapSR_X4.pth", 4, "Set14", 28.7707, 0.7852),
    ("VapSR/VapSR_X4.pth", 4, "BSD100", 27.6799, 0.7397), ("VapSR/VapSR-S.pth", 4, "Set5", 32.1662, 0.8947),
    ("VapSR/VapSR-S.pth", 4, "Set14", 28.6446, 0.7826), ("VapSR/VapSR-S.pth", 4, "BSD100", 27.6001, 0.7372),
    ("VapSR/VapSR_X2.pth", 2, "Set5", 38.1069, 0.9609), ("VapSR/VapSR_X2.pth", 2, "Set14", 33.7315, 0.9196),
    ("VapSR/VapSR_X2.pth", 2, "BSD100", 32.2890, 0.9011)]
RGB_TABLE = [("Set5", 35.8987, 0.9506, 31.7817, 0.9175), ("Set14", 31.7360, 0.9067, 28.5261, 0.8563)]


def accuracy(tmp):
    def measure(*arguments):
        check_success(run("evaluate", *arguments, "--json", tmp / "j.json", timeout=1500))
        return json.loads((tmp / "j.json").read_text())
    for weights, scale, images, psnr, ssim in TABLE:
        folder = data(f"data/test/{images}")
        j = measure("--scale", scale, "--hr", folder / "HR", "--lr", folder / f"LRbicx{scale}", "--weights", data(f"weights/{weights}"))
        print(weights, images, j["mean"])
        check(abs(j["mean"]["psnr"] - psnr) <= 0.005 and abs(j["mean"]["ssim"] - ssim) <= 0.0002, weights, images, j["mean"])
    for images, psnr, ssim, bicubic_psnr, bicubic_ssim in RGB_TABLE:
        j = measure("--scale", 2, "--hr", data(f"data/test/{images}/HR"), "--downscale", "pillow", "--channels", "rgb", "--crop", 4,
                    "--weights", data("weights/catid_upsampling/upsampling.pth"))
        print("VapSR-3x3", images, j["mean"], j["bicubic"])
        check(abs(j["mean"]["psnr"] - psnr) <= 0.01 and abs(j["mean"]["ssim"] - ssim) <= 0.0002, images, j["mean"])
        check(abs(j["bicubic"]["psnr"] - bicubic_psnr) <= 0.005 and abs(j["bicubic"]["ssim"] - bicubic_ssim) <= 0.0002, images, j)


def memory(tmp):
    """A photograph of 1920x1080 within --memory-budget 512: peak resident memory under 640 MB."""
    photo, r = tmp / "photo.ppm", random.Random(2)
    rows = [bytes(max(0, min(255, int(90 + 0.05 * x + 0.04 * y + r.gauss(0, 12)))) for x in range(1920) for _ in range(3))
            for y in range(0, 1080, 90)]
    photo.write_bytes(b"P6 1920 1080 255\n" + b"".join(rows[y // 90] for y in range(1080)))
    supercool = tmp / "supercool.safetensors"
    random_supercool(supercool, 64, 2, 16, 2)
    for weights in (data("weights/VapSR/VapSR_X2.pth"), supercool):
        check_success(run("upscale", photo, "--weights", weights, "--memory-budget", 512, "-o", tmp / "large.png", timeout=1500))
        check(png_size(tmp / "large.png")[:2] == (3840, 2160))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{weights.name}: {peak:.0f} MB")
        check(peak < 640, weights, f"{peak:.0f} MB")


run_case(globals())
