#!/usr/bin/env python3
"""Draws requests/s by the number of stored calls from the results of bench/run.sh: chart.py [RESULTS [SVG]]."""

import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
STORES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
# Name, colour (distinguishable for colour-blind readers) and dash pattern of each line.
LINES = {
    ("get", "callbook"): ("GET one call", "#0072b2", ""),
    ("contact", "callbook"): ("GET the first 10 calls of a contact", "#009e73", ""),
    ("page", "callbook"): ("GET a random page of 100", "#cc79a7", ""),
    ("post", "callbook"): ("POST a call", "#d55e00", ""),
    ("put", "callbook"): ("PUT a call", "#8c6d00", ""),
    ("get", "pgbench"): ("limit: pgbench, GET one call", "#0072b2", "5 4"),
    ("post", "pgbench"): ("limit: pgbench, POST a call", "#d55e00", "5 4"),
}
WIDTH, PANEL, HEIGHT, LEFT, TOP, GAP = 900, 370, 320, 84, 64, 36


def short(number):
    """Formats 1000 as 1k and 1000000 as 1m."""
    for size, letter in ((10**6, "m"), (10**3, "k")):
        if number >= size and number % (size // 10) == 0:
            return f"{number / size:g}{letter}"
    return f"{number:,}"


def text(x, y, content, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(content)}</text>'


def line(x1, y1, x2, y2, colour):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def draw(results):
    rows = results["results"]
    stores = [store for store in STORES if any(row["store"] == store for row in rows)]
    sizes = sorted({row["calls"] for row in rows})
    speeds = [row["requests_per_second"] for row in rows if row["requests_per_second"] > 0]
    low, high = math.floor(math.log10(min(speeds))), math.ceil(math.log10(max(speeds)) + 1e-9)
    # A single size is drawn in the middle.
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    if first == last:
        first, last = first - 1, last + 1
    across = lambda panel, calls: panel + 30 + (math.log10(calls) - first) / (last - first) * (PANEL - 60)
    down = lambda speed: TOP + HEIGHT - (math.log10(speed) - low) / (high - low) * HEIGHT

    title = "Requests per second, by number of stored calls"
    out = [text(16, 26, title, "start", 'font-size="17" font-weight="bold"')]
    for number, store in enumerate(stores):
        panel = LEFT + number * (PANEL + GAP)
        out.append(text(panel + PANEL / 2, TOP - 12, STORES[store], more='font-size="14" font-weight="bold"'))
        for power in range(low, high + 1):
            for digit in (1, 2, 5):
                speed = digit * 10**power
                if speed > 10**high:
                    continue
                colour = "#d5d5d5" if digit == 1 else "#eeeeee"
                out.append(line(panel, down(speed), panel + PANEL, down(speed), colour))
                if number == 0:
                    out.append(text(panel - 8, down(speed) + 4, f"{speed:,}", "end"))
        for calls in sizes:
            x = across(panel, calls)
            out.append(line(x, TOP, x, TOP + HEIGHT, "#eeeeee"))
            out.append(text(x, TOP + HEIGHT + 18, short(calls)))
        out.append(f'<rect x="{panel}" y="{TOP}" width="{PANEL}" height="{HEIGHT}" fill="none" stroke="#888888"/>')
        out.append(text(panel + PANEL / 2, TOP + HEIGHT + 38, "stored calls (logarithmic)"))
        for (workload, by), (_, colour, dashes) in LINES.items():
            points = sorted(
                (row["calls"], row["requests_per_second"])
                for row in rows
                if (row["store"], row["workload"], row["by"]) == (store, workload, by)
                and row["requests_per_second"] > 0
            )
            path = "L".join(f"{across(panel, calls):.1f} {down(speed):.1f}" for calls, speed in points)
            if path:
                stroke = f'stroke="{colour}" stroke-width="2.2" stroke-dasharray="{dashes}"'
                out.append(f'<path d="M{path}" fill="none" {stroke}/>')
            for calls, speed in points:
                x, y = across(panel, calls), down(speed)
                fill = "#ffffff" if dashes else colour
                label = f"{short(calls)} calls: {speed:,.0f}/s"
                out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{fill}" stroke="{colour}">'
                           f"<title>{label}</title></circle>")
    middle = TOP + HEIGHT / 2
    out.append(text(20, middle, "requests/s (logarithmic)", more=f'transform="rotate(-90 20 {middle})"'))

    drawn = {(row["workload"], row["by"]) for row in rows}
    y, column = TOP + HEIGHT + 66, 0
    for key, (name, colour, dashes) in LINES.items():
        if key not in drawn:
            continue
        x = LEFT + column * 270
        out.append(f'<path d="M{x} {y}h28" stroke="{colour}" stroke-width="2.2" stroke-dasharray="{dashes}"/>')
        out.append(text(x + 36, y + 4, name, "start"))
        column += 1
        if column == 3:
            y, column = y + 22, 0
    y += 32 if column else 10
    note = (
        f'Connections: {results["connections"]}; medians; rounds: {results["rounds"]}, each of {results["seconds"]} s; '
        f'{results["date"]}'
    )
    out.append(text(LEFT, y, note, "start", 'fill="#555555"'))
    out.append(text(LEFT, y + 18, results["machine"], "start", 'fill="#555555" font-size="10"'))
    height = y + 34
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">\n'
        "<title>Callbook: requests per second by the number of stored calls</title>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(out) + "\n</svg>\n"
    )


def main():
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "bench/results.json"
    svg = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs/performance.svg"
    svg.write_text(draw(json.loads(results.read_text())), encoding="utf-8")


main()
