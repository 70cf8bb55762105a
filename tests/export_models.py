"""Models for the exports: every activation and output, every kind of column, hostile names."""

import numpy as np
from hypothesis import strategies as st

from shoal import LOSSES, Model, Parameters
from shoal.losses import Quantile
from shoal.table import Column, Columns

HOSTILE = (
    "quote \" and ' and `",
    "line\nend\r\n\u2028",
    "*/ end of comment /* //",
    "??/ ??' trigraph \\",
    "</script><script>alert(1)</script>",
    "<!-- --> ]]>",
    "'; DROP TABLE t; --",
    "=1+1",
    "@p@ {size} %s %n ${1}",
    '"""',
    "__proto__",
    "constructor",
    "x0",
    "class",
    "é 🐧 \u202e",
    " ",
    "",
    "\x00\x1b",
    "a" * 300,
)


def number(name: str, *, bins: int = 0, missing: float = 0.0, center: float = 50.0) -> Column:
    """A column of numbers with a spread of 8, between bounds if it has bins."""
    if not bins:
        return Column(name, "number", center=center, scale=8.0, missing=missing)
    low, high = center - 20, center + 30
    cuts = np.sort(np.random.default_rng(bins).uniform(low, high, bins - 1))
    shares = np.sort(np.random.default_rng(bins + 1).uniform(size=bins))[::-1]
    return Column(
        name,
        "number",
        center=center,
        scale=8.0,
        missing=missing,
        low=low,
        high=high,
        edges=(low, *cuts.tolist(), high),
        shares=tuple(shares.tolist()),
    )


def category(
    name: str, levels: tuple[str, ...], *, missing: float = 0.0, others: bool = False
) -> Column:
    """A column of texts."""
    n = len(levels) + others
    shares = (1 - missing) * np.random.default_rng(n).dirichlet(np.ones(n)) if n else []
    return Column(
        name,
        "category",
        levels=levels,
        shares=tuple(map(float, shares)),
        missing=missing,
        others=others,
    )


EVERY_KIND = Columns(
    (
        number("plain"),
        number("year", center=2019.0, missing=0.1),
        Column("id", "unused", note="it numbers the rows"),
        number("with bins", bins=7),
        category("town", ("Rome", "Ålesund", "Bergen"), missing=0.2),
        category("rare", ("a", "b"), others=True),
        category("all rare", (), others=True),
        number("bins and gaps", bins=3, missing=0.25, center=-1e6),
        Column("wet", "boolean", center=0.25, scale=0.43, missing=0.1),
        Column("day", "date", center=18262.5, scale=105.6),
        Column("bounded", "number", center=0.001, scale=0.002, low=-0.004, high=0.01),
    )
)
PLAIN = Columns((number("x1"), number("x2")), named=False)

TASKS = {
    "binary": ("sigmoid", 1, np.array(["no", "yes"])),
    "multiclass": ("softmax", 3, np.array([1, 2, 2**60])),
    "bool": ("sigmoid", 1, np.array([False, True])),
    "float classes": ("softmax", 2, np.array([-0.5, 1.0])),
    "multilabel": ("sigmoid", 2, None),
    "regression": ("identity", 1, None),
    "multi-output": ("huber", 3, None),
    "quantile": ("quantile", 3, None),
    "poisson": ("poisson", 1, None),
    "tweedie": ("tweedie", 2, None),
}
# Every activation, every output, with and without a hidden layer, in few models.
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "identity", "softplus", "gelu", "silu")
KINDS = [
    *zip(TASKS, (*ACTIVATIONS, "relu", "none"), strict=True),
    ("multiclass", "none"),
    ("quantile", "silu"),
]


def make_model(
    task: str,
    activation: str = "relu",
    columns: Columns = EVERY_KIND,
    *,
    n_h: int = 5,
    dtype: str = "float32",
    seed: int = 0,
    classes: np.ndarray | None = None,
) -> Model:
    """A model with weights of the size that training gives, in raw units."""
    output, n_y, labels = TASKS[task]
    labels = labels if classes is None else classes
    n_y = n_y if labels is None or output == "sigmoid" else len(labels)
    rng = np.random.default_rng(seed)
    centers, scales = columns.centers(), columns.scales()
    n_x, n_h = len(centers), 0 if activation == "none" else n_h
    W = rng.normal(size=(n_h or n_y, n_x)) / scales / np.sqrt(max(1, n_x))
    b = rng.normal(size=len(W)) - W @ centers
    W2 = rng.normal(size=(n_y, n_h))
    b2 = rng.normal(size=(n_y, 1))
    blocks = (
        (W, b[:, None], W2, b2) if n_h else (np.zeros((0, n_x)), np.zeros((0, 1)), W, b[:, None])
    )
    loss = Quantile((0.1, 0.5, 0.9)) if output == "quantile" else LOSSES[output]()
    residuals = np.sort(np.abs(rng.normal(size=(n_y, 21)))).tolist()
    target = tuple(f"y{k}" for k in range(n_y if labels is None and output != "quantile" else 1))
    return Model(
        Parameters(*(block.astype(dtype) for block in blocks)),
        "relu" if activation == "none" else activation,
        loss,
        columns,
        target,
        labels,
        {} if labels is not None or output == "sigmoid" else {"residuals": residuals},
    )


def hostile_model(n_columns: int = 500, *, nul: bool = True) -> Model:
    """Names, levels, targets and classes that mean something in one language or another."""
    names = [name for name in HOSTILE if nul or "\0" not in name]
    columns = [
        category(names[k % len(names)] + str(k), tuple(names), others=k % 2 == 0)
        if k % 25 == 0
        else number(names[k % len(names)] + str(k))
        for k in range(n_columns)
    ]
    model = make_model(
        "multiclass", "relu", Columns(tuple(columns)), n_h=3, classes=np.array(sorted(names))
    )
    return Model(
        model.parameters, "relu", model.loss, model.columns, (names[0],), model.classes, {}
    )


TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)).filter(lambda t: "\0" not in t)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Any model: columns of any kind, number and name, any task, activation, width and dtype."""
    names = draw(st.lists(TEXTS, max_size=6, unique=True))
    columns = []
    for name in names:
        missing = draw(st.sampled_from([0.0, 0.1]))
        kind = draw(st.sampled_from(["number", "bins", "category", "boolean", "date"]))
        if kind == "category":
            levels = draw(st.lists(TEXTS, max_size=4, unique=True))
            others = draw(st.booleans()) or not levels
            columns.append(category(name, tuple(levels), missing=missing, others=others))
        elif kind in ("number", "bins"):
            bins = draw(st.integers(2, 9)) if kind == "bins" else 0
            center = draw(st.sampled_from([0.0, 50.0, -1e4, 1e6]))
            columns.append(number(name, bins=bins, missing=missing, center=center))
        else:
            center, scale = (0.5, 0.5) if kind == "boolean" else (18262.5, 105.6)
            columns.append(Column(name, kind, center=center, scale=scale, missing=missing))
    labels = draw(st.lists(TEXTS.map(str.strip), min_size=2, max_size=4, unique=True))
    task = draw(st.sampled_from(sorted(TASKS)))
    return make_model(
        task,
        draw(st.sampled_from([*ACTIVATIONS, "none"])),
        Columns(tuple(columns)),
        n_h=draw(st.integers(1, 7)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        seed=draw(st.integers(0, 99)),
        classes=np.array(sorted(labels)) if task == "multiclass" else None,
    )
