"""The report: one page, safe, small, readable by anyone, and silent on rows where it must be."""

import base64
import gzip
import html
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, expect

import shoal
from browser import tab
from command_line import PENGUINS, QUICK
from command_line import shoal as run
from shoal.cli.report import rows_held_out
from shoal.cli.rows import fingerprint
from shoal.errors import DataError, ParameterError, ShoalError
from shoal.losses import Poisson, Quantile
from shoal.report import LARGEST, make_report
from shoal.report.evidence import gather, plain_frame, split_as_fitted
from shoal.report.inside import of_playground
from shoal.report.markup import Markup, data, table, tag, text
from shoal.report.record import record_of
from shoal.report.sections import sentences
from shoal.scores import Rows, hold_out

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
VOID = {"meta", "link", "br"}
HEADINGS = [
    "Verdict",
    "The data",
    "The model",
    "The training",
    "The predictions",
    "What the units do",
    "The worst rows",
    "The gradients",
    "Continue here",
    "What this page holds",
]


class Reader(HTMLParser):
    """What a parser makes of a page: its elements, properly closed, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, text: str) -> None:
        self.words.append(text)

    def named(self, name: str) -> list[dict[str, str | None]]:
        """Attributes of the elements of a name."""
        return [attributes for tag_name, attributes in self.elements if tag_name == name]


def record_in(document: str) -> Any:
    """The JSON in a page."""
    (found,) = re.findall(
        r'<script type="application/json" id="shoal-report">(.*?)</script>', document, re.DOTALL
    )
    return json.loads(found)


def played_in(document: str) -> Any:
    """What the playground in a page starts from; None where there is none."""
    (source,) = re.findall(r'srcdoc="([^"]*)"', document) or [""]
    if not source:
        return None
    (packed,) = re.findall(r'id="shoal-packed">([^<]*)</script>', html.unescape(source))
    return json.loads(json.loads(gzip.decompress(base64.b64decode(packed)))["boot"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that the command line fitted, a report with rows and one without, what it said."""
    place = tmp_path_factory.mktemp("report")
    run("fit", PENGUINS, "-t", "species", "-o", place / "m.shoal", *QUICK)
    said = run("report", place / "m.shoal", PENGUINS, "-o", place / "with.html", "--json")
    (place / "printed.json").write_text(said.stdout, encoding="utf-8")
    said = run("report", place / "m.shoal", PENGUINS, "-o", place / "without.html", "--no-rows")
    (place / "said.txt").write_text(said.stdout, encoding="utf-8")
    (place / "talk.txt").write_text(said.stderr, encoding="utf-8")
    return place


def test_the_ten_parts(folder: Path) -> None:
    """The page has them in order, each picture its words, each table its caption."""
    document = (folder / "with.html").read_text(encoding="utf-8")
    page = Reader(document)
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", document) == HEADINGS
    assert len(page.named("svg")) >= 10
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.named("svg"))
    assert len(page.named("table")) == len(page.named("caption")) > 5
    assert [a["href"] for a in page.named("a")] == [f"#{h['id']}" for h in page.named("h2")]
    assert page.named("html")[0]["lang"] == "en"


def test_one_small_file_that_loads_nothing(folder: Path) -> None:
    """Up to 500 kB; nothing in it names another file, and the only script of its own is data."""
    for name in ("with.html", "without.html"):
        document = (folder / name).read_text(encoding="utf-8")
        assert len(document.encode()) <= LARGEST == 500_000
        outside = re.sub(r'srcdoc="[^"]*"', "", document)
        links = re.findall(r'(?:src|href|action)="([^"]*)"', outside)
        assert all(link.startswith(("#", "data:")) for link in links)
        assert "url(http" not in outside
        assert "@import" not in outside
        assert [s["type"] for s in Reader(outside).named("script")] == ["application/json"]


def test_the_record(folder: Path) -> None:
    """It is in the page, beside it, and what --json prints; its figures are the page's."""
    record = record_in((folder / "with.html").read_text(encoding="utf-8"))
    assert record == json.loads((folder / "with.json").read_text(encoding="utf-8"))
    assert record == json.loads((folder / "printed.json").read_text(encoding="utf-8"))
    assert record["rows"] == 68
    assert np.sum(record["confusion"]) == 68
    assert record["judgement"]["unseen"] is True
    assert sum(record["units"]["states"].values()) == record["network"]["hidden"]
    assert {row["column"] for row in record["importance"]} > {"bill_length_mm", "island"}
    assert record["gradient_check"]["verdict"] == "right"
    assert record["training"]["command"].startswith("shoal fit ")


