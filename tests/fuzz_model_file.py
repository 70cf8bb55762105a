"""Broken model files by the million, each refused in words.

    python tests/fuzz_model_file.py --cases 1000000

Files are broken by what they are made of: bytes, the text of the header, the metadata, the shapes,
the numbers, the names. Most are given a right checksum afterwards, so that the checks behind it are
reached. A case fails if reading raises anything but ModelFileError, takes longer than a second, or
accepts a file that the official safetensors reader rejects, that shoal would write differently, or
whose model does not compute.
"""

import argparse
import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import safetensors

from shoal import Model, ModelFileError, load_model
from shoal.model_file import _DIGEST_END, _DIGEST_START, _pack
from shoal.model_tensors import NEW_IN_2, to_tensors
from shoal.network import forward
from sound_models import SOUND

SLOWEST = 1.0  # seconds


def pack(model: Model) -> bytes:
    """The content of a model's file."""
    return _pack(*to_tensors(model))


# ---- files as parts ----------------------------------------------------------------------------


@dataclass
class Parts:
    """A file taken apart, to be changed and put together again."""

    metadata: dict[str, str]
    tensors: dict[str, tuple[str, list[int], bytes]]


def take_apart(content: bytes) -> Parts:
    """The metadata and the tensors of a sound file."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    tensors = {
        name: (
            entry["dtype"],
            entry["shape"],
            content[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return Parts(header["__metadata__"], tensors)


def header_of(parts: Parts) -> dict:
    """The header as JSON."""
    header: dict = {"__metadata__": parts.metadata}
    begin = 0
    for name, (dtype, shape, data) in parts.tensors.items():
        end = begin + len(data)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        begin = end
    return header


def with_header(text: str | bytes, body: bytes, *, pad: bool = True) -> bytes:
    """A file of a header's text and the data, with a right checksum."""
    text = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    text += b" " * (-len(text) % 8 if pad else 0)
    return sign(len(text).to_bytes(8, "little") + text + body)


def sign(content: bytes) -> bytes:
    """The same with a right checksum."""
    digest = hashlib.sha256(content[_DIGEST_END:]).hexdigest().encode()
    return content[:_DIGEST_START] + digest + content[_DIGEST_END:]


def body_of(parts: Parts) -> bytes:
    """The data section."""
    return b"".join(data for _, _, data in parts.tensors.values())


def dump(header: object) -> str:
    """JSON as shoal writes it, but for NaN, which it would not."""
    return json.dumps(header, ensure_ascii=False, separators=(",", ":"))


def put_together(parts: Parts) -> bytes:
    """The file of these parts."""
    return with_header(dump(header_of(parts)), body_of(parts))


def downgrade(content: bytes) -> bytes:
    """The file of version 1 with the same content, of a model that needs no later one."""
    parts = take_apart(content)
    parts.metadata["version"] = "1"
    for name in NEW_IN_2:
        del parts.tensors[name]
    return put_together(parts)


# ---- ways to break a file ----------------------------------------------------------------------

TEXTS = ["", "tanh", "relu", "sigmoid", "softmax", "identity", "quantile", "huber", "tweedie"]
TEXTS += ["none", "text", "int64", "float64", "bool", "by name", "by position"]
TEXTS += ["1", "2", "3", "01"]
TEXTS += [
    "{}",
    "[]",
    '{"a":NaN}',
    '{"a":1,"a":2}',
    '{"a":' * 20 + "1" + "}" * 20,
    "\x00",
    "x" * 999,
]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, 1e308, np.inf, -np.inf, np.nan]
INTEGERS = [0, 1, -1, 2, 3, 255, 2**31, 2**53, 2**63 - 1, -(2**63)]
VALUES = [None, True, False, 0, -1, 1.0, 2**63, 10**30, "", "W1", [], {}, [0, 0], [1, 1], [[]]]


