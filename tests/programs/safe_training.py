"""Training that loses no work, as a user meets it: safe_training.py CASE FOLDER_OF_PROGRAMS"""
import os
import random
import shutil
import signal
import subprocess
import time

from support import (check, check_error, check_success, check_usage_error, full_disk, programs, run, run_case)
from training_support import (check_failure, check_together, ended, events, last, options, picture, pictures, pretrain,
                              scalars, started, steps, together, tuning)

SLOW = os.environ.get("FOVEA_SLOW_TESTS")  # set under sanitizers: fewer repetitions


def wait_for(process, text):
    """Reads standard error up to the line with the text; what came before."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    check(False, "ended without", text, lines)


def wait_until(condition, process):
    while process.poll() is None and not condition():
        time.sleep(0.001)


def killed_often(tmp):
    """Killed thirty times, at the start, within steps, evaluations and while it saves: the same bits as a whole run."""
    pictures(tmp / "images")
    test = pictures(tmp / "test", 2)
    kills, epochs = (5, 40) if SLOW else (30, 240)
    how = ("--num-epochs", epochs, "--checkpoint-interval", 1, "--eval-interval", 2, "--test-images-path", test,
           "--gradient-accumulation-steps", 2, "--resume", "auto")
    check_success(pretrain(tmp, "whole", *how))
    r, killed = random.Random(5), 0
    for kill in range(kills):
        before = steps(tmp, "cut")[-1:]
        p = started(tmp, "cut", *how, stderr=subprocess.DEVNULL)
        if kill % 4 > 0:
            wait_until(lambda: steps(tmp, "cut")[-1:] != before, p)
        time.sleep(r.uniform(0, 0.05))
        p.kill()
        killed += p.wait() == -signal.SIGKILL
    check(killed >= kills * 3 // 4, "the runs ended before they could be killed", killed, steps(tmp, "cut"))
    check_success(pretrain(tmp, "cut", *how))
    check(last(tmp, "cut") == last(tmp, "whole"), "a run that was killed and resumed differs")
    best = [(tmp / f"{name}.best.safetensors").read_bytes() for name in ("cut", "whole")]
    check(best[0] == best[1], "its best weights differ")


def damaged(tmp):
    """A damaged checkpoint is named, and the one before it goes on to the same bits."""
    pictures(tmp / "images")
    how = ("--schedule", "constant", "--checkpoint-interval", 1, "--num-epochs")
    check_success(pretrain(tmp, "whole", *how, 4))
    check_success(pretrain(tmp, "begun", *how, 3))
    check(steps(tmp, "begun") == [3, 6, 9], steps(tmp, "begun"))
    r, whole = random.Random(3), last(tmp, "whole")
    for damage in range(4 if SLOW else 20):
        for step in (3, 6, 9):
            shutil.copy(tmp / f"begun.step-{step}.safetensors", tmp / f"net.step-{step}.safetensors")
        both = damage % 5 == 0
        for step in (6, 9) if both else (9,):
            path = tmp / f"net.step-{step}.safetensors"
            content = bytearray(path.read_bytes())
            if damage % 4 == 0:
                del content[r.randrange(len(content)):]
            elif damage % 4 == 1:
                at = r.randrange(len(content))
                content[at:at + 512] = bytes(len(content[at:at + 512]))
            else:  # a bit of a weight, which no other part of the file could tell
                content[len(content) - 1 - r.randrange(len(content) // 2)] ^= 1 << r.randrange(8)
            path.write_bytes(content)
        again = pretrain(tmp, "net", *how, 4, "--resume")
        check_success(again)
        told = [line for line in again.stderr.splitlines() if line.startswith("warning: ")]
        check(len(told) == 1 + both and "net.step-9.safetensors" in told[0] and "the checkpoint before it is taken"
              in told[-1], damage, again.stderr)
        check(f"net.step-{3 if both else 6}.safetensors: goes on" in again.stderr, again.stderr)
        check(last(tmp, "net") == whole, damage, "differs after it went back")
        for p in tmp.glob("net.*"):
            p.unlink()
    for step in (3, 6, 9):
        (tmp / f"net.step-{step}.safetensors").write_bytes(b"nothing")
    check_failure(pretrain(tmp, "net", *how, 4, "--resume"), "net.step-3", "no checkpoint before it is whole")
    weights = tmp / "begun.step-9.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    check_failure(pretrain(tmp, "other", "--weights", weights), "begun.step-9", "is damaged: its checksum is crc32c")


def evaluation(tmp):
    """Test images are read before the first step; what fails in an evaluation later is a warning, after the state was
    saved."""
    pictures(tmp / "images")
    test = pictures(tmp / "test", 2)
    given = ("--test-images-path", test)
    check_failure(pretrain(tmp, "net", "--test-images-path", tmp / "none"), tmp / "none")
    (test / "zz.png").write_bytes(b"no image")
    check_failure(pretrain(tmp, "net", *given), test / "zz.png")
    (test / "zz.png").write_bytes(b"")
    (test / "zz.png").unlink()
    (test / "zz.ppm").write_bytes(picture(1, width=7, height=7))
    check_failure(pretrain(tmp, "net", *given), test / "zz.ppm")
    (test / "zz.ppm").unlink()
    check(steps(tmp, "net") == [], "a run that failed left a checkpoint")

    how = ("--num-epochs", 2000, "--eval-interval", 400, "--checkpoint-interval", 4000, "--run-dir-path", tmp / "log")
    p = started(tmp, "net", *how, *given, stderr=subprocess.PIPE, text=True)
    said = wait_for(p, " steps of ")
    check(any(line.startswith("bicubic interpolation on 2 test images: psnr ") for line in said), said)
    wait_for(p, "epoch 400, step 1200: psnr ")
    (test / "01.ppm").write_bytes(b"P6 40 32 255\n")
    said = p.communicate()[1]
    check(p.returncode == 0, p.returncode, said)
    told = [line for line in said.splitlines() if line.startswith("warning: ")]
    check(len(told) >= 2 and all("01.ppm" in line and "training goes on" in line for line in told), said)
    check(steps(tmp, "net")[-1] == 6000, "training did not go on", steps(tmp, "net"))
    log = scalars(tmp / "log")
    check(1200 in log["evaluation/psnr over bicubic"] and 6000 not in log["evaluation/psnr"], log.keys())
    psnr, baseline = log["evaluation/psnr"][1200], log["evaluation/bicubic psnr"][0]
    check(abs(log["evaluation/psnr over bicubic"][1200] - (psnr - baseline)) < 1e-3, psnr, baseline)


def validation(tmp):
    """Images that are kept for validation have a baseline, too, and PSNR beside the loss; a test folder is evaluated as
    well."""
    pictures(tmp / "images")
    test = pictures(tmp / "test", 1)
    r = pretrain(tmp, "net", "--num-epochs", 2, "--eval-interval", 1, "--validation-share", 0.3,
                 "--test-images-path", test, "--run-dir-path", tmp / "log")
    check_success(r)
    check("images kept for validation" in r.stderr and "validation images: validation loss " in r.stderr, r.stderr)
    log, shown = scalars(tmp / "log"), events(tmp / "log", 4)
    for tag in ("validation loss", "validation psnr over bicubic", "psnr over bicubic", "bicubic psnr",
                "bicubic validation psnr"):
        check("evaluation/" + tag in log, tag, log.keys())
    check({"validation/0", "validation/1", "evaluation/00"} <= set(shown), shown.keys())


def full_event_disk(tmp):
    """Event files that cannot grow any more are a warning; checkpoints, which still fit, are the same."""
    pictures(tmp / "images")
    how = ("--num-epochs", 60, "--gradient-norm-interval", 1, "--checkpoint-interval", 30)
    check_success(pretrain(tmp, "whole", *how, "--run-dir-path", tmp / "whole-log"))
    size = len(last(tmp, "whole")) + 4096
    check(sum(p.stat().st_size for p in (tmp / "whole-log").iterdir()) > 2 * size, "event files are too small here")
    r = pretrain(tmp, "net", *how, "--run-dir-path", tmp / "log", preexec_fn=full_disk(size))
    check_success(r)
    told = [line for line in r.stderr.splitlines() if line.startswith("warning: ")]
    check(len(told) == 1 and "events.out.tfevents" in told[0] and "training goes on" in told[0], r.stderr)
    check(last(tmp, "net") == last(tmp, "whole"), "a full disk of event files changed the weights")


def vanished(tmp):
    """A training image that is gone ends the run with its name, and what was learned until then is saved."""
    folder = pictures(tmp / "images")
    how = ("--num-epochs", 1500, "--checkpoint-interval", 3000, "--cache-megabytes", 0, "--schedule", "constant",
           "--gradient-accumulation-steps", 2)
    check_success(pretrain(tmp, "whole", *how))
    p = started(tmp, "net", *how, stderr=subprocess.PIPE, text=True)
    wait_for(p, "the first step took")
    time.sleep(0.1)
    (folder / "03.ppm").rename(tmp / "03.ppm")
    said = p.communicate()[1].splitlines()
    check(p.returncode == 1 and said[-1].startswith("error: ") and "03.ppm" in said[-1], said)
    check(said[-2].startswith("saved before it ends: "), said)
    check(len(steps(tmp, "net")) == 1 and 0 < steps(tmp, "net")[0] < 3000, steps(tmp, "net"))
    (tmp / "03.ppm").rename(folder / "03.ppm")
    check_success(pretrain(tmp, "net", *how, "--resume"))
    check(last(tmp, "net") == last(tmp, "whole"), "a run that an error ended and that was resumed differs")


LARGE = ("--num-channels", 32, "--num-layers", 12, "--target-resolution", 64, "--batch-size", 12,
         "--gradient-accumulation-steps", 4, "--samples-per-epoch", 4800, "--num-epochs", 50, "--eval-interval", 1)


def signals(tmp):
    """SIGINT, SIGTERM and SIGHUP: what is said, saved and left, within micro-batches, evaluations and at the start."""
    pictures(tmp / "images", width=80, height=80)
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        name = which.name.lower()
        p = started(tmp, name, *LARGE, stderr=subprocess.PIPE, text=True)
        wait_for(p, "the first step took")
        p.send_signal(which)
        said = p.communicate(timeout=60)[1]
        check(p.returncode == 0 and f"{which.name}: saves, then ends" in said, which, p.returncode, said)
        check("--resume goes on from here" in said and steps(tmp, name)[-1] < 100, said)
    # Twice, and before there is anything to save: it ends by the signal.
    p = started(tmp, "twice", *LARGE, stderr=subprocess.PIPE, text=True)
    wait_for(p, " steps of ")
    os.kill(p.pid, signal.SIGSTOP)  # both arrive before it can answer the first one
    p.send_signal(signal.SIGINT), p.send_signal(signal.SIGTERM), os.kill(p.pid, signal.SIGCONT)
    said = p.communicate(timeout=60)[1]
    check(p.returncode in (-signal.SIGINT, -signal.SIGTERM) and "saves, then ends" in said, p.returncode, said)
    large = tmp / "large"  # which take seconds to measure
    large.mkdir()
    for i in range(4):
        (large / f"{i}.ppm").write_bytes(b"P6 2000 1500 255\n" + os.urandom(9000000))
    p = started(tmp, "early", *LARGE, "--test-images-path", large, stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=60)
    check(p.returncode == -signal.SIGTERM and steps(tmp, "early") == [], p.returncode, steps(tmp, "early"))
    # Ignored before the program began, as by nohup.
    p = started(tmp, "nohup", "--num-epochs", 300, stderr=subprocess.PIPE, text=True,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for(p, " steps of ")
    p.send_signal(signal.SIGHUP)
    said = p.communicate(timeout=60)[1]
    check(p.returncode == 0 and "SIGHUP" not in said and steps(tmp, "nohup")[-1] == 900, said)


def left_steps(tmp):
    """A signal within a step leaves it; what is resumed takes it again, to the same bits. So does one within an
    evaluation, which the resumed run makes up for."""
    pictures(tmp / "images", width=80, height=80)
    test = pictures(tmp / "test", 2, width=500, height=300)
    how = ("--num-channels", 16, "--num-layers", 4, "--target-resolution", 64, "--batch-size", 6, "--eval-interval", 2,
           "--gradient-accumulation-steps", 6, "--samples-per-epoch", 72, "--num-epochs", 12, "--test-images-path", test)
    check_success(pretrain(tmp, "whole", *how))
    r, said = random.Random(2), ""
    for moment in range(4 if SLOW else 12):
        p = started(tmp, "cut", *how, "--resume", "auto", stderr=subprocess.PIPE, text=True)
        # Behind the first step, or in the evaluation that comes before it where the last run was asked to end there.
        said += "".join(wait_for(p, " steps of " if moment % 4 == 3 else "the first step took"))
        time.sleep(r.uniform(0, 0.3))
        p.send_signal(signal.SIGTERM)
        said += p.communicate(timeout=60)[1]
        check(p.returncode == 0, p.returncode, said)
        if steps(tmp, "cut")[-1] >= 20:
            break
    last_run = pretrain(tmp, "cut", *how, "--resume", "auto")
    check_success(last_run)
    said += last_run.stderr
    check(last(tmp, "cut") == last(tmp, "whole"), "a run whose steps were left differs")
    for epoch in range(2, 13, 2):
        check(f"epoch {epoch}, step {2 * epoch}: psnr " in said, "epoch", epoch, "was not evaluated", said)


def two_runs(tmp):
    """Two runs on one path: the second is refused and changes nothing; a killed one is in nobody's way."""
    pictures(tmp / "images")
    p = started(tmp, "net", "--num-epochs", 100000, "--checkpoint-interval", 100000, stderr=subprocess.PIPE, text=True)
    wait_for(p, " steps of ")
    for how in ((), ("--resume", "auto"), ("--reset",)):
        check_error(pretrain(tmp, "net", *how), "net.lock: another run writes there, process", p.pid)
    p.kill()
    p.wait()
    check((tmp / "net.lock").exists(), "no lock was there")
    check_success(pretrain(tmp, "net", "--num-epochs", 1))
    check(not (tmp / "net.lock").exists(), "the lock of a run that ended")


