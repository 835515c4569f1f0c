#!/usr/bin/env python3
"""What other programs see of the metadata that the library carries: metadata_files.py PICTURE_TOOL [FOLDER]

Formats times metadata: pictures made by Pillow and exiftool with a profile, EXIF of every orientation, density, text
and XMP go through picture_tool (twice as large) into every format, and exiftool and Pillow read what came out.
FOLDER (data/metadata of the test data) holds more, with a list of facts. Exit 77: a program is missing.
"""
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

try:
    from PIL import Image, ImageCms, PngImagePlugin
except ImportError:
    print("skipped: needs Pillow (python3-pil)")
    sys.exit(77)
if not shutil.which("exiftool"):
    print("skipped: needs exiftool (libimage-exiftool-perl)")
    sys.exit(77)

tool = sys.argv[1]
scratch = pathlib.Path(tempfile.mkdtemp(prefix="fovea-metadata-"))
failures = []
checks = 0
# The picture: its corners tell the eight orientations apart.
corners = {(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 255), (1, 1): (255, 255, 0)}
orientations = {1: (0, 0, 0), 2: (1, 0, 0), 3: (1, 1, 0), 4: (0, 1, 0), 5: (0, 0, 1), 6: (0, 1, 1), 7: (1, 1, 1),
                8: (1, 0, 1)}  # seen corner (x, y) is stored corner: exchanged?, then mirrored in x, in y


def check(what, seen, expected):
    global checks
    checks += 1
    if seen != expected:
        failures.append(f"{what}: {str(seen)[:200]}, expected {str(expected)[:200]}")


