"""A model and some rows as one HTML page: how good it is, why, and what it looks like inside.

The page needs no other file and no network, nor JavaScript but for its playground; it follows the
light and the dark of the reader's screen, and can be printed. Beside it goes the same as JSON.
"""

import html
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shoal.atomic import atomic_write
from shoal.errors import ShoalError
from shoal.model import Model
from shoal.plots.style import require_matplotlib
from shoal.report.evidence import Evidence, gather
from shoal.report.inside import Played, of_examples, of_playground, of_units
from shoal.report.markup import Markup, data, items, join, page, paragraph, tag
from shoal.report.predictions import of_predictions
from shoal.report.record import record_of, text_of
from shoal.report.sections import (
    of_data,
    of_gradients,
    of_model,
    of_training,
    of_verdict,
)

LARGEST = 500_000  # bytes of a page


@dataclass(frozen=True, repr=False)
class Report:
    """A report, as a page and as data.

    Attributes
    ----------
    html : str
        The whole page.
    record : dict
        The same as data, as JSON holds it.
    verdict : str
        Its first paragraph.
    """

    html: str
    record: dict[str, Any] = field(hash=False)

    @property
    def verdict(self) -> str:
        return str(self.record["verdict"])

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        """The page in a frame of its own, for notebooks."""
        style = "width: 100%; height: 800px; border: 0"
        return f'<iframe style="{style}" srcdoc="{html.escape(self.html)}"></iframe>'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and the record beside it, as path with the suffix .json.

        Parameters
        ----------
        path : str or path
            Ending in .html.

        Returns
        -------
        Path
            Of the page.

        Raises
        ------
        ShoalError
            If it does not end in .html, or the folder is not there.
        """
        path = checked_path(path)
        for name, content in (
            (path, self.html),
            (beside(path), text_of(self.record) + "\n"),
        ):
            with atomic_write(name) as file:
                file.write(content.encode())
        return path


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Where a page can go.

    Raises
    ------
    ShoalError
        If it does not end in .html, or the folder is not there.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ShoalError(f"the name of a report ends in .html, and '{path}' does not")
    if not path.parent.is_dir():
        raise ShoalError(f"{path}: there is no folder {path.parent}; make it first")
    return path


def beside(path: str | os.PathLike[str]) -> Path:
    """Where the record of a page goes."""
    return Path(path).with_suffix(".json")


def make_report(
    model: Model, X: Any, y: Any, *, rows: bool = True, unseen: bool | None = None
) -> Report:
    """Judge a model on rows, and look into it.

    Parameters
    ----------
    model : Model
    X : table of m rows
    y : array (m,) or (m, n_y)
        Targets as at fit.
    rows : bool
        Whether the page may hold anything of single rows. Without them it has counts, shares,
        means and curves, and what the model itself holds.
    unseen : bool, optional
        Whether the model has not learnt from these rows, if that is known; the verdict says so.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If the table or the targets cannot be used.
    ParameterError
        If matplotlib is not installed.
    """
    require_matplotlib()
    return report_of(gather(model, X, y, unseen=unseen, with_rows=rows))


def report_of(evidence: Evidence) -> Report:
    """The report on some evidence."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    require_matplotlib()
    with threadpool_limits(1, user_api="blas"):  # the products are small: threads would only wait
        return _report_of(evidence)


def _report_of(evidence: Evidence) -> Report:
    record = record_of(evidence)
    target = ", ".join(evidence.model.target)
    titles = {
        "verdict": ("Verdict", of_verdict(evidence)),
        "data": ("The data", of_data(evidence)),
        "model": ("The model", of_model(evidence)),
        "training": ("The training", of_training(evidence)),
        "predictions": ("The predictions", of_predictions(evidence)),
        "units": ("What the units do", of_units(evidence)),
        "examples": ("The worst rows" if evidence.with_rows else "A row", of_examples(evidence)),
        "gradients": ("The gradients", of_gradients(evidence)),
    }
    size = sum(len(content.encode()) for _, content in titles.values())
    size += len(data(record).encode()) + 12_000  # for what is around
    played = of_playground(evidence, LARGEST - size)
    titles["playground"] = ("Continue here", _play(played))
    titles["holds"] = ("What this page holds", _held(evidence, played, record))
    contents = tag(
        "nav",
        tag("ol", *[tag("li", tag("a", t, href=f"#{key}")) for key, (t, _) in titles.items()]),
        aria_label="Contents",
    )
    sections = [
        tag("section", tag("h2", title, id=key), content)
        for key, (title, content) in titles.items()
    ]
    subtitle = f"{repr(evidence.model)[1:-1]}; judged on {len(evidence.rows):,} rows"
    top = [tag("h1", f"How {target} is predicted"), tag("p", subtitle, class_="sub"), contents]
    document = page(f"{target}: report", *top, *sections)
    return Report(str(document), record)


def _play(played: Played) -> Markup:
    """The playground, for those who have JavaScript."""
    if not played.frame:
        return paragraph(played.words)
    hint = tag("noscript", paragraph("It needs JavaScript, which is off here. All else does not."))
    return join(paragraph(played.words, "Step, change a weight, train on."), hint, played.frame)


def _held(evidence: Evidence, played: Played, record: dict[str, Any]) -> Markup:
    """What of the data is in the page, and the record."""
    of_model = "names of columns, levels of categories, classes, means, standard deviations, bounds"
    always = [
        f"what the model holds: {of_model} and edges of bins at fit, weights",
        "the command that made the model, and the name and SHA-256 of its table, where known",
        "counts of rows: of each class, of missing values, predicted as which",
        "scores, curves, shares and quantiles of errors over the rows",
    ]
    if evidence.with_rows:
        words = "It holds rows of the data. Do not pass it on to whom they may not be shown."
        always += [
            "the worst rows, value by value, and a point for each row in pictures",
            "the least, the median and the greatest value of each column",
            f"{played.rows:,} rows in the playground" if played.rows else "no playground rows",
        ]
    else:
        words = "It holds no row of the data and no value of a cell. What it holds is this:"
    return join(
        paragraph(words),
        items(always),
        paragraph("The figures as JSON are in the element shoal-report of this page's source."),
        data(record),
    )


__all__ = ["Report", "make_report", "report_of"]
