"""Trains small networks as a user does: training.py CASE FOLDER_OF_PROGRAMS"""
import fcntl
import json
import os
import random
import signal
import subprocess
import time

from support import (check, check_error, check_success, check_usage_error, data, full_disk, png, programs, run, run_case,
                     sample)
from training_support import (check_failure, check_together, ended, floats, gray_cmyk_jpeg, last, options, picture,
                              pictures, pretrain, scalars, started, steps, together, tuning, weights)


def same_weights(tmp):
    """Neither threads nor loader threads nor the cache change a bit, of either recipe."""
    pictures(tmp / "images")
    for recipe in ("benchmark", "supercool"):
        made = []
        for i, how in enumerate(((1, 1, 1024), (2, 1, 1024), (1, 3, 0), (2, 2, 1024))):
            name = f"{recipe}{i}"
            check_success(pretrain(tmp, name, "--recipe", recipe, "--num-epochs", 4, "--threads", how[0],
                                   "--num-dataset-processes", how[1], "--cache-megabytes", how[2]))
            made.append(last(tmp, name))
        same = [m == made[0] for m in made]
        check(all(same), recipe, "differs between numbers of threads", same)
        check_success(pretrain(tmp, "other", "--recipe", recipe, "--num-epochs", 4, "--seed", 1))
        check(last(tmp, "other") != made[0], "another seed gives the same weights")
        for p in tmp.glob("other.*"):
            p.unlink()


