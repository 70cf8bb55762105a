"""The playground in a real browser, as a person uses it. No request leaves this computer."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import (
    fill,
    parameters_of,
    playing,
    serving,
    state_of,
    step,
    tab,
    wait_for_page,
    wait_until,
)
from shoal import datasets
from shoal.network import cost, forward, gradient_descent, initialize
from shoal.playground.boot import from_nothing
from shoal.playground.export import in_frame, one_file

GOLDEN = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))
COSTS = [f"{value:.6f}" for value in GOLDEN["train_flower"]["runs"][0]["costs"]]
X, Y = datasets.flower()


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
            wait_for_page(page)
        with browser.new_context() as other:
            page = other.new_page()
            assert page.goto(server.address).status == 403
            expect(page.locator("body")).to_contain_text("its address works once, in one browser")


def test_it_prints_the_published_costs(browser: Browser) -> None:
    """A thousand iterations at a time, the page shows the course's costs to the last digit."""
    with playing(browser) as page:
        shown = [page.get_by_test_id("cost").inner_text()]
        for _ in COSTS[1:]:
            step(page, "1000")
            shown.append(page.get_by_test_id("cost").inner_text())
        assert shown == COSTS


@pytest.mark.parametrize("framed", [False, True], ids=["file", "frame"])
def test_in_one_file_it_computes_the_same(browser: Browser, tmp_path: Path, framed: bool) -> None:
    """From a file on the disk, alone or in a frame, a worker trains and the costs are the same."""
    path, boot = tmp_path / "page.html", from_nothing().json("en")
    path.write_text(in_frame(boot) if framed else one_file(boot), encoding="utf-8")
    with tab(browser) as page:
        workers: list[Any] = []
        page.on("worker", lambda worker: workers.append(worker))
        page.goto(path.as_uri())
        inside: Any = page.frame_locator("iframe") if framed else page
        inside.get_by_test_id("step-size").select_option("1000")
        inside.get_by_test_id("step").click()
        expect(inside.get_by_test_id("cost")).to_have_text(COSTS[1])
        assert len(workers) == 1


# ---- the hand ----------------------------------------------------------------------------------


def places(page: Page) -> np.ndarray[Any, Any]:
    """The inputs of all points, (m, n_x), from the table behind the picture."""
    page.locator(".data-panel [data-testid=menu-table]").click()
    rows = page.evaluate(
        "[...document.querySelectorAll('[data-testid=table] tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent.replace('−', '-')))"
    )
    page.keyboard.press("Escape")
    return np.array([[float(cell) for cell in row[1:3]] for row in rows])


def test_points_are_added_dragged_flipped_and_erased(browser: Browser) -> None:
    """A click adds a point where it is, a drag moves it, and all of it can be undone."""
    with playing(browser) as page:
        plane = page.get_by_test_id("plane")
        box = plane.bounding_box()
        assert box is not None
        here = box["x"] + 0.85 * box["width"], box["y"] + 0.15 * box["height"]
        there = box["x"] + 0.25 * box["width"], box["y"] + 0.8 * box["height"]
        page.get_by_test_id("tool-add1").click()
        page.mouse.click(*here)
        assert wait_until(page, "s.m === 401")["settings"]["data"] == "own"
        added = places(page)[-1]
        assert added[0] > 3
        assert added[1] > 3

        page.get_by_test_id("tool-move").click()
        page.mouse.move(*here)
        page.mouse.down()
        page.mouse.move(*there, steps=5)
        page.mouse.up()
        moved = places(page)[-1]
        assert moved[0] < -1
        assert moved[1] < -2
        assert state_of(page)["example"] == 400, "what is held is the example that is followed"

        before = state_of(page)["cost"]
        page.get_by_test_id("tool-flip").click()
        page.mouse.click(*there)
        wait_until(page, f"s.cost !== {before}")
        page.get_by_test_id("tool-erase").click()
        page.mouse.click(*there)
        wait_until(page, "s.m === 400")
        for _ in range(4):
            page.keyboard.press("Control+z")
        np.testing.assert_allclose(places(page), np.round(X.T, 3), atol=0.006)
        assert state_of(page)["m"] == 400


def test_a_dragged_point_is_in_the_next_picture(browser: Browser) -> None:
    """No more than one frame lies between a movement of the hand and the picture with it."""
    with playing(browser) as page:
        frames = page.evaluate(
            """async () => {
                const frame = () => new Promise(requestAnimationFrame);
                const canvas = document.getElementById("plane");
                const { left, top, width, height } = canvas.getBoundingClientRect();
                const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
                  { clientX: left + x * width, clientY: top + y * height, pointerId: 1 }));
                await frame();
                const before = shoal.frames();
                document.querySelector("[data-testid=tool-add1]").click();
                send("pointerdown", 0.9, 0.1);
                await frame();
                await new Promise((done) => setTimeout(done));
                return [shoal.frames() - before, shoal.state().m];
            }"""
        )
        assert frames == [1, 401]


