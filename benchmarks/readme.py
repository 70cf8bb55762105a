"""Write the tables of README.md from kept rows.

python benchmarks --json build/rows.json
python benchmarks/readme.py build/rows.json
"""

import json
import sys
from pathlib import Path

from timing import Row, read, spread

README = Path(__file__).with_name("README.md")
OF_LOOKUP = ("dense product", "the 10 numbers alone")  # rivals in the table of docs/engine.md


def figures(rows: list[Row]) -> str:
    """What was wanted and what was measured, a line for each rival."""
    lines = ["| case | threads | shoal | rival | its time | ratio | wanted | |", "|---" * 8 + "|"]
    for row in rows:
        if row.rival.startswith("floor") or row.unit == "B" or row.rival in OF_LOOKUP:
            continue
        met = {True: "reached", False: "**missed**", None: ""}[row.met]
        wanted = "" if row.wanted is None else f"{row.wanted:.3g}"
        theirs = spread(row.theirs, "s") if row.theirs else "not installed"
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        ours = spread(row.ours, "s")
        cells = row.case, str(row.threads), ours, row.rival, theirs, ratio, wanted, met
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def losses(rows: list[Row]) -> str:
    """The cost that each contestant ends at."""
    lines = ["| case | noise of the first weights | shoal | rivals |", "|---" * 4 + "|"]
    cases = dict.fromkeys(row.case for row in rows if row.their_loss is not None)
    for case in cases:
        of_case = [row for row in rows if row.case == case and row.their_loss is not None]
        each = ", ".join(
            f"{row.rival} {row.their_loss:.6f}{' (differs)' if row.agree is False else ''}"
            for row in of_case
            if row.threads == 1
        )
        first = of_case[0]
        lines.append(f"| {case} | {first.noise:.2g} | {first.our_loss:.6f} | {each} |")
    return "\n".join(lines)


def floors(rows: list[Row]) -> str:
    """What the machine could do, and what is reached of it."""
    lines = ["| case | threads | floor | engine | whole fit | what the floor is made of |"]
    lines.append("|---" * 6 + "|")
    engines = {(row.case, row.threads): row.theirs for row in rows if row.rival == "shoal's engine"}
    for row in rows:
        if row.rival.startswith("floor"):
            engine = spread(engines[row.case, row.threads], "s")
            cells = [row.case, str(row.threads), spread(row.theirs, "s"), engine]
            lines.append("| " + " | ".join([*cells, spread(row.ours, "s"), row.note]) + " |")
    return "\n".join(lines)


def memory(rows: list[Row]) -> str:
    """Peaks of memory."""
    lines = ["| case | needed | at the peak | |", "|---" * 4 + "|"]
    for row in rows:
        if row.unit == "B":
            needed = f"{spread(row.theirs, 'B')}: {row.rival}"
            met = "reached" if row.met else "**missed**"
            lines.append(f"| {row.case} | {needed} | {spread(row.ours, 'B')} | {met} |")
    return "\n".join(lines)


def machine(path: Path) -> str:
    """Where and how the rows were measured."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    clock = "seconds on the wall"
    if kept["cpu"]:
        clock = "on one thread, seconds that the process had a core (`--cpu`), because others used "
        clock += "the machine; on two, seconds on the wall"
    return f"Measured on: {kept['machine']}; {clock}."


def main() -> None:
    """Replace what stands between each pair of marks."""
    path = Path(sys.argv[1])
    rows = read(path)
    text = README.read_text(encoding="utf-8")
    made = {"figures": figures, "losses": losses, "floors": floors, "memory": memory}
    parts = {name: make(rows) for name, make in made.items()} | {"machine": machine(path)}
    for name, part in parts.items():
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        after = rest.split("<!-- end -->", 1)[1]
        text = f"{before}<!-- {name} -->\n\n{part}\n\n<!-- end -->{after}"
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
