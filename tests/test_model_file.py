"""The model file: what is saved is what is loaded, or an error says why not."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import fuzz_model_file as fuzz
import shoal.model_file
import shoal.model_tensors
from fuzz_model_file import PACKED, pack
from shoal import (
    LOSSES,
    Model,
    ModelFileError,
    ShoalError,
    load_model,
    save_model,
)
from shoal.table import Columns
from sound_models import COLUMNS, POSITIONS, SOUND, assert_same, make_model

HERE = Path(__file__).parent
GOLDEN = {version: HERE / "golden" / f"model_v{version}.shoal" for version in (1, 2)}
SPECIFICATION = (HERE.parent / "docs" / "model-file.md").read_text(encoding="utf-8")


# ---- the format --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOUND)
def test_safetensors_reads_the_same(name: str) -> None:
    """The official reader gives the same arrays, and every tensor is aligned."""
    content = PACKED[name]
    arrays = safetensors.numpy.load(content)
    for field, array in SOUND[name].parameters._asdict().items():
        assert arrays[field].tobytes() == array.tobytes()
        assert arrays[field].shape == array.shape
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    start = 8 + int.from_bytes(content[:8], "little")
    sizes = {"F64": 8, "I64": 8, "F32": 4, "U8": 1}
    for tensor in list(header)[1:]:
        begin = start + header[tensor]["data_offsets"][0]
        assert begin % sizes[header[tensor]["dtype"]] == 0


def test_the_specification_lists_what_there_is() -> None:
    """Its tables name every key, tensor and rule in the order of the code."""
    tables = [re.findall(r"^\| `?([a-zA-Z_0-9 ]+?)`? \|", part, re.MULTILINE)[1:]
              for part in SPECIFICATION.split("\n## ")]  # fmt: skip
    titles = [part.split("\n")[0] for part in SPECIFICATION.split("\n## ")]
    listed = dict(zip(titles, tables, strict=True))
    assert listed["Metadata"] == list(shoal.model_file._ALL_METADATA)
    assert listed["Tensors"] == list(shoal.model_tensors.TENSORS)
    source = "".join(
        Path(module.__file__).read_text(encoding="utf-8")
        for module in (shoal.model_file, shoal.model_tensors)
    )
    used = set(re.findall(r'(?:require\(.*?, |Error\()"([a-z ]+)", ', source))
    used |= set(re.findall(r'^        "([a-z ]+)",$', source, re.MULTILINE))
    assert set(listed["Rules"]) == used


def test_tensors_of_the_specification_have_their_types_and_shapes() -> None:
    """Data types and shapes of the page are those of the code."""
    for name, (dtypes, words) in shoal.model_tensors.TENSORS.items():
        row = f"| `{name}` | {', '.join(dtypes)} | {', '.join(map(str, words))} |"
        assert row in SPECIFICATION


def test_files_of_the_first_version_load_for_ever() -> None:
    """A file that shoal 0.1.0 wrote, of every kind of column it had, loads as what it was."""
    model = load_model(GOLDEN[1])
    assert_same(model, SOUND["binary"])
    assert fuzz.downgrade(pack(model)) == GOLDEN[1].read_bytes()


def test_files_of_the_second_version_load_for_ever() -> None:
    """So does a file with bounds, bins and other levels, and it is written the same today."""
    model = load_model(GOLDEN[2])
    assert_same(model, SOUND["bins"])
    assert pack(model) == GOLDEN[2].read_bytes()


def test_a_version_goes_up_with_what_is_new() -> None:
    """Each version has a file of its own here, so that the next one cannot be forgotten."""
    assert sorted(GOLDEN) == list(range(1, shoal.model_file.VERSION + 1))
    assert set((HERE / "golden").glob("model_v*")) == set(GOLDEN.values())


# ---- files that cannot be read -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("missing.shoal", "cannot read {}: No such file or directory; check the path"),
        ("", "cannot read {}: Is a directory; check the path"),
        ("pipe", "{} is not a sound model file: it is a device or a pipe, not a file"),
    ],
)
def test_what_is_no_file(place: str, said: str, tmp_path: Path) -> None:
    """Missing, a folder, or a pipe that nobody writes to, which is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / place)
    assert str(caught.value).startswith(said.format(tmp_path / place))