def no_numbers(tmp):
    """Weights that are not finite end the run, after three returns to the last checkpoint, with exit 1."""
    pictures(tmp / "images")
    how = ("--schedule", "constant", "--checkpoint-interval", 1)
    check_success(pretrain(tmp, "good", *how, "--num-epochs", 1))
    before = last(tmp, "good")
    # Of a good checkpoint, images that are no longer such: their values are finite, the loss of a huge step is not.
    r = pretrain(tmp, "net", *how, "--num-epochs", 100000, "--learning-rate", 1e30, "--optimizer", "sgd",
                 "--max-gradient-norm", 0)
    check_failure(r, "3 returns to step", "have not helped", "expected a lower learning rate")
    check(r.stderr.count(" in a row back to step") == 3, r.stderr[-3000:])
    for step in steps(tmp, "net"):  # what was saved is made of numbers
        check_success(run("info", tmp / f"net.step-{step}.safetensors"))
    check(last(tmp, "good") == before)
    r = pretrain(tmp, "end", *how, "--num-epochs", 1, "--max-steps", 1, "--learning-rate", 1e300, "--optimizer", "sgd",
                 "--max-gradient-norm", 0)
    check_failure(r, "step 1: the weights are not finite", "expected a lower --learning-rate")
    check(steps(tmp, "end") == [], steps(tmp, "end"))


