"""A bar chart as SVG: the time of each peer relative to fovea's, grouped by network, a panel for each size."""
from html import escape

from report import size_name, unrestricted

COLOURS = {"OpenVINO": "#7a5195", "ONNX Runtime": "#2f7ebc", "ncnn": "#e07b39", "PyTorch": "#c0392b"}
WIDTH, LEFT, RIGHT, BAR, GAP = 720, 132, 44, 11, 9


def panels_of(rows):
    """Rows of the largest number of threads, by size."""
    panels = {}
    for row in rows:
        panels.setdefault(tuple(row["size"]), []).append(row)
    return {size: [r for r in group if r["threads"] == max(g["threads"] for g in group)] for size, group in panels.items()}


def ratios(row, engines):
    return {e: row["seconds"][e] / row["seconds"]["fovea"] for e in engines if e != "fovea" and e in row["seconds"]}


def text(x, y, what, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(what)}</text>'


def legend(engines, starred, y):
    parts, x = [], LEFT
    for engine in engines:
        name = engine + ("*" if engine in starred else "")
        parts += [f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[engine]}"/>', text(x + 14, y, name)]
        x += 34 + 7 * len(name)
    return parts


def bars(rows, engines, y, scale):
    """The bars of a panel from y on, and where they end."""
    parts = []
    for row in rows:
        values = ratios(row, engines)
        parts.append(text(LEFT - 8, y + len(values) * BAR / 2 + 4, row["network"], ' text-anchor="end"'))
        for engine, value in values.items():
            parts += [f'<rect x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="{BAR - 1}" fill="{COLOURS[engine]}"/>',
                      text(LEFT + value * scale + 4, y + BAR - 2, f"{value:.1f}", ' font-size="10"')]
            y += BAR
        y += GAP
    return parts, y


def chart(rows, engines):
    """SVG of rows with times; peers in the order of engines."""
    panels = panels_of(rows)
    peers = [e for e in engines if e != "fovea" and any(e in row["seconds"] for row in rows)]
    largest = max((v for group in panels.values() for row in group for v in ratios(row, peers).values()), default=1.0)
    scale = (WIDTH - LEFT - RIGHT) / max(largest, 1.0)
    y, parts = 18, []
    parts.append(text(LEFT, y, "Time relative to fovea = 1; longer is slower", ' font-weight="bold"'))
    y += 20
    parts += legend(peers, {e for row in rows for e in unrestricted(row)}, y)
    for size, group in panels.items():
        y += 24
        parts.append(text(LEFT, y, f"{size_name(size)} input, threads: {group[0]['threads']}"))
        drawn, end = bars(group, peers, y + 8, scale)
        parts += drawn
        parts.append(f'<line x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{y + 4}" y2="{end - GAP + 4}" '
                     'stroke="#222" stroke-dasharray="3 2"/>')
        y = end
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 6}" '
                      f'viewBox="0 0 {WIDTH} {y + 6}" font-family="sans-serif" font-size="12" fill="#222">',
                      f'<rect width="{WIDTH}" height="{y + 6}" fill="#fff"/>', *parts, "</svg>"]) + "\n"