def test_rows_held_out_are_found_again(folder: Path) -> None:
    """On the table that was learnt from, the rows judged are those held out; inspect agrees."""
    said = (folder / "said.txt").read_text(encoding="utf-8")
    assert "judged on the 68 of 344 rows held out" in (folder / "talk.txt").read_text("utf-8")
    assert said in run("inspect", folder / "m.shoal").stdout
    assert "95 % confidence" in said
    assert "logistic regression" in " ".join(said.split())
    assert json.loads(run("inspect", folder / "m.shoal", "--json").stdout)["verdict"] == " ".join(
        said.split()
    )


def test_which_rows_were_held_out(tmp_path: Path) -> None:
    """Of the very table, by its SHA-256, those that fit held out; of another one nobody knows."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n", encoding="utf-8")
    y = np.repeat(["a", "b"], 20)
    rows = Rows(str(path), pl.DataFrame({"x": range(40)}), y, "y", classify=True)
    model = shoal.ShoalClassifier(0, **PLAIN).fit(rows.X, y).model_
    origin = {"sha256": fingerprint(str(path)), "holdout": 0.25, "seed": 3}
    training = {"data": origin, "rows": {"train": 30, "held_out": 10}}

    def held(**changes: Any) -> Any:
        changed = training | {"data": origin | changes}
        return rows_held_out(replace(model, training=changed), rows)

    assert np.array_equal(held(), hold_out(y, 0.25, seed=3, stratify=True))
    assert held(sha256="another") is None
    assert held(holdout=0.5) is None
    assert held(holdout="some") is None
    assert rows_held_out(model, rows) is None
    whole = {"data": origin | {"holdout": 0}, "rows": {"train": 40}}
    assert not rows_held_out(replace(model, training=whole), rows).any()


def test_mistakes_on_the_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one sentence that says what to do; nothing that is read is written over."""
    model = folder / "m.shoal"
    named = run("report", model, PENGUINS, "-o", folder / "r.txt", code=1)
    assert "the name of a report ends in .html" in named.stderr
    lost = run("report", model, PENGUINS, "-o", folder / "none" / "r.html", code=1)
    assert "make it first" in lost.stderr
    over = run("report", model, PENGUINS, "-o", model, code=2)
    assert "would overwrite what is read" in over.stderr
    table = folder / "table.json"
    table.write_text('{"species": "Adelie"}', encoding="utf-8")
    over = run("report", model, table, "-o", folder / "table.html", code=2)
    assert "table.json would overwrite what is read" in over.stderr
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    missing = run("report", model, PENGUINS, "-o", folder / "r.html", code=2)
    assert "pip install 'shoal[plots]'" in missing.stderr


# ---- privacy -----------------------------------------------------------------------------------

SECRETS = [7_351_125 + 64_321 * k for k in range(40)]


