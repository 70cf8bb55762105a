"""Model files made by hand to break each rule of the specification, and broken bit by bit.

`ATTACKS` holds them by the rule that refuses them. Where it matters they have a right checksum, as
somebody would give them who means harm.
"""

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import fuzz_model_file as fuzz
from fuzz_model_file import PACKED, Parts, pack
from shoal import LOSSES, Model, ModelFileError, load_model
from shoal.table import Column, Columns
from sound_models import SOUND, make_model

SPECIFICATION = Path(__file__).parent.parent / "docs" / "model-file.md"


def load(content: bytes, folder: Path) -> Model:
    """The model of a file with this content."""
    path = folder / "given.shoal"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return load_model(path)


def parts(name: str = "binary") -> Parts:
    """A sound file, taken apart."""
    return fuzz.take_apart(PACKED[name])


def text(change: Callable[[str], str], name: str = "binary") -> bytes:
    """A sound file with another text for a header, and the right checksum."""
    whole = parts(name)
    return fuzz.with_header(change(fuzz.dump(fuzz.header_of(whole))), fuzz.body_of(whole))


def meta(name: str = "binary", **values: str) -> bytes:
    """A sound file with other metadata."""
    whole = parts(name)
    whole.metadata.update(values)
    return fuzz.put_together(whole)


def tensor(which: str, values: object, name: str = "binary", shape: object = None) -> bytes:
    """A sound file with other numbers in one tensor."""
    whole = parts(name)
    dtype, old, _ = whole.tensors[which]
    array = np.array(values, {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}[dtype])
    new = shape or ([len(array)] if len(old) == 1 else list(array.shape))
    whole.tensors[which] = dtype, new, array.tobytes()
    return fuzz.put_together(whole)


def entry(which: str, name: str = "binary", **values: object) -> bytes:
    """A sound file whose header says something else of one tensor."""
    whole = parts(name)
    header = fuzz.header_of(whole)
    header[which].update(values)
    return fuzz.with_header(fuzz.dump(header), fuzz.body_of(whole))


def texts(*values: str | bytes, name: str = "bool") -> bytes:
    """A sound file with other names: of the target, two columns, two notes, and more."""
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    whole = parts(name)
    ends = np.cumsum([len(value) for value in encoded], dtype="<i8")
    whole.tensors["text_end"] = "I64", [len(ends)], ends.tobytes()
    blob = b"".join(encoded)
    whole.tensors["text"] = "U8", [len(blob)], blob
    return fuzz.put_together(whole)


def cut(count: int) -> bytes:
    """A sound file without its last bytes."""
    return PACKED["binary"][:-count]


def overlap() -> bytes:
    """Two tensors of one size on the same bytes; the last keeps the data covered."""
    return entry("column_scale", data_offsets=[0, 40])


def swapped() -> bytes:
    """Two tensors of one size in the other order."""
    whole = parts()
    items = list(whole.tensors.items())
    items[0], items[1] = items[1], items[0]
    whole.tensors = dict(items)
    return fuzz.put_together(whole)


def without(which: str) -> bytes:
    """A sound file that lacks one tensor."""
    whole = parts()
    del whole.tensors[which]
    return fuzz.put_together(whole)


def wide_names() -> bytes:
    """A small file whose input names, column=level, would take a hundred times the limit."""
    levels = tuple(map(str, range(30_000)))
    column = Column("n" * 1_000_000, "category", levels=levels, shares=(0.0,) * len(levels))
    return pack(make_model(LOSSES["poisson"](), columns=Columns((column,)), n_h=0))


EDGES = [edge for column in SOUND["bins"].columns.columns for edge in column.edges]


def wide_bins() -> bytes:
    """The same of bins, whose names begin with that of their column."""
    edges, shares = tuple(map(float, range(30_001))), (0.0,) * 30_000
    column = Column("n" * 1_000_000, "number", edges=edges, shares=shares)
    return pack(make_model(LOSSES["poisson"](), columns=Columns((column,)), n_h=0))


