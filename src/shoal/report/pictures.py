"""A picture of `shoal.plots` as SVG that stands in a page and follows its light and its dark."""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from shoal.plots.style import FAINT, INK, MUTED, SERIES
from shoal.report.markup import Markup, tag, text

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
# Colours of the plots that the page has its own of; others, those of heat maps, stay.
THEME = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", "#ffffff": "--paper"} | {
    colour: f"--s{k}" for k, colour in enumerate(SERIES)
}
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "shoal",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 10,
    "path.simplify_threshold": 0.4,
}
HEX = re.compile(r"#[0-9a-fA-F]{6}")
LONG = re.compile(r"(-?\d+\.\d)\d+")
FONT = re.compile(r"font(?:-family)?:\s*([\d.]+px)?[^;]*;?")


def picture(
    draw: Callable[[Any], object], words: str, size: tuple[float, float] = (4.4, 3.4)
) -> Markup:
    """An SVG of what is drawn on axes.

    Parameters
    ----------
    draw : callable
        Draws on the axes that it gets.
    words : str
        What is to be seen, for those who do not see it.
    size : tuple of float
        In inches, of which one is 72 units of the SVG.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the page's font has it
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        buffer = io.BytesIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    root = ElementTree.fromstring(buffer.getvalue().decode())
    width, height = (round(72 * inches) for inches in size)
    inner = "".join(_plain(child) for child in root)
    # The width is that of its own text: larger, it would be read from further away.
    return tag(
        "svg",
        Markup(inner),
        role="img",
        aria_label=text(words),
        viewBox=root.get("viewBox"),
        width=round(1.25 * width),
        height=round(1.25 * height),
    )


def _plain(element: ElementTree.Element) -> str:
    """An element without metadata, without names of its own, with fewer digits and the theme."""
    name = element.tag.removeprefix(f"{{{SVG}}}")
    if "}" in name or name in ("metadata", "style"):
        return ""
    attributes = []
    for key, value in element.attrib.items():
        if key == "id" and name in ("g", "svg", "use"):
            continue
        key = "href" if key == LINK else key
        if not value.startswith("data:"):
            value = LONG.sub(r"\1", value) if key != "transform" else _rounded(value)
            value = HEX.sub(lambda found: _themed(found[0]), value)
        if key == "style" and name == "text":
            value = FONT.sub(lambda f: f"font-size: {f[1]};" if f[1] else "", value, count=1)
        attributes.append(f' {key}="{text(value)}"')
    inner = text(element.text or "") if name in ("text", "tspan") else ""
    inner = Markup(inner + "".join(_plain(child) for child in element))
    if name in ("g", "defs") and not inner:
        return ""
    if name == "g" and not attributes:
        return inner
    return f"<{name}{''.join(attributes)}>{inner}</{name}>"


def _rounded(value: str) -> str:
    return re.sub(r"(-?\d+\.\d\d\d)\d+", r"\1", value)


def _themed(colour: str) -> str:
    name = THEME.get(colour.lower())
    return f"var({name})" if name else colour