def leaks(report: Any) -> list[int]:
    """Which of the secrets are in a page, its record or its playground."""
    visible = re.sub(r'srcdoc="[^"]*"', "", report.html) + json.dumps(report.record)
    numbers = {float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", visible)}
    played = (played_in(report.html) or {}).get("data")
    for column, values in zip(played["inputs"], played["X"], strict=True) if played else ():
        raw = np.array(values) * column["scale"] + column["center"]
        numbers |= set(np.round(raw, 3).tolist())
    return [secret for secret in SECRETS if secret in numbers]


@pytest.mark.parametrize("kind", ["small", "large"])
def test_no_rows_means_none(kind: str) -> None:
    """No cell, no target and no level that the model does not hold is anywhere in the page."""
    cells = np.array(SECRETS, dtype=float)
    shown = pl.DataFrame({"a": cells, "b": cells[::-1], "c": ["secret level"] * 40})
    settings: dict[str, Any] = {"solver": "lbfgs", "n_hidden": 3 if kind == "small" else 70}
    estimator = shoal.ShoalRegressor(random_state=0, **settings)
    fitted_on = shown.with_columns(pl.col("a", "b") * 1.001, c=pl.Series(["u", "v"] * 20))
    estimator.fit(fitted_on, cells * 1.001)
    without = estimator.report(shown, cells, rows=False)
    assert leaks(without) == []
    assert "secret level" not in without.html
    assert without.record["holds_rows"] is False
    assert "It holds no row of the data" in without.html
    if kind == "small":
        assert played_in(without.html)["data"]["X"]
        with_rows = estimator.report(shown, cells)
        assert len(leaks(with_rows)) > 3
        assert "secret level" in with_rows.html
    else:
        assert "The playground is left out" in without.html


def test_no_rows_on_the_command_line(folder: Path) -> None:
    """The page shows the average row in place of the worst."""
    document = (folder / "without.html").read_text(encoding="utf-8")
    assert "forward pass of the average row" in document
    assert "Forward pass of row" not in document
    assert "least, median, greatest" not in document


# ---- safety ------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</table></section><h2>Verdict</h2>",
    "--><!-- <svg onload=alert(1)>",
    "]]>&lt;b&amp; $x$ \x00\x1b[31m\u202e",
    "</script><script>alert(2)</script>",
]


def test_no_text_becomes_markup() -> None:
    """Names, levels, classes and a table's name with markup are text in page, picture and data."""
    random = np.random.default_rng(0)
    X = pl.DataFrame({name: random.normal(size=90) for name in HOSTILE[:3]})
    X = X.with_columns(pl.Series(HOSTILE[3], [HOSTILE[k % 6] for k in range(90)]))
    y = [HOSTILE[k % 6] for k in range(90)]
    estimator = shoal.ShoalClassifier(3, solver="lbfgs", random_state=0)
    estimator.fit(X, pl.Series(HOSTILE[5], y))
    estimator.model_.training["stop_reason"] = HOSTILE[0]
    report = estimator.report(X, y)
    outside = re.sub(r'srcdoc="[^"]*"', "", report.html)
    page = Reader(outside)
    assert [s["type"] for s in page.named("script")] == ["application/json"]
    assert not page.named("img")
    assert not [k for _, attributes in page.elements for k in attributes if k.startswith("on")]
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", outside) == HEADINGS
    assert HOSTILE[0] in page.words
    assert record_in(outside)["classes"] == sorted(set(y))
    assert "\x1b" not in outside


def test_pieces_of_a_page() -> None:
    """Everything but Markup is spelled out, in content and in attributes, and in JSON."""
    assert text("<&>\"'") == "&lt;&amp;&gt;&quot;&#x27;"
    assert text(Markup("<b>")) == "<b>"
    assert text("a\x00\u202eb") == "a��b"
    assert tag("p", "<", class_='"', aria_label=None) == '<p class="&quot;">&lt;</p>'
    assert '<th scope="row">&lt;i&gt;</th>' in table("c", ["", "x"], [["<i>", 1]])
    assert data("</script>").count("</script>") == 1
    assert json.loads(data({"a": "<\u2028"}).split(">", 1)[1].rsplit("<", 1)[0]) == {"a": "<\u2028"}


# ---- all kinds of models -----------------------------------------------------------------------

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(90, 3))
VALUES = X[:, 0] + X[:, 1] ** 2
LABELS = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
PLAIN: dict[str, Any] = {"solver": "lbfgs", "random_state": 0}


@pytest.mark.parametrize(
    ("estimator", "y", "words"),
    [
        (shoal.ShoalClassifier(3, **PLAIN), VALUES > 1, "If rows count as True"),
        (shoal.ShoalClassifier(0, **PLAIN), (VALUES > 1).astype(int), "there is no hidden layer"),
        (shoal.ShoalClassifier(3, **PLAIN), LABELS, "Each label"),
        (shoal.ShoalRegressor(3, **PLAIN), np.stack([VALUES, -VALUES], axis=1), "Errors of"),
        (shoal.ShoalRegressor(3, loss=Poisson(), **PLAIN), np.abs(VALUES).round(), "Errors of y"),
        (
            shoal.ShoalRegressor(3, loss=Quantile(levels=(0.1, 0.5, 0.9)), **PLAIN),
            VALUES,
            "the middle one is shown",
        ),
    ],
    ids=["binary", "no hidden layer", "multilabel", "two targets", "poisson", "quantiles"],
)
def test_every_task(estimator: Any, y: Any, words: str) -> None:
    """Whatever a network can predict has a report, of arrays too."""
    report = estimator.fit(X, y).report(X[:60], y[:60])
    page = Reader(re.sub(r'srcdoc="[^"]*"', "", report.html))
    assert words in " ".join(page.words)
    assert len(report.html.encode()) <= LARGEST
    assert repr(report).startswith("The model predicts ")
    assert report.record["rows"] == 60