def test_a_device_is_not_read() -> None:
    """/dev/zero would never end."""
    with pytest.raises(ModelFileError, match="device or a pipe"):
        load_model("/dev/zero")


def test_a_file_that_shrinks_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is asked for once, and the data are then not as long."""
    path = tmp_path / "m.shoal"
    path.write_bytes(pack(make_model(LOSSES["identity"](), n_h=1000)))  # more than a buffer
    read_header = shoal.model_file._read_header

    def cut_afterwards(file: object, size: int) -> object:
        header = read_header(file, size)
        os.truncate(path, size - 1)
        return header

    monkeypatch.setattr(shoal.model_file, "_read_header", cut_afterwards)
    with pytest.raises(ModelFileError, match="it changed while it was read"):
        load_model(path)


# ---- models that cannot be saved ---------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class HomeMade(type(LOSSES["identity"]())):
    """A loss of somebody's own, under a name of shoal's."""


def spoil(name: str = "binary", **fields: object) -> Model:
    """A sound model with other fields."""
    return dataclasses.replace(SOUND[name], **fields)


def with_parameters(**arrays: object) -> Model:
    """A sound model with other parameters."""
    return spoil(parameters=SOUND["binary"].parameters._replace(**arrays))


def with_column(**fields: object) -> Model:
    """A sound model with another first column."""
    first, *others = COLUMNS.columns
    return spoil(columns=Columns((dataclasses.replace(first, **fields), *others)))


DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]

UNSOUND: list[tuple[str, str, Model]] = [
    ("NaN in a weight", "finite", with_parameters(b1=np.full((3, 1), np.nan))),
    ("infinity in a weight", "finite", with_parameters(b2=np.full((1, 1), np.inf))),
    ("half precision", "dtype", with_parameters(b2=np.zeros((1, 1), "float16"))),
    ("integers", "dtype", with_parameters(b2=np.zeros((1, 1), int))),
    ("mixed precision", "dtype", with_parameters(b2=np.zeros((1, 1), "float32"))),
    ("a bias as a vector", "shape", with_parameters(b2=np.zeros(1))),
    ("an output too many", "shape", with_parameters(b2=np.zeros((2, 1)))),
    ("inputs that columns do not make", "columns", spoil(columns=POSITIONS)),
    ("columns that are NaN", "finite", with_column(center=float("nan"))),
    ("a scale of 0", "columns", with_column(scale=0.0)),
    ("a kind that is none", "columns", with_column(kind="colour")),
    ("levels without shares", "columns", with_column(kind="category", levels=("a",))),
    ("bins without shares", "columns", with_column(edges=(0.0, 1.0, 2.0))),
    ("one edge", "columns", with_column(edges=(0.0,))),
    ("other levels without a share", "columns", with_column(kind="category", others=True)),
    ("other levels of a number", "columns", with_column(others=True)),
    (
        "bins of a category",
        "columns",
        with_column(kind="category", levels=("a", "b"), shares=(0.5, 0.5), edges=(0.0, 1.0, 2.0)),
    ),
    (
        "bins of a boolean",
        "columns",
        with_column(kind="boolean", shares=(0.5, 0.5), edges=(0.0, 1.0, 2.0)),
    ),
    ("edges that fall", "columns", with_column(shares=(0.5, 0.5), edges=(0.0, 2.0, 1.0))),
    ("an edge twice", "columns", with_column(shares=(0.5, 0.5), edges=(0.0, 1.0, 1.0))),
    ("an edge that is NaN", "finite", with_column(shares=(0.5,), edges=(0.0, float("nan")))),
    ("bounds that are infinite", "finite", with_column(high=float("inf"))),
    ("bounds that fall", "columns", with_column(low=1.0, high=0.0)),
    ("two columns of one name", "text", with_column(name="day")),
    ("a number as a name", "text", with_column(name=3)),
    ("half a surrogate pair as a name", "text", with_column(name="\ud800")),
    ("half a surrogate pair as a class", "text", spoil(classes=np.array(["a", "\udfff"]))),
    ("an activation that is none", "activation", spoil(activation="step")),
    ("a loss of one's own", "output", spoil(loss=HomeMade())),
    ("a class too few", "text", spoil(classes=np.array(["a"]))),
    ("one class twice", "classes", spoil(classes=np.array(["a", "a"]))),
    ("classes that are objects", "classes", spoil(classes=np.array(["a", 1], dtype=object))),
    ("classes of 32 bits", "classes", spoil(classes=np.array([1, 2], dtype=np.int32))),
    ("a target too many", "text", spoil(target=("y", "z"))),
    ("training that is a list", "training", spoil(training=[1])),
    ("training with NaN", "training", spoil(training={"r2": float("nan")})),
    ("training with an array", "training", spoil(training={"loss": np.zeros(3)})),
    ("training with half a surrogate pair", "training", spoil(training={"a": "\ud800"})),
    ("training with one key twice", "training", spoil(training={"1": 1, 1: 2})),
    ("training that is deep", "training", spoil(training={"a": DEEP})),
    ("training of 3 MB", "header length", spoil(training={"a": "x" * 3_000_000})),
]


@pytest.mark.parametrize(
    ("rule", "model"), [case[1:] for case in UNSOUND], ids=[case[0] for case in UNSOUND]
)
def test_an_unsound_model_is_not_saved(rule: str, model: Model, tmp_path: Path) -> None:
    """The message says what is wrong, and the file that was there stays as it was."""
    path = tmp_path / "m.shoal"
    path.write_bytes(b"old")
    with pytest.raises(ModelFileError) as caught:
        save_model(model, path)
    message = str(caught.value)
    assert message.startswith(f"cannot save {path}: ")
    assert f"(rule '{rule}'); correct the model first, nothing was written" in message
    assert len(message) < 1000
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.shoal"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The error is that of writing, with the path and the reason; see test_atomic.py."""
    path = tmp_path / "none" / "m.shoal"
    with pytest.raises(ShoalError, match="create the folder first") as caught:
        save_model(SOUND["binary"], path)
    assert str(path) in str(caught.value)