def wide_labels() -> bytes:
    """A small file whose labels, each as wide as the widest, would take 36 GB."""
    whole = fuzz.take_apart(pack(make_model(LOSSES["softmax"](), n_y=30_000, columns=Columns(()))))
    labels = [str(k).encode() for k in range(29_999)] + [b"n" * 300_000]
    ends = np.cumsum([1, *map(len, labels)], dtype="<i8")
    whole.tensors["text_end"] = "I64", [len(ends)], ends.tobytes()
    whole.tensors["text"] = "U8", [int(ends[-1])], b"y" + b"".join(labels)
    whole.metadata["classes"] = "text"
    return fuzz.put_together(whole)


def no_outputs() -> bytes:
    """A model that computes nothing."""
    whole = parts()
    whole.tensors["W2"] = "F64", [0, 3], b""
    whole.tensors["b2"] = "F64", [0, 1], b""
    return fuzz.put_together(whole)


ATTACKS: dict[str, dict[str, Callable[[], bytes]]] = {
    "size": {
        "empty": lambda: b"",
        "eight bytes": lambda: (0).to_bytes(8, "little"),
    },
    "header length": {
        "header longer than the file": lambda: PACKED["binary"][:100],
        "header length of 2^64 - 1": lambda: b"\xff" * 8 + PACKED["binary"][8:],
        "header of 2 MiB": lambda: text(lambda t: t[:-1] + " " * 2**21 + "}"),
        "a pickle": lambda: b"\x80\x04\x95" + b"cos\nsystem\n(S'true'\ntR." * 9,
        "a zip": lambda: b"PK\x03\x04" + bytes(100),
    },
    "json": {
        "header of zeros": lambda: (16).to_bytes(8, "little") + bytes(16),
        "header begins with a space": lambda: text(lambda t: " " + t),
        "header begins with a byte order mark": lambda: text(lambda t: "\ufeff" + t),
        "header is a list": lambda: text(lambda t: "[" + t + "]"),
        "header is not UTF-8": lambda: text(lambda t: t.replace("shoal", "\ud800")),
        "header is cut": lambda: text(lambda t: t[:-2]),
        "two headers": lambda: text(lambda t: t + t),
        "100,000 lists within one another": lambda: fuzz.with_header('{"a":' + "[" * 100_000, b""),
        "an integer of 5,000 digits": lambda: fuzz.with_header('{"a":' + "9" * 5000 + "}", b""),
    },
    "format": {
        "no metadata": lambda: fuzz.with_header("{}", b""),
        "metadata is a text": lambda: text(lambda t: '{"__metadata__":"shoal"}' + t[:0]),
        "of another program": lambda: safetensors.numpy.save({"W1": np.zeros((3, 4))}),
        "format is a list": lambda: text(lambda t: t.replace('"shoal"', '["shoal"]')),
    },
    "version": {
        "version 0": lambda: meta(version="0"),
        "version 1.0": lambda: meta(version="1.0"),
        "version of 7 digits": lambda: meta(version="1000000"),
        "version is a number": lambda: text(lambda t: t.replace('"version":"2"', '"version":2')),
    },
    "metadata": {
        "one more key in the metadata": lambda: meta(author="me"),
        "a number in the metadata": lambda: text(lambda t: t.replace('"tanh"', "1")),
    },
    "tensors": {
        "a tensor too many": lambda: text(lambda t: t[:-1] + ',"x":{}}'),
        "a tensor too few": lambda: without("b1"),
        "tensors in another order": swapped,
        "bins in a file of version 1": lambda: meta("bins", version="1"),
        "a file of version 2 without bins": lambda: meta("version 1", version="2"),
    },
    "dtype": {
        "an entry is no object": lambda: text(lambda t: t[: t.rindex('{"dtype"')] + "0}"),
        "a data type that is not allowed": lambda: entry("W1", dtype="BF16"),
        "W1 of another data type": lambda: entry("W1", dtype="F32"),
        "a data type that is a list": lambda: entry("W1", dtype=["F64"]),
    },
    "shape": {
        "a negative side": lambda: entry("W1", shape=[-3, -9]),
        "a side of 2^63": lambda: entry("W1", shape=[2**63, 2]),
        "sides that overflow to the right product": lambda: entry("W1", shape=[2**33, 2**33]),
        "a side that is true": lambda: entry("b2", shape=[True, 1]),
        "a side that is 1.0": lambda: entry("b2", shape=[1.0, 1]),
        "a shape that is a text": lambda: entry("b2", shape="11"),
        "a vector as a matrix": lambda: entry("column_center", shape=[5, 1]),
        "W1 transposed": lambda: entry("W1", shape=[9, 3]),
        "W2 of no unit": lambda: entry("W2", shape=[1, 0]),
        "no outputs": lambda: tensor("b2", np.zeros((0, 1)), shape=[0, 1]),
        "W2 and b2 of no outputs": lambda: no_outputs(),
    },
    "canonical": {
        "overlapping tensors": overlap,
        "a hole": lambda: entry("text", data_offsets=[100_000, 100_100]),
        "negative offsets": lambda: entry("W1", data_offsets=[-8, 0]),
        "offsets that are 0.0": lambda: text(lambda t: t.replace("[0,", "[0.0,")),
        "a space in the header": lambda: text(lambda t: t.replace('"format":', '"format": ')),
        "a key twice": lambda: text(lambda t: t[:-1] + ',"text":' + t[t.rindex('{"dtype"') :]),
        "a key of the metadata twice": lambda: text(
            lambda t: t.replace('"format":', '"format":"x","format":')
        ),
        "an escape without need": lambda: text(lambda t: t.replace("tanh", "\\u0074anh")),
        "a key more in an entry": lambda: entry("W1", note=""),
        "padding of 8 spaces": lambda: text(lambda t: t + " " * (8 + -len(t.encode()) % 8)),
        "half of a surrogate pair": lambda: text(lambda t: t.replace("adam", "\\ud800")),
    },
    "length": {
        "cut by a byte": lambda: cut(1),
        "a byte more": lambda: PACKED["binary"] + b"\0",
    },
    "checksum": {
        "a damaged number": lambda: PACKED["binary"][:-1] + b"~",
        "no checksum": lambda: PACKED["binary"].replace(
            parts().metadata["sha256"].encode(), b"0" * 64
        ),
        "a checksum in capitals": lambda: PACKED["binary"].replace(
            parts().metadata["sha256"].encode(), parts().metadata["sha256"].upper().encode()
        ),
    },
    "finite": {
        "NaN in a weight": lambda: tensor("b1", [[0], [np.nan], [0]]),
        "NaN in an edge": lambda: tensor("bin_edge", [*EDGES[:3], np.nan, *EDGES[4:]], "bins"),
        "infinity in a bound": lambda: tensor("column_high", [0, np.inf, 0, 0, 0]),
        "infinity in a center": lambda: tensor("column_center", [0, 0, -np.inf, 0, 0]),
        "NaN as a class": lambda: tensor("classes", [0, np.nan], "float classes"),
    },
    "activation": {
        "an activation that is none": lambda: meta(activation="__import__('os')"),
    },
    "output": {
        "an output that is none": lambda: meta(output="Loss"),
        "too many settings": lambda: tensor("output_settings", [1, 1], "huber"),
        "a setting for an output without": lambda: tensor("output_settings", [1]),
        "quantile levels that cross": lambda: tensor(
            "output_settings", [0.5, 0.1, 0.9], "quantile"
        ),
        "a delta of 0": lambda: tensor("output_settings", [0], "huber"),
        "a power of 2": lambda: tensor("output_settings", [2], "tweedie, no hidden layer"),
        "four levels, three outputs": lambda: tensor(
            "output_settings", [0.1, 0.2, 0.3, 0.4], "quantile"
        ),
    },
    "text": {
        "texts that end before they begin": lambda: tensor("text_end", [9, 1, 2, 3, 5], "bool"),
        "a text that ends at -1": lambda: tensor("text_end", [-1, 1, 2, 3, 5], "bool"),
        "a text that ends at 2^63 - 1": lambda: tensor("text_end", [1, 3, 5, 5, 2**63 - 1], "bool"),
        "text after the last end": lambda: tensor("text_end", [1, 1, 2, 3, 4], "bool"),
        "a text too few": lambda: texts("y", "x1", "x2", ""),
        "a text too many": lambda: texts("y", "x1", "x2", "", "", ""),
        "text that is not UTF-8": lambda: texts("y", "x1", b"\xff", "", ""),
        "a surrogate in UTF-8": lambda: texts("y", "x1", b"\xed\xa0\x80", "", ""),
        "a character cut in two": lambda: texts("y", b"\xc3", b"\xa9", "", ""),
        "a zero byte of two": lambda: texts("y", "x1", b"\xc0\x80", "", ""),
        "two columns of one name": lambda: texts("y", "x", "x", "", ""),
        "two targets of one name": lambda: texts("y", "y", "x1", "x2", "", "", name="multilabel"),
    },
    "columns": {
        "columns found by magic": lambda: meta(columns="by magic"),
        "a kind of column that is none": lambda: tensor("column_kind", [0, 4, 3, 1, 5]),
        "levels of a number": lambda: tensor("column_levels", [1, 0, 3, 0, 0]),
        "a level too many": lambda: tensor("column_levels", [0, 0, 5, 0, 0]),
        "a negative number of levels": lambda: tensor("column_levels", [0, 0, 5, 0, -1]),
        "levels that add up by overflow": lambda: tensor(
            "column_levels", [2**63 - 1, 2**63 - 1, 2, 4, 0]
        ),
        "a scale of 0": lambda: tensor("column_scale", [0, 1, 1, 1, 1]),
        "a negative scale": lambda: tensor("column_scale", [1, 1, 1, -1, 1]),
        "a negative share": lambda: tensor("level_share", [0.5, 0.5, -0.1, 0.1]),
        "missing less than never": lambda: tensor("column_missing", [-1, 0, 0.25, 0, 0]),
        "an input too few": lambda: tensor("column_missing", [0, 0, 0.25, 0, 0]),
        "30 GB of names of inputs": wide_names,
        "30 GB of names of bins": wide_bins,
        "bounds that fall": lambda: tensor("column_low", [0, 5, *[-1e150] * 3], "bins"),
        "bounds beyond what counts": lambda: tensor("column_low", [-1.1e150, *[-1e150] * 4]),
        "bounds of a boolean": lambda: tensor("column_high", [1, 1e150, 1e150, 1, 1]),
        "bounds of a category": lambda: tensor("column_low", [*[-1e150] * 2, 0, *[-1e150] * 2]),
        "bounds of an unused column": lambda: tensor("column_low", [0, 0, *[-1e150] * 3]),
        "a bin too many": lambda: tensor("column_bins", [7, 0, 0, 3, 0], "bins"),
        "a bin of another column": lambda: tensor("column_bins", [6, 0, 0, 3, 0], "bins"),
        "bins of a category": lambda: tensor("column_bins", [7, 0, 2, 0, 0], "bins"),
        "bins of a number without bounds for them": lambda: tensor(
            "column_bins", [7, 2, 0, 0, 0], "bins"
        ),
        "a negative number of bins": lambda: tensor("column_bins", [7, -1, 0, 3, 0], "bins"),
        "bins that add up by overflow": lambda: tensor(
            "column_bins", [2**63 - 1, 2**63 - 1, 0, 11, 0], "bins"
        ),
        "a bin of negative average": lambda: tensor("bin_share", [-1e-9, *[0.5] * 8], "bins"),
        "an edge too few": lambda: tensor("bin_edge", EDGES[:-1], "bins"),
        "an edge twice": lambda: tensor("bin_edge", [*EDGES[:3], EDGES[2], *EDGES[4:]], "bins"),
        "edges that fall": lambda: tensor("bin_edge", [*EDGES[1::-1], *EDGES[2:]], "bins"),
        "an edge below the bounds": lambda: tensor("bin_edge", [-1, *EDGES[1:]], "bins"),
        "an edge above the bounds": lambda: tensor("bin_edge", [*EDGES[:-1], 18501], "bins"),
        "two slots for other levels": lambda: tensor("column_others", [0, 0, 2, 0, 0], "bins"),
        "other levels of a number": lambda: tensor("column_others", [1, 0, 0, 0, 1], "bins"),
        "other levels without a share": lambda: tensor("column_others", [1] * 5, "bins"),
    },
    "classes": {
        "classes of no kind": lambda: meta(classes="object"),
        "classes of a regression": lambda: meta("huber", classes="int64"),
        "classes of two labels": lambda: meta("multilabel", classes="int64"),
        "classes that are not named": lambda: meta("bool", classes="none"),
        "a class too many": lambda: tensor("classes", [0, 1, 2], "bool"),
        "integers said to be floats": lambda: meta("bool", classes="float64"),
        "floats said to be integers": lambda: meta("float classes", classes="int64"),
        "a truth of 2": lambda: tensor("classes", [0, 2], "bool"),
        "36 GB of labels": wide_labels,
        "one class twice": lambda: tensor("classes", [1, 2, 2], "multiclass"),
    },
    "training": {
        "training that is a list": lambda: meta(training="[]"),
        "training with a space": lambda: meta(training="{ }"),
        "training with a key twice": lambda: meta(training='{"a":1,"a":2}'),
        "training with NaN": lambda: meta(training='{"a":NaN}'),
        "training with 1e999": lambda: meta(training='{"a":1e999}'),
        "training cut off": lambda: meta(training='{"a":'),
        "training 17 deep": lambda: meta(training='{"a":' + "[" * 16 + "]" * 16 + "}"),
        "training 50,000 deep": lambda: meta(training='{"a":' * 50_000),
    },
}


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, name) for rule, attacks in ATTACKS.items() for name in attacks]
)
def test_an_attack_is_refused_by_its_rule(rule: str, name: str, tmp_path: Path) -> None:
    """The message names the file and the rule, is short, and says what to do."""
    with pytest.raises(ModelFileError) as caught:
        load(ATTACKS[rule][name](), tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'given.shoal'} is not a sound model file: ")
    assert f"(rule '{rule}')" in message
    assert "copy it again from where it was saved" in message
    assert len(message) < 1000