def picture(size=(32, 24)):
    out = Image.new("RGB", size)
    for (x, y), colour in corners.items():
        out.paste(colour, (x * size[0] // 2, y * size[1] // 2, (x + 1) * size[0] // 2, (y + 1) * size[1] // 2))
    return out


def corner_of(image, x, y):
    pixel = image.convert("RGB").getpixel((2 if x == 0 else image.width - 3, 2 if y == 0 else image.height - 3))
    return min(corners, key=lambda c: sum(abs(a - b) for a, b in zip(corners[c], pixel)))


def seen_corner(orientation, x, y):
    mirrored_x, mirrored_y, exchanged = orientations[orientation]
    if exchanged:
        x, y = y, x
    return (1 - x if mirrored_x else x, 1 - y if mirrored_y else y)


# Many commands, one process: it takes longer to start than to work.
def exiftool(commands):
    lines = "\n-execute\n".join("\n".join(map(str, command)) for command in commands)
    return subprocess.run(["exiftool", "-@", "-", "-common_args", "-q"], input=lines, capture_output=True, text=True,
                          check=False).stdout


# By file name, tags by name, numbers as numbers.
def tags_of(paths):
    listed = json.loads(exiftool([["-j", "-n", "-G1", "-a", *paths]]) or "[]")
    return {pathlib.Path(entry["SourceFile"]).name: entry for entry in listed}


def block(path, name):
    return subprocess.run(["exiftool", "-b", f"-{name}", str(path)], capture_output=True, check=False).stdout


def run(what, source, target):
    result = subprocess.run([tool, what, str(source), str(target)], capture_output=True, text=True, check=False)
    if result.returncode:
        failures.append(f"{what} {source} {target}: {result.stderr.strip()}")
    return result.stdout.splitlines()


def writable(extension):
    picture().save(scratch / "probe.png")
    return subprocess.run([tool, "copy", str(scratch / "probe.png"), str(scratch / f"probe{extension}")],
                          capture_output=True, check=False).returncode == 0


# Of each orientation.
def make_sources(extension, profile):
    options = {".jpg": {"quality": 95, "subsampling": 0}, ".webp": {"lossless": True}}.get(extension, {})
    paths, commands = {}, []
    for orientation in range(1, 9):
        paths[orientation] = scratch / f"in_{orientation}{extension}"
        picture().save(paths[orientation], icc_profile=profile, **options)
        commands.append([
            "-overwrite_original", "-n", f"-IFD0:Orientation={orientation}", "-IFD0:XResolution=240",
            "-IFD0:YResolution=240", "-IFD0:ResolutionUnit=2", "-IFD0:Artist=A. Tester", "-ExifIFD:ExifImageWidth=32",
            "-ExifIFD:ExifImageHeight=24", "-ExifIFD:DateTimeOriginal=2024:02:29 12:34:56", "-GPS:GPSLatitude=52.5",
            "-GPS:GPSLatitudeRef=N", "-XMP-dc:Title=Boats", f"-XMP-tiff:Orientation={orientation}",
            "-XMP-exif:ExifImageWidth=32", paths[orientation]])
    exiftool(commands)
    return paths


def check_enlarged(name, orientation, profile, target, now, had):
    image = Image.open(target)
    check(name + " size", image.size, (64, 48) if orientation < 5 else (48, 64))
    for x in (0, 1):
        for y in (0, 1):
            check(name + f" corner {x} {y}", corner_of(image, x, y), seen_corner(orientation, x, y))
    check(name + " profile", image.info.get("icc_profile"), profile)
    check(name + " EXIF orientation", now.get("IFD0:Orientation"), 1)
    check(name + " XMP orientation", now.get("XMP-tiff:Orientation"), 1)
    check(name + " EXIF width", now.get("ExifIFD:ExifImageWidth"), image.size[0])
    check(name + " XMP width", now.get("XMP-exif:ExifImageWidth"), image.size[0])
    for tag in ("IFD0:XResolution", "IFD0:YResolution", "IFD0:ResolutionUnit", "IFD0:Artist",
                "ExifIFD:DateTimeOriginal", "GPS:GPSLatitude", "XMP-dc:Title"):
        check(f"{name} has {tag}", had.get(tag) is not None, True)
        check(f"{name} {tag}", now.get(tag), had.get(tag))


def check_properties():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    formats = [e for e in (".png", ".jpg", ".webp", ".tif") if writable(e)]
    for before in formats:
        sources = make_sources(before, profile)
        cases = []
        for orientation, source in sources.items():
            for after in formats:
                target, bare = scratch / f"out_{orientation}{after}", scratch / f"bare_{orientation}{after}"
                cases.append((f"{before} orientation {orientation} -> {after}", orientation, source, target, bare))
                run("enlarge", source, target)
                run("strip", source, bare)
        seen = tags_of([path for case in cases for path in case[2:]])
        for name, orientation, source, target, bare in cases:
            check_enlarged(name, orientation, profile, target, seen[target.name], seen[source.name])
            check(name + " stripped profile", Image.open(bare).info.get("icc_profile"), profile)
            for tag in ("IFD0:Artist", "GPS:GPSLatitude", "XMP-dc:Title"):
                check(f"{name} stripped {tag}", seen[bare.name].get(tag), None)


def check_density_and_text():
    for before, density in ((".png", (300, 300)), (".jpg", (72, 36)), (".tif", (150, 150))):
        if not writable(before):
            continue
        picture().save(scratch / f"d{before}", dpi=density)
        for after in (".png", ".jpg", ".tif", ".webp"):
            if not writable(after):
                continue
            run("enlarge", scratch / f"d{before}", scratch / f"e{after}")
            if after == ".webp":
                now = tags_of([scratch / "e.webp"])["e.webp"]
                seen = (now.get("IFD0:XResolution", 0), now.get("IFD0:YResolution", 0))
            else:
                seen = Image.open(scratch / f"e{after}").info.get("dpi", (0, 0))
            check(f"density {before} -> {after}", tuple(round(float(d)) for d in seen), density)
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Boats \u00e9")
    text.add_text("Comment", "compressed " * 20, zip=True)
    text.add_itxt("Description", "\u8d85\u89e3\u50cf", "ja", "\u8aac\u660e")
    picture().save(scratch / "t.png", pnginfo=text)
    run("enlarge", scratch / "t.png", scratch / "u.png")
    check("PNG text", dict(Image.open(scratch / "u.png").text), dict(Image.open(scratch / "t.png").text))
    if writable(".jpg"):
        said = run("enlarge", scratch / "t.png", scratch / "u.jpg")
        check("one line says what JPEG does not hold", len(said), 1)


def chunks(path):
    data, at, out = path.read_bytes(), 8, []
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        out.append((kind.decode("latin-1"), data[at + 8:at + 8 + length]))
        at += 12 + length
    return out


# The files of the test data, each into its own format.
def check_facts(folder):
    kept_tags = {"artist": "IFD0:Artist", "make": "IFD0:Make", "model": "IFD0:Model", "software": "IFD0:Software",
                 "date_original": "ExifIFD:DateTimeOriginal", "exif_colour_space": "ExifIFD:ColorSpace",
                 "gps_latitude": "GPS:GPSLatitude", "gps_longitude": "GPS:GPSLongitude", "xmp_title": "XMP-dc:Title",
                 "xmp_creator": "XMP-dc:Creator", "xmp_rating": "XMP-xmp:Rating", "x_resolution": "IFD0:XResolution",
                 "iptc_city": "IPTC:City", "iptc_keywords": "IPTC:Keywords", "jfif_x": "JFIF:XResolution",
                 "jfif_y": "JFIF:YResolution", "jfif_unit": "JFIF:ResolutionUnit", "phys_x": "PNG-pHYs:PixelsPerUnitX",
                 "phys_y": "PNG-pHYs:PixelsPerUnitY", "phys_unit": "PNG-pHYs:PixelUnits", "comment": "File:Comment",
                 "png_title": "PNG:Title", "png_author": "PNG:Author", "png_comment": None, "png_gamma": "PNG:Gamma"}
    target_of = {"avif": "png", "mpo": "jpg"}
    known = tags_of(folder.iterdir())
    for facts in json.loads((folder / "facts.json").read_text()):
        source = folder / facts["file"]
        extension = source.suffix[1:]
        target = scratch / ("facts." + target_of.get(extension, extension))
        if not writable(target.suffix):
            continue
        probe = subprocess.run([tool, "enlarge", str(source), str(target)], capture_output=True, text=True, check=False)
        if "this build" in probe.stderr:
            continue
        name, said = facts["file"], probe.stdout.splitlines()
        now, had = tags_of([target]).get(target.name, {}), known.get(name, {})
        check(name + " is read", probe.returncode, 0)
        bad = name.startswith("bad_")
        if bad or "multipage" in name or "cmyk" in name or name.endswith(".mpo"):
            check(name + " says so once", len(said), 1)
        else:
            check(name + " says nothing", said, [])
        if "icc" in facts and not bad and facts["icc"]["space"] != "CMYK":
            check(name + " profile", hashlib.md5(block(target, "icc_profile")).hexdigest(), facts["icc"]["md5"])
        if bad or "cmyk" in name:
            check(name + " has no profile", block(target, "icc_profile"), b"")
        stored = facts["tags"].get("orientation", 1)
        for tag, where in kept_tags.items():
            if tag in facts["tags"] and where and not (tag.startswith("jfif") and extension == "mpo"):
                check(f"{name} {tag} was there", where in had, True)
                check(f"{name} {tag}", now.get(where), had.get(where))
        if "orientation" in facts["tags"] and "IFD0:Orientation" in had:
            check(name + " orientation", now.get("IFD0:Orientation"), 1)
        width = next((now[g + ":ImageWidth"] for g in ("PNG", "File", "RIFF", "IFD0") if g + ":ImageWidth" in now), 0)
        if extension != "avif":
            check(name + " width", width, 128 if stored < 5 else 96)
        if "exif_width" in facts["tags"] and not bad:
            check(name + " EXIF width", now.get("ExifIFD:ExifImageWidth"), width)
        check(name + " thumbnail", block(target, "ThumbnailImage"), b"")
        if extension == "png":
            out, was = chunks(target), chunks(source)
            for kind in ("cICP", "mDCV", "cLLI", "gAMA", "cHRM", "sRGB", "tEXt", "zTXt", "kePt", "tIME"):
                check(f"{name} {kind}", [c for c in out if c[0] == kind], [c for c in was if c[0] == kind])
            kinds = [c[0] for c in out]
            for kind in ("prVT", "hIST", "bKGD", "tRNS", "PLTE", "sBIT"):
                check(f"{name} {kind} is left out", kind in kinds, False)


check_properties()
check_density_and_text()
if len(sys.argv) > 2 and sys.argv[2]:
    check_facts(pathlib.Path(sys.argv[2]))
shutil.rmtree(scratch)
for line in failures[:40]:
    print(line)
print(f"{checks} checks, {len(failures)} failures")
sys.exit(1 if failures else 0)