def break_metadata(r: random.Random, parts: Parts) -> bytes:
    """Another text in the metadata."""
    key = r.choice(list(parts.metadata))
    parts.metadata[key] = r.choice(TEXTS)
    return put_together(parts)


def break_training(r: random.Random, parts: Parts) -> bytes:
    """The JSON of the training summary changed at one place."""
    text = parts.metadata["training"]
    at = r.randrange(len(text) + 1)
    inserted = r.choice(
        ['"', "{", "[", "]", ",", " ", "1", "e", "\\", "\ud800", "é", "[" * 2000, ""]
    )
    parts.metadata["training"] = text[:at] + inserted + text[at + r.randrange(2) :]
    return put_together(parts)


def break_numbers(r: random.Random, parts: Parts) -> bytes:
    """Some numbers of one tensor: others, or in another order."""
    name = r.choice([name for name, (_, _, data) in parts.tensors.items() if data])
    dtype, shape, data = parts.tensors[name]
    array = np.frombuffer(
        data, {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}[dtype]
    ).copy()
    if r.random() < 0.2:
        a, b = r.randrange(len(array)), r.randrange(len(array))
        array[[a, b]] = array[[b, a]]
        parts.tensors[name] = dtype, shape, array.tobytes()
        return put_together(parts)
    for _ in range(r.randint(1, 3)):
        at = r.randrange(len(array))
        if dtype == "U8":
            array[at] = r.choice([0, 1, 2, 3, 4, 5, 65, 128, 195, 240, 255])
        elif dtype == "I64":
            array[at] = r.choice([*INTEGERS, min(int(array[at]), 2**62) + 1, int(array[at - 1])])
        else:
            with np.errstate(over="ignore"):
                array[at] = r.choice(NUMBERS)
    parts.tensors[name] = dtype, shape, array.tobytes()
    return put_together(parts)


def break_shape(r: random.Random, parts: Parts) -> bytes:
    """One side of a tensor, mostly with as many data."""
    name = r.choice(list(parts.tensors))
    dtype, shape, data = parts.tensors[name]
    size = {"F64": 8, "I64": 8, "F32": 4, "U8": 1}[dtype]
    shape = list(shape)
    shape[r.randrange(len(shape))] = r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 2**40, -1])
    count = 1
    for n in shape:
        count *= n
    if r.random() < 0.9 and 0 <= count < 2**12:  # the data follow the shape
        data = (data + r.randbytes(64) * 600)[: count * size]
    parts.tensors[name] = dtype, shape, data
    return put_together(parts)


