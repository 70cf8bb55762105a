"""Models of every kind, small, with numbers and names that are hard to store."""

import dataclasses

import numpy as np

from shoal import LOSSES, Model, Parameters
from shoal.losses import Huber, Loss, Quantile, Tweedie
from shoal.table import Column, Columns


def make_model(
    loss: Loss,
    *,
    n_h: int = 3,
    n_y: int = 1,
    dtype: str = "float64",
    activation: str = "tanh",
    columns: Columns | None = None,
    target: tuple[str, ...] | None = None,
    classes: np.ndarray | None = None,
    training: dict | None = None,
    seed: int = 0,
) -> Model:
    """A model with random parameters, negative zeros and denormal numbers among them."""
    columns = COLUMNS if columns is None else columns
    rng = np.random.default_rng(seed)
    n_x = len(columns.centers())
    parameters = Parameters(
        W1=rng.normal(size=(n_h, n_x)).astype(dtype),
        b1=rng.normal(size=(n_h, 1)).astype(dtype),
        W2=rng.normal(size=(n_y, n_h or n_x)).astype(dtype),
        b2=np.full((n_y, 1), -0.0, dtype),
    )
    parameters.W2[0, :1] = np.finfo(dtype).smallest_subnormal
    if target is None:
        one = classes is not None or loss.name == "quantile" or n_y == 1
        target = ("y",) if one else tuple(f"y{k}" for k in range(n_y))
    summary = {"solver": "adam", "iterations": 12} if training is None else training
    return Model(parameters, activation, loss, columns, target, classes, summary)


COLUMNS = Columns(
    (
        Column("bill length", "number", center=43.9, scale=5.4, missing=0.01),
        Column("id", "unused", note="it numbers the rows"),
        Column(
            'îsland "1"\n',
            "category",
            levels=("Biscoe", "", "Torgersen", "🐧"),
            shares=(0.5, 0.25, 0.125, 0.125),
            missing=0.25,
            note="the 4 most frequent of 5 levels",
        ),
        Column("wet", "boolean", center=0.25, scale=0.4330127018922193),
        Column("day", "date", center=18262.5, scale=105.6),
    )
)
BINNED = Columns(
    (
        Column(
            "mass, in g",
            "number",
            center=4.2,
            scale=0.8,
            missing=0.125,
            shares=(0.7, 0.4, 0.1 + 0.2, 0.25, 0.2, 0.15, 5e-324),
            low=-0.0,
            high=1e150,
            edges=(-0.0, 5e-324, 0.1, 1 / 3, 2.5, 7.0, 1e9, 1e150),
        ),
        Column("bounded", "number", center=0.5, scale=2.0, low=-3.0, high=4.5),
        Column(
            "port",
            "category",
            levels=("Ålesund", "Bergen", "=1"),
            shares=(0.5, 0.25, 0.125, 0.0625),
            missing=0.0625,
            note="the most frequent of 9 levels",
            others=True,
        ),
        Column(
            "day",
            "date",
            center=18262.5,
            scale=105.6,
            shares=(0.75, 0.25),
            low=18000.0,
            high=18500.25,
            edges=(18000.0, 18262.0, 18500.25),
        ),
        Column("all rare", "category", shares=(1.0,), others=True),
    )
)
POSITIONS = Columns((Column("x1", "number"), Column("x2", "number")), named=False)

SOUND = {
    "binary": make_model(LOSSES["sigmoid"](), classes=np.array(["no", "yes"])),
    "multiclass": make_model(LOSSES["softmax"](), n_y=3, classes=np.array([1, 2, 9])),
    "float32": make_model(LOSSES["identity"](), dtype="float32", activation="gelu", seed=1),
    "multilabel": make_model(LOSSES["sigmoid"](), n_y=2, columns=POSITIONS, activation="relu"),
    "bool": make_model(LOSSES["sigmoid"](), classes=np.array([False, True]), columns=POSITIONS),
    "float classes": make_model(LOSSES["softmax"](), n_y=2, classes=np.array([-0.5, 1e300])),
    "quantile": make_model(Quantile((0.1, 0.5, 0.9)), n_y=3, columns=POSITIONS),
    "huber": make_model(Huber(1.35), columns=POSITIONS, activation="silu"),
    "tweedie, no hidden layer": make_model(Tweedie(1.7), n_h=0),
    "no inputs": make_model(LOSSES["poisson"](), columns=Columns(()), dtype="float32"),
    "bins": make_model(LOSSES["softmax"](), n_y=3, columns=BINNED, classes=np.array([1, 2, 9])),
    "bins, float32": make_model(LOSSES["identity"](), columns=BINNED, dtype="float32"),
    "training": make_model(
        LOSSES["gamma"](), training={"a": [1, -2.5, None, True, 'é\t\\"'], "b": {"c": {}}}
    ),
}


def assert_same(loaded: Model, saved: Model) -> None:
    """Every field is equal, and arrays are equal bit for bit."""
    for mine, theirs in zip(loaded.parameters, saved.parameters, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        assert mine.tobytes() == theirs.tobytes()
        assert mine.flags.writeable
        assert mine.flags.aligned
        assert mine.flags.c_contiguous
    assert (loaded.classes is None) == (saved.classes is None)
    if saved.classes is not None and loaded.classes is not None:
        assert loaded.classes.dtype.kind == saved.classes.dtype.kind
        assert loaded.classes.tolist() == saved.classes.tolist()
    for field in dataclasses.fields(saved):
        if field.name not in ("parameters", "classes"):
            assert getattr(loaded, field.name) == getattr(saved, field.name), field.name
    assert repr(loaded.columns) == repr(saved.columns)  # -0.0 == 0.0, but they are written apart
    assert list(loaded.training) == list(saved.training)
    assert type(loaded.loss) is type(saved.loss)
