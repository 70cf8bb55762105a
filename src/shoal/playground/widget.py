"""The playground in a notebook: `shoal.Playground`."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from shoal.errors import ParameterError, ShoalError
from shoal.losses import get_loss
from shoal.model import Model
from shoal.network import Parameters
from shoal.playground.boot import Boot, from_model, from_nothing, from_table

# The page stands in a frame, and tells what is around it its network by a message.
FRONT_END = """
export default {
  render({ model, el }) {
    el.innerHTML = model.get("frame");
    const hear = ({ source, data }) => {
      if (source !== el.firstElementChild.contentWindow || !data.shoal) return;
      model.set("network", data.shoal);
      model.save_changes();
    };
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  },
};
"""


class Playground:
    """The playground in a notebook; what is learnt or edited on the page comes back to Python.

    Needs anywidget: ``pip install "shoal[notebook]"``. Displaying it shows the page::

        Playground()                  the course's flower
        Playground(X, y)              a table, with a network yet to be trained
        Playground(fitted)            a fitted estimator or a Model, with stand-ins for its rows
        Playground(fitted, X, y)      a fitted estimator or a Model, with rows

    Parameters
    ----------
    *source
        As above. X is a data frame or an array (m, n_columns), y an array (m,).
    plane : sequence of two str, optional
        Inputs to draw; by default those that tell most of y.
    language : {"en", "it"}, optional
        Of the page, at first.
    height : int
        In pixels.

    Attributes
    ----------
    widget : anywidget.AnyWidget
        The page, to be put into a layout.
    """

    def __init__(
        self,
        *source: Any,
        plane: Sequence[str] = (),
        language: str | None = None,
        height: int = 820,
    ) -> None:
        from shoal.playground.export import in_frame  # brings a web server: not at import

        self._boot = _boot(source, plane)
        self.widget = _widget_class()(frame=in_frame(self._boot.json(language), height=height))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    @property
    def parameters(self) -> Parameters:
        """The network of the page in the units of the table, as it was when it last paused.

        Its inputs are those of the page, which its note names.

        Raises
        ------
        ShoalError
            If the page has not run yet, or shows other data than those it started with.
        """
        return self._boot.raw(self._received()[0])

    @property
    def model(self) -> Model:
        """That network as a Model, to predict with and to save.

        Raises
        ------
        ShoalError
            As for `parameters`, and if the page could not hold all inputs of the table.
        """
        parameters, activation, output = self._received()
        columns, target = self._boot.columns, self._boot.target
        if len(self._boot.inputs) < len(columns.slots):
            raise ParameterError(
                f"the page has {len(self._boot.inputs)} of the {len(columns.slots)} inputs, so its "
                "network is no model of the table; leave columns out and start again"
            )
        return Model(
            parameters=self._boot.raw(parameters),
            activation=activation,
            loss=get_loss(output),
            columns=columns,
            target=(target.name,),
            classes=target.classes,
            training={"solver": "gd", "stop_reason": "Stopped in the playground."},
        )

    def _received(self) -> tuple[Parameters, str, str]:
        """What the page sent last, or started with: parameters, activation, output."""
        sent = self.widget.network or self._boot.document.get("network")
        if not sent:
            raise ShoalError("the page has no network yet: show it and train, or edit a weight")
        n_x, n_y = len(self._boot.inputs), self._boot.target.n_y
        n_h = len(sent["b1"])
        shapes = Parameters((n_h, n_x), (n_h, 1), (n_y, n_h or n_x), (n_y, 1))  # type: ignore[arg-type]
        try:
            blocks = [
                np.array(sent[name], dtype=np.float64).reshape(shape)
                for name, shape in shapes._asdict().items()
            ]
        except ValueError:
            raise ShoalError(
                "the page shows other data than those it started with, so its network is not one "
                "of your table; show the playground again"
            ) from None
        if not all(np.isfinite(block).all() for block in blocks):
            raise ShoalError("the network on the page has left the finite numbers: undo, and pause")
        return Parameters(*blocks), sent["activation"], sent["output"]


def _boot(source: tuple[Any, ...], plane: Sequence[str]) -> Boot:
    """What the page starts from."""
    if not source:
        return from_nothing()
    fitted = source[0] if isinstance(source[0], Model) else getattr(source[0], "model_", None)
    if fitted is not None and len(source) in (1, 3):
        return from_model(fitted, *source[1:], plane=plane)
    if fitted is None and len(source) == 2:
        return from_table(*source, plane=plane)
    raise ParameterError(
        "Playground takes nothing, (X, y), a fitted estimator or Model, or one of these and X, y"
    )


@cache
def _widget_class() -> Any:
    """The class of the widget, made when the first is: anywidget is an extra."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise ShoalError(
            'the playground in a notebook needs anywidget: pip install "shoal[notebook]"'
        ) from None

    class PlaygroundWidget(anywidget.AnyWidget):  # type: ignore[misc]
        """The page in a frame, and the network that it last sent."""

        _esm = FRONT_END
        frame = traitlets.Unicode().tag(sync=True)
        network = traitlets.Dict().tag(sync=True)

    return PlaygroundWidget
