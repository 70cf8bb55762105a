"""shoal play: what it opens, what it writes, and how it ends."""

import base64
import gzip
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from command_line import PENGUINS, QUICK, shoal
from shoal.playground.server import PlaygroundServer

SPECIES = ("--target", "species")


def exported(path: Path, *arguments: object, **options: Any) -> dict[str, Any]:
    """What an exported page starts from."""
    shoal("play", *arguments, "--export", path, **options)
    packed = re.search(r'id="shoal-packed">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert packed is not None
    return dict(json.loads(json.loads(gzip.decompress(base64.b64decode(packed[1])))["boot"]))


# ---- what it opens -----------------------------------------------------------------------------


def test_nothing_is_the_flower(tmp_path: Path) -> None:
    """Without a source the page starts with what it has itself."""
    assert exported(tmp_path / "page.html") == {"version": 1}
    assert exported(tmp_path / "page.html", "--language", "it")["language"] == "it"


def test_a_table(tmp_path: Path) -> None:
    """A table is read as `shoal fit` reads it, and its file is said to be written."""
    path = tmp_path / "page.html"
    boot = exported(path, PENGUINS, *SPECIES, "--plane", "year", "body_mass_g")
    data = boot["data"]
    assert [data["inputs"][k]["name"] for k in data["plane"]] == ["year", "body_mass_g"]
    assert len(data["held_out"]) == 344
    said = shoal("play", PENGUINS, *SPECIES, "--export", path).stderr
    assert "344 rows, 8 columns" in said
    assert f"wrote {path} ({path.stat().st_size:,} bytes)" in said
    assert not shoal("play", PENGUINS, *SPECIES, "--export", path, "--quiet").stderr


def test_a_model(model: Path, tmp_path: Path) -> None:
    """A model opens with its network; with a table, with that table's rows. Not one with bins."""
    path = tmp_path / "page.html"
    assert "play the table itself" in shoal("play", model, "--export", path, code=2).stderr
    model = tmp_path / "plain.shoal"
    shoal("fit", PENGUINS, *SPECIES, "-o", model, *QUICK, "--solver", "adam", "-q")
    alone, with_rows = exported(path, model), exported(path, model, PENGUINS)
    assert alone["network"]["activation"] == "tanh"
    assert len(alone["network"]["W1"]) == len(with_rows["network"]["W1"]) > 0
    assert "stand-ins" in alone["data"]["note"]
    assert len(with_rows["data"]["held_out"]) == 344


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PENGUINS,), "choose the column to learn, --target with one of: "),
        ((PENGUINS, "-t", "specis"), "there are 'species', "),
        ((PENGUINS, PENGUINS, *SPECIES), "is not a model"),
        (("nothing.csv", *SPECIES), "there is no such file"),
        (("nothing.shoal",), "nothing.shoal"),
        (SPECIES, "--target and --plane are for a table: name it first"),
        (("--language", "de"), "'de' is not one of"),
        (("--port", "65536"), "65536 is not in the range"),
        ((PENGUINS, *SPECIES, "--plane", "year", "mass"), "the plane cannot show input"),
        ((PENGUINS, *SPECIES, "--export", PENGUINS), "would overwrite what is read"),
        (("--export", "nowhere/page.html"), "create the folder first"),
    ],
)
def test_mistakes(arguments: tuple[Any, ...], message: str) -> None:
    """A mistake is one message without a traceback, before anything is served."""
    from click.testing import CliRunner

    from shoal.cli import main

    result = CliRunner().invoke(main, ["play", *map(str, arguments)])
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_target_that_is_not_the_model_s(model: Path) -> None:
    """A model has its target, so another is a mistake."""
    said = shoal("play", model, "--target", "year", code=2).stderr
    assert "the target of" in said
    assert "species" in said


# ---- the server --------------------------------------------------------------------------------


@contextmanager
def playing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`shoal play` as a process, and its address."""
    command = [sys.executable, "-m", "shoal", "play", "--no-open", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            address = process.stderr.readline().strip()
            assert process.stderr.readline() == "Ctrl-C stops it.\n"
            yield process, address
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(end: signal.Signals) -> None:
    """The address on stderr opens the page; Ctrl-C ends it cleanly, as does a request to end."""
    with playing() as (process, address):
        parts = urlsplit(address)
        assert parts.hostname == "127.0.0.1"
        assert parts.port is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        connection.request("GET", f"/?{parts.query}")
        cookie = connection.getresponse().headers["Set-Cookie"].split(";")[0]
        connection.close()
        connection.request("GET", "/boot.json", headers={"Cookie": cookie})
        assert connection.getresponse().read() == b'{"version": 1}'
        connection.close()
        process.send_signal(end)
        stdout, stderr = process.communicate(timeout=30)
        assert stdout == ""
        assert "Traceback" not in stderr
        if end is signal.SIGINT:
            assert process.returncode == 0
            assert stderr.splitlines() == ["stopped"]


def test_a_busy_port() -> None:
    """A port that another program has is one message, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = shoal("play", "--no-open", "--port", port, code=1).stderr
    assert said == (
        f"shoal: cannot listen on port {port}: another program has it; choose another, or none "
        "and any free one is taken\n"
    )


def test_it_opens_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is opened with the address, unless that is not wanted."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(PlaygroundServer, "serve_forever", lambda _: time.sleep(0.05))
    address = shoal("play").stderr.splitlines()[0]
    shoal("play", "--no-open")
    assert opened == [address]


def test_the_verb_is_light() -> None:
    """`shoal play --help` loads no NumPy."""
    code = (
        "import sys, runpy; sys.argv = ['shoal', 'play', '--help']\n"
        "from shoal.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
