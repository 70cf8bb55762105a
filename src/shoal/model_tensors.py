"""What a model file holds: a Model as tensors and a few texts, and back.

docs/model-file.md is the specification. Every number of the model is a tensor, so it comes back bit
for bit; every name is a stretch of the tensor `text`. Nothing is built by a name found in a file:
names are looked up in the tables of activations and losses.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np

from shoal.activations import ACTIVATIONS, Array
from shoal.cells import LARGEST
from shoal.errors import ParameterError
from shoal.losses import LOSSES, Loss, Quantile
from shoal.model import Model
from shoal.network import Parameters
from shoal.table import Column, Columns

# Name, data types and shape of each tensor, in the order of the data: numbers of eight bytes
# first and single bytes last, so that every tensor is aligned. Equal words are equal sizes.
TENSORS: dict[str, tuple[tuple[str, ...], tuple[str | int, ...]]] = {
    "column_center": (("F64",), ("columns",)),
    "column_scale": (("F64",), ("columns",)),
    "column_low": (("F64",), ("columns",)),
    "column_high": (("F64",), ("columns",)),
    "column_missing": (("F64",), ("columns",)),
    "column_levels": (("I64",), ("columns",)),
    "column_bins": (("I64",), ("columns",)),
    "level_share": (("F64",), ("level shares",)),
    "bin_share": (("F64",), ("bins",)),
    "bin_edge": (("F64",), ("edges",)),
    "output_settings": (("F64",), ("settings",)),
    "classes": (("I64", "F64"), ("labels",)),
    "text_end": (("I64",), ("texts",)),
    "W1": (("F64", "F32"), ("hidden units", "inputs")),
    "b1": (("F64", "F32"), ("hidden units", 1)),
    "W2": (("F64", "F32"), ("outputs", "units")),
    "b2": (("F64", "F32"), ("outputs", 1)),
    "column_kind": (("U8",), ("columns",)),
    "column_others": (("U8",), ("columns",)),
    "text": (("U8",), ("bytes",)),
}
# Those that version 1 did not have, and what a column without bounds, bins and others has there.
NEW_IN_2 = {
    "column_low": -LARGEST,
    "column_high": LARGEST,
    "column_bins": 0,
    "bin_share": None,
    "bin_edge": None,
    "column_others": 0,
}
METADATA = ("activation", "output", "columns", "classes", "training")
DTYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "U8": "|u1"}  # a file's, and NumPy's

COLUMN_KINDS = ("number", "boolean", "date", "category", "unused")  # codes: append only
FOUND = ("by name", "by position")
CLASS_KINDS = ("none", "text", "int64", "float64", "bool")
DEEPEST_TRAINING = 16  # lists and objects within one another
# Characters that a small file could make a reader allocate: the names of all inputs, which are
# "column=level", and the class labels, all as wide as the widest.
MOST_CHARACTERS = 2**26


class BrokenRuleError(Exception):
    """A rule of the specification is broken; the text says how, and which."""

    def __init__(self, rule: str, how: str) -> None:
        super().__init__(f"{how} (rule '{rule}')")


def require(kept: Any, rule: str, otherwise: str) -> None:
    """Raise BrokenRuleError unless the rule is kept."""
    if not kept:
        raise BrokenRuleError(rule, otherwise)


def dump_json(value: Any) -> str:
    """Canonical JSON: no spaces, no escape that is not needed; ValueError for NaN and infinity."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# ---- from a model ------------------------------------------------------------------------------