def test_tables_of_any_kind() -> None:
    """pandas, polars and pyarrow are read as one, and the model predicts of it what it did."""
    frame = pl.read_csv(PENGUINS, null_values="NA", try_parse_dates=True)
    frame = frame.with_columns(
        day=pl.date(pl.col("year"), 7, 3), heavy=pl.col("body_mass_g") > 4000
    )
    X, y = frame.drop("species"), frame["species"].to_list()
    model = shoal.ShoalClassifier(4, **PLAIN).fit(X, y).model_
    read = [plain_frame(model.columns, some) for some in (X, X.to_pandas(), X.to_arrow())]
    assert read[0].equals(read[1])
    assert read[0].equals(read[2])
    assert np.array_equal(model.predict_proba(read[0]), model.predict_proba(X))


def test_saving(tmp_path: Path) -> None:
    """A path writes page and record; a notebook gets a frame with the page."""
    estimator = shoal.ShoalClassifier(3, **PLAIN).fit(X, VALUES > 1)
    report = estimator.report(X, VALUES > 1, tmp_path / "r.html", unseen=False)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == report.html
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == report.record
    assert "learnt from" in report.verdict
    framed = re.findall(r'srcdoc="([^"]*)"', report._repr_html_())
    assert html.unescape(framed[0]) == report.html
    with pytest.raises(ShoalError, match="ends in"):
        report.save(tmp_path / "r.pdf")


def test_a_large_table_fits() -> None:
    """Many rows, columns, levels and classes: the page stays under 500 kB, and says what is cut."""
    random = np.random.default_rng(0)
    m, names = 2500, [f"a rather long name of column number {k}" for k in range(70)]
    wide = pl.DataFrame({name: random.normal(size=m) for name in names})
    wide = wide.with_columns(level=pl.Series([f"level {k % 90}" for k in range(m)]))
    y = np.array([f"class {k % 25}" for k in range(m)])
    estimator = shoal.ShoalClassifier(30, solver="adam", max_iter="auto", random_state=0)
    report = estimator.fit(wide[:200], y[:200]).report(wide[:600], y[:600])
    assert len(report.html.encode()) <= LARGEST
    assert "11 more columns are left out of this table" in report.html
    assert report.record["columns_left_out"] == 0