def test_a_weight_is_typed(browser: Browser) -> None:
    """A typed weight, with a point or a comma, is in the network, and J is the library's."""
    with playing(browser) as page:
        fill(page, "W1-0", "1.5")
        fill(page, "b2-0", "−0,25")
        state = state_of(page)
        parameters = parameters_of(state)
        assert parameters.W1[0, 0] == 1.5
        assert parameters.b2[0, 0] == -0.25
        assert state["cost"] == pytest.approx(cost(forward(X, parameters), Y), rel=1e-12)
        fill(page, "W1-0", "abc")
        assert parameters_of(state_of(page)).W1[0, 0] == 1.5
        page.get_by_test_id("W1-0").press("z")
        assert parameters_of(state_of(page)).W1[0, 0] == 0
        page.get_by_test_id("menu-undo").click()
        assert parameters_of(state_of(page)).W1[0, 0] == 1.5


def test_a_weight_is_scrubbed_and_frozen(browser: Browser) -> None:
    """Dragging a number sideways changes it, undone as one; a frozen weight does not learn."""
    with playing(browser) as page:
        box = page.get_by_test_id("W2-1").bounding_box()
        assert box is not None
        start = parameters_of(state_of(page))
        page.mouse.move(box["x"] + 20, box["y"] + 8)
        page.mouse.down()
        page.mouse.move(box["x"] + 80, box["y"] + 8, steps=6)
        page.mouse.up()
        assert parameters_of(state_of(page)).W2[0, 1] > start.W2[0, 1]
        page.keyboard.press("Control+z")
        assert parameters_of(state_of(page)).W2[0, 1] == start.W2[0, 1]
        page.get_by_test_id("W1-0").press("f")
        after = parameters_of(step(page, "10"))
        assert after.W1[0, 0] == start.W1[0, 0]
        assert after.W1[0, 1] != start.W1[0, 1]


def test_the_line_of_a_unit_is_dragged(browser: Browser) -> None:
    """Dragging the line of a chosen unit changes its row of W1 or its b1, and nothing else."""
    with playing(browser) as page:
        start = parameters_of(state_of(page))
        page.get_by_test_id("unit-0").locator("canvas").first.click()
        box = page.get_by_test_id("plane").bounding_box()
        assert box is not None
        # The line of a start without bias goes through the origin, which is its middle.
        middle = box["x"] + 34 + (box["width"] - 40) / 2, box["y"] + 6 + (box["height"] - 28) / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 40, middle[1], steps=4)
        page.mouse.up()
        after = parameters_of(state_of(page))
        assert after.b1[0, 0] != start.b1[0, 0]
        np.testing.assert_allclose(after.W1, start.W1, rtol=1e-12)
        assert after.b1[1:].tolist() == start.b1[1:].tolist()
        assert "dragged line" in state_of(page)["facts"]


# ---- time --------------------------------------------------------------------------------------


def test_stepping_back_is_exact(browser: Browser) -> None:
    """Forwards 110 and back 110, by iterations and by operations, every number is what it was."""
    with playing(browser) as page:
        start = state_of(page)
        ten = step(page, "10")
        step(page, "100")
        page.get_by_test_id("back").click()
        assert wait_until(page, "s.iteration === 10")["parameters"] == ten["parameters"]
        page.get_by_test_id("step-size").select_option("op")
        for _ in range(12):
            page.get_by_test_id("step").click()
        assert state_of(page)["iteration"] == 11
        assert "op:update" in state_of(page)["facts"]
        for _ in range(12):
            page.get_by_test_id("back").click()
        again = state_of(page)
        assert (again["iteration"], again["stage"]) == (10, 0)
        assert again["parameters"] == ten["parameters"]
        page.get_by_test_id("rewind").click()
        assert wait_until(page, "s.iteration === 0")["parameters"] == start["parameters"]


def test_play_and_pause(browser: Browser) -> None:
    """The space bar plays and pauses, and what was trained is what the library trains."""
    with playing(browser) as page:
        page.get_by_test_id("speed").select_option("6000")
        page.get_by_test_id("speed").blur()
        page.keyboard.press("Space")
        wait_until(page, "s.iteration > 200")
        page.keyboard.press("Space")
        state = wait_until(page, "!s.playing")
        parameters, _ = gradient_descent(
            X,
            Y,
            initialize(2, 4, 1, random_state=2),
            learning_rate=1.2,
            n_iterations=state["iteration"],
        )
        for shown, block in zip(parameters_of(state), parameters, strict=True):
            np.testing.assert_allclose(shown, block, rtol=1e-9, atol=1e-12)


