"""The linear model that training starts from, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from shoal.linear import STRENGTHS, linear_start
from shoal.losses import BinaryCrossEntropy, SquaredError

random = np.random.default_rng(0)
X = random.normal(size=(5, 120))  # (p, m)
X[4] = X[3] + 1e-3 * random.normal(size=120)  # nearly collinear: the penalty decides
VALUES = (X.T @ [1.0, -2.0, 0.0, 3.0, 0.0] + 4 + random.normal(size=120))[None]
part = np.arange(120) % 4
WEIGHT = random.integers(1, 4, 120).astype(float)


def rows(examples: np.ndarray) -> np.ndarray:
    """Inputs of examples, as the estimators give them."""
    return X[:, examples]


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_each_member_has_ridge_regression_of_the_rows_it_sees(weight: np.ndarray | None) -> None:
    """Scikit-learn's coefficients and intercept, with one strength, that of the least error."""
    start = linear_start(rows, VALUES, weight, part, SquaredError())
    w = np.ones(120) if weight is None else weight
    errors = []
    for strength in STRENGTHS:
        error = 0.0
        for k in range(4):
            seen, out = part != k, part == k
            model = Ridge(strength).fit(X[:, seen].T, VALUES[0, seen], sample_weight=w[seen])
            error += w[out] @ (model.predict(X[:, out].T) - VALUES[0, out]) ** 2
        errors.append(error)
    best = STRENGTHS[np.argmin(errors)]
    for k in range(4):
        seen = part != k
        model = Ridge(best).fit(X[:, seen].T, VALUES[0, seen], sample_weight=w[seen])
        np.testing.assert_allclose(start.V[k][0], model.coef_, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(start.b[k], model.intercept_, rtol=1e-8)


def test_scores_of_two_classes_are_stretched_until_they_are_probable() -> None:
    """Better than the classes' shares on rows held out, and no better for any other factor."""
    Y = (VALUES > 4).astype(float)
    start, loss = linear_start(rows, Y, None, part, BinaryCrossEntropy()), BinaryCrossEntropy()
    prior = np.log(Y.mean() / (1 - Y.mean()))

    def held_out(factor: float) -> float:
        Z2 = np.empty_like(Y)
        for k in range(4):
            out = part == k
            Z2[:, out] = start.V[k] @ X[:, out] + start.b[k][:, None]
        return float(loss.losses(prior + factor * (Z2 - prior), Y).mean())

    assert held_out(1) < 0.6 * held_out(0)
    assert held_out(1) <= min(held_out(0.8), held_out(1.25))


def test_what_cannot_be_learnt_starts_from_the_shares_alone() -> None:
    """Labels that are coin tosses: hardly any weight, and the intercept is their log odds."""
    Y = random.integers(0, 2, (1, 120)).astype(float)
    start = linear_start(rows, Y, None, part, BinaryCrossEntropy())
    prior = np.log(Y.mean() / (1 - Y.mean()))
    assert max(np.abs(V).max() for V in start.V) < 0.2
    np.testing.assert_allclose([b[0] for b in start.b], prior, atol=0.2)
