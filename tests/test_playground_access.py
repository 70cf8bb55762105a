"""Anyone can use the playground: by keyboard, on any screen, in two languages, without colour."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import playing, state_of, wait_until

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def faults_of(page: Page, part: str = "body") -> list[str]:
    """What axe finds serious or critical in a part of the page, with the first element of each."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(f"{AXE}; 0")
    violations: list[dict[str, Any]] = page.evaluate(
        "(part) => axe.run(part).then((found) => found.violations)", part
    )
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]} ({fault['nodes'][0]['failureSummary']})"
        for fault in violations
        if fault["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious(browser: Browser) -> None:
    """In a lesson, on each tab, in dialogs and in the dark, axe finds no serious fault."""
    # Without motion the colours of the dark are there at once.
    with playing(browser, link="v=1&lesson=backprop", reduced_motion="reduce") as page:
        found = faults_of(page)
        for tab in page.locator("[role=tab]:not([aria-selected=true])").all():
            tab.click()
            found += faults_of(page, "[role=tabpanel]")
        for opener in ("share", "menu-keys", "menu-table"):
            page.get_by_test_id(opener).first.click()
            found += faults_of(page)
            page.keyboard.press("Escape")
        page.emulate_media(color_scheme="dark")
        found += faults_of(page)
        assert list(dict.fromkeys(found)) == []


@pytest.mark.parametrize(
    ("width", "height", "scrolls"), [(1280, 800, False), (820, 1180, True), (390, 844, True)]
)
def test_it_fits(browser: Browser, width: int, height: int, scrolls: bool) -> None:
    """On a laptop the page needs no scrolling; on a tablet and a phone none sideways."""
    with playing(browser, viewport={"width": width, "height": height}) as page:
        inner = page.evaluate(
            "(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])"
            "(document.documentElement)"
        )
        assert inner[0] <= width
        assert scrolls or inner[1] <= height


def test_italian(browser: Browser) -> None:
    """The page is Italian on request, says so to screen readers, and keeps what was done."""
    with playing(browser) as page:
        page.get_by_test_id("step").click()
        wait_until(page, "s.iteration === 1")
        english = page.locator("main").inner_text()
        page.get_by_test_id("language").click()
        expect(page.locator("html")).to_have_attribute("lang", "it")
        italian = page.locator("main").inner_text()
        assert "Network" in english
        assert "Rete" in italian
        assert state_of(page)["iteration"] == 1
        assert faults_of(page) == []


def test_a_browser_s_language_is_spoken(browser: Browser) -> None:
    """Without a wish of the host it is the browser's language; a wish outdoes what was chosen."""
    with playing(browser, language=None, locale="it-IT") as page:
        expect(page.locator("html")).to_have_attribute("lang", "it")
    with playing(browser, language="it", locale="en-GB") as page:
        expect(page.locator("html")).to_have_attribute("lang", "it")
        page.get_by_test_id("language").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "it")


def test_everything_by_keyboard(browser: Browser) -> None:
    """Every control is reached by Tab, and step, back, rewind and the plane answer to keys."""
    with playing(browser) as page:
        reached = set()
        for _ in range(120):
            page.keyboard.press("Tab")
            name = page.evaluate("document.activeElement?.dataset.testid ?? ''")
            reached.add(name)
        controls = page.evaluate(
            """[...document.querySelectorAll("[data-testid]")]
              .filter((e) => e.matches("button, input, select, canvas[tabindex], summary"))
              .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility())
              .map((e) => e.dataset.testid)"""
        )
        assert len(controls) > 40
        assert set(controls) - reached == set()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("ArrowRight")
        wait_until(page, "s.iteration === 1")
        page.keyboard.press("ArrowLeft")
        wait_until(page, "s.iteration === 0")
        page.get_by_test_id("plane").focus()
        for key in ("ArrowRight", "ArrowUp", "1"):
            page.keyboard.press(key)
        wait_until(page, "s.m === 401")
        page.keyboard.press("n")
        page.get_by_test_id("W1-0").press("ArrowUp")
        wait_until(page, "s.facts.includes('edited weights')")


def test_reduced_motion(browser: Browser) -> None:
    """Where motion is not wanted, nothing on the page is animated."""
    with playing(browser, reduced_motion="reduce") as page:
        page.get_by_test_id("play").click()
        wait_until(page, "s.iteration > 10")
        moving = page.evaluate(
            "document.getAnimations().filter((a) => a.effect.getTiming().duration > 1).length"
        )
        assert moving == 0
