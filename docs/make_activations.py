"""Write docs/activations.md from the tables in shoal.activations and shoal.losses.

Run it after changing either: python docs/make_activations.py
"""

from collections.abc import Iterable
from pathlib import Path

from shoal.activations import ACTIVATIONS
from shoal.losses import LOSSES

INTRODUCTION = """\
# Activations, outputs and losses

<!-- Made by docs/make_activations.py; a test compares. Edit the tables in the source instead. -->

Every interface takes these names. σ is the sigmoid, a the output, y the target, z the number before
the function: Z1 of a hidden unit, Z2 of an output.

## Activations of the hidden layer (Eq 2)
"""

ADVICE = """
"Dies" says that a unit can end with gradient 0 for every example and stay so; "kink" that g′ jumps
at 0; "centred" that g is odd, so its outputs average to about 0 on centred inputs.

"""

OUTPUTS = """
## Outputs and losses (Eq 4, 5, 6)

Each output comes with the loss that suits it, computed from z so that it stays finite and keeps its
digits at any score. The last column says what of a target's scaling the network can absorb in W2
and b2: an affine one, a factor, or none.

"""


def page() -> str:
    """The whole page."""
    functions = table(
        ("name", "g(z)", "g′(z)", "range", "largest |g′|", "centred", "saturates", "dies", "kink"),
        (
            (
                f"`{a.name}`",
                a.formula,
                a.derivative,
                f"{bound(a.range[0])} to {bound(a.range[1])}",
                f"{a.largest_derivative:.6g}",
                yes(a.centred),
                a.saturates,
                yes(a.can_die),
                yes(a.kinked),
            )
            for a in ACTIVATIONS.values()
        ),
    )
    advice = table(
        ("name", "strengths", "weaknesses", "use"),
        ((f"`{a.name}`", a.strengths, a.weaknesses, a.use) for a in ACTIVATIONS.values()),
    )
    losses = table(
        ("output", "loss", "a", "of one entry", "derivative by z", "y", "from", "absorbs"),
        (
            (f"`{x.name}`", x.title, x.a, x.formula, x.derivative, x.domain, x.source, x.scalable)
            for x in LOSSES.values()
        ),
    )
    return INTRODUCTION + "\n" + functions + ADVICE + advice + OUTPUTS + losses


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Rows of text as a Markdown table; a bar inside a cell is escaped."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def bound(value: float) -> str:
    """A bound of a range for reading."""
    return f"{value:.6g}".replace("inf", "∞").replace("-", "−")


def yes(flag: bool) -> str:
    """A flag for reading."""
    return "yes" if flag else "no"


if __name__ == "__main__":
    target = Path(__file__).with_name("activations.md")
    target.write_text(page(), encoding="utf-8")
