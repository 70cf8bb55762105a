"""The forward pass of one row in equations with their numbers: x, Z1, A1, Z2, A2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shoal.cli.talk import print_table, printable

if TYPE_CHECKING:
    from shoal.activations import Array
    from shoal.explain import Steps
    from shoal.model import Model

SMALL = 12  # so many inputs, or units, are all shown
MOST_INPUTS, MOST_TERMS, MOST_LINES = 15, 5, 5


def print_equations(model: "Model", found: "Steps", inputs: Sequence[int]) -> None:
    """Print Eq 1 to 4 with the numbers of a row.

    Parameters
    ----------
    model : Model
    found : Steps
        Of one row.
    inputs : sequence of int
        The inputs, those that count most first.
    """
    from shoal.activations import get_activation

    X, Z1, A1, Z2, A2 = (block[:, 0] for block in found)
    W1, b1, W2, b2 = (block.astype(float) for block in model.parameters)
    slots, n_h, g = model.columns.slots, len(W1), get_activation(model.activation)
    shown = sorted(inputs if len(inputs) <= SMALL else inputs[:MOST_INPUTS])
    click.echo(_head("x, the inputs", len(shown), len(slots), "that count most"))
    print_table(
        ["", "input", "value"], [[f"x{i + 1}", slots[i], _n(X[i])] for i in shown], to_left=2
    )
    if n_h:
        units = range(n_h) if n_h <= SMALL else _largest(A1 * abs(W2).max(axis=0), MOST_LINES)
        what = "whose part of a score is largest"
        click.echo(_head("Eq 1  Z1 = W1 x + b1", len(units), n_h, what))
        for j in units:
            click.echo(printable(f"  z1_{j + 1} = {_sum(W1[j], X, b1[j, 0], 'x')} = {_n(Z1[j])}"))
        click.echo(f"\nEq 2  A1 = g(Z1), g(z) = {g.formula}")
        for j in units:
            click.echo(f"  a1_{j + 1} = g({_n(Z1[j])}) = {_n(A1[j])}")
    click.echo(f"\nEq 3  Z2 = W2 {'A1' if n_h else 'x'} + b2")
    for k, z in enumerate(Z2):
        name = "a1_" if n_h else "x"
        click.echo(printable(f"  z2_{k + 1} = {_sum(W2[k], A1, b2[k, 0], name)} = {_n(z)}"))
    click.echo(f"\nEq 4  A2 = {model.loss.a}")
    for k, (z, a, name) in enumerate(zip(Z2, A2, model.score_names, strict=True)):
        click.echo(printable(f"  a2_{k + 1} = {_n(a)}  from z2_{k + 1} = {_n(z)}  {name}".rstrip()))


def _head(title: str, n_shown: int, n: int, which: str) -> str:
    """The line above some lines."""
    return f"\n{title}" + (f", the {n_shown} of {n:,} {which}" if n_shown < n else "")


def _largest(values: "Array", most: int) -> list[int]:
    """Where the largest sizes are, in the order of their places."""
    import numpy as np

    order: list[int] = np.argsort(-np.abs(values), kind="stable").tolist()
    return sorted(order[:most])


def _sum(weights: "Array", values: "Array", bias: float, name: str) -> str:
    """w·x + w·x + ... + b, in numbers; of many terms the largest, and the sum of the others."""
    terms = weights * values
    places = list(range(len(terms))) if len(terms) <= SMALL else _largest(terms, MOST_TERMS)
    words = [f"{_n(weights[i])}·{_n(values[i])}" for i in places]
    if len(terms) > SMALL:
        words = [f"{word} ({name}{i + 1})" for word, i in zip(words, places, strict=True)]
        rest = terms.sum() - terms[places].sum()
        words.append(f"{_n(rest)} of {len(terms) - len(places):,} more")
    return " + ".join([*words, _n(bias)]).replace("+ -", "- ")


def _n(value: float) -> str:
    """A number with six digits at most."""
    return f"{value:.6g}"
