"""A Model predicts from a table, whatever made it."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from shoal import LOSSES, Model, ParameterError
from shoal.activations import sigmoid
from shoal.losses import Quantile
from shoal.network import forward
from shoal.prediction import BLOCK
from shoal.table import Column, Columns
from sound_models import SOUND, make_model

X = np.random.default_rng(0).normal(size=(50, 2))
NUMBERS = Columns((Column("x1", "number"), Column("x2", "number")), named=False)
BINARY = make_model(LOSSES["sigmoid"](), columns=NUMBERS, classes=np.array(["no", "yes"]))
MULTICLASS = make_model(LOSSES["softmax"](), n_y=3, columns=NUMBERS, classes=np.array([1, 2, 9]))
MULTILABEL = make_model(LOSSES["sigmoid"](), n_y=2, columns=NUMBERS)
REGRESSION = make_model(LOSSES["identity"](), columns=NUMBERS)
QUANTILES = make_model(Quantile((0.1, 0.5, 0.9)), n_y=3, columns=NUMBERS)


def test_the_task_is_in_the_loss_and_the_classes() -> None:
    """Nothing else says what a model does."""
    models = (BINARY, MULTICLASS, MULTILABEL, REGRESSION, QUANTILES)
    assert [model.task for model in models] == [
        "binary",
        "multiclass",
        "multilabel",
        "regression",
        "regression",
    ]


@pytest.mark.parametrize("model", [BINARY, MULTICLASS], ids=lambda model: model.task)
def test_the_class_is_the_most_probable(model: Model) -> None:
    """Probabilities sum to 1, in the order of the classes; the class has the largest."""
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (50, len(model.classes))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_array_equal(model.choose(X), probabilities.argmax(axis=1))
    np.testing.assert_array_equal(model.predict(X), model.classes[model.choose(X)])


def test_labels_are_0_and_1_each_for_itself() -> None:
    """A label is given where its probability is above a half."""
    assert MULTILABEL.predict_proba(X).shape == (50, 2)
    np.testing.assert_array_equal(MULTILABEL.predict(X), MULTILABEL.predict_proba(X) > 0.5)
    assert MULTILABEL.predict(X).dtype.kind == "i"


def test_values_have_one_column_or_several() -> None:
    """(m,) for one target; (m, n_y), rising, for several quantiles."""
    assert REGRESSION.predict(X).shape == (50,)
    assert QUANTILES.predict(X).shape == (50, 3)
    assert (np.diff(QUANTILES.predict(X), axis=1) >= 0).all()
    with pytest.raises(ParameterError, match="a regression has no probabilities: use predict"):
        REGRESSION.predict_proba(X)


def test_both_probabilities_keep_their_digits_in_the_tails() -> None:
    """At a score of 50 the other class has e^-50, not 0."""
    sure = dataclasses.replace(BINARY, parameters=BINARY.parameters._replace(b2=np.array([[50.0]])))
    scores = sure.scores(X)
    both = np.hstack([sigmoid(-scores), sigmoid(scores)])
    np.testing.assert_allclose(sure.predict_proba(X), both, rtol=1e-14)
    assert 0 < sure.predict_proba(X)[:, 0].min() < 1e-20


@pytest.mark.parametrize("name", SOUND)
def test_prediction_is_the_forward_pass(name: str) -> None:
    """Scores are Z2 of the encoded table, to rounding, for every kind of model."""
    model = SOUND[name]
    table = pl.DataFrame(
        {
            "bill length": [40.5, None, 50.0],
            "id": [1, 2, 3],
            'îsland "1"\n': ["Biscoe", "", None],
            "wet": [True, False, None],
            "day": ["2020-01-01", "2020-06-01", None],
            "mass, in g": [0.05, None, 5.0],
            "bounded": [-9.0, None, 1.5],
            "port": ["Bergen", "Oslo", None],
            "all rare": ["a", None, "b"],
        }
    )
    columns = len(model.columns.columns)
    rows: Any = table if columns == 5 else X[:3, :columns] if columns else table.select("wet")
    inputs = model.columns.encode(rows, dtype=model.parameters.W1.dtype).T
    cache = forward(inputs, model.parameters, activation=model.activation, output=model.loss)
    rounding = 1e-5 if inputs.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(model.scores(rows), cache.Z2.T, rtol=rounding, atol=rounding)
    assert model.scores(rows).dtype == model.parameters.W2.dtype


def test_a_table_longer_than_a_block_is_computed_in_blocks() -> None:
    """The rows of a long table have the predictions that they have alone, in their order."""
    rows = np.random.default_rng(1).normal(size=(2 * BLOCK + 7, 2))
    together = REGRESSION.predict(rows)
    assert len(together) == len(rows)
    for k in (0, BLOCK - 1, BLOCK, 2 * BLOCK, len(rows) - 1):
        assert REGRESSION.predict(rows[[k]])[0] == pytest.approx(together[k], rel=1e-12)


def test_no_rows_no_predictions() -> None:
    """An empty table has empty predictions, of the right width."""
    assert BINARY.predict(X[:0]).shape == (0,)
    assert MULTICLASS.predict_proba(X[:0]).shape == (0, 3)
    assert QUANTILES.predict(X[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    "form",
    [
        scipy.sparse.csr_array,
        scipy.sparse.coo_array,
        scipy.sparse.csc_matrix,
        np.asfortranarray,
        np.ndarray.tolist,
        pd.DataFrame,
        lambda X: pl.DataFrame(X, schema=["a", "b"]),
        lambda X: pa.table(list(X.T), names=["a", "b"]),
    ],
)
def test_the_form_of_a_table_does_not_matter(form: Any) -> None:
    """Sparse, dense, in either order, lists and frames have the same scores."""
    np.testing.assert_allclose(BINARY.scores(form(X)), BINARY.scores(X), rtol=1e-12)


def test_a_model_shows_what_it_is_in_one_line() -> None:
    """Its arrays and columns would fill a screen."""
    assert repr(BINARY) == "<Model: binary, 2 inputs, 3 tanh units, 1 sigmoid outputs>"
    linear = make_model(LOSSES["softmax"](), n_h=0, n_y=3, columns=NUMBERS, classes=np.arange(3))
    assert repr(linear) == "<Model: multiclass, 2 inputs, 3 softmax outputs>"


def test_parameters_are_laid_out_in_one_way() -> None:
    """Contiguous, whatever they were made from, so that a loaded model predicts the same bits."""
    turned = BINARY.parameters._replace(W1=np.asfortranarray(BINARY.parameters.W1))
    model = dataclasses.replace(BINARY, parameters=turned)
    assert all(block.flags.c_contiguous for block in model.parameters)
    assert model.scores(X).tobytes() == BINARY.scores(X).tobytes()