def to_tensors(model: Model) -> tuple[dict[str, str], dict[str, Array]]:
    """The metadata and the tensors of a model, in the order of METADATA and of TENSORS.

    What a model holds is checked on the way back only; here it must merely be possible to write.
    """
    columns, loss, training = model.columns.columns, model.loss, model.training
    require(LOSSES.get(loss.name) is type(loss), "output", f"{loss!r} is no loss of shoal's own")
    for column in columns:
        require(column.kind in COLUMN_KINDS, "columns", f"{column.kind!a:.60} is no kind of column")
        category = column.kind == "category"
        each = len(column.levels) + column.others if category else column.n_bins
        require(len(column.shares) == each, "columns", f"{column.name!a:.60} has not {each} shares")
        require(len(column.edges) != 1, "columns", f"{column.name!a:.60} has one edge, but no bin")
    for name, array in model.parameters._asdict().items():
        known = array.dtype.name in ("float64", "float32")
        require(known, "dtype", f"{name} is {array.dtype}, not float64 or float32")
    labels, class_kind = [], "none"
    if model.classes is not None:
        labels = model.classes.tolist()
        class_kind = "text" if model.classes.dtype.kind == "U" else model.classes.dtype.name
        require(class_kind in CLASS_KINDS, "classes", f"classes cannot be {class_kind}")
    numbers = [] if class_kind == "text" else labels
    texts = [
        *model.target,
        *(column.name for column in columns),
        *(column.note for column in columns),
        *(level for column in columns for level in column.levels),
        *(labels if class_kind == "text" else []),
    ]
    encoded = [encode_text(text) for text in texts]
    settings = [getattr(loss, field.name) for field in dataclasses.fields(loss)]
    tensors = {
        "column_center": np.array([column.center for column in columns], "<f8"),
        "column_scale": np.array([column.scale for column in columns], "<f8"),
        "column_low": np.array([column.low for column in columns], "<f8"),
        "column_high": np.array([column.high for column in columns], "<f8"),
        "column_missing": np.array([column.missing for column in columns], "<f8"),
        "column_levels": np.array([len(column.levels) for column in columns], "<i8"),
        "column_bins": np.array([column.n_bins for column in columns], "<i8"),
        "level_share": np.array([v for c in columns if not c.edges for v in c.shares], "<f8"),
        "bin_share": np.array([v for c in columns if c.edges for v in c.shares], "<f8"),
        "bin_edge": np.array([edge for column in columns for edge in column.edges], "<f8"),
        "output_settings": np.array(settings, "<f8").ravel(),
        "classes": np.array(numbers, "<f8" if class_kind == "float64" else "<i8"),
        "text_end": np.cumsum([len(text) for text in encoded], dtype="<i8"),
        **{
            name: array.astype(array.dtype.newbyteorder("<"))
            for name, array in model.parameters._asdict().items()
        },
        "column_kind": np.array([COLUMN_KINDS.index(column.kind) for column in columns], "|u1"),
        "column_others": np.array([column.others for column in columns], "|u1"),
        "text": np.frombuffer(b"".join(encoded), "|u1"),
    }
    try:
        summary = dump_json(training)
        summary.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise BrokenRuleError("training", f"the summary of the training: {error}") from None
    found = FOUND[0] if model.columns.named else FOUND[1]
    metadata = [model.activation, loss.name, found, class_kind, summary]
    return dict(zip(METADATA, metadata, strict=True)), tensors


def encode_text(text: str) -> bytes:
    """UTF-8 of a name; a number, or half of a surrogate pair, is none and breaks a rule."""
    try:
        return text.encode("utf-8")
    except (AttributeError, UnicodeEncodeError):
        raise BrokenRuleError("text", f"{text!a:.60} is not a text: rename it") from None


# ---- to a model --------------------------------------------------------------------------------


