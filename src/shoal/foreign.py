"""Networks with one hidden layer that others have trained, as the parts of a Model.

scikit-learn's estimators are taken by their attributes, so scikit-learn is not imported. R's `nnet`
is taken from what R writes of it: `r_text` reads it.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.folding import fold_inputs
from shoal.losses import get_loss
from shoal.network import Parameters
from shoal.table import Column, Columns

# What scikit-learn calls them, and what they are called here.
_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_OUTPUTS = {
    "identity": "identity",
    "logistic": "sigmoid",
    "softmax": "softmax",
    "exp": "poisson",
}

# ---- scikit-learn ------------------------------------------------------------------------------


def read_sklearn(estimator: Any, target: str | Sequence[str] | None) -> dict[str, Any]:
    """The fields of a Model; see `Model.from_sklearn`."""
    scaler, network = _taken_apart(estimator)
    name = type(network).__name__
    if not hasattr(network, "coefs_"):
        raise ParameterError(
            f"{name} has no coefs_: give a fitted MLPClassifier or MLPRegressor, alone or in a "
            "Pipeline with a StandardScaler"
        )
    n_layers = len(network.coefs_) - 1
    if n_layers > 1:
        raise ParameterError(
            f"this {name} has {n_layers} hidden layers, and a shoal model has one or none: fit it "
            "again with hidden_layer_sizes of one number"
        )
    W = [np.asarray(block, np.float64).T for block in network.coefs_]
    b = [np.asarray(block, np.float64)[:, None] for block in network.intercepts_]
    n_x = W[0].shape[1]
    if not n_layers:
        W, b = [np.zeros((0, n_x)), *W], [np.zeros((0, 1)), *b]
    center, scale, spread = np.zeros(n_x), np.ones(n_x), np.ones(n_x)
    if scaler is not None:
        center = np.asarray(scaler.mean_ if scaler.with_mean else center, np.float64)
        scale = np.asarray(scaler.scale_ if scaler.with_std else scale, np.float64)
        spread = scale
    first = scaler if scaler is not None else network
    named = getattr(estimator, "feature_names_in_", getattr(first, "feature_names_in_", None))
    return _parts(
        fold_inputs(Parameters(W[0], b[0], W[1], b[1]), center, scale),
        activation=_ACTIVATIONS[network.activation],
        output=_OUTPUTS[network.out_activation_],
        names=named,
        centers=center,
        scales=spread,
        labels=getattr(network, "classes_", None),
        target=target,
        training={
            "estimator": name,
            "solver": network.solver,
            "iterations": int(network.n_iter_),
        },
    )


def _taken_apart(estimator: Any) -> tuple[Any, Any]:
    """The StandardScaler, or None, and what follows it."""
    if not hasattr(estimator, "steps"):
        return None, estimator
    *before, network = [
        step for _, step in estimator.steps if step is not None and step != "passthrough"
    ]
    for step in before:
        if type(step).__name__ != "StandardScaler":
            raise ParameterError(
                f"the pipeline has a step {type(step).__name__}, which a model cannot hold: only a "
                "StandardScaler may come before the network"
            )
    if len(before) > 1:
        raise ParameterError("the pipeline scales twice: leave one StandardScaler")
    if before and not hasattr(before[0], "n_features_in_"):
        raise ParameterError("the pipeline is not fitted")
    return (before[0] if before else None), network


# ---- R's nnet ----------------------------------------------------------------------------------


def read_nnet(
    source: str | Path | Mapping[str, Any], target: str | Sequence[str] | None
) -> dict[str, Any]:
    """The fields of a Model; see `Model.from_nnet`.

    In `wts` follow one another: for each hidden unit its bias and its weights of the inputs; then
    for each output its bias, its weights of the hidden units, and with skip=TRUE of the inputs.
    """
    net = r_text(source) if isinstance(source, (str, Path)) else dict(source)
    absent = [name for name in ("n", "wts") if net.get(name) is None]
    if absent:
        raise DataError(f"the net has no {' and no '.join(absent)}")
    if net.get("censored"):
        raise ParameterError(
            "the net was fitted with censored=TRUE, where a row has a set of classes: no loss of "
            "shoal is that"
        )
    n_x, n_h, n_y = (int(n) for n in net["n"])
    wts = np.asarray(net["wts"], np.float64)
    if not np.isfinite(wts).all():
        raise DataError("the net has a weight that is not a finite number")
    n_hidden, n_output = n_h * (1 + n_x), n_y * (1 + n_h)
    if n_h and len(wts) == n_hidden + n_output + n_y * n_x:
        raise ParameterError(
            "the net was fitted with skip=TRUE: connections past sigmoid units cannot be written "
            "as such units. Fit it with skip=FALSE, or with size=0 for a linear one"
        )
    n_expected = n_hidden + n_output if n_h else n_y * (1 + n_x)
    if len(wts) != n_expected:
        raise DataError(f"a {n_x}-{n_h}-{n_y} net has {n_expected} weights, not {len(wts)}")
    hidden = wts[:n_hidden].reshape(n_h, 1 + n_x)
    output = wts[n_hidden:].reshape(n_y, -1)
    names, W, b2 = net.get("coefnames"), [hidden[:, 1:], output[:, 1:]], output[:, :1]
    if not n_h and names and names[0] == "(Intercept)":  # multinom's own column of ones
        names, W, b2 = names[1:], [hidden[:, 2:], output[:, 2:]], b2 + output[:, 1:2]
    softmax, linear = bool(net.get("softmax")), net.get("linout")
    if linear is None:
        linear = softmax or net.get("nsunits", np.inf) < 1 + n_x + n_h + n_y
    levels = net.get("lev")
    if softmax and not levels:
        levels = list(range(1, n_y + 1))
    parameters = Parameters(W[0], hidden[:, :1], W[1], b2)
    n_x = W[1 if not n_h else 0].shape[1]
    return _parts(
        parameters,
        activation="sigmoid",
        output="softmax" if softmax else "identity" if linear else "sigmoid",
        names=names,
        centers=np.zeros(n_x),
        scales=np.ones(n_x),
        labels=levels if softmax or n_y == 1 else None,
        target=target,
        training={"estimator": "R nnet", "solver": "BFGS"},
    )


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][-+]?\d+)?L?
        |(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?L?)
    |(?P<name><NA>|`(?:[^`\\]|\\.)*`|[A-Za-z.][\w.]*)
    |(?P<sign>[-(),=:])
    )""",
    re.VERBOSE,
)
_CONSTANTS = {
    "NULL": None,
    "TRUE": True,
    "FALSE": False,
    "Inf": np.inf,
    "NaN": np.nan,
    "NA": np.nan,
    "NA_real_": np.nan,
}


