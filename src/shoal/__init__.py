"""shoal: the one-hidden-layer neural network, done as well as it can be done.

The mathematics, in the notation of the course (examples are columns):
    initialize, forward, forward_loop, cost, backward, gradient_descent, gradient_check,
    collapse, Parameters, Cache, ACTIVATIONS, LOSSES, datasets

Tables, in scikit-learn's (examples are rows):
    ShoalClassifier, ShoalRegressor, ShoalTuner, History

What training makes, and its file:
    Model, save_model, load_model

What a model has learnt: which columns count, and what drove a row:
    explain

A model as a file that runs where shoal is not:
    export_model

A page on which it computes and learns, in a notebook:
    Playground

What can go wrong:
    ShoalError, DataError, ParameterError, ModelFileError, DivergenceError,
    ConvergenceWarning, InterruptedFitWarning

Names are imported when they are first used, so `import shoal` costs next to nothing.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Module of each public name. Type checkers read the same list in the imports below; a test
# compares the two.
_HOMES = {
    name: module
    for module, names in {
        "activations": ("ACTIVATIONS",),
        "errors": (
            "ConvergenceWarning",
            "DataError",
            "DivergenceError",
            "InterruptedFitWarning",
            "ModelFileError",
            "ParameterError",
            "ShoalError",
        ),
        "export": ("export_model",),
        "estimators": ("ShoalClassifier", "ShoalRegressor"),
        "losses": ("LOSSES",),
        "model": ("Model",),
        "model_file": ("load_model", "save_model"),
        "network": (
            "Cache",
            "Parameters",
            "backward",
            "collapse",
            "cost",
            "forward",
            "forward_loop",
            "gradient_check",
            "gradient_descent",
            "initialize",
        ),
        "history": ("History",),
        "tuning": ("ShoalTuner",),
        "playground.widget": ("Playground",),
    }.items()
    for name in names
}

__all__ = ["datasets", "explain", *_HOMES]

if TYPE_CHECKING:
    from shoal import datasets as datasets
    from shoal import explain as explain
    from shoal.activations import ACTIVATIONS as ACTIVATIONS
    from shoal.errors import ConvergenceWarning as ConvergenceWarning
    from shoal.errors import DataError as DataError
    from shoal.errors import DivergenceError as DivergenceError
    from shoal.errors import InterruptedFitWarning as InterruptedFitWarning
    from shoal.errors import ModelFileError as ModelFileError
    from shoal.errors import ParameterError as ParameterError
    from shoal.errors import ShoalError as ShoalError
    from shoal.estimators import ShoalClassifier as ShoalClassifier
    from shoal.estimators import ShoalRegressor as ShoalRegressor
    from shoal.export import export_model as export_model
    from shoal.history import History as History
    from shoal.losses import LOSSES as LOSSES
    from shoal.model import Model as Model
    from shoal.model_file import load_model as load_model
    from shoal.model_file import save_model as save_model
    from shoal.network import Cache as Cache
    from shoal.network import Parameters as Parameters
    from shoal.network import backward as backward
    from shoal.network import collapse as collapse
    from shoal.network import cost as cost
    from shoal.network import forward as forward
    from shoal.network import forward_loop as forward_loop
    from shoal.network import gradient_check as gradient_check
    from shoal.network import gradient_descent as gradient_descent
    from shoal.network import initialize as initialize
    from shoal.playground.widget import Playground as Playground
    from shoal.tuning import ShoalTuner as ShoalTuner
else:  # out of the type checker's sight, or it would believe that every name exists

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in ("datasets", "explain"):
            return import_module(f"shoal.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'shoal' has no attribute {name!r}")
        value = getattr(import_module(f"shoal.{_HOMES[name]}"), name)
        globals()[name] = value  # the next use is a plain look-up
        return value


def __dir__() -> list[str]:
    return ["__doc__", "__version__", *__all__]