def break_column(r: random.Random, parts: Parts) -> bytes:
    """One column more or less in some of the tensors that have one entry per column."""
    drop = r.random() < 0.5
    for name, (dtype, _, data) in parts.tensors.items():
        if name.startswith("column_") and r.random() < 0.95:
            size = 1 if dtype == "U8" else 8
            data = data[:-size] if drop else data + data[:size]
            parts.tensors[name] = dtype, [len(data) // size], data
    return put_together(parts)


def break_dtype(r: random.Random, parts: Parts) -> bytes:
    """Another data type for one tensor, or for all parameters."""
    names = r.choice([[r.choice(list(parts.tensors))], ["W1", "b1", "W2", "b2"]])
    for name in names:
        _, shape, data = parts.tensors[name]
        parts.tensors[name] = r.choice(["F32", "F64", "I64", "U8", "BOOL", "F16", ""]), shape, data
    return put_together(parts)


def break_list(r: random.Random, parts: Parts) -> bytes:
    """A tensor missing, added, renamed or in another place."""
    items = list(parts.tensors.items())
    at = r.randrange(len(items))
    way = r.randrange(4)
    if way == 0:
        del items[at]
    elif way == 1:
        items.insert(at, ("extra", ("U8", [0], b"")))
    elif way == 2:
        items[at] = r.choice(["W3", "", "../W1", "__metadata__"]), items[at][1]
    else:
        r.shuffle(items)
    parts.tensors = dict(items)
    return put_together(parts)


def break_splice(r: random.Random, parts: Parts) -> bytes:
    """Tensors or metadata of another model."""
    other = take_apart(r.choice(list(PACKED.values())))
    for name in r.sample(list(other.tensors), r.randint(1, 4)):
        parts.tensors[name] = other.tensors[name]
    for key in r.sample(list(parts.metadata), r.randint(0, 3)):
        parts.metadata[key] = other.metadata[key]
    return put_together(parts)


def break_header_value(r: random.Random, parts: Parts) -> bytes:
    """Any value of the header replaced, removed, or given another key."""
    header = header_of(parts)
    node = header
    for _ in range(r.randint(0, 2)):
        below = [v for v in (node.values() if isinstance(node, dict) else node) if v]
        below = [v for v in below if isinstance(v, dict | list)]
        node = r.choice(below) if below else node
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key = r.choice(keys)
    way = r.randrange(3)
    if way == 0:
        del node[key]
    elif way == 1:
        node[key] = r.choice(VALUES)
    elif isinstance(node, dict):
        node[r.choice(TEXTS)] = node.pop(key)
    else:
        node.append(r.choice(VALUES))
    return with_header(dump(header), body_of(parts))


def break_header_text(r: random.Random, parts: Parts) -> bytes:
    """The header says the same, or nearly, in another way of writing JSON."""
    text = dump(header_of(parts))
    at = r.choice([k for k, c in enumerate(text) if c in '{}[]":,0123456789'])
    way = r.randrange(6)
    if way == 0:
        text = (
            text[:at]
            + r.choice([" ", "\n", "\t", "\ufeff", "0", "-", "+", ".0", "e0", "\\u0041"])
            + text[at:]
        )
    elif way == 1:
        text = text[:at] + text[at + 1 :]
    elif way == 2:
        text = text[:-1] + "," + dump({"W1": header_of(parts).get("W1")})[1:]  # a key twice
    elif way == 3:
        text = text.replace('"format":"shoal"', '"format":"shoal","format":"shoal"')
    elif way == 4:
        text = text[:-1] + ',"x":' + r.choice(["[", '{"a":']) * r.choice([5, 500, 100_000])
    else:
        text = text.replace("shoal", "\\u0073hoal", 1)
    return with_header(text, body_of(parts), pad=r.random() < 0.8)


def break_bytes(r: random.Random, parts: Parts) -> bytes:
    """Bytes changed, lost, repeated or added, with the checksum right or as it was."""
    content = bytearray(put_together(parts))
    for _ in range(r.randint(1, 3)):
        at = r.randrange(len(content))
        way = r.randrange(5)
        if way == 0:
            content[at] ^= 1 << r.randrange(8)
        elif way == 1:
            content[at] = r.randrange(256)
        elif way == 2:
            del content[at : at + r.choice([1, 8, 10**9])]
        elif way == 3:
            content[at:at] = r.randbytes(r.choice([1, 8, 64]))
        else:
            content[0:8] = r.choice([0, 1, 2, len(content), 2**20, 2**63]).to_bytes(8, "little")
        if len(content) < 2:
            break
    return (
        sign(bytes(content)) if r.random() < 0.5 and len(content) > _DIGEST_END else bytes(content)
    )


WAYS: list[Callable[[random.Random, Parts], bytes]] = [
    break_metadata,
    break_training,
    break_numbers,
    break_shape,
    break_column,
    break_dtype,
    break_list,
    break_splice,
    break_header_value,
    break_header_text,
    break_bytes,
]
PACKED = {name: pack(model) for name, model in SOUND.items()}
PACKED["version 1"] = downgrade(PACKED["binary"])


def mutate(r: random.Random) -> bytes:
    """A sound file broken in one way, sometimes after its numbers have been."""
    parts = take_apart(r.choice(list(PACKED.values())))
    if r.random() < 0.2:
        parts = take_apart(break_numbers(r, parts))
    return r.choice(WAYS)(r, parts)


# ---- the run -----------------------------------------------------------------------------------


@dataclass
class Report:
    """What came of the cases."""

    accepted: int = 0
    rejected: Counter = field(default_factory=Counter)  # by rule
    slowest: float = 0.0  # seconds of one case
    failures: list[str] = field(default_factory=list)


def rule_of(error: Exception) -> str:
    """The rule that a message names."""
    text = str(error)
    return text.split("(rule '")[1].split("'")[0] if "(rule '" in text else "newer version"


def table_of(model: Model) -> pl.DataFrame | np.ndarray:
    """Three rows that the columns of a model can read: what is far out, within, and missing."""
    columns = model.columns.columns
    if not model.columns.named or not columns:
        return np.repeat([[-1e140], [0.5], [np.nan]], len(columns), axis=1)
    cells: dict[str, list] = {
        "number": [-1e140, 0.5, None],
        "boolean": [False, True, None],
        "date": [datetime(1, 1, 1), datetime(2020, 1, 1), None],
        "category": ["Bergen", "\0", None],
        "unused": [None] * 3,
    }
    return pl.DataFrame({column.name: cells[column.kind] for column in columns})


def check_accepted(content: bytes, model: Model) -> str:
    """What is wrong with a file that was accepted; empty if nothing is."""
    try:
        safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        return f"safetensors rejects what was accepted: {error}"
    again = pack(model)
    if take_apart(content).metadata["version"] == "1":
        again = downgrade(again)
    if again != content:
        return "shoal would write it differently"
    n_x = model.parameters.W1.shape[1]
    if len(model.columns.slots) != n_x:
        return "its inputs are not those of its columns"
    readable = model.columns.named or not {"category", "date"} & {
        column.kind for column in model.columns.columns
    }
    X = model.columns.encode(table_of(model)) if readable else np.zeros((3, n_x))
    if X.shape != (3, n_x) or not np.isfinite(X).all():
        return "its columns do not make finite inputs"
    with np.errstate(all="ignore"):
        Z2 = forward(
            np.zeros((n_x, 2)), model.parameters, activation=model.activation, output=model.loss
        ).Z2
    return "" if Z2.shape == (len(model.parameters.W2), 2) else "it does not compute"


def run(cases: int, seed: int, folder: Path) -> Report:
    """Read that many broken files through a file in the folder."""
    report = Report()
    r = random.Random(seed)
    path = folder / "broken.shoal"
    for case in range(cases):
        content = mutate(r)
        path.unlink(missing_ok=True)  # to cut an existing file to 0 makes ext4 wait for the disk
        path.write_bytes(content)
        start = time.perf_counter()
        problem = ""
        try:
            model = load_model(path)
        except ModelFileError as error:
            report.rejected[rule_of(error)] += 1
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        else:
            report.accepted += 1
            problem = check_accepted(content, model)
        seconds = time.perf_counter() - start
        report.slowest = max(report.slowest, seconds)
        if seconds > SLOWEST:
            problem = f"it took {seconds:.1f} s"
        if problem:
            report.failures.append(f"case {case} of seed {seed}: {problem}")
    return report


def main() -> int:
    """Run the cases and print what came of them."""
    parser = argparse.ArgumentParser(description="Read broken model files.")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = run(arguments.cases, arguments.seed, Path(folder))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{arguments.cases} files in {time.perf_counter() - start:.0f} s: {report.accepted} "
        f"accepted, {report.rejected.total()} rejected, {len(report.failures)} failures; "
        f"slowest {report.slowest * 1000:.0f} ms, peak memory {memory:.0f} MiB"
    )
    for rule, count in report.rejected.most_common():
        print(f"{count:10} {rule}")
    for failure in report.failures[:20]:
        print(failure)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
