"""The command line: what each verb prints, writes and returns, on a terminal and in a pipe."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from command_line import NEW, PENGUINS, QUICK, shoal
from shoal import load_model, network, save_model
from shoal.estimators import ShoalClassifier, ShoalRegressor
from shoal.scores import hold_out
from sound_models import SOUND


@pytest.fixture
def regression(tmp_path: Path) -> Path:
    """A table of 60 rows whose y is a line in x, with an identifier and a column of categories."""
    path = tmp_path / "line.csv"
    rows = (f"r{i:03},{i / 10},{'ab'[i % 2]},{i / 5 + i % 2}" for i in range(60))
    path.write_text("name,x,c,y\n" + "\n".join(rows) + "\n")
    return path


# ---- fit ----------------------------------------------------------------------------------------


def test_fit_says_what_it_decides_and_scores_beside_baselines(tmp_path: Path) -> None:
    """Decisions on stderr, a line each; on stdout one table: the network and two baselines."""
    result = shoal("fit", PENGUINS, "--target", "species", "-o", tmp_path / "m.shoal", *QUICK)
    for sentence in (
        "344 rows, 8 columns",
        "target species: 3 classes (Adelie 152, Gentoo 124, Chinstrap 68)",
        "island: 3 categories",
        "bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g: number, 2 missing",
        "sex: 2 categories, 11 missing",
        "68 rows held out to score on (seed 0, of each class alike)",
        "saved",
    ):
        assert sentence in result.stderr
    header, *rows = result.stdout.splitlines()
    assert header.split("  ")[0] == "68 rows held out"
    assert [row.split("  ")[0] for row in rows] == [
        "shoal",
        "logistic regression",
        "majority class",
    ]
    for arrow in ("accuracy ↑", "balanced accuracy ↑", "ROC AUC ↑", "log-loss ↓"):
        assert arrow in header


def test_fit_prints_one_json_document(tmp_path: Path) -> None:
    """With --json stdout holds one document, with these keys, and says the same as the model."""
    path = tmp_path / "m.shoal"
    result = shoal("fit", PENGUINS, "-t", "species", "-o", path, "--json", *QUICK)
    report = json.loads(result.stdout)
    assert report["task"] == "multiclass"
    assert report["rows"] == {"train": 276, "held_out": 68}
    assert report["path"] == str(path)
    assert report["metrics"]["held_out"]["accuracy"] > 0.9
    assert report["baselines"]["majority class"]["accuracy"] == pytest.approx(30 / 68)
    assert "island: 3 categories" in report["decisions"]
    assert report["columns"][0] == {
        "name": "island",
        "kind": "category",
        "levels": ["Biscoe", "Dream", "Torgersen"],
        "missing": 0.0,
    }
    fitted = load_model(path)
    assert fitted.training["metrics"] == report["metrics"]
    assert fitted.target == ("species",)


def test_the_model_saved_is_the_one_that_was_scored(tmp_path: Path) -> None:
    """After a holdout the file's own accuracy on the rows held out is the accuracy printed."""
    path = tmp_path / "m.shoal"
    arguments = ["fit", PENGUINS, "-t", "species", "-o", path, "--json", "--seed", 3, *QUICK]
    report = json.loads(shoal(*arguments).stdout)
    table = pl.read_csv(PENGUINS, null_values="NA")
    y = table["species"].to_numpy()
    held = hold_out(y, 0.2, seed=3, stratify=True)
    accuracy = (load_model(path).predict(table)[held] == y[held]).mean()
    assert accuracy == pytest.approx(report["metrics"]["held_out"]["accuracy"], abs=1e-12)
    assert "the one that is scored here" in report["decisions"][-1]


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    """Two fits with one seed write the same parameters, another seed others."""
    parameters = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.shoal"
        shoal("fit", PENGUINS, "-t", "species", "-o", path, "--seed", seed, "-q", *QUICK)
        parameters.append(load_model(path).parameters)
    assert all(map(np.array_equal, parameters[0], parameters[1]))
    assert not np.array_equal(parameters[0].W1, parameters[2].W1)


