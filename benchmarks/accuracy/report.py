"""From results to docs/accuracy.md and its picture: python report.py RESULTS [UNSEEN]."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).parents[2] / "docs"
OURS = "shoal"
Key = tuple[str, int]


def read(folder: Path) -> dict[str, dict[Key, dict[str, Any]]]:
    """Results by method, and then by table and seed."""
    found: dict[str, dict[Key, dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "error" in row:
                found.setdefault(row["method"], {})[row["table"], row["seed"]] = row
    return found


def error_of(row: dict[str, Any]) -> float:
    """1 - accuracy or 1 - R², not below one row of the test or a thousandth."""
    return max(row["error"], 1 / row["n_test"], 0.001)


def geometric_mean(values: Iterable[float]) -> float:
    """Of ratios."""
    return float(np.exp(np.mean(np.log(list(values)))))


class Comparison:
    """All methods on the tables and seeds that every one of them has done."""

    def __init__(self, found: dict[str, dict[Key, dict[str, Any]]], methods: list[str]) -> None:
        self.methods = methods
        self.peers = [method for method in methods if method != OURS]
        self.rows = {method: found[method] for method in methods}
        self.keys = sorted(set.intersection(*(set(rows) for rows in self.rows.values())))

    def of_task(self, *tasks: str) -> list[Key]:
        return [key for key in self.keys if self.rows[OURS][key]["task"] in tasks]

    def ratio(self, method: str, key: Key) -> float:
        """Error over the best peer's."""
        best = min(error_of(self.rows[peer][key]) for peer in self.peers)
        return error_of(self.rows[method][key]) / best

    def rank(self, method: str, keys: list[Key], figure: str) -> float:
        """Mean place among shoal and the peers, 1 for the least."""
        places = []
        for key in keys:
            values = [self.rows[other][key][figure] for other in self.methods]
            mine = self.rows[method][key][figure]
            places.append(1 + sum(v < mine for v in values) + 0.5 * (values.count(mine) - 1))
        return float(np.mean(places))

    def figures(self, method: str) -> dict[str, float]:
        rows, classes = self.rows[method], self.of_task("binary", "multiclass")
        values = self.of_task("regression")
        seconds = [rows[key]["cpu_seconds"] for key in self.keys]
        linear = self.rows["linear"]

        def mean_ratio(*tasks: str) -> float:
            return geometric_mean(self.ratio(method, key) for key in self.of_task(*tasks))

        return {
            "error": mean_ratio("binary", "multiclass", "regression"),
            "binary": mean_ratio("binary"),
            "multiclass": mean_ratio("multiclass"),
            "regression": mean_ratio("regression"),
            "rank by log-loss": self.rank(method, classes, "log_loss"),
            "rank by 1 − R²": self.rank(method, values, "error"),
            "calibration error": float(np.mean([rows[key]["calibration"] for key in classes])),
            "10 % worse than linear": sum(
                error_of(rows[key]) > 1.1 * error_of(linear[key]) for key in self.keys
            ),
            "25 % worse than the best": sum(self.ratio(method, k) > 1.25 for k in self.keys),
            "CPU seconds": float(np.sum(seconds)),
            "median": float(np.median(seconds)),
        }


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_pictures(compared: Comparison, figures: dict[str, dict[str, float]]) -> None:
    """Error ratio of every table, and time against error."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "shoal", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    fig, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for method in compared.methods:
        ratios = sorted(compared.ratio(method, key) for key in compared.keys)
        ours = method == OURS
        share = np.arange(1, len(ratios) + 1) / len(ratios)
        axes[0].plot(ratios, share, label=method, lw=2.5 if ours else 1, zorder=3 if ours else 2)
        axes[1].plot(
            figures[method]["CPU seconds"], figures[method]["error"], "o", ms=8 if ours else 5
        )
        axes[1].annotate(
            method,
            (figures[method]["CPU seconds"], figures[method]["error"]),
            xytext=(6, 3),
            textcoords="offset points",
        )
    axes[0].set(
        xlim=(0.5, 3),
        xlabel="error ÷ the best peer's error on the table",
        ylabel="share of the tables",
    )
    axes[0].legend(frameon=False, fontsize=8)
    axes[1].set(xscale="log", xlabel="CPU seconds of all fits", ylabel="mean error ratio")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    fig.savefig(DOCS / "accuracy.svg", metadata={"Date": None})


def compare(found: dict[str, dict[Key, dict[str, Any]]]) -> Comparison:
    """Shoal first, then the peers."""
    return Comparison(found, [OURS, *(method for method in found if method != OURS)])


def count(compared: Comparison) -> str:
    """How many tables and splits."""
    n_tables = len({key[0] for key in compared.keys})
    return f"{n_tables} tables, {len(compared.keys)} splits"


def summary_of(compared: Comparison) -> str:
    """The figures of all methods, the best first."""
    figures = {method: compared.figures(method) for method in compared.methods}
    formats: dict[str, Callable[[float], str]] = {
        "10 % worse than linear": "{:.0f}".format,
        "25 % worse than the best": "{:.0f}".format,
        "CPU seconds": "{:,.0f}".format,
        "calibration error": "{:.4f}".format,
    }
    names = list(figures[OURS])
    return table(
        ["", *names],
        [
            [who, *(formats.get(name, "{:.3f}".format)(figures[who][name]) for name in names)]
            for who in sorted(figures, key=lambda who: figures[who]["error"])
        ],
    )


def write_report(compared: Comparison, unseen: Comparison | None, text: str) -> str:
    """The page: what is measured, the figures, and every table."""
    methods = compared.methods
    ours = compared.rows[OURS]
    large = [key for key in compared.of_task("regression") if "coverage" in ours[key]]
    coverage = [ours[key]["coverage"] for key in large]
    sizes = np.array([row["bytes"] for row in ours.values() if "bytes" in row])
    least = min(ours[key]["coverage"] for key in large if ours[key]["n"] >= 750)
    longest = max(row["seconds"] for row in ours.values())
    own = (
        f"- 90 % intervals cover {100 * np.mean(coverage):.1f} % of the rows, on average over the "
        f"tables with values; at least {100 * np.min(coverage):.1f} % on each, and "
        f"{100 * least:.1f} % on each of 1,000 rows or more.\n"
        f"- The model's file has at most 1 MB on {100 * np.mean(sizes <= 1e6):.0f} % of the "
        f"tables; the median is {np.median(sizes) / 1e3:.0f} kB.\n"
        f"- The longest fit took {longest:.0f} s."
    )
    lines = []
    for name in sorted({key[0] for key in compared.keys}):
        keys = [key for key in compared.keys if key[0] == name]
        errors = {
            who: geometric_mean(error_of(compared.rows[who][key]) for key in keys)
            for who in methods
        }
        best = min(compared.peers, key=lambda who: errors[who])
        ratio = geometric_mean(compared.ratio(OURS, key) for key in keys)
        row = ours[keys[0]]
        shape = [row["task"], f"{row['n']:,} × {row['columns']}"]
        places = [f"{errors[OURS]:.4f}", f"{errors[best]:.4f}", best, f"{ratio:.2f}"]
        lines.append([name, *shape, *places])
    each = table(
        ["table", "task", "rows × columns", "shoal", "best peer", "which", "ratio"],
        sorted(lines, key=lambda line: -float(line[-1])),
    )
    write_pictures(compared, {method: compared.figures(method) for method in methods})
    others = "No others have been measured yet."
    if unseen is not None:
        others = f"{count(unseen)}:\n\n{summary_of(unseen)}"
    return text.format(
        counts=count(compared), summary=summary_of(compared), own=own, each=each, unseen=others
    )


def main() -> None:
    """Write the page from the results, and those of tables that the recipe was not chosen on."""
    template = Path(__file__).with_name("accuracy.md").read_text(encoding="utf-8")
    compared, *unseen = (compare(read(Path(folder))) for folder in sys.argv[1:])
    page = write_report(compared, unseen[0] if unseen else None, template)
    (DOCS / "accuracy.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
