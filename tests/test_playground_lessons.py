"""Every lesson, done in the browser as a student does it, ends with its measured outcome."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import fill, parameters_of, playing, state_of, step, wait_until

GOLDEN = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))


def click(page: Page, *testids: str) -> None:
    """Press one control after the other."""
    for testid in testids:
        page.get_by_test_id(testid).click()


def choose(page: Page, testid: str, value: str) -> None:
    """Pick from a list."""
    page.get_by_test_id(testid).select_option(value)


def percent(state: dict[str, Any]) -> float:
    """Accuracy of a state."""
    return 100 * float(state["accuracy"])


def representation(page: Page) -> None:
    """9 numbers with two units, and none hidden."""
    for units in ("2", "0"):
        fill(page, "n_h", units)
        page.wait_for_timeout(50)


def output(page: Page) -> None:
    """Four operations, then a cell."""
    click(page, "step", "step", "step", "step")
    page.get_by_test_id("operation-Z1").get_by_role("button").first.click()
    click(page, "cell-Z1-0-0")
    expect(page.get_by_test_id("explanation")).to_contain_text("−0.6165861")


def vectorising(page: Page) -> None:
    """The loop over all examples, then the same vectorised."""
    click(page, "loop-run")
    expect(page.get_by_test_id("loop-same")).to_be_visible()
    expect(page.get_by_test_id("loop-count")).to_contain_text("1,600 of 1,600")
    click(page, "tab-vectorised")


def activations(page: Page) -> None:
    """Two ReLU units die, and no leaky one."""
    entry = GOLDEN["dead"]
    assert percent(step(page, "1000", 2)) == pytest.approx(entry["relu"]["percent"], abs=3)
    expect(page.locator(".badge.dead")).to_have_count(entry["relu"]["dead"])
    click(page, "rewind")
    choose(page, "activation", "leaky_relu")
    assert percent(step(page, "1000", 2)) == pytest.approx(entry["leaky_relu"]["percent"], abs=3)


def nonlinear(page: Page) -> None:
    """Linear units end as logistic regression, and tanh goes on from there."""
    state = step(page, "1000", 5)
    assert state["cost"] == pytest.approx(GOLDEN["identity"]["cost"], abs=1e-6)
    assert percent(state) == pytest.approx(GOLDEN["identity"]["percent"])
    W1, b1, W2, b2 = parameters_of(state)
    np.testing.assert_allclose(W2 @ W1, GOLDEN["identity"]["W"], atol=1e-6)
    np.testing.assert_allclose(W2 @ b1 + b2, GOLDEN["identity"]["b"], atol=1e-6)
    choose(page, "activation", "tanh")
    step(page, "1000", 2)


def derivatives(page: Page) -> None:
    """Saturated at scale 100, and J by scale."""
    for scale in ("100", "0.01"):
        fill(page, "scale", scale)
        if scale == "100":
            expect(page.locator(".badge.saturated")).to_have_count(4)
        cost = GOLDEN["vanishing"]["by_scale"][scale]["cost"]
        assert step(page, "1000", 5)["cost"] == pytest.approx(cost, rel=1e-3)


def descent(page: Page) -> None:
    """The cost rises where sharpness has passed 2/α, and never with α = 1."""
    entry = GOLDEN["sharpness"]
    click(page, "step")
    state = wait_until(page, "s.event === 'rise'", 60_000)
    assert state["iteration"] == pytest.approx(entry["first_rise"]["2"], abs=100)
    click(page, "rewind")
    fill(page, "learning-rate", "1")
    choose(page, "step-size", "rise")
    click(page, "step")
    state = wait_until(page, "s.iteration > 10000 || s.event", 60_000)
    assert state["event"] == ""
    click(page, "play", "play")


def backprop(page: Page) -> None:
    """A whole iteration by operation, two cells, and back."""
    for _ in range(12):
        click(page, "step")
    for name in ("dZ1", "dW1"):
        page.get_by_test_id(f"operation-{name}").get_by_role("button").first.click()
        click(page, f"cell-{name}-0-0")
    expect(page.get_by_test_id("explanation")).to_contain_text("✓")
    click(page, "back")


def initialization(page: Page) -> None:
    """Zeros never learn, one nudged weight does, a random start does it well."""
    state = step(page, "1000")
    assert state["cost"] == pytest.approx(GOLDEN["zeros"]["cost"], rel=1e-12)
    assert percent(state) == GOLDEN["zeros"]["percent"]
    fill(page, "W1-0", "0.1")
    assert step(page, "1000", 3)["cost"] < 0.68
    choose(page, "scheme", "normal")
    assert step(page, "1000", 2)["cost"] == pytest.approx(0.254385, abs=1e-6)


def hidden_size(page: Page) -> None:
    """The published accuracies of one, two and three units."""
    for units in ("1", "2", "3"):
        fill(page, "n_h", units)
        published = GOLDEN["accuracy_by_hidden_size"]["percent"][units]
        assert percent(step(page, "1000", 5)) == pytest.approx(published)
    expect(page.get_by_test_id("runs").locator("tbody tr")).to_have_count(3)


def symmetry(page: Page) -> None:
    """Four units stay one, until each is nudged."""
    state = step(page, "1000", 2)
    assert percent(state) == GOLDEN["equal_weights"]["percent"]
    assert len({tuple(row) for row in state["parameters"]["W1"]}) == 1
    expect(page.locator(".badge.twin")).to_have_count(4)
    for j in range(3):
        fill(page, f"W1-{2 * j}", f"0.5{j + 1}")


LESSONS: dict[str, tuple[int, Callable[[Page], None]]] = {
    "representation": (1, representation),
    "output": (0, output),
    "vectorising": (2, vectorising),
    "activations": (1, activations),
    "nonlinear": (2, nonlinear),
    "derivatives": (2, derivatives),
    "descent": (1, descent),
    "backprop": (0, backprop),
    "initialization": (0, initialization),
    "hidden-size": (1, hidden_size),
    "symmetry": (0, symmetry),
}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_done(browser: Browser, name: str) -> None:
    """Prediction first, then the tasks: each is ticked when it is done, and the moral is shown."""
    right, work = LESSONS[name]
    with playing(browser, link=f"lesson={name}") as page:
        strip = page.get_by_test_id("lesson-strip")
        expect(strip.locator(".tasks")).to_be_hidden()
        click(page, f"answer-{right}")
        expect(strip.locator(".tasks li.done")).to_have_count(0)
        work(page)
        expect(page.get_by_test_id("moral")).not_to_be_empty()
        expect(strip.locator(".tasks li:not(.done)")).to_have_count(0)
        expect(strip).to_contain_text("You said so.")


def test_every_lesson_is_in_the_list(browser: Browser) -> None:
    """The list has the lessons tested here, each starts, and the last leads back to free play."""
    with playing(browser) as page:
        values = (
            page.get_by_test_id("lesson")
            .locator("option")
            .evaluate_all("options => options.map((option) => option.value)")
        )
        assert values == ["", *LESSONS]
        for name in values[1:]:
            choose(page, "lesson", name)
            assert state_of(page)["settings"]["lesson"] == name
        choose(page, "lesson", "")
        state = state_of(page)
    assert state["settings"]["data"] == "flower"
    assert state["cost"] == pytest.approx(GOLDEN["train_flower"]["runs"][0]["costs_12"][0])
