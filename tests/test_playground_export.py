"""The page in one file shows from a disk, alone and in a frame, what it shows from a server."""

import base64
import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from browser import tab
from shoal.playground.boot import from_nothing
from shoal.playground.export import in_frame, one_file

# A page with all that the real one has: a style, modules that import each other, a worker that
# imports them too, data; and text in its sources that looks like markup.
PAGE = {
    "index.html": b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>page</title>
<link rel="stylesheet" href="page.css">
<script type="module" src="./main.js"></script>
</head>
<body><p id="said"></p><p id="worked">no</p></body>
</html>
""",
    "page.css": "p { color: rgb(1, 2, 3) } /* è */".encode(),
    "main.js": b"""import { show } from "./show.js";
import { twice } from "./twice.js";
/** @typedef {import("./main.js").Nothing} Nothing which would be a circle */
show("said", JSON.parse(document.getElementById("shoal-boot").textContent).word);
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.addEventListener("message", ({ data }) => show("worked", data + twice(1)));
worker.postMessage(20);
""",
    "show.js": """import { twice } from "./twice.js";
const mark = "</script><script>alert(1)</script><!-- \u2028 è ′ $& \\\\1 ";
export const show = (id, text) => (document.getElementById(id).textContent = text);
""".encode(),
    "twice.js": b"export const twice = (x) => 2 * x;\n",
    "worker.js": b"""import { twice } from "./twice.js";
addEventListener("message", ({ data }) => postMessage(twice(data)));
""",
}
HOSTILE = (
    "</script><script>alert(1)</script> <!-- <script> ]]> \u2028\u2029 & &amp; \" ' ` è \U0001f41f"
)
BOOT = json.dumps({"word": HOSTILE}, ensure_ascii=False)


def unpacked(document: str) -> dict[str, Any]:
    """What the file carries: the modules by name, and the data."""
    return dict(json.loads(gzip.decompress(base64.b64decode(scripts(document)[0][1]))))


def scripts(document: str) -> list[tuple[str, str]]:
    """Attributes and content of each script, as an HTML parser sees them."""
    return re.findall(r"<script([^>]*)>(.*?)</script>", document, flags=re.DOTALL)


def test_data_cannot_leave_its_script() -> None:
    """Whatever stands in the data, the file has two scripts, and the data come out unharmed."""
    document = one_file(BOOT, PAGE)
    kinds = [attributes.split('"')[1] for attributes, _ in scripts(document)]
    assert kinds == ["text/plain", "module"]
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", scripts(document)[0][1])
    assert json.loads(unpacked(document)["boot"]) == {"word": HOSTILE}
    assert unpacked(document)["modules"]["twice.js"] == PAGE["twice.js"].decode()
    assert "alert" not in document


def test_the_same_page_is_the_same_file() -> None:
    """No time and no chance is in the file."""
    assert one_file(BOOT, PAGE) == one_file(BOOT, PAGE)


def test_nothing_is_loaded() -> None:
    """No element of the file names another file, and its policy allows none."""
    document = one_file(BOOT, PAGE)
    markup = re.sub(r"(<script[^>]*>).*?(</script>)", r"\1\2", document, flags=re.DOTALL)
    assert re.findall(r"\s(?:src|href)=|url\(", markup) == []
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', document)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "http" not in policy[1]
    assert "'unsafe-inline'" not in policy[1].split("style-src")[0]


def test_a_frame_holds_the_file_and_no_more_rights() -> None:
    """The fragment is one frame that has the whole page, without the rights of what is around."""
    fragment = in_frame(BOOT, height=500, page=PAGE)
    (source,) = re.findall(r'srcdoc="([^"]*)"></iframe>$', fragment)
    assert html.unescape(source) == one_file(BOOT, PAGE)
    assert 'sandbox="allow-scripts allow-downloads"' in fragment
    assert "height: 500px" in fragment


def test_the_real_page_fits() -> None:
    """The playground in one file has at most 300 kB, and names no module that it does not have."""
    document = one_file(from_nothing().json())
    assert len(document.encode()) <= 300_000
    modules = unpacked(document)["modules"]
    named = {
        name for text in modules.values() for name in re.findall(r'"(?:blob|data):(.*?)"', text)
    }
    assert named < set(modules)
    assert not [name for name, text in modules.items() if re.search(r'^import .*"\./', text, re.M)]


@pytest.mark.parametrize("framed", [False, True], ids=["file", "frame"])
def test_it_runs_from_a_disk(browser: Browser, tmp_path: Path, framed: bool) -> None:
    """Opened as a file, alone or in a frame, modules, style, data and worker are all there."""
    path = tmp_path / "page.html"
    document = f"<!doctype html><title>around</title>{in_frame(BOOT, page=PAGE)}"
    path.write_text(document if framed else one_file(BOOT, PAGE), encoding="utf-8")
    with tab(browser) as page:
        page.goto(path.as_uri())
        inside: Any = page.frame_locator("iframe") if framed else page
        expect(inside.locator("#worked")).to_have_text("42")
        assert inside.locator("#said").text_content() == HOSTILE
        expect(inside.locator("#said")).to_have_css("color", "rgb(1, 2, 3)")
        if framed:
            assert page.frames[1].evaluate("origin") == "null"
