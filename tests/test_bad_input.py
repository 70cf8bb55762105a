"""Whatever is wrong with what a command is given ends in one message, an exit code, and no trace.

Each cell of the table below runs a command line and asks the same of it: the exit code, nothing on
stdout, no traceback, a last line on stderr that begins with "shoal:" and names the thing, and the
folder exactly as it was before, so nothing half-written.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from shoal import load_model, save_model
from shoal.cli import main
from shoal.estimators import ShoalClassifier, ShoalRegressor

GOOD = "name,x,c,d,y\n" + "".join(
    f"r{i:02},{i / 4},{'uvw'[i % 3]},2026-01-{i % 28 + 1:02},{['no', 'yes'][i > 14]}\n"
    for i in range(30)
)
ROWS = GOOD.splitlines()
MANY = GOOD + "\n".join(ROWS[1:] * 3) + "\n"


@dataclass(frozen=True)
class Cell:
    """One thing that is wrong.

    Attributes
    ----------
    arguments : str
        The command line. m.shoal is a model of good.csv; the rest is in the folder or is not.
    words : tuple of str
        What the message must say.
    content : str or bytes or None
        Content of bad.csv, or of the file that `name` says.
    """

    arguments: str
    words: tuple[str, ...]
    content: str | bytes | None = None
    name: str = "bad.csv"
    code: int = 1

    def __str__(self) -> str:
        return f"{self.arguments}: {self.words[-1]}"[:70]


VERBS = (
    "fit {} -t y -o out.shoal",
    "tune {} -t y -o out.shoal",
    "predict m.shoal {} -o out.csv",
    "evaluate m.shoal {}",
    "gradcheck m.shoal {}",
)


def without(column: int) -> str:
    """The good table without one of its columns."""
    return "\n".join(",".join(r.split(",")[:column] + r.split(",")[column + 1 :]) for r in ROWS)


def with_cell(value: str, column: int = 1, row: int = 5) -> str:
    """The good table with another value in one cell; row counts from 1 below the names."""
    cells = ROWS[row].split(",")
    return "\n".join(
        [*ROWS[:row], ",".join([*cells[:column], value, *cells[column + 1 :]]), *ROWS[row + 1 :]]
    )


def parquet(frame: pl.DataFrame) -> bytes:
    """A frame as a Parquet file."""
    import io

    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


NO_TABLES: dict[str, tuple[str, str | bytes | None, str]] = {
    # what it is: name of the file, content, words
    "missing": ("missing.csv", None, "no such file"),
    "missing, with a neighbour": ("god.csv", None, "did you mean good.csv?"),
    "in no folder": ("no/t.csv", None, "no folder"),
    "a folder": ("folder", None, "this is a folder"),
    "an address": ("https://example.org/t.csv", None, "download it first"),
    "empty": ("bad.csv", "", "it is empty"),
    "blank": ("bad.csv", " \n\n \n", "it is empty"),
    "names only": ("bad.csv", ROWS[0] + "\n", "no rows"),
    "a short row": ("bad.csv", GOOD + "r30,1,u\n", "row 31 (line 32) has 3 values"),
    "a long row": ("bad.csv", GOOD + "r30,1,u,2026-01-01,no,7\n", "row 31 (line 32) has 6 values"),
    "an open quotation mark": ("bad.csv", GOOD + 'r30,"1,u,2026-01-01,no\n', "row 31"),
    "two columns of one name": ("bad.csv", GOOD.replace("name,x", "x,x"), "both called 'x'"),
    "binary": ("bad.csv", bytes(range(256)) * 8, "this is not text"),
    "NUL bytes": ("bad.csv", GOOD.replace("r03", "r\x003"), "this is not text"),
    "a zip archive": ("bad.csv", b"PK\x03\x04" + bytes(60), "Excel workbook"),
    "a picture": ("bad.csv", b"\x89PNG\r\n\x1a\n" + bytes(60), "a picture"),
    "damaged gzip": ("bad.csv.gz", b"\x1f\x8b\x08\x00oops", "gzip compression is damaged"),
    "no Parquet": ("bad.parquet", GOOD, "called Parquet but is not"),
    "cut Parquet": (
        "bad.parquet",
        parquet(pl.DataFrame({"x": [1, 2]}))[:-9],
        "Parquet file is damaged",
    ),
    "broken JSON": ("bad.jsonl", '{"x": 1}\n{"x": \n', "line 2 is not JSON"),
    "JSON that is no table": ("bad.json", "[1, 2, 3]", "item 1 is not a JSON object"),
    "a JSON of nothing": ("bad.json", "[]", "no columns"),
    "a model": ("m.shoal", None, "the model comes first"),
}

ONLY_IN_LEARNING = [
    # y is the target of the model that the others read with: they only need to read it
    (without(4), "there is no column 'y'"),
    (
        with_cell("", 4).replace(",no", ",").replace(",yes", ","),
        "every value of the target 'y' is missing",
    ),
    (GOOD.replace("yes", "no"), "the target 'y' is 'no' in every row"),
    ("x,y\n1,2\n", "the target 'y' is 2 in every row"),
    ("x,y\n1,a\n2,b\n3,c\n", "differs in every row"),
    ("x,y\n1,1.5\n2,inf\n3,2.5\n", "the target 'y' is inf in row 2"),
    ("x,y\n1,1.5\n2,1e308\n3,2.5\n", "the target 'y' is 1e+308 in row 2"),
    ("y\na\nb\na\nb\n", "no other column to learn 'y' from"),
    ("x,y\n7,a\n7,b\n7,a\n7,b\n", "every other column is left out"),
    (with_cell("inf"), "column 'x' has inf in row 5"),
    (with_cell("-1e308"), "column 'x' has -1e+308 in row 5"),
]

ONLY_AFTER_LEARNING = [
    # x was a number, c a category and d a date when the model was fitted
    (without(1), "lacks column 'x'"),
    (without(3), "lacks column 'd'"),
    (ROWS[0].upper() + "\n" + "\n".join(ROWS[1:]), "column"),
    (with_cell("many"), "column 'x' must hold a number in each row"),
    (with_cell("yesterday", 3), "column 'd' must hold a date in each row"),
    (with_cell("2026-02-30", 3), "column 'd' must hold a date in each row"),
    (with_cell("inf"), "column 'x' has inf in row 5"),
    (with_cell("1e308"), "column 'x' has 1e+308 in row 5"),
    (GOOD.replace(",", ";").replace(";1.25;", ";1,2 kg;"), "row 6 has '1,2 kg'"),
]

BAD_MODELS: dict[str, tuple[str, str | bytes | None, str]] = {
    "missing": ("no.shoal", None, "no.shoal"),
    "a folder": ("folder", None, "folder"),
    "empty": ("bad.shoal", b"", "bad.shoal"),
    "a table": ("good.csv", None, "good.csv"),
    "noise": ("bad.shoal", bytes(range(256)) * 9, "bad.shoal"),
    "cut": ("cut.shoal", None, "cut.shoal"),
    "one byte changed": ("changed.shoal", None, "changed.shoal"),
    "a later version": ("newer.shoal", None, "newer"),
}
READERS = (
    "predict {} good.csv -o out.csv",
    "evaluate {} good.csv",
    "inspect {}",
    "gradcheck {} good.csv",
)

LINES = [
    # the command line itself: exit code 2
    Cell("fit", ("Missing argument 'DATA'",), code=2),
    Cell("fit good.csv", ("--target with one of: 'name', 'x', 'c', 'd', 'y'",), code=2),
    Cell("fit good.csv -t y --taks auto", ("--taks", "--task"), code=2),
    Cell("fit good.csv -t y --task guess", ("guess", "classification"), code=2),
    Cell("fit good.csv -t y --holdout 1", ("--holdout",), code=2),
    Cell("fit good.csv -t y --holdout x", ("--holdout",), code=2),
    Cell("fit good.csv -t y --cv 1", ("--cv",), code=2),
    Cell("fit good.csv -t y --cv 3 --holdout 0.1", ("one of --holdout, --cv and --test",), code=2),
    Cell(
        "fit good.csv -t y --cv 3 --test good.csv", ("one of --holdout, --cv and --test",), code=2
    ),
    Cell("fit good.csv -t y --seed -1", ("--seed",), code=2),
    Cell("fit good.csv -t y -o out.csv", ("ends in .shoal", "out.csv"), code=2),
    Cell(
        "fit good.csv -t y --activation sine -o out.shoal",
        ("'sine' does not exist", "tanh"),
        code=2,
    ),
    Cell("fit good.csv -t y --solver newton -o out.shoal", ("'newton'", "lbfgs"), code=2),
    Cell("fit good.csv -t y --hidden -1 -o out.shoal", ("n_hidden", "-1"), code=2),
    Cell("fit good.csv -t y --max-iter 0 -o out.shoal", ("max_iter", "0"), code=2),
    Cell(
        "fit good.csv -t y --learning-rate -1 --solver gd -o out.shoal", ("learning_rate",), code=2
    ),
    Cell("fit good.csv -t y --alpha -1 -o out.shoal", ("alpha",), code=2),
    Cell("fit good.csv -t y --alpha nan -o out.shoal", ("alpha",), code=2),
    Cell("fit good.csv -t x --balanced -o out.shoal", ("--balanced",), code=2),
    Cell("fit good.csv -t y --bins -1 -o out.shoal", ("n_bins", "-1"), code=2),
    Cell("fit good.csv -t y --members 0 -o out.shoal", ("n_members", "0"), code=2),
    Cell("fit good.csv -t y --jobs 0", ("--jobs",), code=2),
    Cell("fit good.csv -t y --time-limit 0", ("--time-limit",), code=2),
    Cell("fit good.csv -t y --time-limit soon", ("--time-limit", "soon"), code=2),
    Cell("tune good.csv -t y --trials 0", ("--trials",), code=2),
    Cell("tune good.csv -t y --time-limit -1", ("--time-limit",), code=2),
    Cell("tune good.csv -t y --solver gd", ("--solver",), code=2),
    Cell("tune good.csv -t y --holdout 0.1 --test good.csv", ("--holdout and --test",), code=2),
    Cell("tune bad.csv -t y --members 1 -o out.shoal", ("n_members at least 2",), MANY, code=2),
    Cell("tune bad.csv -t y --bins -1 -o out.shoal", ("n_bins", "-1"), MANY, code=2),
    Cell("tune good.csv -t y -o out.shoal", ("good.csv: ", "24 rows are too few to tune on")),
    Cell("frobnicate", ("No such command 'frobnicate'",), code=2),
    Cell("fti good.csv", ("fti", "fit"), code=2),
    Cell("predict m.shoal", ("Missing argument 'DATA'",), code=2),
    Cell("predict m.shoal good.csv extra", ("extra",), code=2),
    Cell("predict m.shoal good.csv -o good.csv", ("would overwrite",), code=2),
    Cell("predict m.shoal good.csv -o m.shoal", ("would overwrite",), code=2),
    Cell("predict m.shoal good.csv -o out.xlsx", (".xlsx", ".parquet"), code=2),
    Cell("predict value.shoal good.csv --proba", ("no probabilities",), code=2),
    Cell("predict m.shoal good.csv --interval 0.9", ("m.shoal", "no interval"), code=2),
    Cell("predict value.shoal good.csv --interval 0.9", ("held out in turn",), code=2),
    Cell("predict value.shoal good.csv --interval 90", ("--interval", "90"), code=2),
    Cell("gradcheck m.shoal good.csv --rows 0", ("--rows",), code=2),
    # the target and other columns
    Cell("fit good.csv -t Y -o out.shoal", ("good.csv: there is no column 'Y'; there are 'y',",)),
    Cell("fit good.csv -t nmae -o out.shoal", ("there is no column 'nmae'; there are 'name',",)),
    Cell("fit good.csv -t y --drop zip -o out.shoal", ("there is no column 'zip'",)),
    Cell("fit good.csv -t y --drop y -o out.shoal", ("'y' is the target",)),
    Cell("fit good.csv -t y --category zip -o out.shoal", ("there is no column 'zip'",)),
    Cell("fit good.csv -t y --drop x --drop c --drop d --drop name", ("no other column",)),
    Cell("fit good.csv -t y --task regression -o out.shoal", ("holds text like 'no'",)),
    Cell("fit good.csv -t x --task classification -o out.shoal", ("not whole",)),
    Cell("fit good.csv -t name -o out.shoal", ("differs in every row",)),
    Cell("fit good.csv -t y --cv 31 -o out.shoal", ("30 rows cannot make 31 folds",)),
    Cell(
        "fit bad.csv -t y --cv 3 -o out.shoal",
        ("the class 'maybe' has a single row",),
        with_cell("maybe", 4),
    ),
    # a table to test on
    Cell("fit good.csv -t y --test no.csv -o out.shoal", ("no.csv: there is no such file",)),
    Cell(
        "fit good.csv -t y --test bad.csv -o out.shoal",
        ("bad.csv: there is no column 'y'",),
        without(4),
    ),
    Cell("fit good.csv -t y --test bad.csv -o out.shoal", ("bad.csv: ", "'x'"), without(1)),
    Cell(
        "fit good.csv -t y --test bad.csv -o out.shoal", ("bad.csv: ", "row 5"), with_cell("many")
    ),
    # where nothing can be written
    Cell("fit good.csv -t y -o no/out.shoal", ("no/out.shoal", "no folder no")),
    Cell("fit good.csv -t y -o folder.shoal", ("folder.shoal",)),
    Cell("predict m.shoal good.csv -o no/out.csv", ("no/out.csv",)),
    Cell("predict m.shoal good.csv -o folder.csv", ("folder.csv",)),
    # names that would be there twice
    Cell(
        "predict m.shoal bad.csv",
        ("a column 'prediction' already",),
        GOOD.replace("name", "prediction"),
    ),
    Cell(
        "predict m.shoal bad.csv --proba",
        ("'probability_no'",),
        GOOD.replace("name", "probability_no"),
    ),
    # several targets
    Cell("evaluate two.shoal good.csv", ("2 targets",)),
    Cell("gradcheck two.shoal good.csv", ("2 targets",)),
]


def cells() -> Iterator[Cell]:
    """The whole table."""
    for name, content, words in NO_TABLES.values():
        for verb in VERBS:
            yield Cell(verb.format(name), (name.rpartition("/")[2], words), content, name)
    for content, words in ONLY_IN_LEARNING:
        for verb in VERBS[:2]:
            yield Cell(verb.format("bad.csv"), ("bad.csv: ", words), content)
    for content, words in ONLY_AFTER_LEARNING:
        for verb in VERBS[2:]:
            yield Cell(verb.format("bad.csv"), ("bad.csv: ", words), content)
    for name, content, words in BAD_MODELS.values():
        for verb in READERS:
            yield Cell(verb.format(name), (words,), content, name)
    yield from LINES


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good table, models of it, and models that are broken."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "good.csv").write_text(GOOD)
    for name in ("folder", "folder.csv", "folder.shoal"):
        (folder / name).mkdir()
    quick = {"n_hidden": 2, "max_iter": 5, "solver": "gd", "random_state": 0}
    table = pl.read_csv(GOOD.encode(), try_parse_dates=True)
    X, y = table.drop("y"), table["y"]
    model = ShoalClassifier(**quick).fit(X, y).model_
    save_model(model, folder / "m.shoal")
    save_model(ShoalRegressor(**quick).fit(X.drop("x"), X["x"]).model_, folder / "value.shoal")
    both = pl.DataFrame({"u": np.arange(30.0), "v": np.ones(30)})
    save_model(ShoalRegressor(**quick).fit(X, both).model_, folder / "two.shoal")
    good = (folder / "m.shoal").read_bytes()
    (folder / "cut.shoal").write_bytes(good[:-7])
    (folder / "changed.shoal").write_bytes(good[:-7] + bytes([good[-7] ^ 1]) + good[-6:])
    (folder / "newer.shoal").write_bytes(good.replace(b'"version":"2"', b'"version":"3"'))
    assert (folder / "newer.shoal").read_bytes() != good
    return folder


TABLE = list(cells())


def test_the_table_is_large() -> None:
    """There are at least 100 cells."""
    assert len(TABLE) >= 100


@pytest.mark.parametrize("cell", TABLE, ids=str)
def test_bad_input(
    cell: Cell, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message with the thing in it, the right exit code, nothing written, no traceback."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    if cell.content is not None:
        content = cell.content.encode() if isinstance(cell.content, str) else cell.content
        (tmp_path / cell.name).write_bytes(content)
    before = snapshot(tmp_path)
    result = CliRunner().invoke(main, cell.arguments.split())
    message = result.stderr.splitlines()[-2 if cell.code == 2 else -1 :]
    told = "\n".join(message)
    assert result.exit_code == cell.code, result.stderr
    assert "shoal: " in told, result.stderr
    assert all(words in told for words in cell.words), result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file of a folder with its content, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# ---- what is unusual but right ------------------------------------------------------------------

ODD_TABLES = {
    "two rows": "x,y\n1,2.5\n2,3.5\n",
    "a constant column": "x,k,y\n" + "".join(f"{i},7,{i * 2.5}\n" for i in range(20)),
    "a column twice": "x,z,y\n" + "".join(f"{i},{i},{i * 2.5}\n" for i in range(20)),
    "a column of nothing": "x,k,y\n" + "".join(f"{i},,{i * 2.5}\n" for i in range(20)),
    "one class once": "x,y\n" + "".join(f"{i},{'ab'[i == 3]}\n" for i in range(20)),
    "a thousand categories": "x,c,y\n"
    + "".join(f"{i % 7},c{i % 1000},{i % 5 + 0.5}\n" for i in range(2000)),
    "tiny and large numbers": "x,z,y\n"
    + "".join(f"{i}e-300,{i}e100,{i * 2.5}\n" for i in range(20)),
    "denormal numbers": "x,z,y\n" + "".join(f"{i}e-320,{i},{i * 2.5}\n" for i in range(20)),
    "missing values everywhere": "x,c,y\n"
    + "".join(f"{'' if i % 3 else i},{'' if i % 2 else 'u'},{i * 2.5}\n" for i in range(20)),
    "names of all sorts": 'a b,"x,y",é,=1+1,y\n'
    + "".join(f"{i},{i % 3},{i % 4},{i % 5},{i * 2.5}\n" for i in range(20)),
}


@pytest.mark.parametrize("what", ODD_TABLES)
def test_odd_tables_are_fitted(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is odd but right gives a model whose predictions are all there and finite."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(ODD_TABLES[what])
    fit = ["fit", "t.csv", "-t", "y", "--hidden", "3", "--max-iter", "20"]
    fitted = CliRunner().invoke(main, fit)
    assert fitted.exit_code == 0, fitted.stderr
    predicted = CliRunner().invoke(main, ["predict", "t.shoal", "t.csv"])
    assert predicted.exit_code == 0, predicted.stderr
    out = pl.read_csv(predicted.stdout.encode())["prediction"]
    assert len(out) == len(ODD_TABLES[what].splitlines()) - 1
    assert out.null_count() == 0
    if out.dtype.is_float():
        assert out.is_finite().all()


def test_unseen_categories_and_new_gaps_are_predicted(prepared: Path, tmp_path: Path) -> None:
    """A level that the model has not seen, and a value missing where none was, are no errors."""
    table = tmp_path / "t.csv"
    table.write_text("x,c,d\n,u,2026-01-01\n1,unseen,2026-01-02\n1,,\n")
    result = CliRunner().invoke(main, ["predict", str(prepared / "m.shoal"), str(table)])
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 4


# ---- disks and processes ------------------------------------------------------------------------


def run(arguments: str, folder: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run one command line in a process of its own."""
    source = Path(__file__).parent.parent / "src"
    return subprocess.run(
        [sys.executable, "-m", "shoal", *arguments.split()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


def limit_file_size() -> None:
    """Let this process write files of 1,000 bytes at most, as if the disk were full then."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ("fit good.csv -t y -o m.shoal --max-iter 5", "m.shoal"),
        ("predict m.shoal many.csv -o out.csv", "out.csv"),
    ],
)
def test_a_full_disk_leaves_what_was_there(
    arguments: str, output: str, prepared: Path, tmp_path: Path
) -> None:
    """A file that does not fit is named, the old one stays whole, and nothing is left behind."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    (tmp_path / "many.csv").write_text("\n".join([ROWS[0], *(ROWS[1:] * 20)]))
    (tmp_path / "out.csv").write_text("old\n")
    before = snapshot(tmp_path)
    result = run(arguments, tmp_path, preexec_fn=limit_file_size)
    assert result.returncode == 1, result.stderr
    assert f"shoal: cannot write {output}" in result.stderr
    assert "Traceback" not in result.stderr
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_stdout_is_told(unbuffered: str, prepared: Path) -> None:
    """Predictions that cannot be written out end with 1, not with a silent 0."""
    source = Path(__file__).parent.parent / "src"
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "shoal", "predict", "m.shoal", "good.csv"],
            cwd=prepared,
            env=os.environ | {"PYTHONPATH": str(source), "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert result.returncode == 1
    assert result.stderr.strip() == "shoal: No space left on device"


def test_a_write_protected_model_stays(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the user may not write, fit says so before it trains, and the model stays."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    before = snapshot(tmp_path)
    result = CliRunner().invoke(main, ["fit", "good.csv", "-t", "y", "-o", "m.shoal"])
    assert result.exit_code == 1
    assert "is not writable" in result.stderr
    assert snapshot(tmp_path) == before


def test_memory_that_is_not_enough_is_told(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MemoryError becomes a sentence."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("shoal.model_file.load_model", fail)
    result = CliRunner().invoke(main, ["inspect", str(prepared / "m.shoal")])
    assert result.exit_code == 1
    assert "not enough memory" in result.stderr


def test_labels_that_look_like_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    """A label like [bold] reaches table and JSON letter for letter."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i},{'[bold]' if i > 9 else '[/x]'}\n" for i in range(20)))
    out = tmp_path / "m.shoal"
    fit = ["fit", str(path), "-t", "y", "-o", str(out), "--max-iter", "5", "--holdout", "0"]
    assert CliRunner().invoke(main, fit).exit_code == 0
    assert load_model(out).classes is not None
    text = CliRunner().invoke(main, ["evaluate", str(out), str(path)]).stdout
    assert "[bold]" in text
    assert "[/x]" in text
    assert replace(load_model(out)).target == ("y",)