def test_new_start_and_settings_while_training(browser: Browser) -> None:
    """The dice take the next seed; g and α change in the middle of a run, which goes on."""
    with playing(browser) as page:
        page.get_by_test_id("dice").click()
        expected = initialize(2, 4, 1, random_state=3)
        np.testing.assert_allclose(parameters_of(state_of(page)).W1, expected.W1, rtol=1e-12)
        step(page, "100")
        page.get_by_test_id("activation").select_option("relu")
        fill(page, "learning-rate", "0,5")
        state = step(page, "10")
        assert (state["iteration"], state["settings"]["learning_rate"]) == (110, 0.5)
        page.get_by_test_id("more-units").click()
        assert parameters_of(state_of(page)).W1.shape == (5, 2)
        fill(page, "n_h", "0")
        assert parameters_of(state_of(page)).W2.shape == (1, 2)
        assert step(page, "1000")["accuracy"] == 0.47, "logistic regression"
        fill(page, "n_h", "50")
        assert parameters_of(step(page, "10")).W1.shape == (50, 2)


def test_divergence_is_explained_and_undone(browser: Browser) -> None:
    """Where the cost leaves the finite numbers the page says so in words, and leads back."""
    with playing(browser) as page:
        page.get_by_test_id("activation").select_option("identity")
        fill(page, "learning-rate", "1e6")
        page.get_by_test_id("step-size").select_option("1000")
        page.get_by_test_id("step").click()
        wait_until(page, "s.event === 'diverged'")
        event = page.get_by_test_id("event")
        expect(event).to_be_visible()
        assert len(event.inner_text()) > 40
        event.get_by_role("button").first.click()
        assert np.isfinite(wait_until(page, "!s.event")["cost"])


def test_it_steps_to_an_event(browser: Browser) -> None:
    """Until the cost rises: the first time is where the course's notebooks begin to differ."""
    with playing(browser) as page:
        page.get_by_test_id("step-size").select_option("rise")
        page.get_by_test_id("step").click()
        state = wait_until(page, "s.event === 'rise'")
        assert state["iteration"] == pytest.approx(7833, abs=10)


# ---- links -------------------------------------------------------------------------------------


def test_a_link_brings_everything_back(browser: Browser) -> None:
    """A shared link has the settings, the network and one's own points, after a reload and anew."""
    with playing(browser) as page:
        page.get_by_test_id("tool-add1").click()
        page.get_by_test_id("plane").click(position={"x": 60, "y": 60})
        page.get_by_test_id("activation").select_option("sigmoid")
        before = step(page, "100")
        page.get_by_test_id("share").click()
        link = page.get_by_test_id("link")
        expect(link).to_have_value(re.compile("#v=1"))
        address = link.input_value()
        assert "token" not in address
        for visit in (page.reload, lambda: page.goto(address)):
            visit()
            wait_for_page(page)
            state = state_of(page)
            assert state["m"] == 401
            assert state["settings"]["activation"] == "sigmoid"
            assert state["parameters"] == before["parameters"]
            assert state["cost"] == pytest.approx(before["cost"], abs=1e-4), (
                "points have 2 decimals"
            )


BROKEN_LINKS = [
    "v=1&w=AAAA",
    "v=1&p=!!!!",
    "v=99&n_h=-3&m=1e99&activation=nothing&learning_rate=x",
    "v=1&lesson=nothing&lock=everything&f=W1.99999+X.1",
    "v=1&data=own",
    "%",
    "x" * 20_000,
]


def test_broken_links_open_the_page(browser: Browser) -> None:
    """What a link says that makes no sense is left out, and the page works."""
    with playing(browser) as page:
        for link in BROKEN_LINKS:
            page.evaluate("(link) => { location.hash = link }", link)
            page.reload()
            wait_for_page(page)
            state = step(page, "10")
            assert state["iteration"] == 10, link
            assert np.isfinite(state["cost"]), link


def test_a_teacher_s_link(browser: Browser) -> None:
    """What a link locks cannot be used, and what it hides is not there."""
    with playing(browser, link="v=1&lock=network learning_rate&hide=curves lessons") as page:
        expect(page.get_by_test_id("activation")).to_be_disabled()
        expect(page.get_by_test_id("learning-rate")).to_be_disabled()
        expect(page.get_by_test_id("cost-chart")).to_be_hidden()
        expect(page.get_by_test_id("lesson")).to_be_hidden()
        assert step(page, "10")["iteration"] == 10
