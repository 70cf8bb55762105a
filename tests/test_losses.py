"""Losses: by hand, against metrics of A2 from scikit-learn, and at extreme scores."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    mean_tweedie_deviance,
)

from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Gamma,
    Huber,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
    get_loss,
)

EVERY_LOSS = [
    BinaryCrossEntropy(),
    CrossEntropy(),
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Huber(delta=0.3),
    Quantile(),
    Quantile(levels=(0.1, 0.5, 0.9)),
    Poisson(),
    Gamma(),
    Tweedie(),
    Tweedie(power=1.2),
]
every_loss = pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)


def n_outputs(loss: Loss) -> int:
    """Rows of Z2 to test a loss with."""
    return len(loss.levels) if isinstance(loss, Quantile) else 3


def targets(loss: Loss, Z2: Array, seed: int = 0) -> Array:
    """Targets in the domain of a loss, for scores Z2."""
    random = np.random.default_rng(seed)
    shape = (1 if isinstance(loss, Quantile) else len(Z2), Z2.shape[1])
    if isinstance(loss, CrossEntropy):
        return np.eye(shape[0])[:, random.integers(shape[0], size=shape[1])]
    if isinstance(loss, BinaryCrossEntropy):
        return random.integers(2, size=shape).astype(float)
    if isinstance(loss, Gamma):
        return random.gamma(2, size=shape) + 0.01
    if isinstance(loss, Poisson | Tweedie):
        Y = random.poisson(1.5, size=shape).astype(float)
        Y[:, 0] = 2
        return Y
    return random.normal(size=shape)


# ---- values ------------------------------------------------------------------------------------

HAND_COMPUTED = [
    # loss, column of Z2, column of Y, loss of the example, column of A2, column of dZ2
    (BinaryCrossEntropy(), [0.0], [1.0], log(2), [0.5], [-0.5]),
    (BinaryCrossEntropy(), [log(3)], [0.0], log(4), [0.75], [0.75]),
    (BinaryCrossEntropy(), [log(3), 0], [1, 0], log(4 / 3) + log(2), [0.75, 0.5], [-0.25, 0.5]),
    (BinaryCrossEntropy(), [0.0], [0.25], log(2), [0.5], [0.25]),
    (CrossEntropy(), [0, log(2), 0], [0, 1, 0], log(2), [0.25, 0.5, 0.25], [0.25, -0.5, 0.25]),
    (CrossEntropy(), [7, 7], [0.5, 0.5], log(2), [0.5, 0.5], [0, 0]),
    (SquaredError(), [3, -1], [1, -1], 2, [3, -1], [2, 0]),
    (AbsoluteError(), [3, -1, 5], [1, -1, 8], 5, [3, -1, 5], [1, 0, -1]),
    (Huber(), [0.5, 3], [0, 0], 0.125 + 2.5, [0.5, 3], [0.5, 1]),
    (Huber(delta=2), [-1, 1], [2, 0], 4 + 0.5, [-1, 1], [-2, 1]),
    (Quantile((0.1, 0.9)), [4, 2], [3], 0.1 + 0.1, [2, 4], [0.1, -0.1]),
    (Quantile((0.2, 0.5)), [1, 3], [0], 0.8 + 1.5, [1, 3], [0.8, 0.5]),
    (Quantile((0.2, 0.5)), [2, 5], [2], 1.5, [2, 5], [0, 0.5]),
    (Poisson(), [0, log(2)], [0, 2], 1, [1, 2], [1, 0]),
    (Poisson(), [log(3)], [1], 2 - log(3), [3], [2]),
    (Gamma(), [log(2)], [4], 1 - log(2), [2], [-1]),
    (Tweedie(1.5), [log(4)], [0], 4, [4], [2]),
    (Tweedie(1.5), [log(4)], [1], -4 + 1 + 4, [4], [1.5]),
]


@pytest.mark.parametrize(("loss", "z", "y", "expected", "a", "dz"), HAND_COMPUTED)
def test_values_by_hand(
    loss: Loss, z: list[float], y: list[float], expected: float, a: list[float], dz: list[float]
) -> None:
    """Output, loss and derivative are those that pencil and paper give."""
    Z2, Y = np.array([z], dtype=float).T, np.array([y], dtype=float).T
    np.testing.assert_allclose(loss.output(Z2)[:, 0], a, rtol=1e-14)
    np.testing.assert_allclose(loss.losses(Z2, Y), [expected], rtol=1e-14)
    np.testing.assert_allclose(loss.dZ2(Z2, Y)[:, 0], dz, rtol=1e-14, atol=1e-15)


def test_losses_are_the_metrics_of_scikit_learn() -> None:
    """Summed over the outputs and averaged over the examples, each equals the metric of A2."""
    random = np.random.default_rng(3)
    Z2 = random.normal(size=(3, 200))

    def agree(loss: Loss, metric: object, factor: float, **settings: float) -> None:
        Y = targets(loss, Z2)
        A2 = loss.output(Z2)
        rows = [metric(y, a, **settings) for y, a in zip(Y, A2, strict=True)]  # type: ignore[operator]
        assert loss.losses(Z2, Y).mean() == pytest.approx(factor * sum(rows), rel=1e-12)

    agree(BinaryCrossEntropy(), log_loss, 1)
    agree(SquaredError(), mean_squared_error, 1 / 2)
    agree(AbsoluteError(), mean_absolute_error, 1)
    agree(Poisson(), mean_poisson_deviance, 1 / 2)
    agree(Gamma(), mean_gamma_deviance, 1 / 2)
    for power in (1.01, 1.5, 1.99):
        agree(Tweedie(power), mean_tweedie_deviance, 1 / 2, power=power)

    Y = targets(CrossEntropy(), Z2)
    expected = log_loss(Y.argmax(axis=0), CrossEntropy().output(Z2).T, labels=[0, 1, 2])
    assert CrossEntropy().losses(Z2, Y).mean() == pytest.approx(expected, rel=1e-12)

    levels = (0.1, 0.5, 0.9)
    Y, A2 = random.normal(size=(1, 200)), np.sort(Z2, axis=0)
    expected = sum(mean_pinball_loss(Y[0], a, alpha=tau) for a, tau in zip(A2, levels, strict=True))
    assert Quantile(levels).losses(Z2, Y).mean() == pytest.approx(expected, rel=1e-12)


def test_huber_is_squared_inside_and_absolute_outside() -> None:
    """With a large delta it is the squared error; over a small delta it tends to the absolute."""
    random = np.random.default_rng(4)
    Z2, Y = random.normal(size=(2, 100)), random.normal(size=(2, 100))
    np.testing.assert_allclose(Huber(1e3).losses(Z2, Y), SquaredError().losses(Z2, Y), rtol=1e-14)
    small = Huber(1e-9).losses(Z2, Y) / 1e-9
    np.testing.assert_allclose(small, AbsoluteError().losses(Z2, Y), atol=1e-8)


def test_tweedie_lies_between_poisson_and_gamma() -> None:
    """Its power near 1 gives the Poisson deviance and near 2 the gamma deviance."""
    random = np.random.default_rng(5)
    Z2, Y = random.normal(size=(1, 50)), random.gamma(2, size=(1, 50))
    near = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(Tweedie(1 + 1e-6).losses(Z2, Y), Poisson().losses(Z2, Y), **near)
    np.testing.assert_allclose(Tweedie(2 - 1e-6).losses(Z2, Y), Gamma().losses(Z2, Y), **near)


def test_two_class_softmax_is_the_sigmoid_of_the_difference() -> None:
    """Softmax over (z, 0) gives the sigmoid of z, in output, loss and derivative."""
    z = np.linspace(-30, 30, 61)[None]
    Y = (np.arange(61)[None] % 2).astype(float)
    Z2, both = np.concatenate([z, 0 * z]), np.concatenate([Y, 1 - Y])
    one, two = BinaryCrossEntropy(), CrossEntropy()
    np.testing.assert_allclose(two.output(Z2)[:1], one.output(z), rtol=1e-14)
    np.testing.assert_allclose(two.losses(Z2, both), one.losses(z, Y), rtol=1e-14)
    np.testing.assert_allclose(two.dZ2(Z2, both)[:1], one.dZ2(z, Y), rtol=1e-12, atol=1e-15)


@every_loss
def test_dZ2_is_the_derivative(loss: Loss) -> None:
    """dZ2 agrees with central differences of the losses, one entry of a column at a time (Eq 6)."""
    random = np.random.default_rng(6)
    Z2 = random.normal(size=(n_outputs(loss), 200))
    Y = targets(loss, Z2)
    h = 1e-6
    slopes = np.empty_like(Z2)
    smooth = np.ones(Z2.shape, dtype=bool)
    for k in range(len(Z2)):
        step = np.zeros_like(Z2)
        step[k] = h
        slopes[k] = (loss.losses(Z2 + step, Y) - loss.losses(Z2 - step, Y)) / (2 * h)
        above, below = loss.branch(Z2 + step, Y), loss.branch(Z2 - step, Y)
        if above is not None and below is not None:
            smooth[k] = (above == below).all(axis=0)
    assert smooth.mean() > 0.99
    np.testing.assert_allclose(loss.dZ2(Z2, Y)[smooth], slopes[smooth], rtol=1e-7, atol=1e-8)


@every_loss
def test_smallest_loss_is_zero_at_the_target(loss: Loss) -> None:
    """No loss is below 0, and a perfect prediction costs 0."""
    random = np.random.default_rng(7)
    Z2 = 3 * random.normal(size=(n_outputs(loss), 500))
    Y = targets(loss, Z2)
    assert loss.losses(Z2, Y).min() >= 0
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        perfect = 1e4 * (2 * Y - 1)
    elif isinstance(loss, Poisson | Gamma | Tweedie):
        perfect = np.log(np.where(Y > 0, Y, np.exp(-300)))
    else:
        perfect = np.broadcast_to(Y, Z2.shape)
    np.testing.assert_allclose(loss.losses(perfect, Y), 0, atol=1e-12)


# ---- numerical care ----------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extreme_scores_give_finite_numbers_of_the_same_dtype(
    loss: Loss, dtype: type[np.floating]
) -> None:
    """Scores of ±1e4, in every combination, raise no floating-point exception but underflow."""
    n_y = n_outputs(loss)
    sizes = np.array([-1e4, -800, -90, -1, 0, 1, 90, 800, 1e4], dtype=dtype)
    Z2 = np.array(np.meshgrid(*[sizes] * n_y)).reshape(n_y, -1)
    for Y in (targets(loss, Z2), targets(loss, Z2, seed=1)):
        Y = Y.astype(dtype)
        with np.errstate(all="raise", under="ignore"):
            results = [loss.output(Z2), loss.losses(Z2, Y), loss.dZ2(Z2, Y)]
            results.append(results[1].sum(dtype=dtype))
        for result in results:
            assert np.isfinite(result).all()
            assert result.dtype == dtype


@every_loss
def test_extreme_scores_are_pushed_back(loss: Loss) -> None:
    """dZ2 has the sign that lowers a score that is far too high and raises one far too low."""
    Z2 = np.array([[-1e4, 1e4]] * n_outputs(loss))
    Z2 += np.arange(len(Z2))[:, None]
    Y = targets(loss, Z2)
    if isinstance(loss, CrossEntropy):
        Y = np.eye(3)[:, [0, 2]]
        Z2 = np.array([[-1e4, 1e4], [0, 0], [0, 0]])
        signs = np.sign(loss.dZ2(Z2, Y)[0])
    elif isinstance(loss, BinaryCrossEntropy):
        signs = np.sign(loss.dZ2(Z2, np.array([[1.0, 0.0]] * 3))[0])
    else:
        signs = np.sign(loss.dZ2(Z2, Y)[0])
    np.testing.assert_array_equal(signs, [-1, 1])


def test_confident_right_answers_keep_their_digits() -> None:
    """At z = 40 and y = 1 the loss is e^-40 to full precision, where -log(a) would be 0.

    And at y = 0 it is 40, where -log(1 - a) would be infinite.
    """
    z = np.array([[40.0, 40.0]])
    np.testing.assert_allclose(
        BinaryCrossEntropy().losses(z, np.array([[1.0, 0.0]])), [np.exp(-40), 40], rtol=1e-15
    )
    Z2 = np.concatenate([z, np.zeros((2, 2))])
    np.testing.assert_allclose(
        CrossEntropy().losses(Z2, np.array([[1.0, 0], [0, 1], [0, 0]])),
        [2 * np.exp(-40), 40],
        rtol=1e-15,
    )


def test_softmax_does_not_see_a_shift_of_the_scores() -> None:
    """Adding a constant to every score of an example changes nothing, however large it is."""
    Z2 = np.random.default_rng(8).normal(size=(4, 20)).round(3)
    Y = np.eye(4)[:, np.arange(20) % 4]
    loss = CrossEntropy()
    np.testing.assert_allclose(loss.losses(Z2 + 1e4, Y), loss.losses(Z2, Y), rtol=1e-10)
    np.testing.assert_allclose(loss.output(Z2 - 1e4), loss.output(Z2), rtol=1e-10)
    np.testing.assert_allclose(loss.output(Z2).sum(axis=0), 1, rtol=1e-15)


# ---- quantiles ---------------------------------------------------------------------------------

scores = st.lists(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=5
).map(lambda rows: np.array(rows).T)


@given(scores)
def test_quantiles_never_cross(Z2: Array) -> None:
    """Whatever the scores, a higher level has a value at least as high."""
    A2 = Quantile((0.1, 0.5, 0.9)).output(Z2)
    assert (np.diff(A2, axis=0) >= 0).all()


@given(scores, st.permutations(range(3)))
def test_quantiles_do_not_depend_on_which_output_is_which(Z2: Array, order: list[int]) -> None:
    """Permuting the rows of Z2 permutes dZ2 alike and leaves output and loss alone."""
    loss = Quantile((0.1, 0.5, 0.9))
    Y = np.full((1, Z2.shape[1]), 0.25)
    np.testing.assert_array_equal(loss.output(Z2[order]), loss.output(Z2))
    np.testing.assert_array_equal(loss.losses(Z2[order], Y), loss.losses(Z2, Y))
    if all(len(set(column)) == 3 for column in Z2.T.tolist()):
        np.testing.assert_array_equal(loss.dZ2(Z2[order], Y), loss.dZ2(Z2, Y)[order])


def test_the_quantile_of_the_sample_minimises_the_quantile_loss() -> None:
    """Over constants, the loss is least at the sample's own quantiles."""
    y = np.random.default_rng(9).normal(size=(1, 101))
    loss = Quantile((0.1, 0.5, 0.9))
    best = np.quantile(y, loss.levels)[:, None]

    def total(a: Array) -> float:
        return float(loss.losses(np.repeat(a, 101, axis=1), y).sum())

    for k in range(3):
        for shift in (-0.1, 0.1):
            assert total(best) < total(best + shift * np.eye(3)[:, [k]])


