"""The page in one file that needs no other: to send, to put on any server, to stand in a frame.

A browser loads no module from the file beside a page (file://). So the modules travel in the page,
and there each becomes an address: `blob:` for the page's own; `data:` for the worker, since
Chromium starts no module worker from a blob of a page that is a file. The page's
Content-Security-Policy lets it load nothing from anywhere else.

Modules and data are compressed, and in base64: a third of the size, and no data, whatever text is
in them, that an HTML parser could take for markup.
"""

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping

from shoal.playground.server import page_files

# How a module names another: to import from it, or as its worker. Types in comments do not count.
IMPORT = re.compile(r'\b(from|import) "\./([\w.-]+\.js)"')
WORKER = re.compile(r'\bnew URL\("\./([\w.-]+\.js)", import\.meta\.url\)')
SCRIPT = re.compile(r'<script type="module" src="(?:\./)?([\w.-]+\.js)"></script>')
STYLE = re.compile(r'<link rel="stylesheet" href="(?:\./)?([\w.-]+\.css)"\s*/?>')
LOADER = """
const packed = document.getElementById("shoal-packed").textContent;
const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const { start, modules, boot } = await new Response(stream).json();
const held = { id: "shoal-boot", type: "application/json", textContent: boot };
document.head.append(Object.assign(document.createElement("script"), held));
const text = (name, address) =>
  modules[name].replace(/"(blob|data):([\\w.-]+\\.js)"/g, (_, kind, other) =>
    JSON.stringify(kind === "data" ? data(other) : address(other)));
const data = (name) => "data:text/javascript," + encodeURIComponent(text(name, data));
const urls = {};
const blob = (name) =>
  (urls[name] ??= URL.createObjectURL(new Blob([text(name, blob)], { type: "text/javascript" })));
if (parent !== window) {  // tell the page around this frame of the network
  window.shoalHost = {
    parameters: (W1, b1, W2, b2, form) =>
      parent.postMessage({ shoal: { W1, b1, W2, b2, ...form } }, "*"),
  };
}
import(blob(start));
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
    modules = {
        name: IMPORT.sub(r'\1 "blob:\2"', WORKER.sub(r'"data:\1"', source))
        for name, source in sources.items()
        if name.endswith(".js")
    }
    loader = _base64(hashlib.sha256(LOADER.encode()).digest())
    policy = (
        f"default-src 'none'; script-src 'sha256-{loader}' blob: data:; style-src "
        "'unsafe-inline'; img-src data: blob:; worker-src blob: data:; base-uri 'none'; "
        "form-action 'none'"
    )
    content = json.dumps({"start": start, "modules": modules, "boot": boot})
    packed = _base64(gzip.compress(content.encode(), mtime=0))
    scripts = (
        f'<script type="text/plain" id="shoal-packed">{packed}</script>\n'
        f'<script type="module">{LOADER}</script>'
    )
    document = STYLE.sub(lambda link: f"<style>\n{sources[link[1]]}</style>", document)
    document = SCRIPT.sub(lambda _: scripts, document)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return document.replace("<head>", f"<head>\n{policy}", 1)


def in_frame(boot: str, *, height: int = 820, page: Mapping[str, bytes] | None = None) -> str:
    """The page as a fragment of another page: a frame that can reach nothing around it.

    Parameters
    ----------
    boot : str
        The JSON document that the page starts from.
    height : int
        In pixels.
    page : mapping of str to bytes, optional
        As for `one_file`.
    """
    return (
        '<iframe title="shoal playground" sandbox="allow-scripts allow-downloads" '
        f'style="width: 100%; height: {height}px; border: 0" '
        f'srcdoc="{html.escape(one_file(boot, page))}"></iframe>'
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
