"""Pieces of an HTML page. Whatever comes from outside passes through `text`, here and nowhere else.

A `Markup` is text that is markup already: made by these functions, or by matplotlib and gone over.
"""

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

SPACES = "\n\t\N{NO-BREAK SPACE}"


class Markup(str):
    """Text that may stand in a page as it is."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Anything as text of a page: what would be markup is spelled out, control characters are �."""
    if isinstance(value, Markup):
        return value
    shown = "".join(c if c.isprintable() or c in SPACES else "�" for c in str(value))
    return Markup(html.escape(shown))


def join(*parts: object) -> Markup:
    """Pieces one after the other."""
    return Markup("".join(map(text, parts)))


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """An element; `class_` is class, and `aria_label` aria-label. What is None is left out."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{words}>{join(*content)}</{name}>")


def paragraph(*sentences: object) -> Markup:
    """Sentences, one after the other."""
    return tag("p", *[join(" " if k else "", s) for k, s in enumerate(sentences)])


def items(lines: Iterable[object]) -> Markup:
    """A list."""
    return tag("ul", *[tag("li", line) for line in lines])


def table(
    caption: object,
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    to_left: int = 1,
    note: object = "",
) -> Markup:
    """A table whose first column names its rows; columns from `to_left` on are figures."""

    def cell(k: int, value: object) -> Markup:
        kind = None if k < to_left else "n"
        return tag("td", value, class_=kind) if k else tag("th", value, scope="row")

    head = [
        tag("th", name, scope="col", class_=None if k < to_left else "n")
        if str(name)
        else tag("td")
        for k, name in enumerate(header)
    ]
    body = [tag("tr", *[cell(k, value) for k, value in enumerate(row)]) for row in rows]
    inner = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *head)) if any(map(str, header)) else "",
        tag("tbody", *body),
    )
    # A table that is wider than the screen scrolls by itself, by keyboard too.
    scrolled = tag("div", inner, class_="t", tabindex="0", role="region", aria_label=caption)
    return join(scrolled, tag("p", note, class_="note") if note else "")


def facts(caption: object, pairs: Iterable[tuple[object, object]]) -> Markup:
    """A table of two columns: what, and its value."""
    known = [(name, value) for name, value in pairs if value not in (None, "")]
    return table(caption, ["", ""], known, to_left=2)


def figure(picture: Markup, caption: object) -> Markup:
    """A picture with its caption."""
    return tag("figure", picture, tag("figcaption", caption))


def details(summary: object, *content: object) -> Markup:
    """What is shown on request; in print it is as it is on the screen."""
    return tag("details", tag("summary", summary), *content)


def data(document: Any) -> Markup:
    """JSON in the page. Without `<` nothing in it can end the script."""
    plain = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    safe = plain.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(f'<script type="application/json" id="shoal-report">{safe}</script>')


STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --muted: #566069;
  --faint: #d5dae0; --wash: #f3f5f7; --s0: #0072b2; --s1: #c75600; --s2: #00805d; --s3: #a94f83;
  --s4: #2a7fb0; --s5: #96680a; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #e6e9ec; --muted: #a3adb7;
  --faint: #3a424b; --wash: #1f242a; --s0: #5db4ea; --s1: #ff9c54; --s2: #3fc79d; --s3: #e39ac4;
  --s4: #8fd0f5; --s5: #e3b34d; } }
@media print { :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --muted: #444444;
  --faint: #bbbbbb; --wash: #ffffff; --s0: #0072b2; --s1: #c75600; --s2: #00805d; --s3: #a94f83;
  --s4: #2a7fb0; --s5: #96680a; }
  nav, section:has(iframe) { display: none } .bar { print-color-adjust: exact }
  h2 { break-after: avoid } figure, tr { break-inside: avoid }
  .t { overflow: visible !important } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .6rem; padding-top: .7rem;
  border-top: 1px solid var(--faint) }
h3 { font-size: 1.02rem; margin: 1.8rem 0 .4rem }
p, ul { max-width: 44rem; margin: .6rem 0 } li { margin: .15rem 0 }
a { color: var(--s0) } nav ol { columns: 2; padding-left: 1.4rem; max-width: 44rem }
.verdict { font-size: 1.12rem; background: var(--wash); border-left: 4px solid var(--s0);
  padding: .8rem 1rem; max-width: 46rem }
.note, figcaption, .sub { color: var(--muted); font-size: .9rem } .sub { margin-top: 0 }
.t { overflow-x: auto; margin: 1rem 0 .4rem }
table { border-collapse: collapse; min-width: min(100%, 22rem); font-size: .92rem;
  font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem }
th, td { padding: .24rem .8rem .24rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--faint); overflow-wrap: break-word;
  min-width: 2.5rem; max-width: 30rem }
tbody th { font-weight: 500; min-width: 6rem;
  overflow-wrap: break-word } thead th { color: var(--muted); font-weight: 500 }
.n { text-align: right } code, pre { font-size: .88rem;
  font-family: ui-monospace, monospace }
pre { background: var(--wash); padding: .7rem .9rem; white-space: pre-wrap;
  overflow-wrap: anywhere }
.pictures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: flex-start }
figure { margin: .8rem 0; max-width: 100% } figcaption { max-width: 30rem }
figure svg { max-width: 100%; height: auto; display: block }
figure text { font-family: system-ui, sans-serif }
details { margin: .5rem 0; max-width: 100% } summary { cursor: pointer }
.bar { display: inline-block; height: .7em; background: var(--s0); min-width: 1px }
.set { font-weight: 700 } iframe { border: 1px solid var(--faint) !important }
"""


def page(title: object, *content: object) -> Markup:
    """The whole document."""
    head = join(
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<link rel="icon" href="data:,">'),
        tag("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    body = tag("body", tag("main", *content))
    return Markup(f'<!doctype html>\n<html lang="en">\n{tag("head", head)}\n{body}\n</html>\n')
