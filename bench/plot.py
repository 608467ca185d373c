"""`python -m bench.plot JSON SVG`: draws what `bench.growth` has written, each figure as a multiple of the smallest shop's.

It needs matplotlib, which the shop does without: `make growth` runs it in an environment of its own.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# What no operation should exceed.
AIM = 1.3


def drawn(report: dict[str, Any]) -> Figure:
    """Return the plot of a report."""
    sizes = report["sizes"]
    parts = [size["parts"] for size in sizes]
    first = sizes[0]["milliseconds"]
    figure = Figure(figsize=(10.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.axhline(AIM, color="#b91c1c", linestyle="--", linewidth=1)
    axes.annotate(f"aim: at most {AIM} times", (parts[0], AIM), xytext=(0, 4), textcoords="offset points", color="#b91c1c")
    multiples = {name: [size["milliseconds"][name] / first[name] for size in sizes] for name in first}
    for number, (name, values) in enumerate(sorted(multiples.items(), key=lambda item: -item[1][-1])):
        label = f"{name}: {first[name]:.1f} → {sizes[-1]['milliseconds'][name]:.1f} ms"
        axes.plot(parts, values, marker="o", markersize=4, linewidth=1.4, color=mpl.colormaps["tab20"](number), label=label)
    axes.set(xscale="log", xlabel="parts in the shop; ten times as many events", ylabel="times the smallest shop's")
    axes.set_ylim(bottom=0)
    axes.set_xticks(parts, [f"{count:,}" for count in parts])
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    return figure


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.plot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", type=Path, metavar="JSON")
    parser.add_argument("picture", type=Path, metavar="SVG")
    chosen = parser.parse_args()
    # The same picture for the same figures, so that a commit shows only what has changed.
    mpl.rcParams["svg.hashsalt"] = "lockstep"
    drawn(json.loads(chosen.report.read_text())).savefig(chosen.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
