"""How the outputs follow the inputs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from shoal.activations import Array
from shoal.dependence import (
    Dependence,
    Plane,
    output_names,
    partial_dependence,
    plane,
)
from shoal.errors import DataError, ParameterError
from shoal.model import Model
from shoal.plots.style import (
    DARK_INK,
    FAINT,
    LIGHT_INK,
    MUTED,
    SERIES,
    Display,
    encoded,
    legend,
    model_of,
    short,
    spread_ticks,
    targets,
)
from shoal.table import Column
from shoal.units import column_slots

MARKERS = "os^DvP"
MOST_CLASSES = len(SERIES)
MOST_LINES = 60
GRID = 160


@dataclass
class DecisionBoundaryDisplay(Display):
    """Which class, or what value, the model gives over two columns; and the line of each unit.

    On the line of a unit its Z1 is 0: there a ReLU bends. Where the model has more than two
    columns the others are held at their average.

    Parameters
    ----------
    plane : Plane
    task : str
    outputs : list of str
    points : tuple of array (x, y, target) or None
    classes : list of str
    held : int
        How many columns are held at their average.
    """

    plane: Plane
    task: str
    outputs: list[str]
    points: tuple[Array, Array, Array] | None = None
    classes: list[Any] = field(default_factory=list)
    held: int = 0

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        columns: tuple[str, str] | None = None,
        n_units: int = 8,
        ax: Any = None,
    ) -> Self:
        """Draw it over the rows of a table.

        Parameters
        ----------
        estimator : fitted estimator or Model
        X : table
            Its rows say how far the picture reaches.
        y : array (m,), optional
            Targets; with them the rows are drawn, a few hundred of them.
        columns : tuple of two str, optional
            Columns of numbers; by default the first two.
        n_units : int
            Units whose lines are drawn: those that move the scores most.
        ax : matplotlib Axes, optional
        """
        model = model_of(estimator)
        return cls.of_model(model, X, y, columns, n_units).plot(ax)

    @classmethod
    def of_model(
        cls,
        model: Model,
        X: Any,
        y: Any = None,
        columns: tuple[str, str] | None = None,
        n_units: int = 8,
    ) -> Self:
        """What is to be drawn."""
        used = column_slots(model)
        numbers = [(c, s) for c, s in used if c.kind not in ("category", "boolean")]
        if columns is None:
            if len(numbers) < 2:
                raise DataError("a plane needs two columns of numbers, and the model has fewer")
            columns = (numbers[0][0].name, numbers[1][0].name)
        if len(columns) != 2 or columns[0] == columns[1]:
            raise ParameterError(f"columns must be two different ones, not {columns!r}")
        inputs = encoded(model, X)
        slots = {column.name: where for column, where in used}
        lacking = [name for name in columns if name not in slots]
        if lacking:
            raise ParameterError(f"the model uses no column {lacking[0]!r}")
        at = [inputs[:, slots[name].start] for name in columns]
        x, ys = (_reach(values) for values in at)
        found = plane(model, columns, x, ys, most_units=n_units)
        points = None
        if y is not None:
            every = targets(y)
            few = np.linspace(0, len(every) - 1, len(inputs)).round().astype(int)
            every = every[few] if len(every) > len(inputs) else every
            points = (at[0], at[1], every)
        classes = [] if model.classes is None else model.classes.tolist()
        names = output_names(model)
        return cls(found, model.task, names, points, classes, len(used) - 2)

    def draw(self, ax: Any) -> None:
        p = self.plane
        if self.classes and len(self.classes) <= MOST_CLASSES:
            self._regions(ax)
        else:
            image = ax.contourf(p.x, p.y, p.outputs[0], levels=12, cmap="cividis")
            ax.figure.colorbar(image, ax=ax, label=short(self.outputs[0], 30), fraction=0.06)
        for Z1 in p.units:
            ax.contour(p.x, p.y, Z1, levels=[0], colors=DARK_INK, linewidths=0.8, alpha=0.6)
        if self.points is not None:
            self._draw_points(ax)
        ax.set(xlabel=short(p.columns[0].name, 40), ylabel=short(p.columns[1].name, 40))
        words = [f"the other {self.held} at their average"] if self.held else []
        words += [f"lines: {len(p.shown)} units"] if len(p.shown) else []
        ax.set_title("; ".join(words), fontsize="small", color=MUTED, loc="left")

    def _regions(self, ax: Any) -> None:
        """Each class in its colour, the paler the less sure."""
        from matplotlib.colors import to_rgb

        A2 = self.plane.outputs
        A2 = np.concatenate([1 - A2, A2]) if len(A2) == 1 else A2
        colours = np.array([to_rgb(SERIES[k]) for k in range(len(A2))])
        chosen, sure = A2.argmax(axis=0), A2.max(axis=0)
        floor = 1 / len(A2)
        strength = 0.12 + 0.33 * (sure - floor) / (1 - floor)
        image = 1 - strength[..., None] * (1 - colours[chosen])
        p = self.plane
        edges = (p.x[0], p.x[-1], p.y[0], p.y[-1])
        ax.imshow(image, extent=edges, origin="lower", aspect="auto", interpolation="bilinear")
        for k in range(len(A2)):
            others = np.delete(A2, k, axis=0).max(axis=0)
            margin = A2[k] - others
            if k and margin.min() < 0 < margin.max():
                ax.contour(p.x, p.y, margin, levels=[0], colors=DARK_INK, linewidths=1.6)

    def _draw_points(self, ax: Any) -> None:
        assert self.points is not None
        x, y, target = self.points
        ax.set(xlim=(self.plane.x[0], self.plane.x[-1]), ylim=(self.plane.y[0], self.plane.y[-1]))
        few = np.unique(np.linspace(0, len(x) - 1, min(len(x), 600)).round().astype(int))
        x, y, target = x[few], y[few], target[few]
        style = {"s": 16, "edgecolor": LIGHT_INK, "linewidth": 0.5, "zorder": 3}
        if not self.classes or len(self.classes) > MOST_CLASSES:
            ax.scatter(x, y, color=DARK_INK, **style)
            return
        for k, label in enumerate(self.classes):
            these = target == label
            ax.scatter(
                x[these],
                y[these],
                color=SERIES[k],
                marker=MARKERS[k],
                label=short(str(label)),
                **style,
            )
        ax.legend(
            fontsize="small",
            framealpha=0.85,
            facecolor=LIGHT_INK,
            edgecolor="none",
            labelcolor=DARK_INK,
            loc="upper right",
        )


def _reach(values: Array) -> Array:
    """A grid over values, and a little further."""
    low, high = values.min(), values.max()
    margin = 0.06 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, GRID)


@dataclass
class PartialDependenceDisplay(Display):
    """The mean output as one column moves, bold, and single rows, thin (ICE), for one output.

    Parameters
    ----------
    dependence : Dependence
    lines : int
        Rows that are drawn at most.
    """

    dependence: Dependence
    lines: int = MOST_LINES

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, column: str | int, *, lines: int = MOST_LINES, ax: Any = None
    ) -> Self:
        """Draw it over the rows of a table.

        Parameters
        ----------
        estimator : fitted estimator or Model
        X : table
        column : str or int
            A column that the model uses: by name, or by place in an array.
        lines : int
            Single rows to draw at most; 0 for none. They are drawn where there is one output.
        ax : matplotlib Axes, optional
        """
        model = model_of(estimator)
        name = model.columns.columns[column].name if isinstance(column, int) else column
        return cls(partial_dependence(model, encoded(model, X, 500), name), lines).plot(ax)

    def draw(self, ax: Any) -> None:
        d, column = self.dependence, self.dependence.column
        at = positions(d)
        by_name = column.kind in ("category", "boolean")
        style: dict[str, Any] = {"linewidth": 2.2}
        if by_name:  # between levels there is nothing
            style = {"marker": "o", "markersize": 7, "linewidth": 0.6, "linestyle": (0, (1, 3))}
        if len(d.outputs) == 1 and self.lines:
            m = len(d.individual)
            few = np.unique(np.linspace(0, m - 1, min(m, self.lines)).round().astype(int))
            ax.plot(at, d.individual[few, :, 0].T, color=FAINT, linewidth=0.7, zorder=1)
        for k, name in enumerate(d.outputs[:MOST_CLASSES]):
            ax.plot(at, d.average[:, k], color=SERIES[k], label=short(name), **style)
        if by_name:
            spread_ticks(ax, [str(v) for v in d.values], "x", 16)
        several = len(d.outputs) > 1
        ax.set_xlabel(short(column.name, 40))
        ax.set_ylabel("mean probability" if several and _are_shares(d) else "mean output")
        if several:
            legend(ax)
        else:
            ax.set_ylabel(short(d.outputs[0], 30))
        if _are_shares(d):
            ax.set_ylim(-0.03, 1.03)


def _are_shares(d: Dependence) -> bool:
    return all(name.startswith("P(") for name in d.outputs)


def positions(d: Dependence) -> Any:
    """Where the values are on the axis: dates as dates, levels as 0, 1, ..."""
    if d.column.kind in ("category", "boolean"):
        return list(range(len(d.values)))
    if d.column.kind == "date" and _are_dates(d.column, d.values):
        return [datetime.fromtimestamp(86_400 * v, tz=UTC) for v in d.values]
    return d.values


def _are_dates(column: Column, values: list[Any]) -> bool:
    return column.kind == "date" and min(values) > -700_000 and max(values) < 2_900_000
