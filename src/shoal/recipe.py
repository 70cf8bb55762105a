"""What "auto" means: every setting left open, decided from the size of the data."""

from dataclasses import dataclass
from typing import Any

from shoal.activations import get_activation
from shoal.errors import ParameterError
from shoal.network import SCHEMES
from shoal.optimizers import Adam, GradientDescent, Momentum, Optimizer

SOLVERS = ("auto", "gd", "sgd", "adam", "lbfgs")
SMALL = 300  # rows up to which nothing is held out to stop by


@dataclass(frozen=True)
class Recipe:
    """Settings of one training, nothing left open.

    Attributes
    ----------
    n_hidden, n_members : int
    solver : {"gd", "sgd", "adam", "lbfgs"}
    optimizer : Optimizer or None
        None for "lbfgs".
    alpha : float
        Weight of the L2 penalty: the training minimises Σ L + alpha/2 (‖W1‖² + ‖W2‖²), over m.
    batch_size : int or None
        None for all examples at once.
    max_iter : int
    tol : float
        What the watched loss must improve by to count, 0 for no such rule.
    patience : int
        Iterations without such an improvement after which training ends.
    smallest_gradient : float
        Where "lbfgs" ends.
    hold_out : float
        Share of the rows held out to stop by; 0 for none.
    scheme, scale
        Of `initialize`.
    """

    n_hidden: int
    n_members: int
    solver: str
    optimizer: Optimizer | None
    alpha: float
    batch_size: int | None
    max_iter: int
    tol: float
    patience: int
    smallest_gradient: float
    hold_out: float
    scheme: str
    scale: float


#            alpha  learning_rate  max_iter    tol
DEFAULTS = {
    "gd": (0.0, 0.1, 2_000, 0.0),
    "sgd": (1.0, 0.01, 200, 1e-4),
    "adam": (1.0, 0.003, 200, 1e-4),
    "lbfgs": (1.0, None, 500, 1e-4),
}


def choose_recipe(settings: dict[str, Any], m: int) -> Recipe:
    """Decide every setting that is "auto" for m examples.

    Parameters
    ----------
    settings : dict
        The parameters of an estimator.
    m : int
        Examples.

    Raises
    ------
    ParameterError
        If a setting is none of those there are, or out of range.
    """
    solver = _one_of("solver", settings["solver"], SOLVERS)
    if solver == "auto":
        solver = "adam"
    alpha, learning_rate, max_iter, tol = DEFAULTS[solver]
    alpha = _number(settings, "alpha", alpha, lowest=0)
    learning_rate = _number(settings, "learning_rate", learning_rate, above=0)
    max_iter = _integer(settings, "max_iter", max_iter, lowest=1)
    tol = _number(settings, "tol", tol, lowest=0)
    momentum = _number(settings, "momentum", 0.9, lowest=0, below=1)
    beta_1 = _number(settings, "beta_1", 0.9, lowest=0, below=1)
    beta_2 = _number(settings, "beta_2", 0.999, lowest=0, below=1)
    epsilon = _number(settings, "epsilon", 1e-8, above=0)
    optimizers: dict[str, Optimizer | None] = {
        "gd": GradientDescent(learning_rate),
        "sgd": Momentum(learning_rate, momentum, bool(settings["nesterovs_momentum"])),
        "adam": Adam(learning_rate, beta_1, beta_2, epsilon),
        "lbfgs": None,
    }
    stochastic = solver in ("sgd", "adam")
    hold_out = settings["early_stopping"]
    if hold_out == "auto":
        hold_out = stochastic and m > SMALL
    elif hold_out not in (True, False):
        raise ParameterError(f'early_stopping must be True, False or "auto", not {hold_out!r}')
    scale = settings["init_scale"]
    scheme = _one_of("init", settings["init"], ("auto", *SCHEMES))
    if scheme == "auto":
        rectifies = get_activation(settings["activation"]).range[1] == float("inf")
        scheme = "normal" if scale is not None else "he" if rectifies else "xavier"
    fraction = _number(settings, "validation_fraction", 0.1, above=0, below=1)
    return Recipe(
        n_hidden=_integer(settings, "n_hidden", 100, lowest=0),
        n_members=_integer(settings, "n_members", 1, lowest=1),
        solver=solver,
        optimizer=optimizers[solver],
        alpha=alpha,
        batch_size=_integer(settings, "batch_size", min(200, m), lowest=1) if stochastic else None,
        max_iter=max_iter,
        tol=0.0 if solver == "lbfgs" and not hold_out else tol,
        patience=_integer(settings, "n_iter_no_change", 10, lowest=1),
        smallest_gradient=tol,
        hold_out=fraction if hold_out else 0.0,
        scheme=scheme,
        scale=0.01 if scale is None else _number(settings, "init_scale", 0.01, lowest=0),
    )


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ParameterError(f"{name} {value!r} does not exist; choose one of: {', '.join(known)}")
    return value


def _number(
    settings: dict[str, Any],
    name: str,
    auto: Any,
    *,
    lowest: float = float("-inf"),
    above: float = float("-inf"),
    below: float = float("inf"),
) -> Any:
    """A number of the settings, or what "auto" is, within its bounds."""
    value = settings[name]
    if isinstance(value, str) and value == "auto":
        return auto
    try:
        fits = not isinstance(value, (str, bool)) and lowest <= value < below and value > above
    except TypeError:
        fits = False
    if not fits:
        bounds = [
            f"at least {lowest:g}" if lowest > float("-inf") else "",
            f"above {above:g}" if above > float("-inf") else "",
            f"below {below:g}" if below < float("inf") else "",
        ]
        wanted = " and ".join(bound for bound in bounds if bound)
        raise ParameterError(f"{name} must be a number {wanted}, not {value!r}")
    return float(value)


def _integer(settings: dict[str, Any], name: str, auto: int, *, lowest: int) -> int:
    """A whole number of the settings, or what "auto" is."""
    value = settings[name]
    if isinstance(value, str) and value == "auto":
        return auto
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < lowest:
        raise ParameterError(f"{name} must be a whole number, at least {lowest}, not {value!r}")
    return int(value)
