"""What "auto" means: every setting left open, decided from the size of the data."""

from dataclasses import dataclass, replace
from typing import Any

from shoal.activations import get_activation
from shoal.errors import ParameterError
from shoal.folding import SLOPES
from shoal.network import SCHEMES
from shoal.optimizers import Adam, GradientDescent, Momentum, Optimizer

SOLVERS = ("auto", "gd", "sgd", "adam", "lbfgs")
SMALL = 300  # rows up to which a named solver holds nothing out to stop by
MOST_BINS = 1_000  # of a table
MOST_WEIGHTS = 230_000  # of a model, in float32 a little less than a megabyte
FEWEST_UNITS = 8
TINY = 60  # rows up to which "auto" holds nothing out, and is a committee by L-BFGS


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
    dropout : float
        Share of the hidden units left out of each example's step.
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
    folds : bool
        Whether the members hold out parts that make up the whole, each row once.
    averaging : float
        What is watched, and kept, is a running average of the parameters, of which each iteration
        leaves this share; 0 for the newest.
    scheme, scale
        Of `initialize`.
    output_scale : float
        Factor of the first W2.
    skip : bool
        Whether a linear term is trained beside the hidden units.
    n_bins : int
        Of each column of numbers; 0 for none.
    committee : bool
        Whether it is the recipe of "auto": in float32 whatever the table is, each member from the
        scores that are best without any input.
    """

    n_hidden: int
    n_members: int
    solver: str
    optimizer: Optimizer | None
    alpha: float
    dropout: float
    batch_size: int | None
    max_iter: int
    tol: float
    patience: int
    smallest_gradient: float
    hold_out: float
    folds: bool
    averaging: float
    scheme: str
    scale: float
    output_scale: float
    skip: bool
    n_bins: int
    committee: bool


@dataclass(frozen=True)
class Defaults:
    """What "auto" stands for in the settings."""

    alpha: float = 1.0
    learning_rate: float | None = None
    max_iter: int = 200
    tol: float = 1e-4
    patience: int = 10
    batch_size: int = 200
    n_hidden: int = 100
    n_members: int = 1
    dropout: float = 0.0
    weight_decay: float = 0.0
    averaging: float = 0.0
    output_scale: float = 1.0


DEFAULTS = {
    "gd": Defaults(alpha=0.0, learning_rate=0.1, max_iter=2_000, tol=0.0),
    "sgd": Defaults(learning_rate=0.01),
    "adam": Defaults(learning_rate=0.003),
    "lbfgs": Defaults(max_iter=500),
}
# docs/recipe.md gives what each of these brought, measured.
COMMITTEE = Defaults(
    alpha=0.0,
    learning_rate=0.002,
    max_iter=400,
    tol=0.0,
    patience=12,
    batch_size=64,
    n_hidden=64,
    n_members=8,
    dropout=0.2,
    weight_decay=0.01,
    averaging=0.8,
    output_scale=0.1,
)


def choose_recipe(
    settings: dict[str, Any], m: int, *, n_columns: int = 1, n_classes: int = 2
) -> Recipe:
    """Decide every setting that is "auto" for m examples.

    Parameters
    ----------
    settings : dict
        The parameters of an estimator.
    m : int
        Examples.
    n_columns : int
        Of the table.
    n_classes : int
        Of the target; 0 if it is values.

    Raises
    ------
    ParameterError
        If a setting is none of those there are, or out of range.
    """
    solver = _one_of("solver", settings["solver"], SOLVERS)
    auto = solver == "auto" and settings["preprocessing"] is not None
    tiny = auto and m <= TINY
    if solver == "auto":
        solver = "lbfgs" if tiny else "adam"
    defaults = COMMITTEE if auto and not tiny else DEFAULTS[solver]
    alpha = _number(settings, "alpha", defaults.alpha, lowest=0)
    committee = auto and not tiny
    batch_size = _integer(settings, "batch_size", _batch(m, committee), lowest=1)
    rate = defaults.learning_rate
    if committee and rate:  # a mean over more examples is surer, and bears a longer step
        rate *= (batch_size / COMMITTEE.batch_size) ** 0.5
    learning_rate = _number(settings, "learning_rate", rate, above=0)
    max_iter = _integer(settings, "max_iter", defaults.max_iter, lowest=1)
    tol = _number(settings, "tol", defaults.tol, lowest=0)
    momentum = _number(settings, "momentum", 0.9, lowest=0, below=1)
    beta_1 = _number(settings, "beta_1", 0.9, lowest=0, below=1)
    beta_2 = _number(settings, "beta_2", 0.999, lowest=0, below=1)
    epsilon = _number(settings, "epsilon", 1e-8, above=0)
    decay = _number(settings, "weight_decay", defaults.weight_decay, lowest=0)
    optimizers: dict[str, Optimizer | None] = {
        "gd": GradientDescent(learning_rate),
        "sgd": Momentum(learning_rate, momentum, bool(settings["nesterovs_momentum"])),
        "adam": Adam(learning_rate, beta_1, beta_2, epsilon, decay),
        "lbfgs": None,
    }
    stochastic = solver in ("sgd", "adam")
    n_hidden = _integer(settings, "n_hidden", defaults.n_hidden, lowest=0)
    n_members = _integer(settings, "n_members", COMMITTEE.n_members if auto else 1, lowest=1)
    hold_out = settings["early_stopping"]
    if hold_out == "auto":
        hold_out = committee or (stochastic and m > SMALL)
    elif hold_out not in (True, False):
        raise ParameterError(f'early_stopping must be True, False or "auto", not {hold_out!r}')
    fraction = settings["validation_fraction"]
    folds = bool(hold_out) and committee and n_members > 1 and fraction == "auto"
    fraction = _number(settings, "validation_fraction", 0.1, above=0, below=1)
    scale = settings["init_scale"]
    scheme = _one_of("init", settings["init"], ("auto", *SCHEMES))
    if scheme == "auto":
        rectifies = get_activation(settings["activation"]).range[1] == float("inf")
        scheme = "normal" if scale is not None else "he" if rectifies else "xavier"
    foldable = n_hidden > 0 and settings["activation"] in SLOPES
    return Recipe(
        n_hidden=n_hidden,
        n_members=n_members,
        solver=solver,
        optimizer=optimizers[solver],
        alpha=alpha,
        dropout=_number(
            settings, "dropout", 0.0 if n_classes else defaults.dropout, lowest=0, below=1
        ),
        batch_size=batch_size if stochastic else None,
        max_iter=max_iter,
        tol=0.0 if solver == "lbfgs" and not hold_out else tol,
        patience=_integer(settings, "n_iter_no_change", defaults.patience, lowest=1),
        smallest_gradient=tol,
        hold_out=1 / n_members if folds else fraction if hold_out else 0.0,
        folds=folds,
        averaging=defaults.averaging if hold_out else 0.0,
        scheme=scheme,
        scale=0.01 if scale is None else _number(settings, "init_scale", 0.01, lowest=0),
        output_scale=defaults.output_scale if scale is None else 1.0,
        skip=_flag(settings, "skip", committee and foldable),
        n_bins=_integer(
            settings, "n_bins", _bins(m, n_columns, n_classes) if committee else 0, lowest=0
        ),
        committee=committee,
    )


def _batch(m: int, committee: bool) -> int:
    """Small ones generalise better, and large ones are quicker."""
    if not committee:
        return min(200, m)
    return 256 if m >= 4_000 else min(COMMITTEE.batch_size, m)


def _bins(m: int, n_columns: int, n_classes: int) -> int:
    """Few for few rows or many columns: of several classes fewest, of values most."""
    if n_classes > 2:
        n_bins = 16 if m >= 6_000 else 4
    elif n_classes:
        n_bins = 64 if m >= 10_000 else 16 if m >= 1_500 else 8
    else:
        n_bins = 32 if m >= 3_000 else 16 if m >= 300 else 8
    n_bins = min(n_bins, MOST_BINS // n_columns)
    return n_bins if n_bins > 1 else 0  # one bin says what the value says


def narrowed(recipe: Recipe, n_x: int, n_y: int) -> Recipe:
    """With fewer hidden units, where so many inputs would make the model larger than a megabyte."""
    of_skip = 2 * n_y if recipe.skip else 0  # units that a skip becomes
    most = (MOST_WEIGHTS // (n_x + n_y) - of_skip) // recipe.n_members
    return replace(recipe, n_hidden=min(recipe.n_hidden, max(most, FEWEST_UNITS)))


def _flag(settings: dict[str, Any], name: str, auto: bool) -> bool:
    value = settings[name]
    if isinstance(value, str) and value == "auto":
        return auto
    if value not in (True, False):
        raise ParameterError(f'{name} must be True, False or "auto", not {value!r}')
    return bool(value)


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
