"""A real browser for the tests: Debian's Chromium without a window, and without a network."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from shoal.network import Parameters
from shoal.playground.boot import Boot, from_nothing
from shoal.playground.server import HOST, PlaygroundServer, make_routes, page_files

PATIENCE = 30_000  # milliseconds; on a busy machine all takes long
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],  # for root, there is no sandbox
        )
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of its own, whose faults fail the test.

    A fault is a request that leaves this computer, an error that nobody caught, or anything that
    the browser complains of, such as what the Content-Security-Policy forbids.
    """
    options = {"viewport": {"width": 1280, "height": 800}, "locale": "en", **options}
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    faults: list[str] = []

    def watch_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("file", "data", "blob", "about") and parts.hostname != HOST:
            faults.append(f"request to {url}")

    def watch_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{message.type}: {message.text} ({message.location['url']})")

    context.on("request", lambda request: watch_request(request.url))
    context.on("console", watch_console)
    context.on("weberror", lambda error: faults.append(f"uncaught: {error.error}"))
    try:
        yield context.new_page()
    except BaseException as error:
        error.add_note(f"faults of the page: {faults}")
        raise
    finally:
        context.close()
    if faults:
        raise AssertionError("\n".join(faults))


@contextmanager
def serving(boot: Boot | None = None, language: str | None = "en") -> Iterator[PlaygroundServer]:
    """The playground's server at work."""
    document = (boot or from_nothing()).json(language)
    with PlaygroundServer(make_routes(page_files(), document)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def playing(
    browser: Browser,
    boot: Boot | None = None,
    *,
    link: str = "",
    language: str | None = "en",
    **options: Any,
) -> Iterator[Page]:
    """The playground, served and opened, at a link's part after `#`."""
    with serving(boot, language) as server, tab(browser, **options) as page:
        page.context.request.get(server.address)  # which brings the cookie
        page.goto(f"http://{HOST}:{server.server_port}/#{link}")
        wait_for_page(page)
        yield page


def wait_for_page(page: Page) -> None:
    """Wait until the page is built."""
    for _ in range(PATIENCE // 20):
        if page.evaluate("window.shoal?.ready.then(() => true)"):
            return
        page.wait_for_timeout(20)
    raise AssertionError("the page did not start")


def state_of(page: Page) -> dict[str, Any]:
    """What the page says of itself."""
    return dict(page.evaluate("shoal.state()"))


def wait_until(page: Page, condition: str, milliseconds: int = PATIENCE) -> dict[str, Any]:
    """The state as soon as a condition on it, in JavaScript, holds."""
    # The page's policy forbids to make code of text, which Playwright's wait_for_function does.
    asked = f"(() => {{ const s = shoal.state(); return [s, !!({condition})] }})()"
    for _ in range(milliseconds // 20):
        state, holds = page.evaluate(asked)
        if holds:
            return dict(state)
        page.wait_for_timeout(20)
    raise AssertionError(f"not in {milliseconds} ms: {condition}; the state is {state_of(page)}")


def parameters_of(state: dict[str, Any]) -> Parameters:
    """The network of a state."""
    W1, b1, W2, b2 = (np.array(state["parameters"][name]) for name in Parameters._fields)
    n_h = len(b1)
    return Parameters(W1.reshape(n_h, -1) if n_h else np.empty((0, 0)), b1, W2, b2)


def fill(page: Page, testid: str, value: object) -> None:
    """Type into a field, and Enter.

    A frame is drawn before, or it could write the field's value anew in the middle of the typing.
    """
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(drawn))")
    field = page.get_by_test_id(testid)
    field.fill(str(value))
    field.press("Enter")


def step(page: Page, size: str, times: int = 1) -> dict[str, Any]:
    """Press the button that steps so many iterations, and wait until they are done."""
    page.get_by_test_id("step-size").select_option(size)
    for _ in range(times):
        goal = state_of(page)["iteration"] + int(size)
        page.get_by_test_id("step").click()
        wait_until(page, f"!s.playing && s.iteration === {goal}")
    return state_of(page)
