"""What the network has learnt: its units and columns, its worst rows, and the playground."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.dependence import output_names, partial_dependence
from shoal.errors import ShoalError
from shoal.network import forward
from shoal.playground.boot import Boot, from_model, from_table
from shoal.playground.export import in_frame
from shoal.plots.network import ActivationsDisplay, WeightsDisplay, describe_units
from shoal.plots.style import number
from shoal.plots.surface import DecisionBoundaryDisplay, PartialDependenceDisplay
from shoal.report.evidence import Evidence
from shoal.report.markup import Markup, details, figure, join, paragraph, table, tag
from shoal.report.pictures import picture
from shoal.report.sections import percent
from shoal.units import column_slots, float64

MOST_IMPORTANT = 20
MOST_DEPENDENCES = 6
MOST_MOVED = 300  # rows over which the mean of partial dependence is taken
WORST = 5
TOP = 8  # columns and units of a forward pass
MOST_PLAYED = 2_000  # rows in the playground
MOST_PLAYED_UNITS = 64
FEWEST_PLAYED = 50


# ---- 6: units and columns ----------------------------------------------------------------------


def of_units(evidence: Evidence) -> Markup:
    """Which inputs the units listen to, what they give, and which columns count."""
    model = evidence.model
    parts = []
    if len(model.parameters.W1):
        parts.append(paragraph(describe_units(evidence.units), _of_states(evidence)))
    if model.columns.slots:
        weights = WeightsDisplay.of_model(model)
        kind = "Weights" if weights.signed else "Norms of the weights"
        where = "of each hidden unit" if len(model.parameters.W1) else "of each output"
        drawn = picture(weights.plot, f"{kind} {where} by input, a heat map", weights.size)
        parts.append(
            figure(drawn, f"{kind} {where} by input, per standard deviation of the input.")
        )
    if len(model.parameters.W1):
        activations = ActivationsDisplay.of_rows(model, evidence.inputs)
        drawn = picture(
            activations.plot, "What each hidden unit gives on the rows", activations.size
        )
        words = "What units give on the rows: the middle half thick, nine tenths thin."
        parts.append(figure(drawn, words))
    parts += [_of_importance(evidence), _of_dependences(evidence), _of_plane(evidence)]
    return join(*parts)


def _of_states(evidence: Evidence) -> str:
    """What the states mean, of those that there are."""
    found, words = evidence.units, []
    if found.count("dead"):
        words.append("A dead unit gives 0 on every row and learns nothing more.")
    if found.count("linear"):
        words.append(
            "A linear one never bends here, and carries a linear term: a skip connection is two "
            "such units per output, one linear and one dead."
        )
    if found.count("saturated"):
        words.append("A saturated one is at an end of its range nearly always.")
    if found.twins:
        pairs = "; ".join(
            ", ".join(str(k + 1) for k in group[:6]) + ("…" if len(group) > 6 else "")
            for group in found.twins[:4]
        )
        words.append(f"Alike but for scale and shift: units {pairs}.")
    return " ".join(words)


def _of_importance(evidence: Evidence) -> Markup:
    """How much each column is used, and needed."""
    found = evidence.importance
    if not found:
        return Markup()
    largest = max(max(row["loss_increase"] for row in found), 1e-300)
    rows = []
    for row in sorted(found, key=lambda row: -row["loss_increase"])[:MOST_IMPORTANT]:
        share = max(0.0, row["loss_increase"]) / largest
        bar = tag("span", "", class_="bar", style=f"width:{9 * share:.2f}rem", aria_hidden="true")
        increase = f"{number(row['loss_increase'])} ± {number(row['loss_increase_sd'])}"
        rows.append([row["column"], bar, increase, number(row["contribution"])])
    more = len(found) - MOST_IMPORTANT
    rest = f" {more:,} columns that count less are left out." if more > 0 else ""
    return table(
        "Which columns count",
        ["column", "", "loss grows by", "mean contribution"],
        rows,
        to_left=2,
        note="By how much the mean loss grows if the column is shuffled over the rows, five times, "
        "± standard deviation; and the mean size of what it adds to a score (integrated "
        f"gradients). Columns that say the same share their importance.{rest}",
    )


def _of_dependences(evidence: Evidence) -> Markup:
    """How the output follows the columns that count most."""
    ordered = sorted(evidence.importance, key=lambda row: -row["loss_increase"])
    names = [row["column"] for row in ordered[:MOST_DEPENDENCES]]
    lines = 25 if evidence.with_rows else 0
    drawn, inputs = [], evidence.inputs[:: -(-len(evidence.inputs) // MOST_MOVED)]
    for name in names:
        moved = partial_dependence(
            evidence.model, inputs, name, of_rows=evidence.with_rows, steps=30
        )
        words = f"The mean output as {name} moves: over a range of {number(moved.reach)}"
        drawn.append(picture(PartialDependenceDisplay(moved, lines).plot, words, (3.3, 2.7)))
    if not drawn:
        return Markup()
    single = " Thin: single rows." if lines and len(evidence.model.parameters.b2) == 1 else ""
    return join(
        tag("h3", "How the output follows each column"),
        tag("div", *[tag("figure", one) for one in drawn], class_="pictures"),
        tag(
            "p",
            f"The mean over the rows, each with its other columns as they are.{single}",
            class_="note",
        ),
    )


def _of_plane(evidence: Evidence) -> Markup:
    """The regions over the plane, where the model has just two columns of numbers."""
    used = column_slots(evidence.model)
    one = len(evidence.model.parameters.b2) == 1 or evidence.classify
    if len(used) != 2 or any(c.kind in ("category", "boolean") for c, _ in used) or not one:
        return Markup()
    if not evidence.with_rows:  # the plane reaches as far as the rows do
        return paragraph("The plane of its two columns is left out: it would show the rows.")
    X, y = evidence.rows.X[evidence.sampled], evidence.rows.y[evidence.sampled]
    shown = DecisionBoundaryDisplay.of_model(evidence.model, X, y)
    names = " and ".join(column.name for column, _ in used)
    words = f"What the model predicts over {names}, and where its units bend"
    drawn = picture(shown.plot, words, (5.4, 4.2))
    return join(tag("h3", "The plane"), figure(drawn, f"{words}. Colours are the predictions."))


# ---- 7: rows -----------------------------------------------------------------------------------


def of_examples(evidence: Evidence) -> Markup:
    """The rows with the largest loss, each with its forward pass; or that of the average row."""
    model = evidence.model
    if not evidence.with_rows:
        return join(
            paragraph(
                "No rows are shown. This is the forward pass of the average row at fit, in which "
                "each input of the network is at its average."
            ),
            _forward_pass(evidence, model.columns.centers(), 0),
        )
    losses = np.nan_to_num(evidence.losses, posinf=np.finfo(float).max)
    worst = np.argsort(-losses, kind="stable")[:WORST]
    several = evidence.rows.y.ndim > 1
    rows = []
    for k in worst:
        truth, predicted = evidence.rows.y[k], evidence.prediction[k]
        likely = ""
        if evidence.classify:
            assert model.classes is not None
            at = np.flatnonzero(model.classes == truth)
            likely = percent(float(evidence.probability[k, at[0]])) if len(at) else "–"
        loss = number(float(evidence.losses[k])) if np.isfinite(evidence.losses[k]) else "∞"
        shown = [_shown(evidence, truth), _shown(evidence, predicted), loss]
        rows.append([_name(evidence, int(k)), *shown, *([likely] if evidence.classify else [])])
    header = ["row", "true", "predicted", "loss"]
    header += ["probability of the true class"] if evidence.classify else []
    passes = [_pass_of_row(evidence, int(k)) for k in worst]
    words = "The rows with the largest loss"
    note = "Rows are counted from 1, among those that have a target."
    return join(
        table(words, header, rows, to_left=3, note=note),
        paragraph("The labels of each row together make its loss.") if several else "",
        *passes,
    )


def _name(evidence: Evidence, k: int) -> str:
    return f"row {k + 1 if evidence.numbers is None else int(evidence.numbers[k]):,}"


def _shown(evidence: Evidence, value: Any) -> str:
    """A label or a value, or several."""
    if evidence.classify:
        return str(value)
    if np.ndim(value):
        return ", ".join(number(float(v)) for v in value[:6]) + ("…" if len(value) > 6 else "")
    return number(float(value))


def _pass_of_row(evidence: Evidence, k: int) -> Markup:
    """The forward pass of a row, with what drove it."""
    model, row = evidence.model, evidence.rows.X[k : k + 1]
    found = model.explainer.integrated_gradients(row)
    x = np.asarray(model.columns.encode(row, dtype=np.float64))[0]
    scores = np.asarray(found.scores)[0]
    which = int(scores.argmax()) if model.task == "multiclass" else 0
    contributions = np.asarray(found.values)[0, which]
    order = np.argsort(-np.abs(contributions), kind="stable")
    lines: list[list[str]] = []
    for c in order:
        column = model.columns.columns[c]
        if column.width and len(lines) < TOP:
            value = row[column.name][0]
            cell = "missing" if value is None else _cell(value)
            lines.append([column.name, cell, f"{contributions[c]:+.4g}"])
    rest = sum(1 for c in model.columns.columns if c.width) - len(lines)
    more = f" {rest:,} columns that add less are left out." if rest > 0 else ""
    start = float(np.ravel(found.baseline)[which])
    name = output_names(model)[which]
    driven = table(
        f"What drove the score of {name}",
        ["column", "value", "adds"],
        lines,
        to_left=2,
        note=f"From the score of the average row, {number(start)}, to this row's, "
        f"{number(float(scores[which]))}.{more}",
    )
    name = _name(evidence, k)
    return details(f"Forward pass of {name}", driven, _forward_pass(evidence, x, which))


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)[:80]


def _forward_pass(evidence: Evidence, x: Array, which: int) -> Markup:
    """Z1 and A1 of the units that count most for a score, then Z2 and A2."""
    model = evidence.model
    theta = float64(model.parameters)
    cache = forward(x[:, None], theta, activation=model.activation, output=model.loss)
    names, parts = output_names(model), []
    parts.append(
        paragraph(
            f"x has {len(x):,} inputs. Z1 = W1 x + b1, A1 = {model.activation}(Z1), "
            "Z2 = W2 A1 + b2, and A2 is the output of Z2."
        )
        if len(theta.W1)
        else paragraph("Z2 = W2 x + b2: there is no hidden layer.")
    )
    if len(theta.W1):
        weights = theta.W2[which]
        products = weights * cache.A1[:, 0]
        order = np.argsort(-np.abs(products), kind="stable")[:TOP]
        lines = [
            [
                f"unit {j + 1}",
                *(f"{v:.5g}" for v in (cache.Z1[j, 0], cache.A1[j, 0], weights[j])),
                f"{products[j]:+.5g}",
            ]
            for j in order
        ]
        rest = float(products.sum() - products[order].sum())
        if len(products) > len(order):
            lines.append([f"the other {len(products) - len(order):,}", "", "", "", f"{rest:+.5g}"])
        lines.append(["b2", "", "", "", f"{theta.b2[which, 0]:+.5g}"])
        parts.append(
            table(
                f"The units that count most for {names[which]}",
                ["", "Z1", "A1", "W2", "W2 · A1"],
                lines,
            )
        )
    pairs = [
        [name, f"{z:.6g}", f"{a:.6g}"]
        for name, z, a in zip(names, cache.Z2[:, 0], np.ravel(cache.A2), strict=True)
    ][:12]
    parts.append(table("The outputs", ["", "Z2", "A2"], pairs))
    return join(*parts)


# ---- 9: the playground -------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """The playground as it stands in the page, and what is in it in words."""

    frame: Markup
    words: str
    rows: int


def of_playground(evidence: Evidence, budget: int) -> Played:
    """The playground on the model, or on its rows where it cannot show the model.

    Parameters
    ----------
    evidence : Evidence
    budget : int
        Bytes that it may have: with fewer of the rows where all would be too many.
    """
    n = min(MOST_PLAYED, int(evidence.known.sum()))
    if not n:
        return Played(Markup(), "The playground is left out: the model knows no row's label.", 0)
    while True:
        try:
            boot, what = _boot(evidence, n)
        except ShoalError as error:
            return Played(Markup(), f"The playground is left out: {error}.", 0)
        frame = in_frame(boot.json())
        if len(frame) <= budget:
            break
        if n <= FEWEST_PLAYED or not evidence.with_rows:
            return Played(Markup(), "The playground is left out: the page would be too large.", 0)
        n //= 2
    lazy = Markup(frame.replace("<iframe ", '<iframe loading="lazy" ', 1))
    if not evidence.with_rows:
        return Played(lazy, f"{what}, on invented rows around the average one.", 0)
    m = len(boot.document["data"]["held_out"])  # of many inputs the page takes fewer rows
    rows = "all the rows" if m == len(evidence.rows) else f"{m:,} of the rows"
    return Played(lazy, f"{what}, on {rows}.", m)


def _boot(evidence: Evidence, n: int) -> tuple[Boot, str]:
    """What the page starts from, and which network that is."""
    model = evidence.model
    small = len(model.parameters.W1) <= MOST_PLAYED_UNITS
    n_bins = sum(column.n_bins for column in model.columns.columns)
    if not evidence.with_rows:
        if not small or n_bins:
            raise ShoalError(
                "it shows small networks without bins, or the rows, and this page holds no rows"
            )
        return from_model(model), "This network"
    known = np.flatnonzero(evidence.known)
    few = np.sort(np.random.default_rng(0).permutation(known)[:n])
    X, y = evidence.rows.X[few], evidence.rows.y[few]
    if small and not n_bins:
        return from_model(model, X, y), "This network"
    if y.ndim > 1:
        raise ShoalError("it shows networks of one target")
    why = f"its numbers have {n_bins:,} bins" if n_bins else f"{len(model.parameters.W1):,} units"
    boot = from_table(X, y, target=model.target[0], classify=evidence.classify)
    return boot, (
        f"The playground shows small networks without bins, and this model is none ({why}): so "
        "here is a small network that has yet to learn"
    )
