"""Attributions in closed form against their definitions: integrals and differences, by number."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

import shoal
from explained import COLUMNS, columns_of, make, table
from shoal import ACTIVATIONS, LOSSES, Model, Parameters, attribution
from shoal.table import Column, Columns
from sound_models import SOUND, make_model

NODES, WEIGHTS = np.polynomial.legendre.leggauss(30)
X = table()


def points_on_the_line(
    model: Model, x0: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """t and weights of a quadrature over the line from x0 to x, exact for each smooth piece."""
    W1, b1, _, _ = model.parameters
    z0, d = W1 @ x0 + b1[:, 0], W1 @ (x - x0)
    bends = np.concatenate([(bend - z0) / np.where(d == 0, 1, d) for bend in (-6, -3, 0, 3, 6)])
    cuts = np.unique([0, *bends[(bends > 0) & (bends < 1)], 1])
    t = [a + (b - a) * (1 + NODES) / 2 for a, b in pairwise(cuts)]
    weights = [(b - a) / 2 * WEIGHTS for a, b in pairwise(cuts)]
    return [np.concatenate(t), np.concatenate(weights)]


def slot_gradient(model: Model, x: np.ndarray) -> np.ndarray:
    """Derivative of each score by each input, (n_y, n_x), from the chain rule as it is written."""
    W1, b1, W2, _ = model.parameters
    if not len(W1):
        return W2
    return W2 @ (ACTIVATIONS[model.activation].g_prime(W1 @ x + b1[:, 0])[:, None] * W1)


@pytest.mark.parametrize("n_h", [0, 6])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_integrated_gradients_are_their_integral(activation: str, n_h: int) -> None:
    """Each input's contribution is its step times the mean gradient along the line, to 1e-10."""
    model = make(activation, n_h=n_h, n_y=2)
    found = model.explainer.integrated_gradients(X, by="inputs")
    x, x0 = COLUMNS.encode(X), COLUMNS.centers()
    for row in (0, 3, 8, 21):
        t, weights = points_on_the_line(model, x0, x[row])
        gradients = [slot_gradient(model, x0 + s * (x[row] - x0)) for s in t]
        mean = np.tensordot(weights, gradients, axes=1)
        assert np.abs(found.values[row] - mean * (x[row] - x0)).max() < 1e-10


@pytest.mark.parametrize("by", ["columns", "inputs"])
@pytest.mark.parametrize("n_h", [0, 6])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_contributions_are_complete(activation: str, n_h: int, by: str) -> None:
    """They add up to the score less that of the baseline: of the average row, or of any rows."""
    model = make(activation, n_h=n_h, n_y=3)
    for baseline in (None, X[4:5], X[:5]):
        found = model.explainer.integrated_gradients(X, baseline, by=by)
        total = found.values.sum(axis=2)
        assert np.abs(total - (found.scores - found.baseline)).max() < 1e-10
        assert np.abs(found.scores - model.scores(X)).max() < 1e-10
    assert np.abs(found.baseline - model.scores(X[:5]).mean(axis=0)).max() < 1e-10


def test_contributions_of_a_column_are_those_of_its_inputs() -> None:
    """Bins, levels and the indicator of a column are added up; a column not in use adds 0."""
    model = make("gelu")
    whole = model.explainer.integrated_gradients(X).values
    parts = model.explainer.integrated_gradients(X, by="inputs").values
    ends = np.cumsum([0, *(column.width for column in COLUMNS.columns)])
    for k, (first, last) in enumerate(pairwise(ends)):
        assert np.abs(whole[..., k] - parts[..., first:last].sum(axis=2)).max() < 1e-12
    assert (whole[..., columns_of(model).index("id")] == 0).all()


def test_several_baselines_are_averaged() -> None:
    """Contributions from several rows are the mean of those from each."""
    model = make("relu")
    each = [model.explainer.integrated_gradients(X, X[k : k + 1]).values for k in range(4)]
    found = model.explainer.integrated_gradients(X, X[:4]).values
    assert np.abs(found - np.mean(each, axis=0)).max() < 1e-12


def test_the_average_row_explains_nothing() -> None:
    """Unknown values of every column are the average row: every contribution is 0."""
    bare = Columns(tuple(Column(f"x{k + 1}", "number", center=k) for k in range(3)), named=False)
    model = make_model(LOSSES["identity"](), columns=bare)
    found = model.explainer.integrated_gradients(np.full((1, 3), np.nan))
    assert (found.values == 0).all()


