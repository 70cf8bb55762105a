"""The network: gradients against differences, the slow twin, and what must not change the answer.

The published figures of the course's exercise are in test_course.py, NIST's in test_nist.py.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shoal.activations import ACTIVATIONS, Array
from shoal.errors import DataError, ParameterError
from shoal.losses import LOSSES, Huber, Loss, Quantile, Tweedie, get_loss
from shoal.network import (
    Cache,
    Parameters,
    backward,
    collapse,
    cost,
    forward,
    forward_loop,
    gradient_check,
    gradient_descent,
    initialize,
)


def problem(
    output: str | Loss = "sigmoid",
    *,
    n_x: int = 3,
    n_h: int = 5,
    m: int = 20,
    seed: int = 0,
    skip: bool = False,
) -> tuple[Array, Array, Parameters]:
    """X, Y in the domain of the output, and parameters that are not tiny, biases included."""
    loss = get_loss(output)
    random = np.random.RandomState(seed)
    n_y = len(loss.levels) if isinstance(loss, Quantile) else 2
    X = random.randn(n_x, m)
    parameters = initialize(n_x, n_h, n_y, scale=0.7, random_state=random, skip=skip)
    parameters = parameters._replace(b1=random.randn(n_h, 1), b2=random.randn(n_y, 1))
    parameters.W1[n_h:] = random.randn(*parameters.W1[n_h:].shape)
    Y = np.abs(random.randn(1 if isinstance(loss, Quantile) else n_y, m)) + 0.1
    if loss.name in ("sigmoid", "softmax"):
        Y = np.eye(n_y)[:, random.randint(n_y, size=m)]
    return X, Y, parameters


def blocks_close(a: Any, b: Any, **tolerance: float) -> None:
    """Two sets of arrays agree block by block."""
    for ours, theirs in zip(a, b, strict=True):
        np.testing.assert_allclose(ours, theirs, **(tolerance or {"rtol": 1e-12, "atol": 1e-14}))


# ---- gradients ---------------------------------------------------------------------------------

OUTPUTS = [*LOSSES, Huber(0.5), Quantile((0.1, 0.5, 0.9)), Tweedie(1.2)]


@pytest.mark.parametrize("output", OUTPUTS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_agree_with_differences(activation: str, output: str | Loss) -> None:
    """Every block of every activation × output × weights × n_h in 0, 1, 5, 5 with a skip is
    within 1e-7.

    Relative, float64, central differences, entries whose difference crosses a kink left out.
    """
    weights = np.random.default_rng(0).integers(0, 4, size=20) / 2
    for n_h, skip in ((0, False), (1, False), (5, False), (5, True)):
        X, Y, parameters = problem(output, n_h=n_h, skip=skip)
        for sample_weight in (None, weights):
            check = gradient_check(
                X,
                Y,
                parameters,
                activation=activation,
                output=output,
                sample_weight=sample_weight,
            )
            assert max(check[:5]) <= 1e-7
            assert check.verdict == "right"
            assert check.n_checked + check.n_excluded == sum(block.size for block in parameters)
            assert check.n_excluded <= 1


BREAK: dict[str, Callable[[Array], Array]] = {
    "zero": np.zeros_like,
    "of the wrong sign": np.negative,
    "m times too large": lambda d: 7 * d,
    "twice too large": lambda d: 2 * d,
    "off by a hundredth in one entry": lambda d: (
        d * (1 + 1e-2 * (np.arange(d.size) == 0).reshape(d.shape))
    ),
    "permuted": lambda d: np.roll(d, 1) if d.size > 1 else 1.01 * d,
}


@pytest.mark.parametrize("scale", [0.01, 0.7])
@pytest.mark.parametrize("how", BREAK)
@pytest.mark.parametrize("block", Parameters._fields)
def test_a_broken_block_is_caught(block: str, how: str, scale: float) -> None:
    """A gradient broken in one block is "wrong" in that block alone, at tiny weights too."""
    X, Y, _ = problem(n_x=3, m=7)
    parameters = initialize(3, 3, 2, scale=scale, random_state=1)
    right = backward(X, Y, parameters, forward(X, parameters))
    broken = right._replace(**{block: BREAK[how](getattr(right, block))})
    check = gradient_check(X, Y, parameters, gradients=broken)
    assert check.verdict == "wrong"
    for name in Parameters._fields:
        assert (getattr(check, name) > 1e-5) == (name == block)


def wrong_gradients(
    X: Array, Y: Array, parameters: Parameters, cache: Cache
) -> dict[str, Parameters]:
    """Mistakes that course forums know, each of which has the right shapes."""
    W2 = parameters.W2
    Z1, A1, _, A2 = cache
    m = X.shape[1]
    g_prime = ACTIVATIONS["tanh"].g_prime

    def gradients(dZ2: Array, dZ1: Array) -> Parameters:
        return Parameters(
            dZ1 @ X.T / m,
            dZ1.sum(axis=1, keepdims=True) / m,
            dZ2 @ A1.T / m,
            dZ2.sum(axis=1, keepdims=True) / m,
        )

    dZ2 = A2 - Y
    back = W2.T @ dZ2
    right = gradients(dZ2, back * g_prime(Z1))
    return {
        "none": right,
        "g′ of A1 instead of Z1": gradients(dZ2, back * g_prime(A1)),
        "g′ left out": gradients(dZ2, back),
        "1 - A1 instead of 1 - A1²": gradients(dZ2, back * (1 - A1)),
        "Y - A2": gradients(-dZ2, -back * g_prime(Z1)),
        "squared error's dZ2": gradients(dZ2 * A2 * (1 - A2), back * g_prime(Z1)),
        "W2 not transposed": gradients(dZ2, (W2 @ dZ2) * g_prime(Z1)),
        "dW1 transposed": right._replace(W1=right.W1.T),
        "dW2 transposed": right._replace(W2=right.W2.T),
        "1/m missing": Parameters(*(m * block for block in right)),
        "1/m missing in db1": right._replace(b1=m * right.b1),
        "biases averaged once more": right._replace(b1=right.b1 / m, b2=right.b2 / m),
        "one example left out": backward(
            X[:, 1:], Y[:, 1:], parameters, Cache(*(a[:, 1:] for a in cache))
        ),
    }


MISTAKES = wrong_gradients(*problem(n_x=2, n_h=2), forward(*problem(n_x=2, n_h=2)[::2]))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_usual_mistakes_are_caught(mistake: str) -> None:
    """Mistakes with the right shapes are "wrong" to the check, and none is "right"."""
    X, Y, parameters = problem(n_x=2, n_h=2)
    check = gradient_check(X, Y, parameters, gradients=MISTAKES[mistake])
    assert check.verdict == ("right" if mistake == "none" else "wrong")
    assert (check.relative_error > 1e-4) == (mistake != "none")


def test_a_wrong_derivative_is_caught_where_it_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong g′ the library's own dW1 and db1 are wrong, and dW2 and db2 still right."""
    wrong = replace(ACTIVATIONS["tanh"], g_prime=lambda Z: 1 - np.tanh(Z) ** 2 + 1e-3)
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    check = gradient_check(*problem())
    assert check.verdict == "wrong"
    assert min(check.W1, check.b1) > 1e-5
    assert max(check.W2, check.b2) < 1e-7


