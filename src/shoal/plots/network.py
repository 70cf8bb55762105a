"""The network itself: its weights by name, and what its units do."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shoal.activations import Array, get_activation
from shoal.dependence import output_names
from shoal.errors import ParameterError
from shoal.model import Model
from shoal.plots.style import (
    BLUE,
    DARK_INK,
    DIVERGING,
    FAINT,
    INK,
    MUTED,
    ORANGE,
    SEQUENTIAL,
    Display,
    encoded,
    model_of,
    number,
    short,
    spread_ticks,
)
from shoal.units import (
    Units,
    column_slots,
    column_weights,
    examine_units,
    float64,
    standard_weights,
    unit_order,
)

MOST_SLOTS, MOST_UNITS, MOST_COLUMNS = 24, 24, 30  # of a heat map that can be read
MOST_NODES = 12  # of a layer of the diagram


def _input_names(model: Model) -> list[str]:
    return [column.name for column, _ in column_slots(model)]


@dataclass
class WeightsDisplay(Display):
    """Weights of the hidden units by input, per standard deviation of the input: a heat map.

    Of a small network each weight with its sign. Of a large one the columns, each with the norm of
    the weights of its bins or levels over that of the unit's largest, and the units that move the
    scores most.

    Parameters
    ----------
    weights : array (n_units, n_inputs)
    units : list of str
    inputs : list of str
    signed : bool
        Whether the weights have signs; else they are norms.
    left_out : str
        What is not shown, in words.
    """

    weights: Array
    units: list[str]
    inputs: list[str]
    signed: bool
    left_out: str = ""

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the weights of an estimator or a Model."""
        return cls.of_model(model_of(estimator)).plot(ax)

    @classmethod
    def of_model(cls, model: Model) -> Self:
        """The weights to show, not yet drawn."""
        standard = standard_weights(model)
        n, n_slots = standard.shape
        hidden = len(model.parameters.W1) > 0
        names = [f"unit {k + 1}" for k in range(n)] if hidden else output_names(model)
        signed = n_slots <= MOST_SLOTS
        weights = standard
        if not signed:  # ReLU's scale is free, so each unit is compared with itself alone
            weights = column_weights(model)
            largest = weights.max(axis=1, keepdims=True)
            weights = weights / np.where(largest > 0, largest, 1)
        inputs = list(model.columns.slots) if signed else _input_names(model)
        units = np.arange(n)
        if n > MOST_UNITS:
            units = unit_order(model)[:MOST_UNITS]
        columns = np.arange(weights.shape[1])
        if weights.shape[1] > MOST_COLUMNS:
            size = np.linalg.norm(weights[units], axis=0)
            columns = np.sort(np.argsort(-size, kind="stable")[:MOST_COLUMNS])
        rest = [
            f"{n - len(units):,} of {n:,} units" if len(units) < n else "",
            f"{len(inputs) - len(columns):,} of {len(inputs):,} inputs"
            if len(columns) < len(inputs)
            else "",
        ]
        return cls(
            weights[np.ix_(units, columns)],
            [names[k] for k in units],
            [inputs[k] for k in columns],
            signed,
            " and ".join(filter(None, rest)),
        )

    @property
    def size(self) -> tuple[float, float]:  # type: ignore[override]
        """Inches, by what there is to show."""
        n, n_inputs = self.weights.shape
        return 2.6 + 0.24 * max(n, 6), 1.3 + 0.21 * max(n_inputs, 6)

    def draw(self, ax: Any) -> None:
        largest = float(np.abs(self.weights).max()) or 1.0
        low = -largest if self.signed else 0.0
        colours = DIVERGING if self.signed else SEQUENTIAL
        image = ax.pcolormesh(
            np.arange(len(self.units) + 1) - 0.5,
            np.arange(len(self.inputs) + 1) - 0.5,
            self.weights.T,
            cmap=colours,
            vmin=low,
            vmax=largest,
            rasterized=True,
        )
        spread_ticks(ax, self.inputs, "y", 26)
        spread_ticks(ax, [u.removeprefix("unit ") for u in self.units], "x", 16)
        ax.tick_params(length=0, labelsize="small")
        if len(self.units) > 12:
            ax.tick_params(axis="x", labelsize="x-small")
        ax.invert_yaxis()
        ax.spines[:].set_visible(False)
        units = "unit" if self.units[0].startswith("unit ") else "output"
        more = f"\nleft out, as the weakest: {self.left_out}" if self.left_out else ""
        ax.set_xlabel(f"{units}{more}")
        words = "weight per standard deviation" if self.signed else "norm ÷ the unit's largest"
        bar = ax.figure.colorbar(image, ax=ax, label=words, fraction=0.06, pad=0.02)
        bar.outline.set_visible(False)


