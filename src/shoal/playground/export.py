"""The page in one file that needs no other: to send, to put on any server, to stand in a frame.

A browser loads no module from a file beside another (file://), so the modules travel as text and
become addresses (`blob:`) in the page, each before those that name it. A worker starts from its
address as well. The Content-Security-Policy lets the page load nothing from anywhere.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping

from shoal.playground.server import page_files

MODULE = re.compile(r'"\./([\w.-]+\.js)"')  # how a module names another
SCRIPT = re.compile(r'<script type="module" src="(?:\./)?([\w.-]+\.js)"></script>')
STYLE = re.compile(r'<link rel="stylesheet" href="(?:\./)?([\w.-]+\.css)"\s*/?>')
LOADER = """
const modules = JSON.parse(document.getElementById("shoal-modules").textContent);
const urls = {};
const named = /"\\.\\/([\\w.-]+\\.js)"/g;
for (const [name, source] of modules) {
  const code = source.replace(named, (_, other) => JSON.stringify(urls[other]));
  urls[name] = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
}
import(urls[modules.at(-1)[0]]);
"""


def one_file(boot: str, page: Mapping[str, bytes] | None = None) -> str:
    """The whole page as one HTML text that loads nothing.

    Parameters
    ----------
    boot : str
        The JSON document that the page starts from.
    page : mapping of str to bytes, optional
        The files of the page; by default the playground's.
    """
    sources = {name: body.decode() for name, body in (page or page_files()).items()}
    document = sources["index.html"]
    (start,) = SCRIPT.findall(document)
    loader = base64.b64encode(hashlib.sha256(LOADER.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{loader}' blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    scripts = (
        f'<script type="application/json" id="shoal-boot">{_inert(boot)}</script>\n'
        f'<script type="application/json" id="shoal-modules">'
        f"{_inert(json.dumps(_in_order(start, sources), ensure_ascii=False))}</script>\n"
        f'<script type="module">{LOADER}</script>'
    )
    document = STYLE.sub(lambda link: f"<style>\n{sources[link[1]]}</style>", document)
    document = SCRIPT.sub(lambda _: scripts, document)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return re.sub(r"<head>\s*", lambda head: f"{head[0]}{meta}\n", document, count=1)


def in_frame(boot: str, *, height: int = 820, page: Mapping[str, bytes] | None = None) -> str:
    """The page as a fragment of another page: a frame that can reach nothing around it.

    Parameters
    ----------
    boot : str
        The JSON document that the page starts from.
    height : int
        In pixels.
    page : mapping of str to bytes, optional
    """
    return (
        '<iframe title="shoal playground" sandbox="allow-scripts allow-downloads" '
        f'style="width: 100%; height: {height}px; border: 0" '
        f'srcdoc="{html.escape(one_file(boot, page))}"></iframe>'
    )


def _in_order(start: str, sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """Modules with their text, each after all that it names, up to the one that starts."""
    order: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise RuntimeError(f"modules in a circle: {' → '.join([*above, name])}")
        for other in dict.fromkeys(MODULE.findall(sources[name])):
            if other not in order:
                add(other, (*above, name))
        order[name] = sources[name]

    add(start, ())
    return list(order.items())


def _inert(document: str) -> str:
    """JSON that no HTML parser takes for markup: its text cannot end the script it stands in."""
    return re.sub("[<\u2028\u2029]", lambda char: f"\\u{ord(char[0]):04x}", document)