def from_tensors(metadata: dict[str, str], tensors: dict[str, Array]) -> Model:
    """The model of metadata and tensors whose data types and shapes are those of TENSORS.

    Those that are new in version 2 may be absent.
    """
    for name, value in NEW_IN_2.items():
        n = 0 if value is None else len(tensors["column_kind"])
        tensors.setdefault(name, np.full(n, value, DTYPES[TENSORS[name][0][0]]))
    activation, output, found, class_kind, summary = (metadata[name] for name in METADATA)
    require(activation in ACTIVATIONS, "activation", f"there is no activation {activation!a:.60}")
    require(found in FOUND, "columns", f"columns cannot be found {found!a:.60}")
    require(class_kind in CLASS_KINDS, "classes", f"classes cannot be {class_kind!a:.60}")
    parameters = Parameters(*(tensors[name] for name in Parameters._fields))
    loss = _loss(output, tensors["output_settings"].tolist())
    n_y, n_x = len(parameters.W2), parameters.W1.shape[1]
    if isinstance(loss, Quantile):
        levels = len(loss.levels)
        require(levels == n_y, "output", f"{levels} levels of quantile have {n_y} outputs")
    if class_kind == "none":
        n_targets, n_classes = 1 if isinstance(loss, Quantile) else n_y, 0
    else:
        n_targets, n_classes = 1, {"sigmoid": 2 * (n_y == 1), "softmax": n_y}.get(output, 0)
        require(n_classes, "classes", f"{n_y} outputs of {output} do not make classes")
    _check_columns(tensors)
    n_levels = sum(tensors["column_levels"].tolist())
    n_names = n_targets + 2 * len(tensors["column_kind"]) + n_levels
    n_labels = n_classes if class_kind == "text" else 0
    texts = _texts(tensors["text"].tobytes(), tensors["text_end"].tolist(), n_names + n_labels)
    target = _distinct("targets", islice(texts, n_targets))
    columns = _columns(tensors, texts, n_x)
    classes = _classes(class_kind, n_classes, tensors["classes"], list(texts))
    training = _training(summary)
    named = found == FOUND[0]
    return Model(parameters, activation, loss, Columns(columns, named), target, classes, training)


def _loss(output: str, settings: list[float]) -> Loss:
    require(output in LOSSES, "output", f"there is no output {output!a:.60}")
    arguments: list[Any] = settings
    if output == "quantile":  # the one loss whose setting is a list
        arguments = [tuple(settings)]
    n = len(dataclasses.fields(LOSSES[output]))
    require(len(arguments) == n, "output", f"{output} has {n} settings, not {len(settings)}")
    try:
        return LOSSES[output](*arguments)
    except ParameterError as error:
        raise BrokenRuleError("output", f"{error!s:.200}") from None


def _texts(text: bytes, ends: list[int], count: int) -> Iterator[str]:
    """The texts in their order, each from the end of the one before it to its own."""
    bounds = [0, *ends]
    require(len(ends) == count, "text", f"there are {len(ends)} texts, not {count}")
    rise = bounds == sorted(bounds) and bounds[-1] == len(text)
    require(rise, "text", "the ends of the texts do not rise to the last byte")
    try:
        return iter([text[begin:end].decode("utf-8") for begin, end in pairwise(bounds)])
    except UnicodeDecodeError:
        raise BrokenRuleError("text", "one of the texts is not UTF-8") from None


def _check_columns(tensors: dict[str, Array]) -> None:
    """What the numbers of all columns must be, before one of them is made."""
    codes, scale, low, high, n_levels, n_bins, others = (
        tensors[f"column_{name}"]
        for name in ("kind", "scale", "low", "high", "levels", "bins", "others")
    )
    require((codes < len(COLUMN_KINDS)).all(), "columns", "a column is of no known kind")
    require((scale > 0).all(), "columns", "the scale of a column is not above 0")
    for name in ("column_missing", "level_share", "bin_share"):
        require((tensors[name] >= 0).all(), "columns", f"{name} is below 0")
    within = (low >= -LARGEST) & (low <= high) & (high <= LARGEST)
    require(within.all(), "columns", f"bounds fall, or are beyond {LARGEST:g}")
    counts = (n_levels >= 0) & (n_bins >= 0) & (others <= 1)
    require(counts.all(), "columns", "levels or bins are below 0, or others above 1")
    is_category = codes == COLUMN_KINDS.index("category")
    is_value = np.isin(codes, [COLUMN_KINDS.index("number"), COLUMN_KINDS.index("date")])
    plain = (n_levels == 0) & (others == 0)
    require((is_category | plain).all(), "columns", "what is no category has levels")
    plain = (n_bins == 0) & (low == -LARGEST) & (high == LARGEST)
    require((is_value | plain).all(), "columns", "what is no number or date has bounds or bins")
    # Sums of Python integers, which cannot overflow.
    all_bins = sum(n_bins.tolist())
    for name, count in (
        ("level_share", sum(n_levels.tolist()) + sum(others.tolist())),
        ("bin_share", all_bins),
        ("bin_edge", all_bins + int(np.count_nonzero(n_bins))),
    ):
        n = len(tensors[name])
        require(n == count, "columns", f"{name} has {n} numbers, but the columns {count}")