def test_quantiles_follow_a_scaling_of_the_target() -> None:
    """Output and loss commute with y = c + s ŷ for s > 0, which is why W2 and b2 absorb it."""
    random = np.random.default_rng(10)
    Z2, Y = random.normal(size=(3, 50)), random.normal(size=(1, 50))
    loss = Quantile((0.2, 0.5, 0.7))
    np.testing.assert_allclose(loss.output(5 + 3 * Z2), 5 + 3 * loss.output(Z2))
    np.testing.assert_allclose(loss.losses(5 + 3 * Z2, 5 + 3 * Y), 3 * loss.losses(Z2, Y))


@pytest.mark.parametrize("loss", [Poisson(), Gamma(), Tweedie(1.3)], ids=repr)
def test_log_link_losses_follow_a_factor_of_the_target(loss: Loss) -> None:
    """With y = s ŷ the bias log s gives the same deviance up to a factor: `scalable` is "scale"."""
    random = np.random.default_rng(11)
    Z2, Y = random.normal(size=(2, 50)), random.gamma(2, size=(2, 50))
    s = 7.0
    np.testing.assert_allclose(loss.output(Z2 + np.log(s)), s * loss.output(Z2), rtol=1e-14)
    ratio = loss.losses(Z2 + np.log(s), s * Y) / loss.losses(Z2, Y)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert loss.scalable == "scale"


