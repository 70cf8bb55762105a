"""The methods that are compared: shoal and its peers at their defaults, each a way to fit a frame.

A method takes (X, y, task, threads) and returns a fitted model with `predict` and, for classes,
`predict_proba` and `classes_`.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd


def texts(X: pd.DataFrame) -> list[str]:
    """Columns that are not numbers."""
    return [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]


class OnFrames:
    """A model and what its frames must be turned into first."""

    def __init__(self, model: Any, prepare: Callable[[Any], Any], labels: Any = None) -> None:
        self.model, self.prepare, self.labels = model, prepare, labels

    @property
    def classes_(self) -> Any:
        return self.model.classes_ if self.labels is None else self.labels

    def predict(self, X: Any) -> Any:
        predicted = np.asarray(self.model.predict(self.prepare(X))).ravel()
        return predicted if self.labels is None else self.labels[predicted.astype(int)]

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(self.prepare(X))


def one_hot(X: Any, *, scale: bool) -> Any:
    """Numbers with the gaps filled (and scaled), the rest one column a level."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    names = texts(X)
    steps = [SimpleImputer(strategy="median", add_indicator=True)]
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=False
    )
    return make_column_transformer(
        (make_pipeline(*steps, *([StandardScaler()] if scale else [])), X.columns.drop(names)),
        (encoder, names),
    )


def by_name(X: Any) -> Callable[[Any], Any]:
    """Text as categories of the training rows, which tree libraries read themselves."""
    levels = {name: sorted(X[name].dropna().astype(str).unique()) for name in texts(X)}

    def prepare(X: Any) -> Any:
        X = X.copy()
        for name, known in levels.items():
            values = X[name].astype(str).where(X[name].notna())
            X[name] = pd.Categorical(values, categories=known)
        # Characters that some libraries do not allow in names.
        X.columns = [f"c{k}" for k in range(X.shape[1])]
        return X

    return prepare


def linear(X: Any, y: Any, task: str, _: int) -> Any:
    """Logistic regression, or ridge regression with the strength cross-validated."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline

    model = (
        RidgeCV(np.logspace(-2, 4, 13))
        if task == "regression"
        else LogisticRegression(max_iter=1000)
    )
    return make_pipeline(one_hot(X, scale=True), model).fit(X, y)


def sklearn_mlp(X: Any, y: Any, task: str, _: int) -> Any:
    """One hidden layer of 100 units by Adam."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline

    kind = MLPRegressor if task == "regression" else MLPClassifier
    return make_pipeline(one_hot(X, scale=True), kind(random_state=0)).fit(X, y)


def random_forest(X: Any, y: Any, task: str, threads: int) -> Any:
    """300 trees."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline

    kind = RandomForestRegressor if task == "regression" else RandomForestClassifier
    model = kind(300, n_jobs=threads, random_state=0)
    return make_pipeline(one_hot(X, scale=False), model).fit(X, y)


def histogram_boosting(X: Any, y: Any, task: str, _: int) -> Any:
    """scikit-learn's boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    prepare = by_name(X)
    few = [
        name for name in prepare(X).select_dtypes("category") if prepare(X)[name].nunique() > 255
    ]

    def codes(X: Any) -> Any:  # it takes no more than 255 levels
        X = prepare(X)
        for name in few:
            X[name] = X[name].cat.codes
        return X

    return OnFrames(kind(random_state=0).fit(codes(X), y), codes)


def xgboost(X: Any, y: Any, task: str, threads: int) -> Any:
    """Boosted trees, which read categories."""
    from xgboost import XGBClassifier, XGBRegressor

    prepare = by_name(X)
    kind = XGBRegressor if task == "regression" else XGBClassifier
    model = kind(enable_categorical=True, n_jobs=threads, random_state=0)
    if task == "regression":
        return OnFrames(model.fit(prepare(X), y), prepare)
    labels, codes = np.unique(y, return_inverse=True)
    return OnFrames(model.fit(prepare(X), codes), prepare, labels)


def lightgbm(X: Any, y: Any, task: str, threads: int) -> Any:
    """Boosted trees, which read categories."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    prepare = by_name(X)
    model = kind(n_jobs=threads, random_state=0, verbose=-1)
    return OnFrames(model.fit(prepare(X), y), prepare)


def catboost(X: Any, y: Any, task: str, threads: int) -> Any:
    """Boosted trees, which read categories as text."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    names = texts(X)

    def prepare(X: Any) -> Any:
        X = X.copy()
        for name in names:
            X[name] = X[name].astype(str).where(X[name].notna(), "missing")
        return X

    kind = CatBoostRegressor if task == "regression" else CatBoostClassifier
    model = kind(
        thread_count=threads,
        random_seed=0,
        verbose=False,
        allow_writing_files=False,
        cat_features=names,
    )
    return OnFrames(model.fit(prepare(X), y), prepare)


def _pytabkit(name: str) -> Callable[..., Any]:
    def fit(X: Any, y: Any, task: str, threads: int) -> Any:
        import pytabkit

        kind = getattr(pytabkit, f"{name}_{'Regressor' if task == 'regression' else 'Classifier'}")
        model = kind(device="cpu", random_state=0, n_threads=threads)
        return OnFrames(model.fit(by_name(X)(X), np.asarray(y)), by_name(X))

    return fit


def shoal(X: Any, y: Any, task: str, threads: int, **settings: Any) -> Any:
    """Nothing chosen, but what is named."""
    import shoal

    kind = shoal.ShoalRegressor if task == "regression" else shoal.ShoalClassifier
    return kind(random_state=0, n_jobs=threads, **settings).fit(X, y)


def method(name: str) -> Callable[..., Any]:
    """One of METHODS, or shoal with settings: "shoal n_bins=0 skip=false"."""
    if name in METHODS:
        return METHODS[name]
    ours, *settings = name.split(" ")
    if ours != "shoal":
        raise SystemExit(f"there is no method {name!r}; choose from: {', '.join(METHODS)}")
    pairs = (setting.split("=") for setting in settings)
    return partial(shoal, **{key: json.loads(value) for key, value in pairs})


METHODS: dict[str, Callable[..., Any]] = {
    "shoal": shoal,
    "linear": linear,
    "scikit-learn MLP": sklearn_mlp,
    "random forest": random_forest,
    "histogram boosting": histogram_boosting,
    "XGBoost": xgboost,
    "LightGBM": lightgbm,
    "CatBoost": catboost,
    "RealMLP-TD": _pytabkit("RealMLP_TD"),
    "TabM-D": _pytabkit("TabM_D"),
}