@pytest.mark.parametrize("name", SOUND)
def test_every_kind_of_model(name: str) -> None:
    """Models of every loss, type and number of inputs are explained, completely."""
    model = SOUND[name]
    m = 3
    if not model.columns.columns:
        rows = np.empty((m, 0))
    elif model.columns.named:
        cells = {"category": ["x"] * m, "date": ["2020-02-29"] * m}
        kinds = {column.name: column.kind for column in model.columns.columns}
        rows = pl.DataFrame({name: cells.get(k, np.linspace(0, 9, m)) for name, k in kinds.items()})
    else:
        rows = np.random.default_rng(0).normal(size=(m, len(model.columns.columns)))
    found = model.explainer.integrated_gradients(rows)
    scale = max(1, np.abs(found.scores).max())
    total = found.values.sum(axis=2)
    assert np.abs(total - (found.scores - found.baseline)).max() < 1e-10 * scale
    assert len(model.explain(rows)) == m * len(model.parameters.b2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_differences(activation: str) -> None:
    """Derivatives by numbers and dates are what differences of scores tend to, in raw units."""
    model = make(activation, n_y=2, n_h=6 if activation != "sigmoid" else 0)
    rows = X[~X["size"].isna() & ~X["plain"].isna()]
    found = model.explainer.gradients(rows)
    for name, step in (("size", 1e-6), ("plain", 1e-6), ("day", 1e-3)):
        k = columns_of(model).index(name)
        unit = 1 if name != "day" else np.timedelta64(86_400_000_000, "us")
        more = rows.assign(**{name: rows[name] + step * unit})
        less = rows.assign(**{name: rows[name] - step * unit})
        numeric = (model.explainer.scores(more) - model.explainer.scores(less)) / (2 * step)
        assert np.abs(found[..., k] - numeric).max() < 1e-6
    outside = (rows["size"] > 5) | (rows["size"] < -3)
    assert outside.any()
    assert (found[outside, :, 0] == 0).all()


def test_gradients_of_what_is_no_number() -> None:
    """NaN for booleans, categories and missing values; 0 for a column not in use."""
    model = make("tanh")
    found = model.explainer.gradients(X)[:, 0]
    by_name = dict(zip(columns_of(model), found.T, strict=True))
    assert np.isnan(by_name["wet"]).all()
    assert np.isnan(by_name["port"]).all()
    assert (np.isnan(by_name["size"]) == X["size"].isna()).all()
    assert (by_name["id"] == 0).all()


def test_gradients_to_the_right() -> None:
    """At an edge of a bin, and at a bound, the derivative is that to the right."""
    model = make("tanh")
    rows = X[:4].assign(size=[-3.0, 1.0, 4.0, 5.0])
    right = rows.assign(size=rows["size"] + 1e-7)
    numeric = (model.explainer.scores(right) - model.explainer.scores(rows)) / 1e-7
    assert np.abs(model.explainer.gradients(rows)[:, 0, 0] - numeric[:, 0]).max() < 1e-5


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "gelu", "silu", "relu"])
def test_second_derivatives_are_differences_of_gradients(activation: str) -> None:
    """They are symmetric, and what differences of the gradients tend to."""
    model = make(activation, n_y=2)
    rows = X[~X["size"].isna() & ~X["plain"].isna()]
    found = model.explainer.second_derivatives(rows)
    assert np.allclose(found, found.swapaxes(2, 3), rtol=0, atol=1e-14, equal_nan=True)
    numbers = [columns_of(model).index(name) for name in ("size", "day", "plain")]
    k = columns_of(model).index("plain")
    more = model.explainer.gradients(rows.assign(plain=rows["plain"] + 1e-5))
    less = model.explainer.gradients(rows.assign(plain=rows["plain"] - 1e-5))
    numeric = (more - less) / 2e-5
    assert np.abs(found[..., k, numbers] - numeric[..., numbers]).max() < 1e-7


def test_derivatives_by_inputs() -> None:
    """By the network's inputs they are the chain rule's, in the order of `columns.slots`."""
    model = make("tanh", n_y=2)
    W1, b1, W2, _ = model.parameters
    x = COLUMNS.encode(X)
    found = model.explainer.gradients(X, by="inputs")
    assert np.abs(found[5] - slot_gradient(model, x[5])).max() < 1e-12
    T = np.tanh(W1 @ x[5] + b1[:, 0])
    second = [W1.T @ np.diag(v * -2 * T * (1 - T**2)) @ W1 for v in W2]
    found = model.explainer.second_derivatives(X[5:6], by="inputs")[0]
    assert np.abs(found - second).max() < 1e-12