def killed(tmp):
    """Killed at several moments, then resumed: the same bits as the run that nothing happened to."""
    pictures(tmp / "images")
    epochs = ("--num-epochs", 300, "--checkpoint-interval", 1, "--gradient-accumulation-steps", 2)
    check_success(pretrain(tmp, "whole", *epochs))
    r, kills = random.Random(5), 0
    for moment in range(1, 7):
        resume = ["--resume"] if steps(tmp, "cut") else []
        before = steps(tmp, "cut")[-1:]
        p = started(tmp, "cut", *epochs, *resume, stderr=subprocess.DEVNULL)
        while moment > 1 and p.poll() is None and steps(tmp, "cut")[-1:] == before:
            time.sleep(0.001)
        time.sleep(r.uniform(0, 0.05))
        p.kill()
        kills += p.wait() == -signal.SIGKILL
    check(kills >= 4, "the runs ended before they could be killed", kills)
    check_success(pretrain(tmp, "cut", *epochs, *(["--resume"] if steps(tmp, "cut") else [])))
    check(last(tmp, "cut") == last(tmp, "whole"), "a run that was killed and resumed differs")
    check(len(steps(tmp, "cut")) == 3, "--keep-checkpoints", steps(tmp, "cut"))

    left, written = tmp / ".fovea-1.part", tmp / ".fovea-2.part"
    left.write_bytes(b"of a run that was killed while it saved")
    with open(written, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as one does that is saving now
        r = pretrain(tmp, "other", "--num-epochs", 1)
        check_success(r)
        check(not left.exists() and written.exists(), r.stderr)
        check(len(steps(tmp, "cut")) == 3, "files of another run were removed")
    check_success(pretrain(tmp, "third", "--num-epochs", 1))
    check(not written.exists(), "a file that nobody writes any more")


def short_steps(tmp):
    """An epoch ends with a step of the micro-batches that are left, and nothing of one is added to the next."""
    pictures(tmp / "images")  # three micro-batches: steps of two and of one
    two = ("--gradient-accumulation-steps", 2, "--schedule", "constant", "--checkpoint-interval", 1)
    r = pretrain(tmp, "net", *two, "--num-epochs", 3, "--keep-checkpoints", 9)
    check_success(r)
    check(steps(tmp, "net") == [2, 4, 6] and " 6 steps of 2 x 4 images" in r.stderr, steps(tmp, "net"), r.stderr)
    check_success(pretrain(tmp, "cut", *two, "--max-steps", 3))  # within an epoch
    check_success(pretrain(tmp, "cut", *two, "--num-epochs", 3, "--resume"))
    check(last(tmp, "cut") == last(tmp, "net"), "a run that was resumed between steps of an epoch differs")
    # Steps of more micro-batches than an epoch has are steps of a whole epoch.
    for name, steps_of in (("three", 3), ("nine", 9)):
        check_success(pretrain(tmp, name, *two, "--num-epochs", 3, "--gradient-accumulation-steps", steps_of))
    check(weights(tmp / "three.step-3.safetensors") == weights(tmp / "nine.step-3.safetensors"))


def asked_to_end(tmp):
    """SIGTERM and SIGINT save and end with 0; so does --max-steps; what is resumed differs in no bit."""
    pictures(tmp / "images")
    epochs = ("--num-epochs", 4000, "--checkpoint-interval", 10000)  # some seconds, to be asked within
    check_success(pretrain(tmp, "whole", *epochs))
    for which in (signal.SIGTERM, signal.SIGINT):
        resume = ["--resume"] if steps(tmp, "cut") else []
        p = started(tmp, "cut", *epochs, *resume, stderr=subprocess.PIPE, text=True)
        while " steps of " not in p.stderr.readline():  # the line before the first step
            pass
        time.sleep(0.1)
        p.send_signal(which)
        p.communicate()
        check(p.returncode == 0, which, p.returncode)
        check(0 < steps(tmp, "cut")[-1] < 12000, steps(tmp, "cut"))
    check_success(pretrain(tmp, "cut", *epochs, "--resume"))
    check(last(tmp, "cut") == last(tmp, "whole"), "a run that was asked to end and resumed differs")


def strange_files(tmp):
    """What is no picture, or too small, is left out and told; all others are trained on."""
    folder = pictures(tmp / "images", 2)
    (folder / "gray.pgm").write_bytes(b"P5 24 24 255\n" + bytes(range(24)) * 24)
    (folder / "deep.png").write_bytes(png(24, 24, b"".join(b"\0" + bytes(6 * 24) for _ in range(24)), depth=16))
    (folder / "cmyk.jpg").write_bytes(gray_cmyk_jpeg(24, 24))
    (folder / "sub").mkdir()
    (folder / "sub" / "deeper.ppm").write_bytes(picture(9))
    whole = sample.read_bytes()
    bad = {"cut.png": whole[:5000], "empty.png": b"", "tiny.ppm": picture(1, width=9, height=40),
           "notes.txt": b"not an image"}
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    r = pretrain(tmp, "net", "--batch-size", 2, "--num-epochs", 2)
    check_success(r)
    lines = r.stderr.splitlines()
    check(lines[0] == "6 images to train on, 4 files left out:", lines)
    for line, name in zip(lines[1:5], sorted(bad)):
        check(str(folder / name) in line, line, name)
    check("expected at least 16" in lines[4], lines[4])
    check(steps(tmp, "net") == [6], steps(tmp, "net"))
    again = pretrain(tmp, "again", "--batch-size", 7)
    check_failure(again, "a batch of 7 from 6 samples")


def errors(tmp):
    pictures(tmp / "images")
    for wrong in (("--batch-size", 0), ("--recipe", "magic"), ("--num-epochs", "many"), ("--no-such-option",),
                  ("--beta1", 2), ("--upscale-ratio", 5), ("--threads", -1), ("--num-channels", 20)):
        check_usage_error(pretrain(tmp, "net", *wrong))
    together = {"--target-resolution 17": ("--target-resolution", 17),
                "supercool has": ("--upscale-ratio", 3, "--target-resolution", 24),
                "vapsr has": ("--upscale-ratio", 8, "--network", "vapsr"),
                "expected adafactor": ("--low-memory-optimizer", "--optimizer", "adam"),
                "the degradation `antialias`": ("--recipe", "supercool", "--degradation", "matlab"),
                "--low-images-path": ("--recipe", "supercool", "--low-images-path", tmp / "images")}
    for said, wrong in together.items():
        check_usage_error(pretrain(tmp, "net", *wrong), said)
    (tmp / "empty").mkdir()
    (tmp / "file").write_text("")
    check_failure(pretrain(tmp, "net", "--train-images-path", tmp / "empty"), tmp / "empty", "expected images")
    check_failure(pretrain(tmp, "net", "--train-images-path", tmp / "absent"), tmp / "absent", "expected a folder")
    check_failure(pretrain(tmp, "net", "--batch-size", 13), "a batch of 13 from 12 samples", "expected")
    before = sorted(tmp.rglob("*"))
    for option, names in (("--checkpoint-path", ("file/net", "x" * 300 + "/net", "x" * 240, "/proc/net")),
                          ("--run-dir-path", ("file/runs", "file", "x" * 300, "/proc"))):
        for name in names:  # before anything is read, and nothing is left behind
            named = tmp / name if option == "--run-dir-path" else (tmp / name).parent
            check_error(pretrain(tmp, "net", option, tmp / name), named, "cannot")
    check(sorted(tmp.rglob("*")) == before, "a run that could not begin left", sorted(tmp.rglob("*")))
    check_failure(pretrain(tmp, "net", "--resume"), "net.step-*.safetensors", "expected a checkpoint")
    check_failure(pretrain(tmp, "net", "--weights", tmp / "absent"), tmp / "absent", "no such weight file")
    check_failure(pretrain(tmp, "net", "--weights", sample), "chelsea.png", "is not a weight file")
    check(steps(tmp, "net") == [], "a run that failed left a checkpoint")

    check_success(pretrain(tmp, "net", "--num-epochs", 2))
    check_failure(pretrain(tmp, "net", "--num-epochs", 4), "net.step-6.safetensors", "expected --resume")
    check_failure(pretrain(tmp, "net", "--resume", "--learning-rate", 0.5, "--num-layers", 2),
                  "--learning-rate 0.001 and not 0.5", "--num-layers 1 and not 2")
    good = last(tmp, "net")
    for size in (0, 7, 100, len(good) - 1):
        (tmp / "net.step-6.safetensors").write_bytes(good[:size])
        check_failure(pretrain(tmp, "net", "--resume"), "net.step-6.safetensors")
    (tmp / "net.step-6.safetensors").write_bytes(good)


def full(tmp):
    """A disk that fills while a checkpoint is saved: an error, and the last good one goes on to the same weights."""
    pictures(tmp / "images")
    epochs = lambda n: ("--num-epochs", n, "--schedule", "constant", "--checkpoint-interval", 1)
    check_success(pretrain(tmp, "whole", *epochs(6)))
    check_success(pretrain(tmp, "net", *epochs(2)))
    before = sorted(p.name for p in tmp.iterdir())
    r = pretrain(tmp, "net", *epochs(6), "--resume", preexec_fn=full_disk(10000))
    check_failure(r, "net.step-9.safetensors", "cannot write")
    after = sorted(p.name for p in tmp.iterdir())
    check(after == before, "left behind:", after, before)
    check_success(pretrain(tmp, "net", *epochs(6), "--resume"))
    check(last(tmp, "net") == last(tmp, "whole"), "differs after a full disk")


def checkpoints_as_weights(tmp):
    """info, upscale and evaluate take a checkpoint, and mean the averaged weights, as the run's own evaluation does."""
    pictures(tmp / "images")
    test = pictures(tmp / "test", 1)
    r = pretrain(tmp, "net", "--num-epochs", 20, "--test-images-path", test, "--ema-decay", 0.99, "--eval-interval", 20)
    check_success(r)
    checkpoint, best = tmp / "net.step-60.safetensors", tmp / "net.best.safetensors"
    told = [line for line in r.stderr.splitlines() if line.startswith("epoch 20, step 60: psnr ")]
    check(len(told) == 1, r.stderr)
    score = float(told[0].split("psnr ")[1].split(",")[0])
    for weights in (checkpoint, best):
        check_success(run("evaluate", "--scale", 2, "--hr", test, "--weights", weights, "--json", tmp / "j.json"))
        mean = json.loads((tmp / "j.json").read_text())["mean"]["psnr"]
        check(abs(mean - score) < 1e-3, weights, mean, "the run said", score)
        check_success(run("upscale", sample, "--weights", weights, "-o", tmp / f"{weights.name}.png"))
    enlarged = [(tmp / f"{weights.name}.png").read_bytes() for weights in (checkpoint, best)]
    check(enlarged[0] == enlarged[1], "other weights than the best")
    check_success(run("upscale", sample, "--weights", tmp / "net", "-o", tmp / "prefix.png"))
    check((tmp / "prefix.png").read_bytes() == enlarged[0], "a run's path means other weights than its best")
    check_success(run("evaluate", "--scale", 2, "--hr", test, "--weights", tmp / "net"))
    check_error(run("upscale", sample, "--weights", tmp / "nothing", "-o", tmp / "x.png"), tmp / "nothing")
    r = pretrain(tmp, "on", "--weights", best, "--num-epochs", 1, "--learning-rate", 1e-12, "--test-images-path", test)
    check_success(r)
    begun = float(r.stderr.split("step 3: psnr ")[1].split(",")[0])
    check(abs(begun - score) < 1e-3, "averages begin elsewhere than weights", r.stderr)
    r = run("info", checkpoint)
    check_success(r)
    for text in ("supercool x2, 8 channels", "60 steps of adam, 20 epochs and 0 batches", "best:     score",
                 "after epoch 20", "setting.learning-rate = 0.001"):
        check(text in r.stdout, text, r.stdout)
    check("numbers:" in run("info", best).stdout and "run:" not in run("info", best).stdout)


def wrapped_base(tmp):
    """fine_tune begins with the same weights however other programs wrap them: in the warm-up the upscaler stays as it was."""
    folder = data("cases/weights")
    pictures(tmp / "images", 4)
    pictures_of = []
    for name in ("plain.pth", "average_generator_ema.pth", "lightning_gan.ckpt", "beside_namespace.pth"):
        check_success(run("fine_tune", *tuning(tmp, name, "--base-model-path", folder / name, "--num-epochs", 1), cwd=tmp))
        check_success(run("upscale", sample, "--weights", tmp / name, "-o", tmp / f"{name}.png"))
        pictures_of.append((tmp / f"{name}.png").read_bytes())
        check(pictures_of[-1] == pictures_of[0], name, "begins with other weights than plain.pth")
    check_failure(run("fine_tune", *tuning(tmp, "x", "--base-model-path", folder / "whole_module.pth"), cwd=tmp), "state_dict()")


def colour_spaces(tmp):
    """What is trained in other colours is evaluated as the run itself does, and enlarges to the right ones."""
    pictures(tmp / "images")
    test = pictures(tmp / "test", 2)
    for space in ("yuv", "oklab"):
        r = pretrain(tmp, space, "--colour-space", space, "--num-epochs", 200, "--eval-interval", 200,
                     "--test-images-path", test)
        check_success(r)
        score = float(r.stderr.split("epoch 200, step 600: psnr ")[1].split(",")[0])
        checkpoint = tmp / f"{space}.step-600.safetensors"
        evaluation = ("evaluate", "--scale", 2, "--hr", test, "--weights", checkpoint, "--json", tmp / "j.json")
        check_success(run(*evaluation))
        mean = json.loads((tmp / "j.json").read_text())["mean"]["psnr"]
        check(abs(mean - score) < 1e-3, space, mean, "the run said", score)
        check_success(run(*evaluation, "--channels", "rgb"))
        j = json.loads((tmp / "j.json").read_text())
        # Nearly bicubic interpolation, after so few steps; colours that are mixed up would cost more than 10 dB.
        check(j["mean"]["psnr"] > j["bicubic"]["psnr"] - 3, space, j["mean"], j["bicubic"])
        check_success(run("upscale", sample, "--weights", checkpoint, "-o", tmp / f"{space}.png"))
        check(f"in {space}" in run("info", checkpoint).stdout)
    pictures(tmp / "few", 4)
    tuned = tuning(tmp, "tuned", "--base-model-path", tmp / "yuv", "--train-images-path", tmp / "few",
                   "--test-images-path", test, "--num-epochs", 2)
    check_success(run("fine_tune", *tuned, cwd=tmp))
    check("in yuv" in run("info", tmp / "tuned.step-2.safetensors").stdout, "the base model's colours were lost")


def half_precision(tmp):
    """--precision bf16 and fp16: other bits than float32, the same on two threads and after a resume."""
    pictures(tmp / "images")
    how = ("--schedule", "constant")
    check_success(pretrain(tmp, "float32", *how, "--num-epochs", 3))
    made = {weights(tmp / "float32.step-9.safetensors")[1]}
    for precision in ("bf16", "fp16"):
        kept = ("--precision", precision, *how)
        check_success(pretrain(tmp, precision, *kept, "--num-epochs", 3))
        check_success(pretrain(tmp, "cut", *kept, "--num-epochs", 1, "--threads", 2))
        r = pretrain(tmp, "cut", *how, "--num-epochs", 3, "--resume")
        check_failure(r, f"--precision {precision} and not its default")
        check_success(pretrain(tmp, "cut", *kept, "--num-epochs", 3, "--resume"))
        check(last(tmp, "cut") == last(tmp, precision), precision, "differs on two threads, or after a resume")
        made.add(weights(tmp / f"{precision}.step-9.safetensors")[1])
        for p in tmp.glob("cut.*"):
            p.unlink()
    check(len(made) == 3, "a precision changed nothing")
    check_failure(pretrain(tmp, "float32", *how, "--resume", "--precision", "bf16"), "--precision not set and not bf16")


def gradient_norms(tmp):
    """TensorBoard's files hold the gradient norm of every tensor, now and then; their squares add up to the whole."""
    pictures(tmp / "images")
    run_dir, interval = "--run-dir-path", "--gradient-norm-interval"
    check_success(pretrain(tmp, "net", "--num-epochs", 3, run_dir, tmp / "runs", interval, 2))
    of = scalars(tmp / "runs")
    check(sorted(of["training/gradient norm"]) == list(range(1, 10)), of["training/gradient norm"])
    tensors = {tag: norms for tag, norms in of.items() if tag.startswith("gradient norm/")}
    check({"gradient norm/input.weight_v", "gradient norm/encoder.0.conv1.bias"} <= set(tensors), sorted(tensors))
    for tag, norms in tensors.items():
        check(sorted(norms) == [2, 4, 6, 8], tag, norms)
    for step in (2, 4, 6, 8):
        whole, parts = of["training/gradient norm"][step], sum(n[step] ** 2 for n in tensors.values()) ** 0.5
        check(abs(parts - whole) < 1e-5 * whole, step, parts, whole)
    check_success(pretrain(tmp, "other", "--num-epochs", 1, run_dir, tmp / "none", interval, 0))
    check(not any(tag.startswith("gradient norm/") for tag in scalars(tmp / "none")), "asked for none")


def adversarial(tmp):
    """fine_tune: resumed it goes on to the same bits, critic included; in the warm-up the upscaler stays as it was."""
    pictures(tmp / "images", 4)
    check_success(pretrain(tmp, "base", "--num-epochs", 2, "--ema-decay", 0))

    def fine_tune(name, *more):
        return run("fine_tune", *tuning(tmp, name, *more), cwd=tmp)
    check_success(fine_tune("whole", "--num-epochs", 3))
    check_success(fine_tune("cut", "--num-epochs", 1))
    warmed = tmp / "cut.step-1.safetensors"
    for weights in (tmp / "base.step-2.safetensors", warmed):
        check_success(run("upscale", sample, "--weights", weights, "-o", tmp / f"{weights.name}.png"))
    check((tmp / "base.step-2.safetensors.png").read_bytes() == (tmp / "cut.step-1.safetensors.png").read_bytes(),
          "the upscaler changed in the warm-up")
    check("1 steps of the critic" in run("info", warmed).stdout, run("info", warmed).stdout)
    check_success(fine_tune("cut", "--num-epochs", 2, "--resume"))
    check_success(fine_tune("cut", "--num-epochs", 3, "--resume", "--threads", 2))
    check(last(tmp, "cut") == last(tmp, "whole"), "a fine-tuning that was resumed differs")
    check(steps(tmp, "cut") == [2, 3], steps(tmp, "cut"))
    check_success(run("upscale", sample, "--weights", tmp / "cut.step-3.safetensors", "-o", tmp / "tuned.png"))
    check((tmp / "tuned.png").read_bytes() != (tmp / "base.step-2.safetensors.png").read_bytes(), "nothing was learned")

    check_failure(fine_tune("cut", "--resume", "--critic-learning-rate", 0.5), "--critic-learning-rate")
    check_failure(fine_tune("x", "--base-model-path", tmp / "absent"), tmp / "absent")
    check_usage_error(fine_tune("base"), "--checkpoint-path", "expected another one")
    check_usage_error(fine_tune("x", "--patience", 3), "--patience 3")
    check_failure(fine_tune("x", "--resume"), "expected a checkpoint")
    check(fine_tune("x", "--critic-model-size", "huge").returncode == 2)


def adversarial_ways(tmp):
    """fine_tune with a cosine schedule and accumulation, and on VapSR, whose values may be in [-1,1]; each resumed."""
    pictures(tmp / "images", 6)
    check_success(pretrain(tmp, "base", "--num-epochs", 1))
    small = ("--num-layers", 1, "--num-epochs", 1, "--batch-size", 2, "--max-steps", 2, "--schedule", "constant")
    check_success(pretrain(tmp, "vapsr", *small, "--network", "vapsr"))
    check_success(pretrain(tmp, "vapsr3", *small, "--network", "vapsr-3x3"))
    accumulated = ("--gradient-accumulation-steps", 2)  # three micro-batches an epoch: steps of two and of one
    ways = {"cosine": ("--schedule", "cosine", *accumulated, "--ema-decay", 0.9),
            "vapsr": ("--base-model-path", tmp / "vapsr", *accumulated, "--loss", "l1"),
            "vapsr3": ("--base-model-path", tmp / "vapsr3", "--recipe", "vapsr", "--validation-share", 0,
                       *accumulated)}
    for name, how in ways.items():
        how = ("--batch-size", 2, "--num-epochs", 3, *how)
        tune = lambda to, *more: run("fine_tune", *tuning(tmp, to, *how, *more), cwd=tmp)
        r = tune(f"{name}-whole")
        check_success(r)
        check(" 6 steps of 2 x 2 images" in r.stderr and "not finite" not in r.stderr, name, r.stderr)
        p = subprocess.Popen([programs / "fine_tune", *tuning(tmp, f"{name}-cut", *how, "--checkpoint-interval", 1)],
                             cwd=tmp, stderr=subprocess.DEVNULL)
        while p.poll() is None and not steps(tmp, f"{name}-cut"):
            time.sleep(0.001)
        p.kill()
        p.wait()
        check_success(tune(f"{name}-cut", "--resume"))
        check(last(tmp, f"{name}-cut") == last(tmp, f"{name}-whole"), name, "differs after it was resumed")
        check_success(run("upscale", sample, "--weights", tmp / f"{name}-whole.step-6.safetensors",
                          "-o", tmp / f"{name}.png"))


def check_near(is_path, expected_path):
    is_there, expected = floats(is_path), floats(expected_path)
    check(is_there.keys() == expected.keys(), is_there.keys(), expected.keys())
    for name, numbers in expected.items():
        largest = max(abs(v) for v in numbers)
        worst = max(abs(a - b) for a, b in zip(is_there[name], numbers))
        check(worst <= 1e-4 * largest + 1e-7, name, worst, largest)  # float32 sums in another order, for some steps


def processes(tmp):
    """Two processes train as one does, to rounding; both end at a signal to one; a resume goes on to the same bits."""
    pictures(tmp / "images")
    how = ("--optimizer", "sgd", "--schedule", "constant", "--learning-rate", 0.01, "--gradient-accumulation-steps", 2, "--num-epochs", 4)
    evaluated = ("--validation-share", 0.3, "--batch-size", 2, "--eval-interval", 1, "--patience", 3)
    check_success(pretrain(tmp, "one", *how, *evaluated, "--run-dir-path", tmp / "runs-one"))
    said = check_together(together(tmp, "pretrain", options(tmp, "two", *how, *evaluated,
                                                            "--run-dir-path", tmp / "runs-two")))
    check(" steps of 2 x 2 images in 2 processes" in said, said)
    check(steps(tmp, "two") == steps(tmp, "one"), steps(tmp, "two"))
    check_near(tmp / f"two.step-{steps(tmp, 'one')[-1]}.safetensors", tmp / f"one.step-{steps(tmp, 'one')[-1]}.safetensors")
    check_near(tmp / "two.best.safetensors", tmp / "one.best.safetensors")
    one, two = (scalars(tmp / name)["training/loss"] for name in ("runs-one", "runs-two"))
    check(one.keys() == two.keys() and len(one) > 4, one, two)
    for step in one:
        check(abs(one[step] - two[step]) <= 1e-5 * one[step], step, one[step], two[step])

    def run_two(name, *more):
        return together(tmp, "pretrain", options(tmp, name, *how, *more))
    check_together(run_two("whole"))
    check_together(run_two("cut", "--max-steps", 3))
    check_together(run_two("cut", "--resume"))
    check(last(tmp, "cut") == last(tmp, "whole"), "two processes that were resumed differ")
    check_success(pretrain(tmp, "cut", *how, "--num-epochs", 5, "--resume"))  # and one process goes on from there

    for which in (0, 1):  # asked to end
        both = run_two(f"asked{which}", "--num-epochs", 100000, "--checkpoint-interval", 100000)
        while " steps of " not in both[0].stderr.readline():
            pass
        time.sleep(0.1)
        both[which].send_signal(signal.SIGTERM)
        check_together(both)
        check(len(steps(tmp, f"asked{which}")) == 1, steps(tmp, f"asked{which}"))


def processes_that_fail(tmp):
    """A process that is killed, late, or given something else is one line in the other, and no hang."""
    folder = pictures(tmp / "images")
    long = options(tmp, "net", "--num-epochs", 100000, "--checkpoint-interval", 100000)
    for which in (0, 1):
        both = together(tmp, "pretrain", [*long, "--checkpoint-path", tmp / f"killed{which}"])
        while " steps of " not in both[0].stderr.readline():
            pass
        time.sleep(0.1)
        both[which].kill()
        said, codes = ended(both)
        check(codes[which] == -signal.SIGKILL and codes[1 - which] == 1, codes, said)
        line = said[1 - which].splitlines()[-1]
        check(line == f"error: process {which} of 2 has ended: expected it to train on with process {1 - which}", said)
        check(said[1 - which].count("error") == 1, said)

    def one_line(rank, said, text):
        lines = said[rank].splitlines()
        check(lines and lines[-1].startswith("error: ") and text in lines[-1], text, said)
    other = pictures(tmp / "other", 11)
    said, codes = ended(together(tmp, "pretrain", long, more=((), ("--train-images-path", other))))
    check(codes == [1, 1], codes, said)
    one_line(1, said, "11 images in process 1")
    said, codes = ended(together(tmp, "pretrain", options(tmp, "net", "--train-images-path", tmp / "none")))
    check(codes == [1, 1], codes, said)
    said, codes = ended(together(tmp, "pretrain", [*long, "--process-deadline", 1], more=((), ("--seed", "none"))))
    check(codes == [1, 2], codes, said)
    one_line(0, said, "1 of 2 processes did not answer in time (1 s)")

    def alone(**variables):
        return run("pretrain", *long, cwd=tmp, env={**os.environ, **variables})
    check_error(alone(RANK="0"), "RANK is set and WORLD_SIZE is not")
    check_error(alone(WORLD_SIZE="2"), "WORLD_SIZE is set and RANK is not")
    check_error(alone(RANK="2", WORLD_SIZE="2"), "RANK=2: expected a number from 0 to 1")
    check_error(alone(OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="2"), "MASTER_ADDR is not set")
    check_error(alone(SLURM_PROCID="0", SLURM_NTASKS="2", MASTER_ADDR="localhost"), "MASTER_PORT is not set")
    where = {"MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    check_usage_error(alone(RANK="0", WORLD_SIZE="3", **where), "--batch-size 4", "a multiple of the 3 processes")
    check_usage_error(run("pretrain", *long, "--gpu", 1, cwd=tmp), "--gpu 1", "--device cuda")
    check(folder.exists() and steps(tmp, "net") == [], "a run that failed left a checkpoint")


def processes_adversarial(tmp):
    """fine_tune in two processes, whose critic normalises in each; resumed it goes on to the same bits."""
    pictures(tmp / "images", 4)
    check_success(pretrain(tmp, "base", "--num-epochs", 2, "--ema-decay", 0))

    def fine_tune(name, *more):
        return check_together(together(tmp, "fine_tune", tuning(tmp, name, *more)))
    said = fine_tune("whole", "--num-epochs", 3)
    check("1 x 4 images in 2 processes" in said, said)
    fine_tune("cut", "--num-epochs", 2)
    fine_tune("cut", "--num-epochs", 3, "--resume")
    check(last(tmp, "cut") == last(tmp, "whole"), "a fine-tuning of two processes that was resumed differs")


def contract(tmp):
    for program in ("pretrain", "fine_tune"):
        r = run(program, "--help")
        check_success(r)
        check("--checkpoint-path" in r.stdout, r.stdout)
    on_gpu = run("pretrain", "--device", "cuda", "--train-images-path", tmp / "none")
    if "none" not in on_gpu.stderr:  # else there is a GPU, and then no images
        check_error(on_gpu, "cuda" if "this build" in on_gpu.stderr else "CUDA", "expected")
    check_error(run("fine_tune", "--base-model-path", sample), "chelsea.png", "is not a weight file")


run_case(globals())