def test_a_vanished_gradient_is_not_called_wrong() -> None:
    """Saturated units pass gradients below the rounding of J; the check does not cry wolf."""
    X, Y, parameters = problem()
    far = parameters._replace(b1=np.full_like(parameters.b1, 30.0))
    assert gradient_check(X, Y, far).verdict == "right"


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_the_check_does_not_mind_the_units_of_X(factor: float) -> None:
    """Inputs a million times larger, with weights to match, pass just as well."""
    X, Y, parameters = problem()
    scaled = parameters._replace(W1=parameters.W1 / factor)
    assert gradient_check(factor * X, Y, scaled).verdict == "right"


def test_entries_across_a_kink_are_left_out() -> None:
    """ReLU units that sit exactly on their kink have no derivative there, and are not compared."""
    X, Y, parameters = problem(n_h=2)
    at_kink = parameters._replace(W1=np.zeros((2, 3)), b1=np.zeros((2, 1)))
    check = gradient_check(X, Y, at_kink, activation="relu")
    assert check.n_excluded == 2 * 3 + 2
    assert check.verdict == "right"


def test_verdicts_follow_the_worst_block() -> None:
    """Up to 1e-7 is right, above 1e-5 wrong, between doubtful, and nothing compared is doubtful."""
    check = gradient_check(*problem())
    assert check._replace(b1=1e-7).verdict == "right"
    assert check._replace(b1=1e-6).verdict == "doubtful"
    assert check._replace(b1=1.1e-5).verdict == "wrong"
    assert check._replace(n_checked=0).verdict == "doubtful"


