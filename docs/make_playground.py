"""Take the pictures of the playground, docs/playground.png and docs/playground-lesson.png.

Run it after changing the page: python docs/make_playground.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser import chromium, playing, step

DOCS = Path(__file__).parent


def main() -> None:
    """The flower after 5,000 iterations, and a lesson in its middle, in the dark."""
    with chromium() as browser:
        with playing(browser) as page:
            step(page, "1000", 5)
            page.screenshot(path=DOCS / "playground.png")
        with playing(browser, link="lesson=backprop", color_scheme="dark") as page:
            page.get_by_test_id("answer-0").click()
            for _ in range(9):
                page.get_by_test_id("step").click()
            page.get_by_test_id("cell-dZ1-0-0").click()
            page.screenshot(path=DOCS / "playground-lesson.png")


if __name__ == "__main__":
    main()
