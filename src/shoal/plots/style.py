"""What all pictures share: colours that anyone can tell apart, axes, and the form of a Display."""

from typing import Any, Self

import numpy as np

from shoal.activations import Array
from shoal.errors import ParameterError
from shoal.model import Model

# Okabe and Ito (2008), which all common forms of colour vision can tell apart; darker where text
# and thin lines on white need it.
BLUE, ORANGE, GREEN, PINK, SKY, AMBER = (
    "#0072b2",
    "#d55e00",
    "#008c66",
    "#b8578f",
    "#3a93c8",
    "#b57c00",
)
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER)
INK, MUTED, FAINT = "#1b1f24", "#5b6570", "#d5dae0"
LIGHT_INK, DARK_INK = "#fdfdfd", "#101010"  # on coloured cells, in a dark page too
DIVERGING, SEQUENTIAL = "PuOr", "Blues"


class Display:
    """Something to draw: its data as attributes, and `plot`.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    ax_: Any
    figure_: Any
    size = (5.2, 3.9)  # inches

    def plot(self, ax: Any = None) -> Self:
        """Draw on axes, or on new ones.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        self.ax_ = new_axes(self.size) if ax is None else ax
        self.figure_ = self.ax_.figure
        for side in ("top", "right"):
            self.ax_.spines[side].set_visible(False)
        self.draw(self.ax_)
        return self

    def draw(self, ax: Any) -> None:
        """Draw on these axes."""
        raise NotImplementedError


def require_matplotlib() -> None:
    """Raise ParameterError if there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "pictures are drawn by matplotlib, which is not installed: pip install 'shoal[plots]'"
        ) from error


def new_axes(size: tuple[float, float]) -> Any:
    """Axes in a figure of their own."""
    require_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def model_of(source: Any) -> Model:
    """The Model of an estimator, or the Model itself.

    Raises
    ------
    ParameterError
        If it is neither, or not fitted.
    """
    if isinstance(source, Model):
        return source
    best = getattr(source, "best_estimator_", source)
    steps = getattr(best, "steps", None)
    if steps:
        raise ParameterError(
            "shoal.plots takes the estimator, not the pipeline around it: give its last step, and "
            "the rows as that step gets them"
        )
    model = getattr(best, "model_", None)
    if not isinstance(model, Model):
        raise ParameterError(
            f"shoal.plots takes a fitted shoal estimator or a Model, not {type(source).__name__}"
        )
    return model


def encoded(model: Model, X: Any, most: int = 2000) -> Array:
    """Rows as inputs of the network (m, n_x) in float64, evenly spaced ones if there are more."""
    inputs = model.columns.encode(X, dtype=np.float64)
    if hasattr(inputs, "tocsr"):
        inputs = inputs.tocsr()
    if inputs.shape[0] > most:
        inputs = inputs[np.linspace(0, inputs.shape[0] - 1, most).round().astype(int)]
    return np.asarray(inputs.toarray() if hasattr(inputs, "toarray") else inputs)


def targets(y: Any) -> Array:
    """Targets as an array, text as text."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return array.astype(str) if array.dtype.kind == "O" and array.ndim == 1 else array


def short(text: str, most: int = 22) -> str:
    """A name that does not push everything else aside, and no mathematics to matplotlib."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    text = " ".join(text.split())
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text.replace("$", r"\$")


def number(value: float) -> str:
    """A number as a picture shows it: three digits."""
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 1e7:
        digits = max(0, 2 - int(np.floor(np.log10(size))))
        return f"{value:,.{digits}f}" if size >= 1e4 else f"{value:.{digits}f}"
    return f"{value:.1e}"


def spread_ticks(ax: Any, names: list[str], axis: str = "x", most: int = 22) -> None:
    """Name the places 0, 1, ... on an axis."""
    labels = [short(name, most) for name in names]
    at = range(len(labels))
    if axis == "y":
        ax.set_yticks(at, labels)
    else:
        crowded = sum(map(len, labels)) > 40
        ax.set_xticks(
            at, labels, rotation=40 if crowded else 0, ha="right" if crowded else "center"
        )
        if crowded:
            for label in ax.get_xticklabels():
                label.set_rotation_mode("anchor")


def legend(ax: Any, **settings: Any) -> None:
    """A legend without a frame, where the picture has room."""
    ax.legend(frameon=False, **{"fontsize": "small", **settings})
