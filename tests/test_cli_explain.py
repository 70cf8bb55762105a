"""shoal explain: a row in tables and equations, a table in one, and what is refused."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from command_line import NEW, PENGUINS, shoal
from explained import make, table
from shoal import LOSSES, load_model, save_model
from shoal.explain import importance, steps
from shoal.table import Column, Columns
from sound_models import make_model


@pytest.fixture
def penguins() -> pl.DataFrame:
    """The table of the penguins."""
    return pl.read_csv(PENGUINS, null_values="NA")


def test_a_row(model: Path, penguins: pl.DataFrame) -> None:
    """The parts of a row add up to the log odds, as printed, and those of `Model.explain`."""
    text = shoal("explain", model, PENGUINS, "--row", 17).stdout
    assert "row 17 of" in text
    assert "the table says Adelie" in text
    score, start = map(
        float, re.search(r"log odds (\S+) = (\S+) of the average row", text).groups()
    )
    parts = [float(line.split()[-1]) for line in text.splitlines() if "│" in line]
    assert len(parts) == 7
    assert start + sum(parts) == pytest.approx(score, abs=0.01)
    sizes = np.abs(parts)
    assert (sizes[:-1] >= sizes[1:]).all()
    best, other = re.search(r"(\w+) rather than (\w+):", text).groups()
    frame = load_model(model).explain(penguins[16])
    difference = [frame.filter(pl.col("output") == name) for name in (best, other)]
    for name in ("bill_length_mm", "island"):
        added = (difference[0][name] - difference[1][name]).item()
        assert re.search(rf"{name} .*\s{re.escape(f'{added:+.3f}')}$", text, flags=re.MULTILINE)
    assert "64 hidden units of tanh; the units that add most:" in text


def test_a_class_of_a_row(model: Path) -> None:
    """--class explains another class, against the most probable one: with the signs turned."""
    first = shoal("explain", model, PENGUINS, "--row", 17).stdout
    text = shoal("explain", model, PENGUINS, "--row", 17, "--class", "Gentoo").stdout
    assert "Gentoo rather than Adelie: log odds -" in text
    assert "Adelie rather than" in first


def test_the_equations_are_the_forward_pass(model: Path, penguins: pl.DataFrame) -> None:
    """--math prints every step of the row, and each number is that of the network."""
    text = shoal("explain", model, PENGUINS, "--row", 17, "--math").stdout
    found = steps(load_model(model), penguins[16])
    for label, values, activations in (("z1_", found.Z1, found.A1), ("z2_", found.Z2, None)):
        lines = re.findall(rf"^  {label}(\d+) = (.*) = (\S+)$", text, flags=re.MULTILINE)
        assert len(lines) == (5 if label == "z1_" else 3)
        for k, terms, value in lines:
            exact = values[int(k) - 1, 0]
            assert float(value) == pytest.approx(exact, rel=1e-4)
            # The sum, term by term, is that number.
            terms = re.sub(r"\([^)]*\)|of \d+ more", "", terms).replace("·", "*")
            assert eval(terms) == pytest.approx(exact, abs=2e-2)
            if activations is not None:
                a1 = f"{activations[int(k) - 1, 0]:.6g}"
                assert re.search(rf"a1_{k} = g\(\S+\) = {a1}$", text, flags=re.MULTILINE)
    assert "Eq 2  A1 = g(Z1), g(z) = (e^z - e^-z)" in text
    assert "Eq 4  A2 = e^z / Σ e^z" in text


def test_json_of_a_row(model: Path, penguins: pl.DataFrame) -> None:
    """--math --json has every number: the forward pass can be computed again from it."""
    text = shoal("explain", model, PENGUINS, "--row", 3, "--math", "--json").stdout
    document = json.loads(text)
    x = np.array(list(document["inputs"].values()))
    Z1 = np.array(document["W1"]) @ x + document["b1"]
    assert np.allclose(Z1, document["Z1"])
    Z2 = np.array(document["W2"]) @ np.tanh(Z1) + document["b2"]
    assert np.allclose(np.exp(Z2) / np.exp(Z2).sum(), document["A2"])
    assert document["prediction"] == document["actual"] == "Adelie"
    assert document["row"]["bill_length_mm"] == penguins["bill_length_mm"][2]
    for score in document["scores"]:
        total = score["baseline"] + sum(score["adds"].values())
        assert total == pytest.approx(score["score"], abs=1e-10)
    short = json.loads(shoal("explain", model, PENGUINS, "--row", 3, "--json").stdout)
    assert short == {key: document[key] for key in short}


def test_a_table(model: Path, penguins: pl.DataFrame) -> None:
    """Without --row each column has its mean contribution, and what shuffling it costs."""
    document = json.loads(shoal("explain", model, PENGUINS, "--json").stdout)
    expected = importance(load_model(model), penguins, penguins["species"]).to_dicts()
    assert [record["column"] for record in document["columns"]] == [e["column"] for e in expected]
    for record, other in zip(document["columns"], expected, strict=True):
        assert record == pytest.approx(other, nan_ok=True)
    text = shoal("explain", model, PENGUINS).stdout.splitlines()
    assert text[0].split() == ["column", "adds", "on", "average", "loss", "if", "shuffled", "±"]
    assert text[1].split()[0] == expected[0]["column"]


def test_a_table_without_the_target(model: Path) -> None:
    """Where there is no target nothing is said of the loss, and that is said."""
    done = shoal("explain", model, NEW)
    assert "no column 'species', so nothing is said of the loss" in done.stderr
    assert "loss" not in done.stdout


def test_a_large_table_is_sampled(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows some are looked at, and that is said."""
    monkeypatch.setattr(sys.modules["shoal.cli.explain"], "ENOUGH", 50)  # the name is the verb
    done = shoal("explain", model, PENGUINS, "--json")
    assert "50 of the 344 rows are looked at" in done.stderr
    assert json.loads(done.stdout)["rows"] == 50


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--row", 345], 2, "there is no row 345: .*penguins.csv has 344, counted from 1"),
        (["--row", 0], 2, "0 is not in the range"),
        (["--row", "x"], 2, "not a valid integer"),
        (["--math"], 2, "--math is of one row: choose it with --row N"),
        (["--class", "Adelie"], 2, "--class is of one row"),
        (["--row", 1, "--class", "Emperor"], 2, "no class 'Emperor'; there are Adelie, Chinstrap"),
    ],
)
def test_what_cannot_be_explained(model: Path, arguments: list, code: int, words: str) -> None:
    """Rows and classes that are not there, and options that need a row, are told."""
    assert re.search(words, shoal("explain", model, PENGUINS, *arguments, code=code).stderr)