# ---- domains and settings ----------------------------------------------------------------------


@every_loss
def test_targets_in_the_domain_are_accepted(loss: Loss) -> None:
    """The domain's own values pass the check."""
    Y = targets(loss, np.zeros((n_outputs(loss), 40)))
    assert loss.accepts(Y)
    loss.check(Y)


@every_loss
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_targets_that_are_not_finite_are_refused(loss: Loss, wrong: float) -> None:
    """One NaN or infinity among good targets is refused."""
    Y = targets(loss, np.zeros((n_outputs(loss), 40)))
    Y[0, 7] = wrong
    assert not loss.accepts(Y)


@pytest.mark.parametrize(
    ("loss", "Y"),
    [
        (BinaryCrossEntropy(), [[0, 1, 2]]),
        (BinaryCrossEntropy(), [[0, 1, -1]]),
        (CrossEntropy(), [[1, 0], [1, 1]]),
        (CrossEntropy(), [[2, 0], [-1, 1]]),
        (CrossEntropy(), [[0, 1], [0, 0]]),
        (Poisson(), [[1, -1]]),
        (Poisson(), [[0, 0]]),
        (Poisson(), [[1, 2], [0, 0]]),
        (Gamma(), [[1, 0]]),
        (Gamma(), [[1, -1]]),
        (Tweedie(), [[1, -1]]),
        (Tweedie(), [[1, 2], [0, 0]]),
    ],
    ids=repr,
)
def test_targets_outside_the_domain_are_refused_with_the_domain(
    loss: Loss, Y: list[list[float]]
) -> None:
    """The error says which domain the loss needs and what y reaches."""
    with pytest.raises(DataError) as error:
        loss.check(np.array(Y, dtype=float))
    assert loss.domain in str(error.value)
    assert f"from {np.min(Y)} to {np.max(Y)}" in str(error.value)


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (Huber, 0),
        (Huber, -1.0),
        (Huber, np.nan),
        (Huber, "wide"),
        (Huber, None),
        (Tweedie, 1),
        (Tweedie, 2),
        (Tweedie, 0.5),
        (Tweedie, np.nan),
        (Tweedie, None),
        (Quantile, ()),
        (Quantile, 0.5),
        (Quantile, None),
        (Quantile, "0.5"),
        (Quantile, (0.0, 0.5)),
        (Quantile, (0.5, 1.0)),
        (Quantile, (0.5, 0.5)),
        (Quantile, (0.9, 0.1)),
        (Quantile, (0.1, np.nan)),
        (Quantile, ("low", "high")),
    ],
)
def test_settings_outside_their_range_are_refused(make: type[Loss], setting: object) -> None:
    """The error names the setting that was given."""
    with pytest.raises(ParameterError) as error:
        make(setting)  # type: ignore[call-arg]
    assert repr(setting) in str(error.value)


