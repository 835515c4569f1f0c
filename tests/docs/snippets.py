"""Compiles and runs what README.md and docs/*.md show, as a reader would.

    snippets.py programs REPOSITORY BUILD SCRATCH     every ```cpp block, through find_package as README shows it
    snippets.py cmake REPOSITORY BUILD SCRATCH        README's other ```cmake blocks, each in a project of its own
    snippets.py commands REPOSITORY BUILD SCRATCH     every command line of this project's programs, in a folder with
                                                      the files that it names

A ```cpp block with `main` is a program: it is run in a folder where the repository's examples/ is, and must end with 0.
Blocks of one page without `main` are one source file, in their order. ```cpp statements is the inside of a function,
whose parameters are what the comment before it gives: <!-- given: PARAMETERS -->.
"""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

part = sys.argv[1]
repository, build, scratch = (pathlib.Path(p).resolve() for p in sys.argv[2:5])
pages = [repository / "README.md", repository / "CONTRIBUTING.md", *sorted((repository / "docs").glob("*.md"))]
own_programs = ["upscale", "evaluate", "calibrate", "info", "pretrain", "fine_tune"]


def fail(*what):
    print("failed:", *what)
    sys.exit(1)


def run(*command, **more):
    r = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **more)
    if r.returncode != 0:
        fail(" ".join(map(str, command)), "\n", r.stdout[-3000:], r.stderr[-6000:])
    return r.stdout


def blocks(page, language):
    """(info, given, text, line) of the fenced blocks of a language."""
    found, text = [], page.read_text(encoding="utf-8")
    pattern = r"(?:^<!-- given: ([^\n]*?) -->\n+)?^```(" + language + r"\b[^\n]*)\n(.*?)^```$"
    for m in re.finditer(pattern, text, re.M | re.S):
        found.append((m[2].strip(), m[1] or "", m[3], text[:m.start(3)].count("\n") + 1))
    return found


def sources():
    """{name: text} of the programs, and those of them that are only compiled."""
    made, only_compiled = {}, []
    for page in pages:
        declarations, functions = "", ""
        for info, given, text, line in blocks(page, "cpp"):
            origin = f'#line {line} "{page.relative_to(repository)}"\n'
            if re.search(r"\bmain\s*\(", text):
                made[f"{page.stem}_{line}".replace("-", "_")] = origin + text
            elif info == "cpp":
                declarations += origin + text
            else:
                functions += f"void snippet_{line}({given}) {{\n{origin}{text}}}\n"
        if declarations or functions:
            name = f"{page.stem}_page".replace("-", "_")
            made[name] = ("#include <fovea/fovea.hpp>\n#include <fovea/distributed/process_links.hpp>\nusing namespace fovea;\n" +
                          declarations + functions + "int main() {}\n")
            only_compiled.append(name)
    return made, only_compiled


def project(folder, cmake, programs, options=(), build_it=True):
    """A project with these lines of CMake in place of one that links `app`."""
    folder.mkdir(parents=True, exist_ok=True)
    links = re.findall(r"target_link_libraries\(app PRIVATE ([^)]+)\)", cmake)
    lines = ["cmake_minimum_required(VERSION 3.22)", "project(app LANGUAGES CXX)",
             re.sub(r"^target_link_libraries\(app.*\n", "", cmake, flags=re.M)]
    for name, source in programs.items():
        (folder / f"{name}.cpp").write_text(source, encoding="utf-8")
        lines += [f"add_executable({name} {name}.cpp)", f"target_link_libraries({name} PRIVATE {' '.join(links)})"]
    (folder / "CMakeLists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", *options)
    if build_it:
        run("cmake", "--build", folder / "build")


def working_folder(name):
    folder = scratch / name
    folder.mkdir(parents=True)
    (folder / "examples").symlink_to(repository / "examples")
    return folder


def ways():
    """README's CMake lines: what finds fovea, and then what links it."""
    texts = [text for _, _, text, _ in blocks(repository / "README.md", "cmake")]
    links = [t for t in texts if "target_link_libraries" in t]
    if len(links) != 1 or len(texts) != 4:
        fail("README: expected three ways to find fovea and one block that links it")
    return [t for t in texts if t not in links], links[0]