def begin_again(tmp):
    """--resume auto goes on where there is something; --reset keeps the old files under another name."""
    pictures(tmp / "images")
    how = ("--schedule", "constant", "--checkpoint-interval", 1)
    test = pictures(tmp / "test", 1)
    r = pretrain(tmp, "net", *how, "--num-epochs", 1, "--resume", "auto", "--test-images-path", test)
    check_success(r)
    check("goes on" not in r.stderr and steps(tmp, "net") == [3], r.stderr)
    r = pretrain(tmp, "net", *how, "--num-epochs", 2, "--resume", "auto")
    check_success(r)
    check("goes on at epoch 1, step 3" in r.stderr and steps(tmp, "net") == [3, 6], r.stderr)
    check_failure(pretrain(tmp, "net", *how), "expected --resume, --reset or another --checkpoint-path")
    check_usage_error(pretrain(tmp, "net", *how, "--reset", "--resume"), "--reset", "--resume")
    check_usage_error(pretrain(tmp, "net", *how, "--resume", "never"), "never", "expected auto")
    old = last(tmp, "net")
    for run_number in (1, 2):
        r = pretrain(tmp, "net", *how, "--num-epochs", 1, "--reset", "--seed", run_number)
        check_success(r)
        check(f"kept as {tmp / 'net'}.before-{run_number}.*" in r.stderr and steps(tmp, "net") == [3], r.stderr)
    check(last(tmp, "net.before-1") == old and (tmp / "net.before-1.best.safetensors").exists())
    check(steps(tmp, "net.before-2") == [3], "the second run")
    r = pretrain(tmp, "net.before-1", *how, "--num-epochs", 3, "--resume")
    check_success(r)
    check("goes on at epoch 2, step 6" in r.stderr, r.stderr)
    r = pretrain(tmp, "new", *how, "--num-epochs", 1, "--reset")
    check_success(r)
    check("--reset" not in r.stderr, r.stderr)