# ---- by the million, and killed ----------------------------------------------------------------


def test_broken_files_by_the_thousand(tmp_path: Path) -> None:
    """Nothing but ModelFileError, nothing slow, nothing accepted that is not sound.

    `python tests/fuzz_model_file.py` is the long run of a million.
    """
    report = fuzz.run(20_000, seed=1, folder=tmp_path)
    assert report.failures == []
    assert report.accepted > 1000
    rules = set(re.findall(r"^\| ([a-z ]+) \| ", SPECIFICATION.split("## Rules")[1], re.MULTILINE))
    assert set(report.rejected) >= rules - {"rule", "file", "size"}


def test_the_fuzzer_sees_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that accepts anything, or that fails in another way, is caught."""
    monkeypatch.setattr(fuzz, "load_model", lambda _: SOUND["binary"])
    assert len(fuzz.run(50, seed=0, folder=tmp_path).failures) > 40
    monkeypatch.setattr(fuzz, "load_model", lambda _: 1 / 0)
    assert len(fuzz.run(50, seed=0, folder=tmp_path).failures) == 50


def test_killed_while_saving() -> None:
    """The file is the old model or the new one, and the next save leaves nothing else.

    `python tests/crash_save.py` is the long run of a thousand.
    """
    done = subprocess.run(
        [sys.executable, HERE / "crash_save.py", "--trials", "40"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("40 savers killed in .*: 0 files harmed", done.stdout)
