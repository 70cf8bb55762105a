"""Every setting that is left open is decided, and every setting that is wrong is named."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal import ShoalClassifier, ShoalRegressor
from shoal.activations import ACTIVATIONS
from shoal.errors import ParameterError
from shoal.optimizers import Adam, GradientDescent, Momentum
from shoal.recipe import SMALL, SOLVERS, TINY, Recipe, choose_recipe, narrowed

SETTINGS = ShoalClassifier().get_params()


def recipe(m: int = 1000, **settings: Any) -> Recipe:
    """What is decided for m examples."""
    return choose_recipe(SETTINGS | settings, m)


@given(st.sampled_from(SOLVERS), st.integers(1, 10**7), st.sampled_from(sorted(ACTIVATIONS)))
def test_nothing_is_left_open(solver: str, m: int, activation: str) -> None:
    """For any size of data no setting is "auto" any more, and the batch fits the data."""
    chosen = recipe(m, solver=solver, activation=activation)
    assert all(getattr(chosen, field.name) != "auto" for field in fields(chosen))
    assert chosen.batch_size is None or 1 <= chosen.batch_size <= max(m, 1)
    assert (chosen.optimizer is None) == (chosen.solver == "lbfgs")


def test_both_estimators_have_the_same_recipe() -> None:
    """Classes or values: the defaults are one."""
    assert choose_recipe(ShoalRegressor().get_params(), 500) == recipe(500)


def test_auto_is_a_committee_that_holds_out_every_row_once() -> None:
    """Above 60 rows; up to that it is a committee by L-BFGS that holds out none."""
    for m in (TINY + 1, 10**6):
        assert recipe(m).committee
        assert recipe(m).hold_out == 1 / recipe(m).n_members
    tiny = recipe(TINY)
    assert (tiny.solver, tiny.hold_out, tiny.n_bins) == ("lbfgs", 0, 0)
    assert tiny.n_members == recipe().n_members


def test_a_named_solver_and_a_bare_network_are_plain() -> None:
    """One member, no bins, no skip, no dropout, no averaging, unless they are asked for."""
    for settings in ({"solver": "adam"}, {"preprocessing": None}):
        plain = recipe(**settings)
        assert (plain.n_members, plain.n_bins, plain.skip) == (1, 0, False)
        assert (plain.dropout, plain.averaging, plain.committee) == (0, 0, False)
    asked = recipe(solver="sgd", n_members=3, n_bins=4, dropout=0.1, skip=True)
    assert (asked.n_members, asked.n_bins, asked.dropout, asked.skip) == (3, 4, 0.1, True)


def test_a_wide_table_makes_a_model_of_a_megabyte() -> None:
    """Fewer bins where there are many columns, and fewer units where there are many inputs."""
    assert recipe(10**6).n_bins == 64
    assert choose_recipe(SETTINGS, 500, n_columns=200).n_bins == 5
    assert choose_recipe(SETTINGS, 500, n_columns=784).n_bins == 0
    for n_x in (10, 300, 1_000, 3_000):
        units = 8 * narrowed(recipe(), n_x, 3).n_hidden + 2 * 3
        assert units * (n_x + 3) * 4 < 1e6
    assert narrowed(recipe(), 10, 3) == recipe()


def test_more_can_be_learnt_of_more_rows_and_less_of_several_classes() -> None:
    """Bins by the number of rows, for values, two classes and several."""
    expected = {0: [16, 32, 32], 2: [8, 16, 64], 3: [4, 4, 16], 10: [4, 4, 16]}
    for n_classes, n_bins in expected.items():
        recipes = [choose_recipe(SETTINGS, m, n_classes=n_classes) for m in (500, 5_000, 50_000)]
        assert [recipe.n_bins for recipe in recipes] == n_bins


def test_a_skip_only_where_it_folds() -> None:
    """Not with sigmoid and tanh units, and not without hidden units."""
    assert not recipe(activation="tanh").skip
    assert not recipe(n_hidden=0).skip
    assert recipe(activation="silu").skip


def test_settings_reach_the_method() -> None:
    """Each number lands in its place."""
    assert recipe(solver="gd", learning_rate=2).optimizer == GradientDescent(2.0)
    sgd = recipe(solver="sgd", learning_rate=0.2, momentum=0.5, nesterovs_momentum=False)
    assert sgd.optimizer == Momentum(0.2, 0.5, nesterov=False)
    adam = recipe(solver="adam", learning_rate=0.2, beta_1=0.5, beta_2=0.6, epsilon=1e-3)
    assert adam.optimizer == Adam(0.2, 0.5, 0.6, 1e-3)


def test_rows_are_held_out_where_there_are_enough() -> None:
    """ "auto" holds out a tenth above 300 rows with minibatches; True and False are obeyed."""
    for solver, expected in {"adam": 0.1, "sgd": 0.1, "gd": 0, "lbfgs": 0}.items():
        assert recipe(SMALL + 1, solver=solver).hold_out == expected
        assert recipe(SMALL, solver=solver).hold_out == 0
        assert recipe(SMALL, solver=solver, early_stopping=True).hold_out == 0.1
        assert recipe(SMALL + 1, solver=solver, early_stopping=np.bool_(False)).hold_out == 0


def test_only_minibatch_methods_have_batches() -> None:
    """Gradient descent and L-BFGS see all examples whatever batch_size says."""
    for solver in ("gd", "lbfgs"):
        assert recipe(solver=solver, batch_size=10).batch_size is None
    assert recipe(solver="adam").batch_size == 200
    assert recipe(50, solver="adam").batch_size == 50
    assert recipe(solver="sgd", batch_size=10).batch_size == 10


def test_tol_of_lbfgs_is_about_the_gradient() -> None:
    """Its loss has no rule of its own, unless rows are held out."""
    alone = recipe(solver="lbfgs", tol=1e-3)
    assert (alone.tol, alone.smallest_gradient) == (0, 1e-3)
    watched = recipe(solver="lbfgs", tol=1e-3, early_stopping=True)
    assert (watched.tol, watched.smallest_gradient) == (1e-3, 1e-3)


@pytest.mark.parametrize(
    ("activation", "init", "init_scale", "scheme"),
    [
        ("relu", "auto", None, "he"),
        ("silu", "auto", None, "he"),
        ("tanh", "auto", None, "xavier"),
        ("sigmoid", "auto", None, "xavier"),
        ("relu", "auto", 0.01, "normal"),
        ("relu", "xavier", None, "xavier"),
        ("tanh", "zeros", None, "zeros"),
    ],
)
def test_the_first_weights_suit_the_activation(
    activation: str, init: str, init_scale: float | None, scheme: str
) -> None:
    """He's for the ReLU family, Glorot's for the others, the course's if a scale is given."""
    chosen = recipe(activation=activation, init=init, init_scale=init_scale)
    assert (chosen.scheme, chosen.scale) == (scheme, 0.01)


WRONG = {
    "n_hidden": [-1, 2.5, "4", None, True],
    "n_members": [0, 1.0],
    "solver": ["newton", None, ["adam"]],
    "alpha": [-1e-9, float("nan"), float("inf"), "much", None, [1.0]],
    "learning_rate": [0, -1, float("inf"), "adaptive"],
    "batch_size": [0, 10.5, "all"],
    "max_iter": [0, 1e3],
    "tol": [-1, None],
    "n_iter_no_change": [0, float("inf")],
    "momentum": [1, -0.1],
    "beta_1": [1, -0.1],
    "beta_2": [1, -0.1],
    "epsilon": [0],
    "early_stopping": ["yes", None, 2],
    "validation_fraction": [0, 1, 1.5],
    "init": ["orthogonal", None],
    "init_scale": [-1, float("nan")],
    "activation": ["ReLU", None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_what_is_wrong_is_named(name: str, value: Any) -> None:
    """The message has the setting, the value it had, and what it may be."""
    with pytest.raises(ParameterError) as caught:
        recipe(solver=value) if name == "solver" else recipe(**{name: value})
    message = str(caught.value)
    assert message.startswith(name)
    assert repr(value) in message
    assert "must be" in message or "choose one of" in message