def tensorboard(tmp):
    """Options, terms of losses and pictures, which are compressed; the loss is always the upscaler's."""
    pictures(tmp / "images", 4)
    test = pictures(tmp / "test", 6, width=200, height=120)
    seen = ("--test-images-path", test, "--eval-interval", 1)
    check_success(pretrain(tmp, "base", "--num-epochs", 2, "--ema-decay", 0, "--tv-penalty", 0.25, "--loss", "l2",
                           "--run-dir-path", tmp / "log", *seen))
    log, shown, texts = scalars(tmp / "log"), events(tmp / "log", 4), events(tmp / "log", 8)
    for step, loss in log["training/loss"].items():
        parts = log["training/l2"][step] + 0.25 * log["training/total variation"][step]
        check(abs(parts - loss) < 1e-5 * loss, step, parts, loss)
    check(b"| --tv-penalty | 0.25 |" in texts["options"][0], texts)
    check(sorted(shown) == [f"evaluation/0{i}" for i in range(4)], "pictures of four test images", shown.keys())
    for tag, of in shown.items():
        check(all(b"PNG" in content and len(content) < 3 * 200 * 120 * 3 for content in of.values()), tag,
              [len(content) for content in of.values()])

    r = run("fine_tune", *tuning(tmp, "tuned", "--num-epochs", 3, "--run-dir-path", tmp / "tuning"), cwd=tmp)
    check_success(r)
    log = scalars(tmp / "tuning")
    check(sorted(log["training/critic loss"]) == [1, 2, 3] and sorted(log["training/bce"]) == [2, 3], log.keys())
    check(sorted(log["training/loss"]) == [2, 3], "the loss of the critic is not the upscaler's", log["training/loss"])
    # The upscaler alone, beside the state of both.
    alone, state = tmp / "tuned.weights.safetensors", tmp / f"tuned.step-{steps(tmp, 'tuned')[-1]}.safetensors"
    check(alone.stat().st_size * 3 < state.stat().st_size, alone.stat().st_size, state.stat().st_size)
    for weights in (alone, state):
        check_success(run("upscale", test / "00.ppm", "--weights", weights, "-o", tmp / f"{weights.name}.png"))
    check((tmp / f"{alone.name}.png").read_bytes() == (tmp / f"{state.name}.png").read_bytes(), "other weights")