def _columns(tensors: dict[str, Array], texts: Iterator[str], n_x: int) -> tuple[Column, ...]:
    """The columns; they take their names, notes and levels off the texts."""
    center, scale, low, high, missing, codes, n_levels, n_bins, others = (
        tensors[f"column_{name}"]
        for name in (
            *("center", "scale", "low", "high", "missing"),
            *("kind", "levels", "bins", "others"),
        )
    )
    level_share, bin_share, bin_edge = (
        iter(tensors[name].tolist()) for name in ("level_share", "bin_share", "bin_edge")
    )
    names = _distinct("columns", islice(texts, len(codes)))
    notes = list(islice(texts, len(codes)))
    columns, n_slots, n_characters = [], 0, 0
    for k, name in enumerate(names):
        levels, bins = int(n_levels[k]), int(n_bins[k])
        shares = islice(bin_share, bins) if bins else islice(level_share, levels + int(others[k]))
        column = Column(
            name,
            COLUMN_KINDS[codes[k]],
            center=float(center[k]),
            scale=float(scale[k]),
            levels=_distinct(f"levels of column {name!a:.60}", islice(texts, levels)),
            shares=tuple(shares),
            missing=float(missing[k]),
            note=notes[k],
            low=float(low[k]),
            high=float(high[k]),
            edges=tuple(islice(bin_edge, bins + 1 if bins else 0)),
            others=bool(others[k]),
        )
        if bins:
            rise = all(a < b for a, b in pairwise(column.edges))
            inside = column.low <= column.edges[0] and column.edges[-1] <= column.high
            require(rise, "columns", f"the edges of {name!a:.60} do not rise")
            require(inside, "columns", f"the edges of {name!a:.60} are beyond its bounds")
        columns.append(column)
        # Not len(column.slots): that would build the names of all slots before they are known to
        # be few and short.
        n_slots += column.width
        if column.kind != "unused":
            n_characters += (len(column.shares) + 1) * len(name)
    require(n_slots == n_x, "columns", f"the columns make {n_slots} inputs, but W1 takes {n_x}")
    require(n_characters <= MOST_CHARACTERS, "columns", "the names of the inputs are too long")
    return tuple(columns)


def _classes(kind: str, count: int, numbers: Array, labels: list[str]) -> Array | None:
    """The labels of a classifier, as an array of their kind."""
    expected = 0 if kind in ("none", "text") else count
    require(len(numbers) == expected, "classes", f"there are {len(numbers)}, not {expected}")
    floating = numbers.dtype == np.float64
    require(floating == (kind == "float64"), "classes", f"the dtype is not that of {kind}")
    if kind == "none":
        return None
    widest = max(map(len, labels), default=0)
    require(count * widest <= MOST_CHARACTERS, "classes", "the class labels are too long")
    classes = np.array(labels, dtype=np.str_) if kind == "text" else numbers.astype(kind)
    same = classes.tolist() == (labels if kind == "text" else numbers.tolist())
    require(same, "classes", "a class is neither false nor true, or ends in a null character")
    require(len(np.unique(classes)) == count, "classes", "two classes are the same")
    return classes


def _training(summary: str) -> dict[str, Any]:
    try:
        training = json.loads(summary)
        canonical = dump_json(training) == summary
    except (ValueError, RecursionError) as error:
        raise BrokenRuleError("training", f"the summary of the training: {error}") from None
    require(canonical, "training", "the summary of the training is not canonical JSON")
    if not isinstance(training, dict):
        raise BrokenRuleError("training", "the summary of the training is not a JSON object")
    nested: list[Any] = [training]
    for _ in range(DEEPEST_TRAINING):
        members = (m for v in nested for m in (v.values() if isinstance(v, dict) else v))
        nested = [member for member in members if isinstance(member, dict | list)]
    require(not nested, "training", "the summary of the training nests too deep")
    return training


def _distinct(what: str, texts: Iterable[str]) -> tuple[str, ...]:
    texts = tuple(texts)
    require(len(set(texts)) == len(texts), "text", f"two {what} have the same name")
    return texts