# ---- interactions ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_h", [0, 6])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_interactions_add_up_to_contributions(activation: str, n_h: int) -> None:
    """Γ is symmetric, and a column's row of it adds up to the column's contribution."""
    model = make(activation, n_h=n_h, n_y=2)
    for baseline in (None, X[:2]):
        G = model.explainer.interactions(X, baseline)
        parts = model.explainer.integrated_gradients(X, baseline).values
        assert np.abs(G.sum(axis=3) - parts).max() < 1e-10
        assert np.abs(G - G.swapaxes(2, 3)).max() < 1e-12


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "gelu", "silu"])
def test_interactions_are_their_double_integral(activation: str) -> None:
    """Γ_kl = Δ_k Δ_l ∫∫ αβ ∂²f/∂x_k∂x_l (x0 + αβ Δ) dα dβ, the definition, by 100² points."""
    model = make(activation)
    W1, b1, W2, _ = model.parameters
    x, x0 = COLUMNS.encode(X)[8], COLUMNS.centers()
    dx = x - x0
    nodes, weights = np.polynomial.legendre.leggauss(100)
    a = (1 + nodes) / 2
    ab, w = np.outer(a, a).ravel(), np.outer(weights, weights).ravel() / 4
    z = (W1 @ x0 + b1[:, 0])[:, None] + (W1 @ dx)[:, None] * ab
    h = 1e-4
    g = ACTIVATIONS[activation].g_prime
    curve = (g(z + h) - g(z - h)) / (2 * h)
    K = (curve * ab) @ w
    exact = np.outer(dx, dx) * (W1.T @ np.diag(W2[0] * K) @ W1)
    found = model.explainer.interactions(X[8:9], by="inputs")[0, 0]
    off = ~np.eye(len(dx), dtype=bool)
    assert np.abs((found - exact)[off]).max() < 1e-6


def test_columns_that_never_meet_do_not_interact() -> None:
    """Where each hidden unit reads one column, all interactions are 0."""
    for activation in ("relu", "tanh"):
        model = make(activation, n_h=len(COLUMNS.slots))
        _, b1, W2, b2 = model.parameters
        alone = Parameters(np.diag(np.linspace(-1, 1, len(b1))), b1, W2, b2)
        apart = Model(alone, activation, model.loss, COLUMNS)
        G = apart.explainer.interactions(X)
        assert np.abs(G[..., ~np.eye(len(COLUMNS.columns), dtype=bool)]).max() == 0


def test_relu_interacts() -> None:
    """|a + b| - |a - b| in relu units, of which automatic differentiation says 0, interacts."""
    pair = Columns((Column("a", "number"), Column("b", "number")), named=False)
    W1 = np.array([[1.0, 1], [-1, -1], [1, -1], [-1, 1]])
    W2 = np.array([[1.0, 1, -1, -1]])
    model = Model(
        Parameters(W1, np.zeros((4, 1)), W2, np.zeros((1, 1))), "relu", LOSSES["identity"](), pair
    )
    start, stop = np.array([[-1.0, 2.0]]), np.array([[3.0, 1.0]])
    G = model.explainer.interactions(stop, start)[0, 0]
    assert G.sum() == pytest.approx(4, abs=1e-12)  # |4| - |2| - (|1| - |-3|)
    # a - b changes its sign at s = 3/5, by 4 of a and 1 of b; there -|a - b| bends by -2.
    assert G[0, 1] == pytest.approx(4 * 1 * -2 * (-0.6 * np.log(0.6)) / 5, abs=1e-12)
    assert (model.explainer.second_derivatives(stop) == 0).all()


# ---- rows --------------------------------------------------------------------------------------


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come a few at a time, and the figures are those of all at once."""
    whole = make("tanh").explainer
    monkeypatch.setattr(attribution, "BLOCK", 100)
    few = make("tanh").explainer
    assert few.block_size < 10
    for ask in (
        lambda e: e.integrated_gradients(X).values,
        lambda e: e.gradients(X),
        lambda e: e.second_derivatives(X),
        lambda e: e.interactions(X),
        lambda e: e.scores(X),
    ):
        assert np.allclose(ask(whole), ask(few), rtol=0, atol=1e-12, equal_nan=True)


def test_a_sparse_table() -> None:
    """A sparse matrix is explained as its dense form is."""
    from scipy.sparse import csr_array

    columns = Columns((Column("x1", "number"), Column("x2", "number")), named=False)
    model = make_model(LOSSES["identity"](), columns=columns)
    dense = np.array([[0.0, 2], [1, 0], [0, 0]])
    for ask in (
        lambda A: model.explainer.integrated_gradients(A).values,
        model.explainer.gradients,
    ):
        assert np.allclose(ask(dense), ask(csr_array(dense)), rtol=0, atol=1e-15)


def test_bad_requests_are_refused() -> None:
    """No rows, no baseline, and a way of adding up that does not exist."""
    explainer = make().explainer
    with pytest.raises(shoal.DataError, match="no rows to explain"):
        explainer.integrated_gradients(X[:0])
    with pytest.raises(shoal.DataError, match="baseline has no rows"):
        explainer.integrated_gradients(X, X[:0])
    with pytest.raises(shoal.ParameterError, match='"columns" or "inputs"'):
        explainer.gradients(X, by="slots")