def test_a_regression_has_its_own_metrics_and_baselines(regression: Path, tmp_path: Path) -> None:
    """Numbers are values to predict: R², RMSE, MAE, beside ridge regression and the mean."""
    path = tmp_path / "line.shoal"
    result = shoal("fit", regression, "-t", "y", "-o", path, *QUICK)
    assert "target y: numbers from 0 to 12.8: a regression" in result.stderr
    assert "name: left out, 60 different values: an identifier" in result.stderr
    assert "R² ↑" in result.stdout
    assert [row.split("  ")[0] for row in result.stdout.splitlines()[1:]] == [
        "shoal",
        "ridge regression",
        "mean",
    ]


def test_cross_validation_scores_each_fold_and_fits_on_every_row(tmp_path: Path) -> None:
    """--cv prints mean ± standard deviation for all, and the model has learnt from all rows."""
    path = tmp_path / "m.shoal"
    result = shoal("fit", PENGUINS, "-t", "species", "-o", path, "--cv", 3, *QUICK)
    assert result.stdout.splitlines()[0].startswith("3 folds")
    assert result.stdout.count(" ± ") == 3 * 4 - 1 * 0
    assert "learnt from all 344 rows" in result.stderr
    assert load_model(path).training["rows"] == {"train": 344}
    report = json.loads(
        shoal("fit", PENGUINS, "-t", "species", "-o", path, "--cv", 3, "--json", *QUICK).stdout
    )
    assert report["cross_validation"]["shoal"]["accuracy"]["mean"] > 0.9


def test_a_test_table_is_scored_and_not_learnt_from(tmp_path: Path) -> None:
    """--test scores on its own rows, whatever their columns' order; training has all of DATA."""
    other = tmp_path / "other.csv"
    table = pl.read_csv(PENGUINS, infer_schema=False).sample(50, seed=0)
    table.select(reversed(table.columns)).write_csv(other)
    path = tmp_path / "m.shoal"
    arguments = ["fit", PENGUINS, "-t", "species", "-o", path, "--test", other, "--json", *QUICK]
    report = json.loads(shoal(*arguments).stdout)
    assert report["rows"] == {"train": 344, "held_out": 50}
    assert "learnt from all 344 rows" in report["decisions"][-1]


def test_rows_without_a_target_are_dropped_and_counted(tmp_path: Path) -> None:
    """They cannot be learnt from; the first of them is named."""
    table = tmp_path / "t.csv"
    rows = [f"{i},{'NA' if i in (2, 5) else 'ab'[i % 2]}" for i in range(20)]
    table.write_text("x,y\n" + "\n".join(rows) + "\n")
    result = shoal("fit", table, "-t", "y", "-o", tmp_path / "m.shoal", *QUICK)
    assert "2 rows dropped: y missing (the first: row 3)" in result.stderr


@pytest.mark.parametrize(
    ("values", "options", "task"),
    [
        (["a", "b"] * 10, [], "binary"),
        (["true", "false"] * 10, [], "binary"),
        ([0, 1] * 10, [], "binary"),
        ([1, 2, 3, 4] * 5, [], "multiclass"),
        ([1, 2, 3, 4] * 5, ["--task", "regression"], "regression"),
        ([0.5, 1.5] * 10, [], "regression"),
        (list(range(20)), [], "regression"),
        ([float(k) for k in range(11)] * 2, ["--task", "classification"], "multiclass"),
    ],
)
def test_the_task_follows_from_the_target(
    values: list[object], options: list[str], task: str, tmp_path: Path
) -> None:
    """Texts, truths and up to ten whole numbers are classes, other numbers values, or as told."""
    table = tmp_path / "t.csv"
    rows = "".join(f"{i % 7},{value}\n" for i, value in enumerate(values))
    table.write_text("x,y\n" + rows)
    path = tmp_path / "m.shoal"
    shoal("fit", table, "-t", "y", "-o", path, "--holdout", 0, *options, *QUICK)
    assert load_model(path).task == task


