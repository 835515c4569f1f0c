"""Rows as Markdown, and their place in a document. A row is what measure.py returns."""
import re
import textwrap

UNRESTRICTED = {"avx2": ("ONNX Runtime", "ncnn")}  # cannot be told to do without AVX-512


def unrestricted(row):
    return UNRESTRICTED.get(row["isa"], ())


def size_name(size):
    return f"{size[1]}x{size[0]}"


def ratio(row):
    """Of the fastest peer that keeps to the instruction set; None where there is none."""
    peers = [s for name, s in row["seconds"].items() if name != "fovea" and name not in unrestricted(row)]
    return min(peers) / row["seconds"]["fovea"] if peers else None


def cell(row, engine):
    if engine not in row["seconds"]:
        return "-"
    return f"{row['seconds'][engine]:.3f}" + ("*" if engine in unrestricted(row) else "")


def markdown(header, lines):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header),
                      *("| " + " | ".join(line) + " |" for line in lines)])


def time_table(rows, engines):
    lines = []
    for row in rows:
        r = ratio(row)
        lines.append([row["network"], str(row["threads"]), *(cell(row, e) for e in engines), "-" if r is None else f"{r:.2f}"])
    return markdown(["network", "threads", *engines, "fastest peer / fovea"], lines)


def memory_table(rows, engines):
    names = ["upscale", *engines]
    header = ["network", "threads", "fovea: `upscale`", *(e if e != "fovea" else "fovea: network" for e in engines)]
    return markdown(header, [[row["network"], str(row["threads"]),
                              *(f"{row['megabytes'][n]:.0f}" if n in row["megabytes"] else "-" for n in names)]
                             for row in rows])


def variants_line(rows):
    """Which variant of each engine was taken, with the number of rows where several were."""
    taken = {}
    for row in rows:
        for engine, variant in row["variants"].items():
            counts = taken.setdefault(engine, {})
            counts[variant] = counts.get(variant, 0) + 1
    parts = []
    for engine, counts in taken.items():
        names = sorted(counts, key=counts.get, reverse=True)
        parts.append(f"{engine} " + (names[0] if len(names) == 1 else ", ".join(f"{n} ({counts[n]} rows)" for n in names)))
    return "Variants taken: " + "; ".join(parts) + "." if parts else ""


def notes(rows):
    lines = [variants_line(rows)]
    if any(row["isa"] == "avx2" and "OpenVINO" in row.get("seconds", {}) for row in rows):
        lines.append("OpenVINO's convolutions keep to AVX2; a few small kernels of its own (reductions, shuffles) do not.")
    starred = sorted({e for row in rows for e in unrestricted(row) if e in row.get("seconds", {})})
    if starred:
        lines.append(f"\\* {' and '.join(starred)} cannot be restricted and used AVX-512; not counted as fastest peer.")
    worst = [row for row in rows if "psnr" in row]
    if worst:
        lines.append(f"fovea against float64: at most {max(r['difference'] for r in worst):.1e} off, "
                     f"PSNR at least {min(r['psnr'] for r in worst):.0f} dB (of the range of the output).")
    missing = {}
    for row in rows:
        for engine, reason in row["missing"].items():
            missing.setdefault(f"{engine} cannot run it: {reason}", []).append(row["network"])
    lines += [f"{', '.join(dict.fromkeys(networks))}: {reason}" for reason, networks in missing.items()]
    return "\n\n".join(line for line in lines if line)


def section(rows, engines, machine, date, commit, command, repetitions, chart=""):
    """The Markdown between the markers."""
    versions = list(dict.fromkeys(v for row in rows for v in row["versions"]))
    parts = [f"{machine}; {date}, commit {commit}; {', '.join(versions)}:", "    " + command]
    for size in dict.fromkeys(tuple(row["size"]) for row in rows):
        group = [row for row in rows if tuple(row["size"]) == size]
        if "megabytes" in group[0]:
            parts += [f"{size_name(size)} input, peak resident memory in MB:", memory_table(group, engines)]
        else:
            runs = f"median of {repetitions} interleaved runs" if repetitions > 1 else "one run"
            parts += [f"{size_name(size)} input, seconds, {runs}:", time_table(group, engines)]
    if chart:
        parts.append(f"![Time of each engine relative to fovea]({chart})")
    return "\n\n".join(wrapped(part) for part in [*parts, *notes(rows).split("\n\n")] if part)


def wrapped(paragraph):
    """At 120 columns, but for tables, commands and pictures."""
    if paragraph.startswith(("|", "    ", "!")):
        return paragraph
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)


def replaced(document, name, text):
    """The document with text between the markers of a name; ValueError where they are not there once each, in order."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    for marker in (begin, end):
        if document.count(marker) != 1:
            raise ValueError(f"marker {marker}: found {document.count(marker)} times, expected once")
    if document.index(begin) > document.index(end):
        raise ValueError(f"marker {end}: expected after {begin}")
    return re.sub(re.escape(begin) + ".*" + re.escape(end), lambda _: f"{begin}\n{text}\n{end}", document, flags=re.DOTALL)
