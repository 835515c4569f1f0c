"""pages.py REPOSITORY SCRATCH: Doxygen makes the pages of docs/Doxyfile without a warning, and they contain what they
should: the guides, and the comments of the headers. Exit code 77, skipped, where there is no Doxygen.
"""
import html
import pathlib
import re
import shutil
import subprocess
import sys

repository, scratch = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
if not shutil.which("doxygen"):
    print("skipped: docs: pages: needs doxygen")
    sys.exit(77)
shutil.rmtree(scratch, ignore_errors=True)
scratch.mkdir(parents=True)
settings = (repository / "docs/Doxyfile").read_text(encoding="utf-8")
settings += f"\nOUTPUT_DIRECTORY = {scratch}\nWARN_LOGFILE = {scratch}/warnings.txt\n"
made = subprocess.run(["doxygen", "-"], input=settings, capture_output=True, text=True, cwd=repository)
warnings = (scratch / "warnings.txt").read_text(encoding="utf-8") if made.returncode == 0 else ""
if made.returncode != 0 or warnings:
    sys.exit(f"failed: doxygen: {made.returncode}\n{made.stderr[-3000:]}{warnings[:6000]}")


def text_of(name):
    page = (scratch / "html" / name).read_text(encoding="utf-8")
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


expected = {
    "index.html": "header-only C++20 library of super-resolution networks",
    "structfovea_1_1l1__loss.html": "Mean absolute difference",  # a comment above
    "structfovea_1_1write__options.html": "1 to 100, JPEG and WebP",  # a comment behind
    "structfovea_1_1starts__small.html": "smaller random initial weights",  # the opening comment of a file
    "structfovea_1_1cpu.html": "The CPU backend",
}
for name, text in expected.items():
    if text not in text_of(name):
        sys.exit(f"failed: {name}: has no text '{text}'")
pages = [p.name for p in (scratch / "html").glob("*.html")]
for guide in (repository / "docs").glob("*.md"):
    title = guide.read_text(encoding="utf-8").split("\n")[0].removeprefix("# ")
    if not any(f"<title>fovea: {html.escape(title)}</title>" in (scratch / "html" / p).read_text(encoding="utf-8")
               for p in pages if p.startswith("md_")):
        sys.exit(f"failed: {guide.name}: has no page with the title '{title}'")
hidden = [p for p in pages if "detail_1_1" in p or "kernel__table" in p]
if hidden:
    sys.exit(f"failed: pages of what is no public name: {hidden[:8]}")
print(f"{len(pages)} pages")
