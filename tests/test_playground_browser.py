"""The playground in a real browser, as a person uses it. No request leaves this computer."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser import needs_browser, tab
from shoal.playground.boot import from_nothing
from shoal.playground.server import PlaygroundServer, make_routes, page_files

pytestmark = needs_browser


@pytest.fixture
def server() -> Iterator[PlaygroundServer]:
    """The playground's server at work, with the page as it is without data."""
    with PlaygroundServer(make_routes(page_files(), from_nothing().json())) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_address_opens_in_one_browser(browser: Browser, server: PlaygroundServer) -> None:
    """The address leads to the page, its token leaves the address bar, and it can be reloaded."""
    plain = f"http://127.0.0.1:{server.server_port}/"
    with tab(browser) as page:
        page.goto(server.address)
        page.wait_for_url(plain)
        assert page.reload().status == 200
        page.wait_for_url(plain)
        assert page.evaluate("document.cookie") == "", "no script can read it"
        assert page.goto(server.address).status == 200, "the same browser"
        page.wait_for_url(plain)
    with browser.new_context() as other:
        page = other.new_page()
        assert page.goto(server.address).status == 403
        expect(page.locator("body")).to_contain_text("its address works once, in one browser")