def test_a_playground_that_fits() -> None:
    """With fewer rows where all are too large, and not at all where even those are."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(2500, 4)), random.normal(size=2500)
    evidence = gather(shoal.ShoalRegressor(3, **PLAIN).fit(X, y).model_, X, y)
    whole = of_playground(evidence, LARGEST)
    assert whole.rows == 2000
    assert whole.words == "This network, on 2,000 of the rows."
    part = of_playground(evidence, len(whole.frame) - 30)
    assert part.rows == 1000
    assert of_playground(evidence, 100).frame == ""


def test_bad_tables() -> None:
    """Each is one sentence that says what is wrong."""
    estimator = shoal.ShoalClassifier(2, **PLAIN).fit(X, VALUES > 1)
    with pytest.raises(DataError, match="X has 90 rows and y has 3"):
        estimator.report(X, [True, False, True])
    with pytest.raises(DataError, match="there are no rows"):
        estimator.report(X[:0], [])
    with pytest.raises(DataError, match="must have 3 columns"):
        estimator.report(X[:, :2], VALUES > 1)
    regressor = shoal.ShoalRegressor(2, **PLAIN).fit(X, VALUES)
    with pytest.raises(DataError, match="y must hold numbers"):
        regressor.report(X, ["a"] * 90)
    with pytest.raises(DataError, match="infinite in row 1"):
        regressor.report(X, np.full(90, np.nan))
    evidence = gather(regressor.model_, X, VALUES)
    with pytest.raises(ParameterError, match="rows held out are some"):
        split_as_fitted(evidence, np.zeros(90, bool))


def test_labels_that_the_model_has_not_seen() -> None:
    """Are mistakes, and are counted as such."""
    y = np.where(VALUES > 1, "high", "low")
    model = shoal.ShoalClassifier(2, **PLAIN).fit(X, y).model_
    evidence = gather(model, X, np.where(X[:, 2] > 1, "odd", y))
    n_odd = int((X[:, 2] > 1).sum())
    assert f"Of {n_odd} rows the model has never seen the class" in " ".join(sentences(evidence))
    assert evidence.judgement.scores["log-loss"] is None
    assert np.isinf(evidence.losses).sum() == n_odd
    everything_odd = gather(model, X, ["odd"] * len(X))
    assert make_report(model, X, ["odd"] * len(X)).record["judgement"]["scores"]["accuracy"] == 0
    assert everything_odd.gradient_check is None


def test_tables_that_say_little() -> None:
    """One row, one class, a column without a value: each has its figures, without a warning."""
    y = np.where(VALUES > 1, "high", "low")
    frame = pl.DataFrame(X, schema=["a", "b", "c"])
    model = shoal.ShoalClassifier(2, **PLAIN).fit(frame, y).model_
    for some, labels in (
        (frame[:1], y[:1]),
        (frame, ["low"] * len(X)),
        (frame.with_columns(a=pl.lit(None, pl.Float64)), y),
    ):
        record = record_of(gather(model, some, labels, with_rows=False))
        assert record["rows"] == len(some)
        assert np.sum(record["confusion"]) == len(some)
    single = gather(shoal.ShoalRegressor(2, **PLAIN).fit(X, VALUES).model_, X[:1], VALUES[:1])
    assert single.judgement.interval is None
    assert single.judgement.baselines == {}


# ---- in a browser ------------------------------------------------------------------------------


def test_anyone_can_read_it(browser: Browser, folder: Path) -> None:
    """Light, dark and narrow, axe finds nothing serious, and nothing scrolls sideways."""
    for options in ({}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}):
        with tab(browser, **options) as page:
            page.goto((folder / "without.html").as_uri())
            page.evaluate(f"{AXE}; 0")
            found = page.evaluate(
                "axe.run(document, { iframes: false }).then((found) => found.violations)"
            )
            assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []
            width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1]


def test_without_javascript(browser: Browser, folder: Path) -> None:
    """All but the playground is there, and the page says what the playground needs."""
    with tab(browser, java_script_enabled=False) as page:
        # The frame is another process, in which JavaScript goes on: here its page is left out.
        document = (folder / "with.html").read_text(encoding="utf-8")
        bare = folder / "bare.html"
        bare.write_text(re.sub(r'srcdoc="[^"]*"', "", document), encoding="utf-8")
        page.goto(bare.as_uri())
        assert page.locator("h2").all_inner_texts() == HEADINGS
        expect(page.locator("noscript p")).to_have_text(re.compile("needs JavaScript"))
        for svg in page.locator("figure svg").all():
            box = svg.bounding_box()
            assert box is not None
            assert box["height"] > 100


def test_it_follows_the_dark_and_prints(browser: Browser, folder: Path) -> None:
    """Text in pictures has the colour of the page's text, in the dark too; print is light."""
    with tab(browser, color_scheme="dark") as page:
        page.goto((folder / "without.html").as_uri())
        colour = "(e) => [getComputedStyle(e).fill, getComputedStyle(document.body).color]"
        inside, around = page.locator("figure svg text").first.evaluate(colour)
        assert inside == around == "rgb(230, 233, 236)"
        page.emulate_media(media="print")
        assert page.locator("figure svg text").first.evaluate(colour)[0] == "rgb(0, 0, 0)"
        assert page.locator("nav").is_hidden()
        assert len(page.pdf(format="A4")) > 20_000


def test_the_playground_goes_on(browser: Browser, folder: Path) -> None:
    """In its frame, it runs with the rows."""
    with tab(browser) as page:
        page.goto((folder / "with.html").as_uri())
        page.locator("iframe").scroll_into_view_if_needed()
        inside = page.frame_locator("iframe")
        inside.get_by_test_id("step").click()
        expect(inside.get_by_text("hidden units").first).to_be_visible()