def recipes(tmp):
    """What is said before the first step, the defaults of recipe fovea, and pairs of images in every recipe."""
    folder = pictures(tmp / "images", 6, width=80, height=80)
    low = tmp / "low"
    low.mkdir()
    for p in folder.iterdir():
        (low / p.name).write_bytes(picture(int(p.stem), width=40, height=40))
    paired = ("--low-images-path", low, "--target-resolution", 64, "--max-steps", 1, "--batch-size", 2)
    for recipe in ("fovea", "benchmark", "vapsr"):
        network = ("--network", "supercool") if recipe == "vapsr" else ()
        r = pretrain(tmp, recipe, "--recipe", recipe, *paired, *network)
        check_success(r)
    supercool = ("--recipe", "supercool", *paired)
    check_usage_error(pretrain(tmp, "supercool", *supercool), "--low-images-path", "expected --augmentation dihedral")
    r = pretrain(tmp, "supercool", *supercool, "--augmentation", "dihedral")
    check_success(r)
    check("--tv-penalty 0.5 keeps x2 below bicubic" in r.stderr, r.stderr)
    lines = r.stderr.splitlines()
    at = [next(i for i, line in enumerate(lines) if text in line)
          for text in ("memory: ", " steps of ", "the first step took")]
    check(at == sorted(at), lines)
    r = run("pretrain", "--train-images-path", folder, "--upscale-ratio", 2, "--max-steps", 2, cwd=tmp)
    check_success(r)
    check("supercool x2, 32 channels, hidden 32, 8 blocks" in r.stderr, r.stderr)