MODELS = {
    "regression": make("relu"),
    "counts": make("silu", loss="poisson"),
    "two classes": make(loss="sigmoid", classes=np.array(["no", "yes"])),
    "labels": make(loss="sigmoid", n_y=2, target=("a", "b")),
    "targets": make("gelu", n_y=9, target=tuple("abcdefghi")),
    "no hidden layer": make(n_h=0),
    "wide": make("relu", n_h=40, n_y=3, loss="softmax", classes=np.array([1, 2, 3])),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model(name: str, tmp_path: Path) -> None:
    """Models of every task are explained, in a row with equations, and over a table."""
    X = table()
    save_model(MODELS[name], tmp_path / "m.shoal")
    X.assign(day=X["day"].dt.strftime("%Y-%m-%dT%H:%M:%S")).to_csv(tmp_path / "x.csv", index=False)
    files = tmp_path / "m.shoal", tmp_path / "x.csv"
    for row in (1, 2, 8):
        text = shoal("explain", *files, "--row", row, "--math").stdout
        assert f"row {row} of" in text
        assert "Eq 4" in text
        assert ("Eq 1" in text) == (name != "no hidden layer")
        assert len(text.splitlines()) < 170
        short = shoal("explain", *files, "--row", row).stdout
        assert text.startswith(short)
    shoal("explain", *files, "--row", 5, "--json")
    text = shoal("explain", *files).stdout
    assert len(text.splitlines()) == 7
    if "classes" not in name and name != "wide":
        done = shoal("explain", *files, "--row", 1, "--class", "a", code=2)
        assert "the model has no classes" in done.stderr


def test_a_linear_part_is_no_unit(tmp_path: Path) -> None:
    """The pairs of units that stand for a skip are told apart, and all adds up."""
    path = tmp_path / "m.shoal"
    shoal("fit", PENGUINS, "-t", "sex", "-o", path, "--hidden", 4, "--max-iter", 30)
    text = shoal("explain", path, PENGUINS, "--row", 17).stdout
    words = re.search(r"(\d+) hidden units of relu.* linear part that adds (\S+);", text)
    model = load_model(path)
    assert int(words[1]) == len(model.parameters.W1) - 2
    found = steps(model, pl.read_csv(PENGUINS, null_values="NA")[16])
    W1, b1, W2, _ = (block.astype(float) for block in model.parameters)
    start = np.maximum(W1 @ model.columns.centers() + b1[:, 0], 0)
    added = (W2[0] * (found.A1[:, 0] - start))[-2:].sum()
    sign = 1 if f"\n{model.classes[1]} rather than" in text else -1
    assert float(words[2]) == pytest.approx(sign * added, abs=1e-3)


def test_a_table_that_lacks_a_column(model: Path) -> None:
    """A missing column is told by its name, with a row and without."""
    text = PENGUINS.read_bytes().replace(b"bill_length_mm", b"length")
    for more in (["--row", 1], []):
        done = shoal("explain", model, "-", *more, stdin=text, code=1)
        assert "the table lacks column 'bill_length_mm'" in done.stderr


def test_a_model_that_knows_no_names(tmp_path: Path) -> None:
    """A model of an array is asked by its names x1, x2, beside whatever else the table has."""
    columns = Columns((Column("x1", "number"), Column("x2", "number")), named=False)
    model = make_model(LOSSES["identity"](), columns=columns)
    save_model(model, tmp_path / "m.shoal")
    table = b"x2,more,x1,y\n1,2,3,4\n5,6,7,8\n"
    document = json.loads(
        shoal("explain", tmp_path / "m.shoal", "-", "--row", 2, "--json", stdin=table).stdout
    )
    assert document["prediction"] == pytest.approx(model.predict([[7, 5]])[0])
    assert document["actual"] == 8
    assert "x1" in shoal("explain", tmp_path / "m.shoal", "-", stdin=table).stdout
    done = shoal("explain", tmp_path / "m.shoal", "-", "--row", 1, stdin=b"a,b\n1,2\n", code=1)
    assert "lacks columns 'x1', 'x2'; it has columns 'a', 'b'" in done.stderr


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Control characters in a name or a cell are spelled out."""
    X = table(3).assign(port="\x1b[31mred", sort="a")
    save_model(make(), tmp_path / "m.shoal")
    X.assign(day="2020-01-01").to_csv(tmp_path / "x.csv", index=False)
    text = shoal("explain", tmp_path / "m.shoal", tmp_path / "x.csv", "--row", 2, "--math").stdout
    assert "\x1b" not in text
    assert r"\x1b[31mred" in text
