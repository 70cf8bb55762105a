"""A real browser for the tests: Debian's Chromium, without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium here: install it (Debian: apt install chromium) to run these tests",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],  # the sandbox does not start for root
        )
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, **options: object) -> Iterator[Page]:
    """A page of its own, whose faults fail the test.

    A fault is a request that leaves this computer, an error that nobody caught, or anything that
    the browser complains of, such as what the Content-Security-Policy forbids.
    """
    context: BrowserContext = browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, **options}
    )  # type: ignore[arg-type]
    context.set_default_timeout(5_000)
    faults: list[str] = []

    def watch_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("file", "data", "blob", "about") and parts.hostname != "127.0.0.1":
            faults.append(f"request to {url}")

    def watch_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{message.type}: {message.text}")

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
    assert faults == []
