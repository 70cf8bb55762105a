"""Each lesson of the playground, done in a browser, ends with the figures that it promises."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import fill, needs_browser, parameters_of, playing, state_of, step

pytestmark = needs_browser

GOLDEN = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))


def operations(page: Page, n: int) -> None:
    """Step by so many operations."""
    page.get_by_test_id("step-size").select_option("op")
    for _ in range(n):
        page.get_by_test_id("step").click()


def open_cell(page: Page, name: str) -> str:
    """Open the first cell of a matrix, and read its sum."""
    cell = page.get_by_test_id(f"cell-{name}-0-0")
    if not cell.is_visible():
        page.get_by_test_id(f"operation-{name}").click()
    cell.click()
    return page.get_by_test_id("explanation").inner_text()


def representation(page: Page) -> None:
    """Nine numbers are two units; none is logistic regression."""
    fill(page, "n_h", 2)
    assert sum(block.size for block in parameters_of(state_of(page))) == 9
    fill(page, "n_h", 0)


def output(page: Page) -> None:
    """Four operations forwards; a cell opens into its sum."""
    operations(page, 4)
    first = open_cell(page, "Z1")
    parameters = parameters_of(state_of(page))
    x = np.random.RandomState(1).randn(2, 3)[:, 0]
    z = parameters.W1[0] @ x + parameters.b1[0, 0]
    assert f"{z:.4f}"[:6].replace("-", "−") in first.replace("-", "−")


def vectorising(page: Page) -> None:
    """The loop does m · n_h dot products, and gives the bits of the product."""
    page.get_by_test_id("loop-run").click()
    expect(page.get_by_test_id("loop-same")).to_be_visible()
    expect(page.get_by_test_id("loop-count")).to_contain_text("1,600")
    page.get_by_test_id("tab-vectorised").click()


def activations(page: Page) -> None:
    """Of eight ReLU units two die; of eight leaky ones none."""
    dead = GOLDEN["dead"]
    assert step(page, "1000", 2)["accuracy"] == pytest.approx(dead["relu"]["percent"] / 100)
    assert page.locator(".badge", has_text="dead").count() == dead["relu"]["dead"]
    page.get_by_test_id("rewind").click()
    page.get_by_test_id("activation").select_option("leaky_relu")
    # Its path is unstable at α = 2, so its end differs with the last bits of the exponentials.
    leaky = dead["leaky_relu"]["percent"] / 100
    assert step(page, "1000", 2)["accuracy"] == pytest.approx(leaky, abs=0.02)
    assert page.locator(".badge", has_text="dead").count() == 0


def nonlinear(page: Page) -> None:
    """Linear units, however many, are logistic regression; tanh is not."""
    identity = GOLDEN["identity"]
    state = step(page, "1000", 5)
    assert state["cost"] == pytest.approx(identity["cost"], abs=1e-6)
    assert state["accuracy"] == identity["percent"] / 100
    W1, b1, W2, b2 = parameters_of(state)
    np.testing.assert_allclose(W2 @ W1, identity["W"], atol=1e-6)
    np.testing.assert_allclose(W2 @ b1 + b2, identity["b"], atol=1e-6)
    page.get_by_test_id("activation").select_option("tanh")
    step(page, "1000", 5)


def derivatives(page: Page) -> None:
    """A start that saturates every unit learns little; a small one learns."""
    vanishing = GOLDEN["vanishing"]["by_scale"]
    fill(page, "scale", 100)
    assert page.locator(".badge", has_text="saturated").count() == 4
    assert step(page, "1000", 5)["cost"] == pytest.approx(vanishing["100"]["cost"], abs=5e-6)
    fill(page, "scale", 0.01)
    assert step(page, "1000", 5)["cost"] == pytest.approx(vanishing["0.01"]["cost"], abs=5e-6)


def descent(page: Page) -> None:
    """With α = 1.2 the cost rises late; with α = 1 it reaches 10,000 iterations."""
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("event")).to_be_visible(timeout=15_000)
    assert state_of(page)["iteration"] == pytest.approx(7833, abs=10)
    page.get_by_test_id("rewind").click()
    fill(page, "learning-rate", 1)
    step(page, "1000", 10)


def backprop(page: Page) -> None:
    """A whole iteration by operations; gradients agree with their differences; and back."""
    operations(page, 12)
    for name in ("dZ1", "dW1"):
        open_cell(page, name)
    page.get_by_test_id("back").click()


def initialization(page: Page) -> None:
    """From zeros nothing ever moves; one weight that differs, and it learns."""
    zeros = GOLDEN["zeros"]
    state = step(page, "1000")
    assert state["cost"] == pytest.approx(zeros["cost"], abs=1e-13)
    assert state["accuracy"] == zeros["percent"] / 100
    fill(page, "W1-0", 0.5)
    step(page, "1000", 3)
    page.get_by_test_id("scheme").select_option("normal")
    step(page, "1000", 2)


def hidden_size(page: Page) -> None:
    """One unit, two and three reach the published accuracies."""
    for n_h in (1, 2, 3):
        fill(page, "n_h", n_h)
        accuracy = step(page, "1000", 5)["accuracy"]
        assert 100 * accuracy == GOLDEN["accuracy_by_hidden_size"]["percent"][str(n_h)]


def symmetry(page: Page) -> None:
    """Equal units stay equal to the last bit, until a hand parts them."""
    state = step(page, "1000", 2)
    W1 = parameters_of(state).W1
    assert all(row.tolist() == W1[0].tolist() for row in W1)
    assert 100 * state["accuracy"] == GOLDEN["equal_weights"]["percent"]
    for k, value in enumerate((0.1, 0.2, 0.3)):
        fill(page, f"W1-{2 * k}", value)


LESSONS: dict[str, Callable[[Page], None]] = {
    "representation": representation,
    "output": output,
    "vectorising": vectorising,
    "activations": activations,
    "nonlinear": nonlinear,
    "derivatives": derivatives,
    "descent": descent,
    "backprop": backprop,
    "initialization": initialization,
    "hidden-size": hidden_size,
    "symmetry": symmetry,
}


@pytest.mark.parametrize("name", LESSONS)
def test_lesson(browser: Browser, name: str) -> None:
    """By its link the lesson opens; done after a prediction, it is complete; before, it is not."""
    with playing(browser, link=f"v=1&lesson={name}") as page:
        strip = page.get_by_test_id("lesson-strip")
        expect(strip).to_be_visible()
        expect(page.get_by_test_id("moral")).to_be_empty()
        page.get_by_test_id("answer-0").click()
        LESSONS[name](page)
        expect(page.get_by_test_id("moral")).not_to_be_empty()


def test_every_lesson_is_here(browser: Browser) -> None:
    """The lessons on the page are those that are tested, and none is done before it is begun."""
    with playing(browser) as page:
        picker = page.get_by_test_id("lesson")
        names = [option.get_attribute("value") for option in picker.locator("option").all()]
        assert names == ["", *LESSONS]
        for name in LESSONS:
            picker.select_option(name)
            page.get_by_test_id("answer-1").click()
            expect(page.get_by_test_id("moral")).to_be_empty()
