"""Models of every kind for the exports, drawn at random, with names that would break a language."""

import numpy as np
from hypothesis import strategies as st

from shoal import ACTIVATIONS, LOSSES, Model, Parameters
from shoal.losses import Loss, Quantile, Tweedie
from shoal.table import Column, Columns

HOSTILE = (
    *('"', "'", '""', "''", "a\nb", "--", "a--b", ";", "/*", "*/", "\\", "\\'", "$$", "$1", "?"),
    *(
        "%s",
        "%",
        ":x",
        "{}",
        "@",
        "@size@",
        "`",
        "[x]",
        "??/",
        "</script>",
        "-->",
        "=1+1",
        "é",
        "🐧",
    ),
    *("'; DROP TABLE data; --", '"; DROP TABLE data; --', "select", "null", "NaN", "x" * 70, " "),
    *("label", "probabilities", "prediction", "probability_1", "lower", "id", "rowid", "v0", "x0"),
    *(
        "shoal_row",
        "shoal_rows",
        "shoal_table",
        "shoal_inputs",
        "MatMul_1",
        "constant_0",
        "X",
        "\t",
    ),
)
KINDS = ("number", "far", "bounded", "binned", "boolean", "date", "category", "rare", "unused")


def _column(name: str, kind: str, texts: list[str], missing: bool, seed: int) -> Column:
    rng = np.random.default_rng(seed)
    share = 0.125 if missing else 0.0
    if kind == "number":
        return Column(name, "number", center=1.5, scale=2.0, missing=share)
    if kind == "far":  # years
        return Column(name, "number", center=2012.0, scale=5.0, missing=share)
    if kind == "bounded":
        return Column(name, "number", center=-3.0, scale=0.5, low=-4.25, high=-1.0, missing=share)
    if kind == "binned":
        edges = tuple(np.cumsum(rng.uniform(0.05, 1.0, 6)).tolist())
        shares = tuple(sorted(rng.uniform(0, 1, 5).tolist(), reverse=True))
        ends = {"low": edges[0] - 1, "high": edges[-1] + 1}
        return Column(name, "number", 1.5, 0.8, edges=edges, shares=shares, missing=share, **ends)
    if kind == "boolean":
        return Column(name, "boolean", center=0.25, scale=0.43, missing=share)
    if kind == "date":
        return Column(name, "date", 18262.5, 105.5, low=18000.0, high=18500.25, missing=share)
    if kind == "unused":
        return Column(name, "unused", note="constant")
    others = kind == "rare"
    n = len(texts) + others
    shares = tuple(rng.dirichlet(np.ones(n)).tolist()) if n else ()
    return Column(
        name, "category", levels=tuple(texts), shares=shares, others=others, missing=share
    )


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A model of up to four columns and five units."""
    texts = st.lists(
        st.sampled_from((*HOSTILE, "", "7", "-1")), min_size=1, max_size=4, unique=True
    )
    names = draw(
        st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4, unique_by=lambda n: n.lower())
    )
    seed = draw(st.integers(0, 2**32 - 1))
    columns = Columns(
        tuple(
            _column(name, draw(st.sampled_from(KINDS)), draw(texts), draw(st.booleans()), seed + k)
            for k, name in enumerate(names)
        )
    )
    if not any(column.width for column in columns.columns):
        columns = Columns((*columns.columns, Column("in use", "number", missing=0.5)))
    losses: list[Loss] = [LOSSES[name]() for name in LOSSES if name not in ("quantile", "tweedie")]
    loss = draw(st.sampled_from([*losses, Quantile((0.1, 0.5, 0.9)), Tweedie(1.5)]))
    n_y, classes, target = draw(st.integers(1, 3)), None, ("y",)
    labels = draw(
        st.sampled_from(
            [np.array(HOSTILE[k : k + 4]) for k in range(0, 40, 8)]
            + [np.array([3, -1, 12, 0]), np.array([0.5, -1e300, 7.0, 1e-9])]
        )
    )
    if loss.name == "softmax":
        n_y += 1
        classes = labels[:n_y]
    elif loss.name == "quantile":
        n_y = 3
    elif loss.name == "sigmoid" and n_y == 1:
        classes = draw(st.sampled_from([labels[:2], np.array([False, True])]))
    elif n_y > 1:
        target = HOSTILE[draw(st.integers(0, 20)) :][:n_y]
    rng = np.random.default_rng(seed)
    n_h, n_x = draw(st.sampled_from([0, 1, 5])), len(columns.centers())
    dtype = draw(st.sampled_from(["float32", "float64"]))
    W = rng.normal(size=(n_h or n_y, n_x)) / np.sqrt(n_x) / columns.scales()
    b = rng.normal(size=(n_h or n_y, 1)) - (W @ columns.centers())[:, None]
    hidden = (W, b, rng.normal(size=(n_y, n_h)) / 2, rng.normal(size=(n_y, 1)))
    blocks = hidden if n_h else (np.zeros((0, n_x)), np.zeros((0, 1)), W, b)
    training = {}
    if classes is None and loss.name != "sigmoid" and draw(st.booleans()):
        training = {"residuals": np.sort(rng.uniform(0, 2, (n_y, 11))).tolist()}
    return Model(
        Parameters(*(block.astype(dtype) for block in blocks)),
        draw(st.sampled_from(sorted(ACTIVATIONS))),
        loss,
        columns,
        target,
        classes,
        training,
    )