# ---- the slow twin -----------------------------------------------------------------------------


@given(
    sizes=st.tuples(*[st.integers(0, 5)] * 2, st.integers(1, 4), st.integers(1, 7)),
    activation=st.sampled_from(list(ACTIVATIONS)),
    output=st.sampled_from(["sigmoid", "softmax", "identity", "poisson"]),
    seed=st.integers(0, 1000),
    skip=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_forward_is_the_loop(
    sizes: tuple[int, int, int, int], activation: str, output: str, seed: int, skip: bool
) -> None:
    """Vectorised and looped forward passes agree to rounding for all shapes (Eq 1, 2, 3, 4)."""
    n_x, n_h, n_y, m = sizes
    random = np.random.RandomState(seed)
    parameters = initialize(n_x, n_h, n_y, scale=1, random_state=random, skip=skip and n_h > 0)
    parameters = parameters._replace(b1=random.randn(n_h, 1), b2=random.randn(n_y, 1))
    parameters.W1[n_h:] = random.randn(*parameters.W1[n_h:].shape)
    X = random.randn(n_x, m)
    form = {"activation": activation, "output": output}
    fast, slow = forward(X, parameters, **form), forward_loop(X, parameters, **form)
    blocks_close(fast, slow, rtol=1e-11, atol=1e-13)
    assert [array.shape for array in fast] == [(n_h, m), (n_h or n_x, m), (n_y, m), (n_y, m)]


# ---- kinds of input ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("n_h", [0, 4])
def test_sparse_X_gives_what_dense_X_gives(kind: Callable[[Array], Any], n_h: int) -> None:
    """Forward, cost, backward, training and the check take SciPy's sparse arrays and matrices."""
    X, Y, parameters = problem(n_h=n_h)
    X = np.where(np.abs(X) > 0.7, X, 0)
    thin = kind(X)
    dense, scarce = forward(X, parameters), forward(thin, parameters)
    blocks_close([scarce.Z2, scarce.A2], [dense.Z2, dense.A2])
    assert type(scarce.A2) is np.ndarray
    blocks_close(backward(thin, Y, parameters, scarce), backward(X, Y, parameters, dense))
    run = {"learning_rate": 0.5, "n_iterations": 5}
    for ours, theirs in zip(
        gradient_descent(thin, Y, parameters, **run),
        gradient_descent(X, Y, parameters, **run),
        strict=True,
    ):
        blocks_close(ours, theirs)
    assert gradient_check(thin, Y, parameters).verdict == "right"


@pytest.mark.parametrize("output", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_float32(activation: str, output: str) -> None:
    """Single-precision X, Y and parameters give a single-precision cache and gradients."""
    X, Y, parameters = problem("sigmoid", m=6)
    if output == "quantile":
        Y, parameters = Y[:1], Parameters(*parameters[:2], parameters.W2[:1], parameters.b2[:1])
    Y = Y + 0.5 if output == "gamma" else Y
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    parameters = Parameters(*(block.astype(np.float32) for block in parameters))
    form = {"activation": activation, "output": output}
    cache = forward(X, parameters, **form)
    gradients = backward(X, Y, parameters, cache, sample_weight=np.arange(6.0), **form)
    assert {array.dtype.name for array in (*cache, *gradients)} == {"float32"}


def test_memory_layout_and_read_only_arrays_do_not_matter() -> None:
    """Transposed, Fortran-ordered and read-only X give the same cache and are not written to."""
    X, Y, parameters = problem()
    expected = forward(X, parameters)
    kept = X.copy()
    for variant in (np.ascontiguousarray(X.T).T, np.asfortranarray(X), X[:, ::-1][:, ::-1]):
        variant.flags.writeable = False
        cache = forward(variant, parameters)
        blocks_close(cache, expected)
        backward(variant, Y, parameters, cache)
    np.testing.assert_array_equal(X, kept)


def test_training_leaves_the_given_parameters_alone() -> None:
    """gradient_descent returns new arrays; costs[i] is the cost before update i."""
    X, Y, parameters = problem()
    kept = [block.copy() for block in parameters]
    once, costs = gradient_descent(X, Y, parameters, learning_rate=0.3, n_iterations=1)
    blocks_close(parameters, kept, rtol=0)
    assert costs == [cost(forward(X, parameters), Y)]
    twice, more = gradient_descent(X, Y, parameters, learning_rate=0.3, n_iterations=2)
    assert more == [*costs, cost(forward(X, once), Y)]
    again, _ = gradient_descent(X, Y, once, learning_rate=0.3, n_iterations=1)
    blocks_close(again, twice, rtol=0)
    assert gradient_descent(X, Y, parameters, learning_rate=1, n_iterations=0) == (parameters, [])


# ---- what must not change the answer -----------------------------------------------------------

seeds = st.integers(0, 10**6)


@given(seeds)
@settings(deadline=None, max_examples=50)
def test_a_weight_is_a_number_of_rows(seed: int) -> None:
    """Weight 2 is the example twice, weight 0 its absence: same cost, same gradients."""
    X, Y, parameters = problem(seed=seed)
    counts = np.random.RandomState(seed).randint(0, 4, size=20)
    counts[0] = 1
    repeated = np.repeat(np.arange(20), counts)
    for output in ("sigmoid", "identity"):
        form = {"output": output}
        cache = forward(X, parameters, **form)
        many = forward(X[:, repeated], parameters, **form)
        weight = {"sample_weight": counts * 1.0}
        assert cost(cache, Y, **form, **weight) == pytest.approx(
            cost(many, Y[:, repeated], **form), rel=1e-12
        )
        blocks_close(
            backward(X, Y, parameters, cache, **form, **weight),
            backward(X[:, repeated], Y[:, repeated], parameters, many, **form),
        )


@given(seeds)
@settings(deadline=None, max_examples=50)
def test_order_of_hidden_units_does_not_matter(seed: int) -> None:
    """Permuting the units permutes their gradients alike and leaves scores and cost alone."""
    X, Y, (W1, b1, W2, b2) = problem(seed=seed)
    order = np.random.RandomState(seed).permutation(5)
    permuted = Parameters(W1[order], b1[order], W2[:, order], b2)
    cache, other = forward(X, Parameters(W1, b1, W2, b2)), forward(X, permuted)
    np.testing.assert_allclose(other.Z2, cache.Z2, rtol=1e-12, atol=1e-13)
    d, e = backward(X, Y, Parameters(W1, b1, W2, b2), cache), backward(X, Y, permuted, other)
    blocks_close(
        e, Parameters(d.W1[order], d.b1[order], d.W2[:, order], d.b2), rtol=1e-9, atol=1e-13
    )


@given(seeds, st.sampled_from(["tanh", "identity"]))
@settings(deadline=None, max_examples=50)
def test_signs_of_an_odd_unit_do_not_matter(seed: int, activation: str) -> None:
    """Flipping the signs into and out of units of an odd g leaves every score as it is."""
    X, _, (W1, b1, W2, b2) = problem(seed=seed)
    sign = np.random.RandomState(seed).choice([-1.0, 1.0], size=(5, 1))
    flipped = Parameters(sign * W1, sign * b1, W2 * sign.T, b2)
    np.testing.assert_array_equal(
        forward(X, flipped, activation=activation).Z2,
        forward(X, Parameters(W1, b1, W2, b2), activation=activation).Z2,
    )


@given(seeds)
@settings(deadline=None, max_examples=50)
def test_order_of_examples_does_not_matter(seed: int) -> None:
    """Permuted examples give permuted scores, the same cost and the same gradients."""
    X, Y, parameters = problem(seed=seed)
    order = np.random.RandomState(seed).permutation(20)
    cache, other = forward(X, parameters), forward(X[:, order], parameters)
    np.testing.assert_allclose(other.Z2, cache.Z2[:, order], rtol=1e-12, atol=1e-13)
    assert cost(other, Y[:, order]) == pytest.approx(cost(cache, Y), rel=1e-12)
    blocks_close(
        backward(X[:, order], Y[:, order], parameters, other),
        backward(X, Y, parameters, cache),
        rtol=1e-9,
        atol=1e-13,
    )


@given(seeds)
@settings(deadline=None, max_examples=50)
def test_scaling_an_input_folds_into_W1(seed: int) -> None:
    """With x̂ = (x - μ) / σ, W1 / σ and b1 - W1 μ / σ are the same network on raw inputs."""
    X, _, (W1, b1, W2, b2) = problem(seed=seed)
    random = np.random.RandomState(seed)
    mu, sigma = random.randn(3, 1), np.exp(random.randn(3, 1))
    folded = Parameters(W1 / sigma.T, b1 - W1 @ (mu / sigma), W2, b2)
    scaled = forward((X - mu) / sigma, Parameters(W1, b1, W2, b2))
    np.testing.assert_allclose(forward(X, folded).Z2, scaled.Z2, rtol=1e-10, atol=1e-12)


def test_an_average_of_networks_is_a_network() -> None:
    """W1 and b1 stacked, W2 / K side by side and b2 averaged give the average of the scores."""
    X = problem()[0]
    members = [problem(seed=k)[2] for k in range(3)]
    committee = Parameters(
        np.concatenate([member.W1 for member in members]),
        np.concatenate([member.b1 for member in members]),
        np.concatenate([member.W2 / 3 for member in members], axis=1),
        sum(member.b2 / 3 for member in members),
    )
    average = sum(forward(X, member).Z2 for member in members) / 3
    np.testing.assert_allclose(forward(X, committee).Z2, average, rtol=1e-12)


# ---- initialization and collapse ---------------------------------------------------------------


def test_schemes_have_their_spread() -> None:
    """Normal weights have standard deviation `scale`; xavier and he those of their papers."""
    n_x, n_h, n_y = 300, 400, 200
    spreads = {
        "normal": (0.01, 0.01),
        "zeros": (0, 0),
        "xavier": (np.sqrt(2 / (n_x + n_h)), np.sqrt(2 / (n_h + n_y))),
        "he": (np.sqrt(2 / n_x), np.sqrt(2 / n_h)),
    }
    for scheme, (first, second) in spreads.items():
        parameters = initialize(n_x, n_h, n_y, scheme=scheme, random_state=0)
        assert parameters.W1.std() == pytest.approx(first, rel=0.02)
        assert parameters.W2.std() == pytest.approx(second, rel=0.02)
        assert not np.concatenate([parameters.b1, parameters.b2]).any()
    assert not np.signbit(initialize(3, 4, 2, scheme="zeros").W1).any()


def test_random_state_may_be_a_seed_a_generator_or_nothing() -> None:
    """A generator continues where it is; the same seed repeats; None differs from call to call."""
    random = np.random.RandomState(5)
    blocks_close(initialize(2, 3, 1, random_state=random), initialize(2, 3, 1, random_state=5))
    assert (
        initialize(2, 3, 1, random_state=random).W1 != initialize(2, 3, 1, random_state=5).W1
    ).all()
    assert (initialize(2, 3, 1).W1 != initialize(2, 3, 1).W1).all()


@pytest.mark.parametrize("sizes", [(-1, 4, 1), (2, -1, 1), (2, 4, 0)])
def test_sizes_that_make_no_network_are_refused(sizes: tuple[int, int, int]) -> None:
    """Negative sizes, or no output, are an error that repeats them."""
    with pytest.raises(ParameterError, match=r"sizes must be"):
        initialize(*sizes)


def test_an_unknown_scheme_is_answered_with_those_there_are() -> None:
    """The error lists the schemes."""
    with pytest.raises(ParameterError, match="choose one of: normal, zeros, xavier, he"):
        initialize(2, 4, 1, scheme="uniform")


@pytest.mark.parametrize(("n_h", "skip"), [(0, False), (1, False), (6, False), (6, True)])
def test_collapse_is_exact(n_h: int, skip: bool) -> None:
    """W X + b equals the identity-activated network's Z2, and without a hidden layer is it."""
    X, _, parameters = problem(n_h=n_h, skip=skip)
    W, b = collapse(parameters)
    assert W.shape == (2, 3)
    np.testing.assert_allclose(
        W @ X + b, forward(X, parameters, activation="identity").Z2, rtol=1e-12, atol=1e-13
    )


def test_a_skip_starts_at_0_and_needs_hidden_units() -> None:
    """It changes no other weight of the start; without hidden units it has no meaning."""
    plain, with_skip = (initialize(3, 4, 2, random_state=0, skip=skip) for skip in (False, True))
    blocks_close(with_skip._replace(W1=with_skip.W1[:4]), plain)
    assert not with_skip.W1[4:].any()
    assert with_skip.W1.shape == (6, 3)
    with pytest.raises(ParameterError, match="choose skip=False"):
        initialize(3, 0, 2, skip=True)


# ---- errors ------------------------------------------------------------------------------------


def test_rows_of_W1_that_are_neither_units_nor_a_skip_are_refused() -> None:
    """W1 has as many rows as b1, or n_y more; without hidden units none."""
    X, _, parameters = problem(skip=True)
    W1, b1, W2, b2 = parameters
    for wrong in (
        Parameters(W1[:-1], b1, W2, b2),
        Parameters(W1, b1[:-1], W2, b2),
        Parameters(W1[:2], b1[:0], W2, b2),
    ):
        with pytest.raises(DataError, match="does not fit b1 of shape"):
            forward(X, wrong)


def test_arrays_of_the_wrong_shape_are_named_with_the_right_one() -> None:
    """Rows for columns, labels for one-hot columns and flat Y are errors, not broadcasts."""
    X, Y, parameters = problem()
    cache = forward(X, parameters)
    with pytest.raises(DataError, match=r"X of shape \(20, 3\) does not fit W1 of shape \(5, 3\)"):
        forward(X.T, parameters)
    for wrong in (Y.T, Y[:1], Y[0], Y[:, :5]):
        with pytest.raises(DataError, match=r"does not fit Z2 of shape \(2, 20\): examples"):
            cost(cache, wrong)
        with pytest.raises(DataError, match=r"does not fit Z2 of shape \(2, 20\): examples"):
            backward(X, wrong, parameters, cache)


def test_weights_that_sum_to_nothing_are_refused() -> None:
    """All weights 0 leave no average."""
    X, Y, parameters = problem()
    with pytest.raises(DataError, match="sum to 0"):
        cost(forward(X, parameters), Y, sample_weight=np.zeros(20))