def test_settings_given_as_numpy_numbers_leave_float32_alone() -> None:
    """A float64 setting does not turn float32 arrays into float64."""
    Z2, Y = np.ones((2, 3), dtype=np.float32), np.ones((2, 3), dtype=np.float32)
    for loss in (Huber(np.float64(0.5)), Tweedie(np.float64(1.5))):  # type: ignore[arg-type]
        assert loss.losses(Z2, Y).dtype == np.float32
        assert loss.dZ2(Z2, Y).dtype == np.float32
    assert Quantile(np.array([0.1, 0.9])) == Quantile((0.1, 0.9))  # type: ignore[arg-type]


def test_quantiles_need_one_output_per_level() -> None:
    """Two levels and three outputs is an error that says so."""
    with pytest.raises(ParameterError, match="2 quantile levels need as many outputs, not 3"):
        Quantile((0.1, 0.9)).losses(np.zeros((3, 2)), np.zeros((1, 2)))


@every_loss
def test_number_of_scores_is_that_of_the_targets_or_the_levels(loss: Loss) -> None:
    """One score per target; quantiles are of one target, one score per level."""
    if isinstance(loss, Quantile):
        assert loss.n_scores(1) == len(loss.levels)
        with pytest.raises(ParameterError, match="of one target, but y has 2 columns"):
            loss.n_scores(2)
    else:
        assert [loss.n_scores(n) for n in (1, 3)] == [1, 3]


def test_every_name_gives_its_loss_at_its_defaults() -> None:
    """get_loss takes a name or an object, and every entry says all there is to say about it."""
    for name, kind in LOSSES.items():
        loss = get_loss(name)
        assert type(loss) is kind
        assert loss.name == name
        assert get_loss(loss) is loss
        texts = (loss.title, loss.a, loss.formula, loss.derivative, loss.domain, loss.source)
        assert all(texts)
        assert loss.scalable in ("affine", "scale", "no")


@pytest.mark.parametrize("name", ["mse", "", None, ["sigmoid"]])
def test_an_unknown_output_is_answered_with_those_there_are(name: object) -> None:
    """The error names the wrong one and lists the right ones."""
    with pytest.raises(ParameterError, match="choose one of: sigmoid, softmax, identity"):
        get_loss(name)  # type: ignore[arg-type]
