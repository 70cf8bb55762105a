"""The playground in a real browser, as a person uses it. No request leaves this computer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, expect

from browser import needs_browser, playing, serving, state_of, tab, wait_until
from shoal.network import Parameters

pytestmark = needs_browser

GOLDEN = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))


def parameters_of(state: dict[str, Any]) -> Parameters:
    """The network on the page."""
    return Parameters(*(np.array(state["parameters"][name]) for name in Parameters._fields))


def fill(page: Page, testid: str, value: object) -> None:
    """Type into a field, and Enter."""
    field = page.get_by_test_id(testid)
    field.fill(str(value))
    field.press("Enter")


def step(page: Page, size: str, times: int = 1) -> dict[str, Any]:
    """Press the button that steps, and wait for it."""
    page.get_by_test_id("step-size").select_option(size)
    for _ in range(times):
        before = state_of(page)["iteration"]
        page.get_by_test_id("step").click()
        if size.isdigit():
            wait_until(page, f"!s.playing && s.iteration === {before + int(size)}")
    return state_of(page)


# ---- opening -----------------------------------------------------------------------------------


def test_the_address_opens_in_one_browser(browser: Browser) -> None:
    """The address leads to the page, its token leaves the address bar, and it can be reloaded."""
    with serving() as server:
        plain = f"http://127.0.0.1:{server.server_port}/"
        with tab(browser) as page:
            page.goto(server.address)
            page.wait_for_url(plain)
            assert page.reload().status == 200
            assert page.evaluate("document.cookie") == "", "no script can read it"
            assert page.goto(server.address).status == 200, "the same browser"
            page.wait_for_url(plain)
            page.evaluate("shoal.ready")
        with browser.new_context() as other:
            page = other.new_page()
            assert page.goto(server.address).status == 403
            expect(page.locator("body")).to_contain_text("its address works once, in one browser")


def test_the_published_costs(browser: Browser) -> None:
    """Stepping a thousand iterations at a time prints the course's costs, to the last digit."""
    with playing(browser) as page:
        shown = [f"{state_of(page)['cost']:.6f}"]
        for _ in range(7):
            shown.append(f"{step(page, '1000')['cost']:.6f}")
    published = GOLDEN if isinstance(GOLDEN, list) else None
    print(shown, published)
