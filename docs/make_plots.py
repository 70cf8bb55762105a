"""Draw the pictures of docs/plots.md, and take that of docs/report.md.

Run it after changing the plots or the report: python docs/make_plots.py
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import polars as pl

import shoal
from shoal import plots

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser import chromium, tab

DOCS = Path(__file__).parent
PENGUINS = DOCS.parent / "examples" / "penguins.csv"


def main() -> None:
    """Six pictures of a small network and of a committee, and the top of a report."""
    mpl.use("Agg")
    from matplotlib import pyplot

    X, Y = shoal.datasets.flower()
    X, y = X.T, Y[0].astype(int)
    flower = shoal.ShoalClassifier(6, activation="tanh", solver="lbfgs", random_state=2).fit(X, y)
    table = pl.read_csv(PENGUINS, null_values="NA").drop_nulls("body_mass_g")
    rows, mass = table.drop("body_mass_g"), table["body_mass_g"]
    committee = shoal.ShoalRegressor(random_state=0).fit(rows[::2], mass[::2])

    _, axes = pyplot.subplots(2, 3, figsize=(14, 8), layout="constrained")
    plots.decision_boundary(flower, X, y, axes[0, 0])
    plots.network(flower, axes[0, 1])
    plots.calibration(flower, X, y, axes[0, 2])
    plots.loss_curve(committee, axes[1, 0])
    plots.predicted_against_true(committee, rows[1::2], mass[1::2], axes[1, 1])
    plots.partial_dependence(committee, rows, "flipper_length_mm", axes[1, 2])
    pyplot.savefig(DOCS / "plots.png", dpi=80)

    _, axes = pyplot.subplots(1, 2, figsize=(14, 4), layout="constrained", width_ratios=(2, 3))
    plots.weights(flower, axes[0])
    plots.weights(committee, axes[1])
    pyplot.savefig(DOCS / "plots-weights.png", dpi=80)

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page_file = Path(folder) / "report.html"
        committee.report(rows[1::2], mass[1::2], page_file, unseen=True)
        with tab(browser, viewport={"width": 1040, "height": 1400}) as page:
            page.goto(page_file.as_uri())
            page.locator("#predictions").scroll_into_view_if_needed()
            page.evaluate("document.querySelector('#predictions').scrollIntoView()")
            page.screenshot(path=DOCS / "report.png")


if __name__ == "__main__":
    main()