def programs():
    finds, link = ways()
    way = next(f for f in finds if "find_package" in f)
    run("cmake", "--install", build, "--prefix", scratch / "installed")
    made, only_compiled = sources()
    project(scratch / "find_package", way + link, made, [f"-DCMAKE_PREFIX_PATH={scratch / 'installed'}"])
    # README's own programs, with warnings that other people switch on, from both forms of the headers.
    for name in made:
        for form in ("include", "single_include"):
            if name.startswith("README"):
                run("g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror",
                    "-DFOVEA_IMAGE_FILES=1", "-isystem", "/usr/include/stb", f"-I{repository / form}",
                    scratch / "find_package" / f"{name}.cpp")
    folder = working_folder("work")
    for name in made:
        if name not in only_compiled:
            run(scratch / "find_package" / "build" / name, cwd=folder, timeout=300)
            print("ran", name)
    if not (folder / "large.png").exists():
        fail("README's first program wrote no large.png")
    print(f"{len(made)} programs compiled, {len(made) - len(only_compiled)} run")


def cmake():
    finds, link = ways()
    first = next(text for text in sources()[0].values() if "write_image" in text)
    for i, way in enumerate(f for f in finds if "find_package" not in f):
        folder = scratch / f"way{i}"
        subfolder = "add_subdirectory" in way  # which FetchContent calls, too: building once is enough
        if subfolder:
            named = folder / re.search(r"add_subdirectory\(([^)]+)\)", way)[1]
            named.parent.mkdir(parents=True)
            named.symlink_to(repository)
        # The kernels of one instruction set are enough here: all of them take minutes to compile.
        project(folder, way + link, {"first": first},
                [f"-DFETCHCONTENT_SOURCE_DIR_FOVEA={repository}", "-DFOVEA_DISPATCH_SETS=baseline"],
                build_it=not subfolder)
        if not subfolder:
            run(folder / "build" / "first", cwd=working_folder(f"work{i}"))
        print("configured:" if subfolder else "built and ran:", way.splitlines()[-1])


# Training that the pages show, cut short.
SHORT = {"pretrain": {"--max-steps": 2, "--batch-size": 2, "--gradient-accumulation-steps": 1, "--target-resolution": 64,
                      "--num-channels": 16, "--num-layers": 1, "--num-dataset-processes": 1},
         "fine_tune": {"--max-steps": 2, "--batch-size": 2, "--gradient-accumulation-steps": 1, "--target-resolution": 64,
                       "--num-dataset-processes": 1}}


def commands_of(page):
    for info, _, text, line in blocks(page, "sh"):
        for command in text.replace("\\\n", " ").splitlines():
            words = shlex.split(command, comments=True)
            if words and words[0] in own_programs:
                yield line, words


def named_files(folder):
    """The files that the pages name; those that are not ours come from FOVEA_DATA."""
    import os
    sample = repository / "examples" / "data" / "chelsea.png"
    upscale = build / "examples" / "upscale"
    run(upscale, sample, "--model", "bicubic", "--scale", 1, "-o", folder / "photo.jpg")
    for name in ("photos", "frames", "test"):
        (folder / name).mkdir()
        for i in range(3 if name == "photos" else 1):
            run(upscale, sample, "--model", "bicubic", "--scale", 1 - i / 5, "-o", folder / name / f"{i}.png")
    data = pathlib.Path(os.environ.get("FOVEA_DATA") or "/nonexistent")
    for path in data.glob("weights/*/*.pth"):
        (folder / path.name).symlink_to(path)
    for path in data.glob("data/test/*"):
        (folder / path.name).symlink_to(path)
    return data.exists()


def commands():
    ran, left_out = 0, []
    for page in pages:
        folder = working_folder(page.stem)
        complete = named_files(folder)
        for line, words in commands_of(page):
            files = [w for w in words[1:] if re.fullmatch(r"[\w./-]+\.(pth|pt)|Set\w+(/\w+)?", w)]
            if any(not (folder / f).exists() for f in files) and not complete:
                left_out.append(" ".join(words))
                continue
            short = SHORT.get(words[0], {})
            for option in short:
                if option in words:
                    at = words.index(option)
                    words = words[:at] + words[at + 2:]
            more = [str(w) for pair in short.items() for w in pair]
            run(build / "examples" / words[0], *words[1:], *more, cwd=folder, timeout=900)
            ran += 1
            print("ran", page.name, line, *words)
    for command in left_out:
        print("skipped: needs FOVEA_DATA:", command)
    if not ran:
        fail("no page shows a command")


shutil.rmtree(scratch, ignore_errors=True)
scratch.mkdir(parents=True)
{"programs": programs, "cmake": cmake, "commands": commands}[part]()