def test_every_rule_is_attacked() -> None:
    """No rule of the specification goes untried."""
    rules = re.findall(
        r"^\| ([a-z ]+) \| ",
        SPECIFICATION.read_text(encoding="utf-8").split("## Rules")[1],
        re.MULTILINE,
    )
    assert ["file", *ATTACKS] == [rule for rule in rules if rule != "rule"]


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """Each bit of a file, one after another."""
    sound = PACKED["no inputs"]
    assert load(sound, tmp_path)
    for at in range(len(sound)):
        for bit in range(8):
            broken = bytearray(sound)
            broken[at] ^= 1 << bit
            with pytest.raises(ModelFileError):
                load(bytes(broken), tmp_path)


def test_any_cut_is_noticed(tmp_path: Path) -> None:
    """A file cut after each of its bytes."""
    sound = PACKED["binary"]
    for end in range(len(sound)):
        with pytest.raises(ModelFileError):
            load(sound[:end], tmp_path)


def test_a_later_version_is_named(tmp_path: Path) -> None:
    """Whatever else changes in it, the file says which version it needs and what to do."""
    later = b'{"W9":{"dtype":"F4"}, "__metadata__":{"zip":true,"version":"3","format":"shoal"}}'
    with pytest.raises(ModelFileError) as caught:
        load(len(later).to_bytes(8, "little") + later + b"data", tmp_path)
    assert (
        str(caught.value) == f"{tmp_path / 'given.shoal'} needs shoal with model file version 3; "
        "you have version 2: upgrade with pip install --upgrade shoal"
    )


def test_a_small_file_costs_little_memory(tmp_path: Path) -> None:
    """What the header claims is not allocated: 2^60 numbers, or a text of 2^40 bytes."""
    claims = [
        entry("W1", shape=[2**30, 2**30], data_offsets=[0, 2**63]),
        entry("text", shape=[2**40], data_offsets=[0, 2**40]),
        entry("text_end", shape=[0, 2**40], data_offsets=[0, 0]),
    ]
    tracemalloc.start()
    try:
        for claim in claims:
            with pytest.raises(ModelFileError):
                load(claim, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