def test_labels_are_predicted_as_they_were_written(tmp_path: Path) -> None:
    """A target of True and False, or of 0 and 1, comes back letter for letter."""
    for labels in ("True", "False"), ("0", "1"), ("é, x", '"q"'):
        table = tmp_path / "t.csv"
        frame = pl.DataFrame({"x": range(20), "y": [labels[i // 10] for i in range(20)]})
        frame.write_csv(table)
        path = tmp_path / "m.shoal"
        shoal("fit", table, "-t", "y", "-o", path, "--holdout", 0, *QUICK)
        out = shoal("predict", path, table, "--proba").stdout
        rows = list(csv.DictReader(io.StringIO(out)))
        assert {row["prediction"] for row in rows} == set(labels)
        assert set(rows[0]) == {"y", "prediction", *(f"probability_{x}" for x in labels)}


def test_columns_can_be_dropped_or_taken_for_categories(tmp_path: Path) -> None:
    """--drop leaves a column out, --category makes numbers names."""
    path = tmp_path / "m.shoal"
    options = ["--drop", "sex", "--drop", "island", "--category", "year"]
    shoal("fit", PENGUINS, "-t", "species", "-o", path, *options, *QUICK)
    kinds = {column.name: column.kind for column in load_model(path).columns.columns}
    assert "sex" not in kinds
    assert "island" not in kinds
    assert kinds["year"] == "category"


def test_settings_reach_the_network(tmp_path: Path) -> None:
    """Size and activation of the hidden layer are those of the command line."""
    path = tmp_path / "m.shoal"
    options = ["--hidden", 3, "--activation", "tanh", "--solver", "adam", "--batch-size", 16]
    options += ["--alpha", 0.01, "--learning-rate", 0.01, "--max-iter", 2, "--balanced"]
    shoal("fit", PENGUINS, "-t", "species", "-o", path, *options)
    fitted = load_model(path)
    assert len(fitted.parameters.W1) == 3
    assert fitted.activation == "tanh"
    assert fitted.training["iterations"] == 2


def test_the_committee_is_set_and_told(tmp_path: Path) -> None:
    """Its members, bins, threads and time are those of the command line, its scores are said."""
    path = tmp_path / "m.shoal"
    options = ["--members", 3, "--bins", 5, "--hidden", 4, "--jobs", 1, "--max-iter", 3]
    result = shoal("fit", PENGUINS, "-t", "species", "-o", path, *options)
    assert "units in 3 networks, 3 iterations" in result.stderr
    assert "each row by a network that has not seen it: accuracy " in result.stderr
    assert " at most 3, held out " in result.stderr
    fitted = load_model(path)
    assert fitted.training["members"] == 3
    bins = {len(column.edges) - 1 for column in fitted.columns.columns if column.edges}
    assert max(bins) == 5
    options = ["--max-iter", 1_000_000, "--time-limit", 0.2, "--solver", "gd"]
    result = shoal("fit", PENGUINS, "-t", "species", "-o", path, *options, "--json")
    assert json.loads(result.stdout)["stop_reason"] == "The time limit was reached."


def test_a_table_from_a_pipe_becomes_model_shoal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATA may be -, and then the model is called model.shoal."""
    monkeypatch.chdir(tmp_path)
    shoal("fit", "-", "-t", "species", *QUICK, stdin=PENGUINS.read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == ["model.shoal"]


def test_the_model_is_named_after_the_table(
    regression: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without -o the file is DATA's name with .shoal, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shoal("fit", regression, "-t", "y", *QUICK)
    assert (tmp_path / "line.shoal").exists()


# ---- tune ---------------------------------------------------------------------------------------

BRIEF = ["--members", 2, "--max-iter", 4, "--hidden", 4]


def test_tune_prints_a_leaderboard_and_scores_beside_the_untuned(tmp_path: Path) -> None:
    """Two tables on stdout; each trial a line on stderr; what is saved is the best."""
    path = tmp_path / "m.shoal"
    arguments = ["tune", PENGUINS, "-t", "species", "-o", path, "--trials", 6, *BRIEF]
    result = shoal(*arguments)
    board, scores = (part.splitlines() for part in result.stdout.split("\n\n"))
    assert board[0].split() == ["settings", "trial", "log-loss", "↓", "spread", "seconds"]
    assert sum(line.startswith("untuned  ") for line in board) == 1
    assert not any("n_hidden" in line for line in board)  # it is given
    best = board[1].split()[-4]
    figures = [float(line.split()[-3]) for line in board[1:]]
    assert len(figures) == 6
    assert figures == sorted(figures)
    assert [line.split("  ")[0] for line in scores] == [
        "68 rows held out",
        "shoal",
        "untuned",
        "logistic regression",
        "majority class",
    ]
    assert result.stderr.count("trial ") == 6
    assert f"All 6 trials are done. The best is number {best}" in result.stderr
    fitted = load_model(path)
    assert fitted.training["out_of_fold"]["log_loss"] == pytest.approx(figures[0], abs=1e-4)
    accuracy = fitted.training["metrics"]["held_out"]["accuracy"]
    assert f" {accuracy:.3f} " in scores[1]


def test_tune_prints_one_json_document(regression: Path, tmp_path: Path) -> None:
    """That of fit, with the metric and the leaderboard, best first."""
    path = tmp_path / "m.shoal"
    wide = tmp_path / "t.csv"
    wide.write_text(regression.read_text() + regression.read_text().split("\n", 1)[1])
    arguments = ["tune", wide, "-t", "y", "-o", path, "--trials", 3, "--json", *BRIEF]
    report = json.loads(shoal(*arguments).stdout)
    assert report["metric"] == "r2"
    figures = [row["r2"] for row in report["leaderboard"]]
    assert figures == sorted(figures, reverse=True)
    assert report["out_of_fold"]["r2"] == figures[0]
    assert report["metrics"]["held_out"]["R²"] is not None


def test_tune_ends_in_time(tmp_path: Path) -> None:
    """With the best so far."""
    path = tmp_path / "m.shoal"
    arguments = ["tune", PENGUINS, "-t", "species", "-o", path, "--trials", 9999, *BRIEF]
    result = shoal(*arguments, "--time-limit", 0.3)
    assert "The time limit was reached. The best is number" in result.stderr
    assert load_model(path).task == "multiclass"


# ---- predict ------------------------------------------------------------------------------------


def test_predictions_are_those_of_the_model(model: Path) -> None:
    """In the rows' order, digit for digit what Model.predict and predict_proba give."""
    out = pl.read_csv(shoal("predict", model, NEW, "--proba").stdout.encode())
    frame, fitted = pl.read_csv(NEW, null_values="NA"), load_model(model)
    assert out.columns == [
        "prediction",
        *(f"probability_{label}" for label in ("Adelie", "Chinstrap", "Gentoo")),
    ]
    assert out["prediction"].to_list() == fitted.predict(frame).tolist()
    probability = fitted.predict_proba(frame)
    assert np.array_equal(out[:, 1:].to_numpy().astype(probability.dtype), probability)


def test_columns_that_the_model_does_not_read_are_kept_as_they_are_written(
    model: Path, tmp_path: Path
) -> None:
    """Identifiers, notes and formulas pass through unaltered, before the prediction."""
    rows = NEW.read_text().splitlines()
    table = tmp_path / "t.csv"
    extra = ["007", " NA ", "=1+1", "1.50", '"x, ""y"""']
    table.write_text(
        "\n".join([f"id,{rows[0]}", *(f"{e},{r}" for e, r in zip(extra, rows[1:], strict=True))])
    )
    out = shoal("predict", model, table).stdout
    read = pl.read_csv(out.encode(), infer_schema=False)
    assert read.columns == ["id", "prediction"]
    assert read["id"].to_list() == ["007", " NA ", "=1+1", "1.50", 'x, "y"']
    every = pl.read_csv(shoal("predict", model, table, "--all").stdout.encode())
    assert every.columns == ["id", *rows[0].split(","), "prediction"]


def test_a_pipe_in_and_out_gives_what_files_give(model: Path, tmp_path: Path) -> None:
    """`shoal predict m - < new.csv` prints what `-o out.csv` writes, and talks on stderr alone."""
    piped = shoal("predict", model, "-", stdin=NEW.read_bytes())
    assert piped.stderr.strip() == "island: 1 row has what the model does not know, as 'Anvers'"
    out = tmp_path / "out.csv"
    result = shoal("predict", model, NEW, "-o", out)
    assert result.stdout == ""
    assert "5 rows predicted" in result.stderr
    assert out.read_text() == piped.stdout


def test_what_the_fit_did_not_have_is_said(tmp_path: Path) -> None:
    """Levels that are new, and gaps in a column that had none, are said column by column."""
    (tmp_path / "old.csv").write_text(
        "a,b,y\n" + "".join(f"{k},x{k % 3},{k % 2}\n" for k in range(40))
    )
    (tmp_path / "new.csv").write_text("a,b\n1,x1\n,u\n3,v\n,x2\n")
    model = tmp_path / "m.shoal"
    shoal("fit", tmp_path / "old.csv", "-t", "y", "-o", model, "-q")
    assert shoal("predict", model, tmp_path / "new.csv").stderr.splitlines() == [
        "a: 2 missing, and the model knows it without gaps",
        "b: 2 rows have what the model does not know, as 'u'",
    ]


def test_a_model_of_an_array_takes_columns_by_their_places(tmp_path: Path) -> None:
    """Whatever their names; gaps are told of by the names that the table has."""
    X = np.random.default_rng(0).normal(size=(80, 2))
    path, table = tmp_path / "m.shoal", tmp_path / "new.csv"
    save_model(ShoalClassifier(random_state=0).fit(X, X[:, 0] > 0).model_, path)
    table.write_text("height,x1\n2,0\n-2,\n")
    result = shoal("predict", path, table)
    assert result.stdout.split() == ["prediction", "true", "false"]
    assert "x1: 1 missing" in result.stderr
    kept = shoal("predict", path, table, "--all").stdout.splitlines()
    assert kept[0] == "height,x1,prediction"


def test_intervals_are_two_more_columns(regression: Path, tmp_path: Path) -> None:
    """`lower` and `upper` are those of the model, and further apart for a larger share."""
    table, path = tmp_path / "t.csv", tmp_path / "m.shoal"
    table.write_text(regression.read_text() + regression.read_text().split("\n", 1)[1])
    arguments = ["fit", table, "-t", "y", "-o", path, "--drop", "name", "--holdout", 0, "-q"]
    shoal(*arguments, "--members", 4)
    out = pl.read_csv(shoal("predict", path, table, "--interval", 0.5).stdout.encode())
    assert out.columns == ["name", "y", "prediction", "lower", "upper"]
    expected = load_model(path).predict_interval(pl.read_csv(table), 0.5)
    assert np.allclose(out["lower"], expected[:, 0], rtol=1e-6)
    assert np.allclose(out["upper"], expected[:, 1], rtol=1e-6)
    wide = pl.read_csv(shoal("predict", path, table, "--interval", 0.9).stdout.encode())
    assert ((wide["lower"] < out["lower"]) & (out["upper"] < wide["upper"])).all()


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".tsv", ".parquet"])
def test_the_suffix_of_the_output_is_its_format(model: Path, suffix: str, tmp_path: Path) -> None:
    """The same predictions in every format."""
    from shoal.table_file import load_table

    out = tmp_path / f"out{suffix}"
    shoal("predict", model, NEW, "-o", out, "-q")
    expected = pl.read_csv(shoal("predict", model, NEW).stdout.encode())
    assert load_table(out)[0].equals(expected)


def test_columns_may_come_in_another_order_and_format(model: Path, tmp_path: Path) -> None:
    """Columns are found by name; semicolons and decimal commas change nothing."""
    frame = pl.read_csv(NEW, infer_schema=False)
    table = tmp_path / "t.csv"
    frame.select(reversed(frame.columns)).write_csv(table, separator=";")
    table.write_text(table.read_text().replace(".", ","))
    assert shoal("predict", model, table).stdout == shoal("predict", model, NEW).stdout


def test_several_outputs_have_a_column_each(tmp_path: Path) -> None:
    """Of several targets, made in Python, each prediction is called after its target."""
    X = pl.DataFrame({"x": np.arange(20.0)})
    y = pl.DataFrame({"up": np.arange(20.0), "down": -np.arange(20.0)})
    path = tmp_path / "m.shoal"
    save_model(ShoalRegressor(n_hidden=2, solver="gd", max_iter=9).fit(X, y).model_, path)
    table = tmp_path / "t.csv"
    X.write_csv(table)
    assert shoal("predict", path, table).stdout.startswith("prediction_up,prediction_down\n")


@pytest.fixture
def binned(tmp_path: Path) -> Path:
    """A model with bins, bounds and slots for other levels."""
    path = tmp_path / "binned.shoal"
    save_model(SOUND["bins"], path)
    return path


# ---- evaluate, inspect, gradcheck, doctor -------------------------------------------------------


def test_evaluate_gives_the_scores_and_the_confusion(model: Path) -> None:
    """The accuracy of JSON is the confusion's diagonal over its sum; text shows both tables."""
    report = json.loads(shoal("evaluate", model, PENGUINS, "--json").stdout)
    confusion = np.array(report["confusion"])
    assert confusion.sum() == report["rows"] == 344
    assert report["metrics"]["accuracy"] == pytest.approx(np.trace(confusion) / 344)
    text = shoal("evaluate", model, PENGUINS).stdout
    assert text.startswith("344 rows")
    assert "species, predicted:" in text


def test_evaluate_counts_a_class_never_seen_as_a_mistake(model: Path, tmp_path: Path) -> None:
    """It is said, accuracy counts it, and log-loss is not defined."""
    table = tmp_path / "t.csv"
    table.write_text(PENGUINS.read_text().replace("Gentoo", "Dodo"))
    result = shoal("evaluate", model, table, "--json")
    assert "species is 'Dodo' in some rows" in result.stderr
    metrics = json.loads(result.stdout)["metrics"]
    assert metrics["accuracy"] < 0.7
    assert metrics["log-loss"] is None


def test_evaluate_scores_a_regression(regression: Path, tmp_path: Path) -> None:
    """Values have no confusion."""
    path = tmp_path / "m.shoal"
    shoal("fit", regression, "-t", "y", "-o", path, "-q", "--max-iter", 200)
    report = json.loads(shoal("evaluate", path, regression, "--json").stdout)
    assert report["confusion"] is None
    assert report["metrics"]["R²"] > 0.9


def test_inspect_shows_network_columns_and_scores(model: Path) -> None:
    """Sizes in JSON are those of the arrays; the text names every column."""
    report = json.loads(shoal("inspect", model, "--json").stdout)
    W1, b1, W2, b2 = load_model(model).parameters
    assert report["network"]["numbers"] == W1.size + b1.size + W2.size + b2.size
    assert report["bytes"] == model.stat().st_size
    text = shoal("inspect", model).stdout
    network = f"{W1.shape[1]} inputs → {len(W1)} tanh units → 3 softmax outputs"
    for words in (network, "Chinstrap", "68 rows held out"):
        assert words in text
    for name in PENGUINS.read_text().splitlines()[0].split(","):
        assert name in text


def test_bins_and_other_levels_are_said(binned: Path) -> None:
    """`inspect` tells of bins, bounds and the slot for other levels, in text and in JSON."""
    lines = [" ".join(line.split()) for line in shoal("inspect", binned).stdout.splitlines()]
    assert "mass, in g number, 7 bins, 12 % missing" in lines
    assert "bounded number" in lines
    port = "port 3 categories, the most frequent of 9 levels, and one for the others, 6.2 % missing"
    assert port in lines
    mass, bounded, port_record, day, _ = json.loads(shoal("inspect", binned, "--json").stdout)[
        "columns"
    ]
    assert mass["edges"] == [0.0, 5e-324, 0.1, 1 / 3, 2.5, 7.0, 1e9, 1e150]
    assert {"low", "high", "edges"} & set(bounded) == {"low", "high"}
    assert (bounded["low"], bounded["high"]) == (-3.0, 4.5)
    assert port_record["others"] is True
    assert day["edges"] == [18000.0, 18262.0, 18500.25]


def test_a_level_that_is_not_known_is_one_of_the_others(binned: Path, tmp_path: Path) -> None:
    """`predict` says so, and not that the model does not know it, as of a column without others."""
    table = tmp_path / "new.csv"
    cells = ["1,1,Bergen,2020-01-01,x", "2,9e9,Oslo,1970-01-01,y", "3,,Oslo,2020-01-01,z"]
    table.write_text('"mass, in g",bounded,port,day,all rare\n' + "\n".join(cells) + "\n")
    result = shoal("predict", binned, table)
    assert result.stderr.splitlines() == [
        "bounded: 1 missing, and the model knows it without gaps",
        "port: 2 rows have a rare or new level, one of the others to the model, as 'Oslo'",
        "all rare: 3 rows have a rare or new level, one of the others to the model, as 'x'",
    ]
    assert len(result.stdout.splitlines()) == 4


def test_inspect_takes_any_training_summary(model: Path, tmp_path: Path) -> None:
    """The summary in a file may hold anything that JSON can; what is no score is not shown."""
    from dataclasses import replace

    for k, training in enumerate(
        (
            {},
            {"metrics": 1, "rows": []},
            {"metrics": {"train": {"accuracy": "x"}}, "rows": {"train": 1}},
        )
    ):
        path = tmp_path / f"{k}.shoal"
        save_model(replace(load_model(model), training=training), path)
        assert "held out" not in shoal("inspect", path).stdout


def test_gradcheck_finds_the_gradients_right(model: Path, regression: Path, tmp_path: Path) -> None:
    """Of a classifier and a regression, in text and in JSON."""
    assert "The gradients are right" in shoal("gradcheck", model, PENGUINS).stdout
    path = tmp_path / "m.shoal"
    shoal("fit", regression, "-t", "y", "-o", path, "-q", *QUICK)
    report = json.loads(shoal("gradcheck", path, regression, "--json", "--rows", 10).stdout)
    assert report["verdict"] == "right"
    assert report["relative_error"] < 1e-7
    assert report["rows"] == 10


def test_gradcheck_objects_to_a_wrong_gradient(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a broken backward pass the verdict is "wrong" and the exit code 1."""
    right = network.backward

    def wrong(*args: Any, **options: Any) -> Any:
        gradients = right(*args, **options)
        return gradients._replace(W1=gradients.W1 * 1.01)

    monkeypatch.setattr(network, "backward", wrong)
    result = shoal("gradcheck", model, PENGUINS, code=1)
    assert "The gradients are wrong" in result.stdout


def test_doctor_knows_versions_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reports what is installed, and with something needed missing returns 1 and says how."""
    report = json.loads(shoal("doctor", "--json").stdout)
    assert report["packages"]["numpy"] == np.__version__
    assert report["missing"] == []
    assert report["engine"]["engine"].split()[0] in ("compiled", "numpy")
    assert "no file is read" in shoal("doctor").stdout
    module = sys.modules["shoal.cli.doctor"]
    monkeypatch.setattr(module, "NEEDED", ("numpy", "no-such-package"))
    assert "pip install no-such-package" in shoal("doctor", code=1).stdout
