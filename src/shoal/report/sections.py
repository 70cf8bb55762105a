"""Parts of a report, each from the evidence to a piece of the page: 1 to 4, and 8."""

from typing import Any

import numpy as np

from shoal import __version__
from shoal.describe import column_words, network_words
from shoal.judging import verdict
from shoal.plots.learning import LossCurveDisplay
from shoal.plots.style import number
from shoal.record import curves_of
from shoal.report.evidence import MOST_JUDGED_BASELINES, Evidence
from shoal.report.markup import Markup, details, facts, figure, join, paragraph, table, tag
from shoal.report.pictures import picture
from shoal.scores import score_table
from shoal.table import Column

MOST_COLUMNS = 60


def percent(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def sentences(evidence: Evidence) -> list[str]:
    """The verdict."""
    model = evidence.model
    target = ", ".join(model.target)
    return verdict(
        model.task, target, evidence.judgement, model.training.get("out_of_fold")
    ) + _of_labels(evidence)


def _of_labels(evidence: Evidence) -> list[str]:
    """What else is to be said of the rows' labels."""
    n = int((~evidence.known).sum())
    if not n:
        return []
    return [f"Of {n:,} rows the model has never seen the class, so each is a mistake."]


# ---- 1, 2, 3: verdict, data, model -------------------------------------------------------------


def of_verdict(evidence: Evidence) -> Markup:
    """The verdict in a paragraph, and the scores that it is based on."""
    judged = evidence.judgement
    scored = {"the model": [dict(judged.scores)]} | {
        who: [dict(scores)] for who, scores in judged.baselines.items()
    }
    if judged.learnt:
        scored["the model, on the rows learnt from"] = [dict(judged.learnt)]
    header, rows = score_table("", scored)
    words = {True: " it has not seen", False: " it has learnt from", None: ""}
    note = "↑: more is better; ↓: less is better."
    if judged.baselines:
        how = "the same rows as the model"
        if evidence.learnt is None:
            n = min(judged.rows, MOST_JUDGED_BASELINES)
            few = f"{n:,} of these rows" if n < judged.rows else "these rows"
            how = f"four fifths of {few}, and are scored on the last, each fifth in turn"
        note += f" The others have learnt from {how}."
    return join(
        tag(
            "p",
            " ".join(sentences(evidence)).replace(" %", "\N{NO-BREAK SPACE}%"),
            class_="verdict",
        ),
        table(f"Scores on {judged.rows:,} rows{words[judged.unseen]}", header, rows, note=note),
    )


def of_data(evidence: Evidence) -> Markup:
    """Each column: how it is read, what is missing, what becomes of it; and the target."""
    columns, rows = evidence.model.columns.columns, []
    for column in columns[:MOST_COLUMNS]:
        row = [column.name, column_words(column), _missing_here(evidence, column)]
        rows.append([*row, _spread(evidence, column), _becomes(column)])
    more = len(columns) - MOST_COLUMNS
    n_more = f" {more:,} more columns are left out of this table." if more > 0 else ""
    spread = "mean ± standard deviation at fit"
    if evidence.with_rows:
        spread = "least, median, greatest here"
    return join(
        table(
            f"The {len(columns):,} columns, and what becomes of each",
            [
                "column",
                "read as",
                "missing here",
                f"values ({spread})",
                "inputs, as training sees them",
            ],
            rows,
            to_left=5,
            note="What is missing or was not seen at fit counts as the average row, unless the "
            f"column has an input of its own for it.{n_more}",
        ),
        _of_target(evidence),
    )


def _missing_here(evidence: Evidence, column: Column) -> str:
    if column.name not in evidence.rows.X.columns:
        return "–"
    share = evidence.rows.X[column.name].null_count() / len(evidence.rows)
    return f"{100 * share:.2g} %" if share else "none"


def _spread(evidence: Evidence, column: Column) -> str:
    """Where a column's values lie: of the rows, or as far as the model knows it."""
    if not column.width:
        return "–"
    if column.kind == "category":
        shares = [
            f"{name} {100 * share:.0f} %"
            for name, share in zip(column.levels[:4], column.shares, strict=False)
        ]
        more = len(column.levels) - 4
        return ", ".join(shares) + (f" and {more:,} more" if more > 0 else "")
    if column.kind == "boolean":
        return f"true {percent(column.center)}"
    if not evidence.with_rows:
        if column.kind == "date":
            return f"{_day(column.center)} ± {column.scale:,.0f} days"
        return f"{number(column.center)} ± {number(column.scale)}"
    here = evidence.rows.X[column.name].drop_nulls()
    if not len(here):
        return "–"
    ends: list[Any] = [here.min(), here.median(), here.max()]
    if column.kind == "date":
        return ", ".join(f"{value:%Y-%m-%d}" for value in ends)
    return ", ".join(number(float(value)) for value in ends)


def _day(days: float) -> str:
    return str(np.datetime64(int(np.clip(days, -700_000, 2_900_000)), "D"))


def _becomes(column: Column) -> str:
    """What becomes of a column, as arithmetic."""
    if not column.width:
        return "none"
    words = []
    if column.kind == "category":
        words.append(f"{len(column.levels) + column.others} levels, 0 or 1 each")
    elif column.note:
        words.append("constant: counts for nothing")
    elif column.kind == "boolean":
        words.append("0 or 1")
    else:
        words.append(f"(x − {number(column.center)}) / {number(column.scale)}")
        if column.n_bins:
            words.append(f"{column.n_bins} bins")
    words += ["1 if missing"] if column.missing > 0 else []
    return ", ".join(words)


def _of_target(evidence: Evidence) -> Markup:
    """How the targets are spread."""
    model, y = evidence.model, evidence.rows.y
    name = ", ".join(model.target)
    if model.classes is not None:
        counts = [(str(label), int((y == label).sum())) for label in model.classes.tolist()]
        unknown = int((~evidence.known).sum())
        counts += [("never seen by the model", unknown)] if unknown else []
        rows = [[label, f"{n:,}", percent(n / len(y))] for label, n in counts[:MOST_COLUMNS]]
        return table(f"The target, {name}", ["class", "rows", "share"], rows)
    if model.task == "multilabel":
        shares = np.atleast_2d(y.T).mean(axis=1)
        names = label_names(evidence)
        rows = [[label, percent(float(s))] for label, s in zip(names, shares, strict=True)]
        return table("The labels", ["label", "share of rows"], rows[:MOST_COLUMNS])
    columns = y.reshape(len(y), -1).T
    rows = []
    for k, values in enumerate(columns):
        label = model.target[k] if len(columns) == len(model.target) else name
        row = [label, number(values.mean()), number(values.std())]
        rows.append(row + [number(v) for v in _ends(evidence, values)])
    header = ["", "mean", "standard deviation"]
    header += ["least", "median", "greatest"] if evidence.with_rows else []
    return table(f"The target, {name}", header, rows)


def _ends(evidence: Evidence, values: Any) -> list[float]:
    return np.quantile(values, (0, 0.5, 1)).tolist() if evidence.with_rows else []


def label_names(evidence: Evidence) -> list[str]:
    """Names of a multilabel model's labels."""
    model = evidence.model
    n_y = len(model.parameters.b2)
    return list(model.target) if len(model.target) == n_y else [str(k) for k in range(n_y)]


def of_model(evidence: Evidence) -> Markup:
    """What the network is, how it was trained, and how to make it again."""
    model, training = evidence.model, evidence.model.training
    W1, b1, W2, b2 = model.parameters
    shapes = [("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2)]
    members, settings = training.get("members"), training.get("settings")
    chosen = training.get("chosen")
    chosen = chosen if isinstance(chosen, list) else []
    origin, versions = training.get("data"), training.get("versions")
    known = facts(
        "The model",
        [
            ("task", model.task),
            ("network", network_words(model)),
            ("arrays", ", ".join(f"{name} {a.shape[0]:,} × {a.shape[1]:,}" for name, a in shapes)),
            (
                "members",
                f"{members}, averaged" if isinstance(members, int) and members > 1 else None,
            ),
            ("solver", training.get("solver")),
            ("why it stopped", training.get("stop_reason")),
            ("temperature", _plain_number(training.get("temperature"))),
            ("table", _of_origin(origin)),
            ("made with", _of_versions(versions)),
            ("this report by", f"shoal {__version__}"),
        ],
    )
    parts = [known]
    commands = [training.get("command"), training.get("call")]
    shown = [line for line in commands if isinstance(line, str)]
    if shown:
        parts += [tag("h3", "How to make it again"), *[tag("pre", line) for line in shown]]
    if isinstance(settings, dict) and settings:
        told = {name: str(value) for name, value in settings.items()}
        first = [name for name in told if name in chosen]
        if first:
            parts.append(
                table(
                    "Settings that differ from the defaults",
                    ["", ""],
                    [[tag("span", n, class_="set"), told[n]] for n in first],
                    to_left=2,
                )
            )
        rest = [f"{name} = {value}" for name, value in told.items() if name not in first]
        parts.append(details(f"{len(rest)} settings at their defaults", tag("p", ", ".join(rest))))
    elif not shown:
        parts.append(paragraph("The model does not say by which settings it was made."))
    return join(*parts)


def _plain_number(value: Any) -> str | None:
    return number(value) if isinstance(value, float) else None


def _of_origin(origin: Any) -> str | None:
    """The table learnt from, with its fingerprint."""
    if not isinstance(origin, dict):
        return None
    name, fingerprint = origin.get("name"), origin.get("sha256")
    begins = f"SHA-256 {str(fingerprint)[:16]}…" if fingerprint else None
    return ", ".join(str(v) for v in (name, begins) if v)


def _of_versions(versions: Any) -> str | None:
    if not isinstance(versions, dict):
        return None
    return ", ".join(f"{name} {value}" for name, value in versions.items())


# ---- 4: training -------------------------------------------------------------------------------


def of_training(evidence: Evidence) -> Markup:
    """The curves, and where each member stopped."""
    curves = curves_of(evidence.model)
    if not curves:
        return paragraph(
            "The model keeps no curves of its training. Models that shoal fit writes do, and "
            "estimator.report has those of the estimator."
        )
    held_out = [curve for curve in curves if curve.validation_loss]
    last = max(curve.iterations[-1] for curve in curves)
    words = f"The training loss over {last:,} iterations, from {number(curves[0].loss[0])}"
    words += f" to {number(curves[0].loss[-1])}"
    if held_out:
        on_average = " on average" if len(held_out) > 1 else ""
        lowest = [min(curve.validation_loss) for curve in held_out]
        words += f"; the lowest held-out loss is {number(float(np.mean(lowest)))}{on_average}"
    caption = words + "."
    if len(curves) > 1:
        caption += f" Thin: the {len(curves)} members; bold: their mean. Dots: what was kept."
    drawn = picture(LossCurveDisplay(curves).plot, words, (5.6, 3.4))
    return join(figure(drawn, caption), _stopped(evidence, len(curves)))


def _stopped(evidence: Evidence, members: int) -> Markup:
    reason = evidence.model.training.get("stop_reason")
    who = "the first member" if members > 1 else "it"
    return paragraph(f"Why {who} stopped: {reason}") if isinstance(reason, str) else Markup()


# ---- 8: the gradients --------------------------------------------------------------------------


def of_gradients(evidence: Evidence) -> Markup:
    """Whether backpropagation is right on these rows."""
    check = evidence.gradient_check
    if check is None:
        return paragraph("No row has a label that the model knows, so there is no gradient.")
    rows = [[name, f"{getattr(check, name):.1e}"] for name in evidence.model.parameters._fields]
    excluded = ""
    if check.verdict == "doubtful":
        excluded = " From 1e-7 to 1e-5 it may be rounding, where large terms of a score cancel."
    if check.n_excluded:
        excluded += f" {check.n_excluded:,} more lie at a kink, where there is no derivative."
    return join(
        paragraph(
            f"The gradients are {check.verdict}: relative error {check.relative_error:.1e} over "
            f"{check.n_checked:,} numbers drawn from the network.{excluded} Each is moved up and "
            "down a little, and the change of the cost compared with what backpropagation (Eq 6 "
            "to 11) says. Up to 1e-7 is rounding."
        ),
        table("Relative error of each array", ["array", "error"], rows),
    )