def r_text(source: str | Path) -> dict[str, Any]:
    """A list as R's `dput` writes it: numbers, texts, truths, and vectors and lists of them.

    Parameters
    ----------
    source : str or Path
        A file.

    Raises
    ------
    DataError
        If the file holds something else; the message says where.
    """
    try:
        text = Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {source}: {error}") from error
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found:
            line = text.count("\n", 0, at) + 1
            raise DataError(f"{source}: line {line} is not what dput writes of numbers and texts")
        tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
        at = found.end()
    value, rest = _r_value([*tokens, ("end", "")], 0)
    if rest != len(tokens) or not isinstance(value, dict):
        raise DataError(f"{source} must hold one list, as dput writes it")
    return value


def _r_value(tokens: list[tuple[str, str]], at: int) -> tuple[Any, int]:
    """The value that begins at a token, and where the next begins."""
    kind, word = tokens[at]
    if kind == "text":
        return _r_string(word), at + 1
    if (kind, word) == ("sign", "-"):
        value, at = _r_value(tokens, at + 1)
        return -value, at
    if kind == "number":
        word = word.rstrip("L")
        value = float.fromhex(word) if word[:2] in ("0x", "0X") else float(word)
        if tokens[at + 1] == ("sign", ":"):
            last, at = _r_value(tokens, at + 2)
            return [float(k) for k in range(int(value), int(last) + 1)], at
        return value, at + 1
    if kind == "name" and tokens[at + 1] == ("sign", "("):
        if word not in ("list", "c", "structure"):
            raise DataError(f"dput's text calls {word}(), which is not read here")
        return _r_call(word, tokens, at + 2)
    if kind == "name" and word in _CONSTANTS:
        return _CONSTANTS[word], at + 1
    raise DataError(f"dput's text has {word or 'its end'} where a value should be")