def processes_part(tmp):
    """Processes with other options are told at the start, by name; where one dies the first saves what all had."""
    pictures(tmp / "images")
    long = options(tmp, "net", "--num-epochs", 100000, "--checkpoint-interval", 100000, "--schedule", "constant")
    for option, value, is_now in (("--learning-rate", 0.5, "0.001"), ("--max-steps", 7, "0"),
                                  ("--num-layers", 2, "1")):
        short = options(tmp, "short", "--num-epochs", 2)
        said, codes = ended(together(tmp, "pretrain", short, more=((), (option, value))))
        check(codes == [1, 1], codes, said)
        for rank in (0, 1):
            lines = said[rank].splitlines()
            check(len(lines) == 1 and f"{option} {is_now}, and " in lines[0], option, said)
        check(f"{value} in process 1" in said[1], said)
    both = together(tmp, "pretrain", long)
    wait_for(both[0], "the first step took")
    time.sleep(0.1)
    both[1].kill()
    said, codes = ended(both)
    lines = said[0].splitlines()
    check(codes == [1, -signal.SIGKILL] and "process 1 of 2 has ended" in lines[-1], codes, said)
    check(lines[-2].startswith("saved before it ends: ") and len(steps(tmp, "net")) == 1, said)
    at = steps(tmp, "net")[0]
    check_together(together(tmp, "pretrain", [*long, "--max-steps", at + 6, "--resume"]))
    check_together(together(tmp, "pretrain", options(tmp, "whole", "--schedule", "constant", "--num-epochs", 100000,
                                                     "--checkpoint-interval", 100000, "--max-steps", at + 6)))
    check(last(tmp, "net") == last(tmp, "whole"), "what was saved without the other process differs")


run_case(globals())
