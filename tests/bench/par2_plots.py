#!/usr/bin/env python3
"""Makes the table and the plots of docs/performance.md from the lines of par2_points.py.

    par2_plots.py FILE.csv FOLDER     writes FOLDER/*.svg, prints the table
"""
import csv
import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path

COLOURS = ["#0b6e99", "#c4501b", "#5b8c2a", "#7a4fa3"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 74, 190, 44, 58


def number(value):
    """12,345 or 0.25: as few digits as tell it."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


class Axis:
    """Values to pixels, by logarithm."""

    def __init__(self, values, begin, end):
        self.low, self.high = math.log(min(values)), math.log(max(values))
        if self.high == self.low:
            self.high += 1
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + (math.log(value) - self.low) / (self.high - self.low) * (self.end - self.begin)


def round_values(low, high):
    """1, 2 and 5 times powers of ten, from just below low to just above high."""
    steps = [m * 10.0**e for e in range(-3, 6) for m in (1, 2, 5)]
    below = max(step for step in steps if step <= low)
    above = min(step for step in steps if step >= high)
    return [step for step in steps if below <= step <= above]


def spread(places, gap):
    """The same places, moved so that each is at least `gap` from the next."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    out = list(places)
    for before, after in zip(order, order[1:]):
        out[after] = max(out[after], out[before] + gap)
    return out


def chart(path, title, x_title, y_title, series):
    """series: {name: [(x, y)]}; x is labelled at its values, y at round ones."""
    xs = sorted({x for points in series.values() for x, _ in points})
    ys = [y for points in series.values() for _, y in points]
    ticks = round_values(min(ys), max(ys))
    x_axis = Axis(xs, LEFT, WIDTH - RIGHT)
    y_axis = Axis([ticks[0], ticks[-1]], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="13" fill="#222">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{title}</text>']
    for tick in ticks:
        y = y_axis.at(tick)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    last = -math.inf
    for x in xs:
        at = x_axis.at(x)
        out.append(f'<line x1="{at:.1f}" y1="{HEIGHT - BOTTOM}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM + 5}" stroke="#222"/>')
        if at - last > 44:
            out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{number(x)}</text>')
            last = at
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{x_title}</text>')
    out.append(f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{y_title}</text>')
    labels = spread([y_axis.at(points[-1][1]) for points in series.values()], 18)
    for (name, points), colour, label in zip(series.items(), COLOURS, labels):
        line = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        out += [f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="4" fill="{colour}"/>' for x, y in points]
        at, y = x_axis.at(points[-1][0]), y_axis.at(points[-1][1])
        text = WIDTH - RIGHT + 16
        out.append(f'<line x1="{at + 5:.1f}" y1="{y:.1f}" x2="{text - 3}" y2="{label - 4:.1f}" stroke="{colour}" stroke-width="0.8"/>')
        out.append(f'<text x="{text}" y="{label:.1f}" fill="{colour}">{name}</text>')
    out.append("</svg>")
    path.write_text("\n".join(out) + "\n")


def main():
    file, folder = sys.argv[1], Path(sys.argv[2])
    runs = defaultdict(list)
    for row in csv.DictReader(open(file)):
        key = (row["experiment"], row["command"], int(row["mib"]), int(row["slices"]), int(row["redundancy"]),
               int(row["memory_mib"]), int(row["threads"]), row["program"])
        runs[key].append((float(row["wall_s"]), float(row["cpu_s"]), float(row["peak_mib"])))
    medians = {key: [statistics.median(column) for column in zip(*values)] + [min(v[0] for v in values), len(values)]
               for key, values in runs.items()}

    print("| | MiB | slices | parity | memory, MiB | threads | wall, s | least | CPU, s | peak, MiB | par2: wall, s | CPU, s | "
          "wall ratio | CPU ratio |")
    print("|---|" + "---:|" * 13)
    shown = set()
    for key, (wall, cpu, peak, least, _) in medians.items():
        experiment, command, mib, slices, redundancy, memory, threads, program = key
        if program != "darkshelf" or key[1:] in shown:
            continue
        shown.add(key[1:])
        peer = medians.get(key[:-1] + ("par2",))
        theirs = f"{peer[0]:.2f} | {peer[1]:.2f} | {peer[0] / wall:.1f} | {peer[1] / cpu:.1f}" if peer else "| | |"
        print(f"| {command} | {mib:,} | {slices:,} | {redundancy} % | {memory:,} | {threads} | {wall:.2f} | {least:.2f} | "
              f"{cpu:.2f} | {peak:,.0f} | {theirs} |")

    def line(experiment, x, column=1, command="create", program="darkshelf", **wanted):
        names = ["experiment", "command", "mib", "slices", "redundancy", "memory", "threads", "program"]
        points = {}
        for key, values in medians.items():
            point = dict(zip(names, key))
            same = all(point[name] == value for name, value in wanted.items())
            if point["experiment"] == experiment and point["command"] == command and point["program"] == program and same:
                points[point[x]] = values[column]
        return sorted(points.items())

    def draw(name, title, x_title, y_title, series):
        series = {label: points for label, points in series.items() if points}
        if series:
            chart(folder / f"{name}.svg", title, x_title, y_title, series)

    seconds = "CPU seconds"
    draw("slices", "par2 create, 10 % parity: slices", "slices", seconds, {
        "par2, 128 MiB": line("slices", "slices", mib=128, program="par2"),
        "darkshelf, 128 MiB": line("slices", "slices", mib=128),
        "darkshelf, 1 GiB": line("slices", "slices", mib=1024)})
    draw("sizes", "par2 create, 10 % parity: size of the data", "MiB", seconds, {
        "par2, 2,000 slices": line("sizes", "mib", slices=2000, program="par2"),
        "darkshelf, 2,000 slices": line("sizes", "mib", slices=2000),
        "darkshelf, 32,768 slices": line("sizes", "mib", slices=32768)})
    draw("redundancy", "par2 create: parity", "parity, percent of the slices", seconds, {
        "par2, 128 MiB, 2,000": line("redundancy", "redundancy", mib=128, program="par2"),
        "darkshelf, 128 MiB, 2,000": line("redundancy", "redundancy", mib=128),
        "darkshelf, 1 GiB, 32,768": line("redundancy", "redundancy", mib=1024)})
    limits = [key[5] for key in medians if key[0] == "memory"]
    draw("memory", "1 GiB, 32,000 slices: memory allowed, and taken", "--memory, MiB", "peak resident, MiB", {
        "allowed": sorted({(limit, limit) for limit in limits}),
        "create": line("memory", "memory", column=2),
        "repair, 3,000 lost": line("memory", "memory", column=2, command="repair"),
        "verify": line("memory", "memory", column=2, command="verify")})
    draw("threads", "par2 create, 10 % parity: threads", "threads", "wall seconds", {
        "par2, 128 MiB, 2,000": line("threads", "threads", column=0, mib=128, program="par2"),
        "darkshelf, 1 GiB, 2,000": line("threads", "threads", column=0, mib=1024, slices=2000),
        "darkshelf, 1 GiB, 32,768": line("threads", "threads", column=0, mib=1024, slices=32768),
        "darkshelf, 128 MiB, 2,000": line("threads", "threads", column=0, mib=128)})


if __name__ == "__main__":
    main()