def _r_call(name: str, tokens: list[tuple[str, str]], at: int) -> tuple[Any, int]:
    """What list(...), c(...) or structure(...) makes of its arguments, and where it ends."""
    values: list[tuple[str, Any]] = []
    while tokens[at] != ("sign", ")"):
        key = ""
        if tokens[at + 1] == ("sign", "="):
            key, at = _r_string(tokens[at][1]), at + 2
        value, at = _r_value(tokens, at)
        values.append((key, value))
        if tokens[at] == ("sign", ","):
            at += 1
        elif tokens[at] != ("sign", ")"):
            raise DataError("dput's text has no comma where one should be")
    if name == "list":
        return {key or str(k): value for k, (key, value) in enumerate(values)}, at + 1
    if name == "structure":
        return values[0][1], at + 1
    flat: list[Any] = []
    for _, value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return flat, at + 1


def _r_string(word: str) -> str:
    """A name as it is, or a text without its quotes and escapes."""
    if word[:1] not in "\"'`":
        return word
    escapes = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), word[1:-1])


# ---- both --------------------------------------------------------------------------------------


def _parts(
    parameters: Parameters,
    *,
    activation: str,
    output: str,
    names: Any,
    centers: Array,
    scales: Array,
    labels: Any,
    target: str | Sequence[str] | None,
    training: dict[str, Any],
) -> dict[str, Any]:
    """The fields of a Model."""
    n_x, n_y = len(centers), len(parameters.b2)
    named = names is not None
    names = [f"x{k + 1}" for k in range(n_x)] if names is None else [str(name) for name in names]
    names = [names] if isinstance(names, str) else names
    if len(names) != n_x:
        raise DataError(f"{len(names)} names cannot be those of {n_x} inputs")
    classes = None
    if labels is not None and (output == "softmax" or (output == "sigmoid" and n_y == 1)):
        classes = _labels(labels)
        if len(classes) != max(2, n_y):
            raise DataError(f"{len(classes)} classes cannot be those of {n_y} outputs")
        n_y = 1
    if target is None:
        target = ("y",) if n_y == 1 else tuple(f"y{k + 1}" for k in range(n_y))
    target = (target,) if isinstance(target, str) else tuple(target)
    if len(target) != n_y:
        raise ParameterError(f"the model has {n_y} targets, and target names {len(target)}")
    columns = tuple(
        Column(name, "number", center=float(center), scale=float(scale))
        for name, center, scale in zip(names, centers, scales, strict=True)
    )
    return {
        "parameters": parameters,
        "activation": activation,
        "loss": get_loss(output),
        "columns": Columns(columns, named=named),
        "target": target,
        "classes": classes,
        "training": training,
    }


def _labels(labels: Any) -> Array:
    """Labels as a Model has them: str, int64, float64 or bool."""
    array = np.array([labels] if isinstance(labels, str) else list(labels))
    if array.dtype.kind == "O":
        array = array.astype(str)
    wide = {"i": np.int64, "u": np.int64, "f": np.float64}
    return array.astype(wide.get(array.dtype.kind, array.dtype))