@dataclass
class ActivationsDisplay(Display):
    """What the hidden units give on rows: of each the middle half and nine tenths, and its state.

    Parameters
    ----------
    examined : Units
    shown : array of int
        Which units: of more than 24 those that move the scores most.
    activation : str
    """

    examined: Units
    shown: Array
    activation: str

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Any = None) -> Self:
        """Draw it for the rows of a table.

        Raises
        ------
        ParameterError
            If there is no hidden layer.
        """
        return cls.of_rows(model_of(estimator), encoded(model_of(estimator), X)).plot(ax)

    @classmethod
    def of_rows(cls, model: Model, inputs: Array) -> Self:
        """For encoded rows (m, n_x), not yet drawn."""
        if not len(model.parameters.W1):
            raise ParameterError("the model has no hidden layer, so there are no units to look at")
        found = examine_units(model, inputs)
        order = np.argsort(-found.influence, kind="stable")
        return cls(found, order[:MOST_UNITS], model.activation)

    @property
    def size(self) -> tuple[float, float]:  # type: ignore[override]
        """Inches, by the number of units."""
        return 2.4 + 0.24 * max(len(self.shown), 8), 3.6

    def draw(self, ax: Any) -> None:
        A1, states = self.examined.A1[self.shown], self.examined.state[self.shown]
        at, bounds = np.arange(len(A1)), get_activation(self.activation).range
        bounded = bool(np.isfinite(bounds).all())
        if not bounded:  # each in its own unit: one that is large would hide all others
            largest = np.abs(A1).max(axis=1, keepdims=True)
            A1 = A1 / np.where(largest > 0, largest, 1)
        low, first, middle, third, high = np.quantile(A1, (0.05, 0.25, 0.5, 0.75, 0.95), axis=1)
        working = states == "working"
        for these, colour, name in ((working, BLUE, "working"), (~working, ORANGE, "not")):
            if these.any():
                ax.vlines(at[these], low[these], high[these], color=colour, linewidth=1)
                ax.vlines(
                    at[these],
                    first[these],
                    third[these],
                    color=colour,
                    linewidth=6,
                    label=name if name == "working" else _states_in_words(states),
                )
        ax.scatter(at, middle, s=16, color="white", edgecolor=INK, linewidth=0.8, zorder=3)
        for bound in bounds:
            if np.isfinite(bound):
                ax.axhline(bound, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        ax.set_xticks(at, [str(k + 1) for k in self.shown], fontsize="x-small")
        if len(at) > 12:
            ax.tick_params(axis="x", rotation=60)
        n, of_largest = len(self.examined.state), "" if bounded else " ÷ its largest"
        more = "" if n == len(at) else f", {len(at)} of {n:,}: those that move the scores most"
        ax.set(xlabel=f"unit{more}", ylabel=f"{self.activation} output{of_largest}")
        if not working.all():
            ax.legend(frameon=False, fontsize="small")


def _states_in_words(states: Array) -> str:
    others = sorted(set(states.tolist()) - {"working"})
    return ", ".join(others)


@dataclass
class NetworkDisplay(Display):
    """The network as a diagram: lines as thick as weights per standard deviation are large.

    Parameters
    ----------
    first : array (n_hidden, n_inputs)
        Weights from the inputs, or columns, to the units shown.
    second : array (n_outputs, n_hidden)
        Weights from the units to the outputs; without a hidden layer there is none.
    layers : list of list of str
        Names of the nodes.
    signed : bool
        Whether the first weights have signs; else they are norms over a column's slots.
    left_out : str
        What is not shown, in words.
    """

    first: Array
    second: Array
    layers: list[list[str]]
    signed: bool
    left_out: str = ""
    size = (6.4, 4.2)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the network of an estimator or a Model."""
        return cls.of_model(model_of(estimator)).plot(ax)

    @classmethod
    def of_model(cls, model: Model) -> Self:
        """What is to be drawn."""
        signed = len(model.columns.slots) <= MOST_NODES
        weights = standard_weights(model) if signed else column_weights(model)
        inputs = list(model.columns.slots) if signed else _input_names(model)
        rest = []
        columns = np.arange(len(inputs))
        if len(inputs) > MOST_NODES:
            size = np.linalg.norm(weights, axis=0)
            columns = np.sort(np.argsort(-size, kind="stable")[:MOST_NODES])
            rest.append(f"{len(inputs) - MOST_NODES:,} of {len(inputs):,} inputs")
        outputs = output_names(model)
        W2 = float64(model.parameters).W2
        if not len(model.parameters.W1):
            first, second, hidden = weights[:MOST_NODES, columns], np.empty((0, 0)), []
        else:
            n = len(W2.T)
            units = np.arange(n) if n <= MOST_NODES else unit_order(model)[:MOST_NODES]
            if n > MOST_NODES:
                rest.append(f"{n - MOST_NODES:,} of {n:,} units")
            first, second = weights[np.ix_(units, columns)], W2[:MOST_NODES, units]
            hidden = [str(k + 1) for k in units]
        if len(outputs) > MOST_NODES:
            rest.append(f"{len(outputs) - MOST_NODES:,} of {len(outputs):,} outputs")
        layers = [[inputs[k] for k in columns], hidden, outputs[:MOST_NODES]]
        return cls(first, second, [some for some in layers if some], signed, " and ".join(rest))

    def draw(self, ax: Any) -> None:
        n_layers = len(self.layers)
        places = [
            [(float(x), y) for y in _column_of(len(names))]
            for x, names in zip(np.linspace(0, 1, n_layers), self.layers, strict=True)
        ]
        for k, weights in enumerate([self.first, self.second][: n_layers - 1]):
            largest = float(np.abs(weights).max()) or 1.0
            signed = self.signed or k > 0
            for (j, i), weight in np.ndenumerate(weights):
                size = abs(weight) / largest
                if size < 0.02:
                    continue
                colour = (BLUE if weight >= 0 else ORANGE) if signed else MUTED
                xs, ys = zip(places[k][i], places[k + 1][j], strict=True)
                ax.plot(
                    xs,
                    ys,
                    color=colour,
                    linewidth=0.3 + 2.6 * size,
                    alpha=0.15 + 0.7 * size,
                    zorder=1,
                    solid_capstyle="round",
                )
        for k, (names, dots) in enumerate(zip(self.layers, places, strict=True)):
            xs, ys = zip(*dots, strict=True)
            inside = 0 < k < n_layers - 1
            ax.scatter(
                xs,
                ys,
                s=230 if inside else 90,
                color=FAINT if inside else "white",
                edgecolor=DARK_INK,
                linewidth=0.9,
                zorder=2,
            )
            for name, (x, y) in zip(names, dots, strict=True):
                if inside:
                    ax.text(
                        x, y, name, ha="center", va="center", fontsize="x-small", color=DARK_INK
                    )
                else:
                    side = 1 if k else -1
                    ax.text(
                        x + 0.035 * side,
                        y,
                        short(name, 26),
                        ha="left" if k else "right",
                        va="center",
                        fontsize="small",
                        color=INK,
                    )
        ax.set_axis_off()
        ax.set(xlim=(-0.45, 1.45), ylim=(-0.22, 1.04))
        colours = [] if not self.signed and n_layers < 3 else ["blue positive, orange negative"]
        colours += [] if self.signed else ["grey: norm over a column's inputs"]
        words = ["; ".join(colours)]
        words += [f"left out, as the weakest: {self.left_out}"] if self.left_out else []
        ax.text(0.5, -0.08, "\n".join(words), ha="center", va="top", fontsize="small", color=MUTED)


def _column_of(n: int) -> list[float]:
    """Heights of n nodes, from above, as far apart as if there were at least four."""
    step = 1 / max(n - 1, 3)
    return [0.5 + step * ((n - 1) / 2 - k) for k in range(n)]


def describe_units(found: Units) -> str:
    """The states of units in a sentence."""
    n = len(found.state)
    words = [
        f"{found.count(state):,} {state}"
        for state in ("dead", "constant", "saturated", "linear")
        if found.count(state)
    ]
    twins = sum(len(group) - 1 for group in found.twins)
    words += [f"{twins:,} that copy another"] if twins else []
    share = number(100 * found.count("working") / n) if n else "0"
    rest = f"; {', '.join(words)}" if words else ""
    return f"{found.count('working'):,} of {n:,} units work ({share} %){rest}."
