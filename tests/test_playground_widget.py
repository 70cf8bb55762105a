"""The playground in a notebook: what it starts from, and what comes back from its page."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import shoal
from browser import tab
from shoal.errors import ParameterError, ShoalError
from shoal.network import Parameters, forward
from shoal.playground.export import in_frame
from shoal.playground.widget import FRONT_END, Playground

X, Y = shoal.datasets.flower()
NETWORK = shoal.initialize(2, 3, 1, scale=1, random_state=5)


def sent(parameters: Parameters, activation: str = "tanh", output: str = "sigmoid") -> Any:
    """What the page sends of its network."""
    blocks = {name: block.tolist() for name, block in parameters._asdict().items()}
    return {**blocks, "activation": activation, "output": output}


def test_an_edited_network_comes_back() -> None:
    """What the page sends is the network of the table, in the course's shapes and raw units."""
    table = 100 * X.T + 7  # far from the size of weights, so the page scales it
    playground = Playground(table, Y[0])
    playground.widget.network = sent(NETWORK)
    boot = playground._boot
    scaled = ((table - boot.center) / boot.scale).T
    expected = forward(scaled, NETWORK).Z2
    raw = playground.parameters
    assert [block.shape for block in raw] == [(3, 2), (3, 1), (1, 3), (1, 1)]
    np.testing.assert_allclose(forward(table.T, raw).Z2, expected, rtol=1e-9)
    np.testing.assert_allclose(playground.model.scores(table).T, expected, rtol=1e-9)
    assert set(playground.model.predict(table)) <= {0.0, 1.0}


def test_the_course_s_figures_are_not_scaled() -> None:
    """On the flower, as on any table of such a size, the page's numbers are the table's."""
    for playground in (Playground(), Playground(X.T, Y[0])):
        playground.widget.network = sent(NETWORK)
        for back, block in zip(playground.parameters, NETWORK, strict=True):
            assert back.tolist() == block.tolist()


def test_a_fitted_network_goes_there_and_back() -> None:
    """A fitted estimator, and its Model, open with their network; a page not yet run gives it."""
    table = np.column_stack([X[0], 30 * X[1]])
    classifier = shoal.ShoalClassifier(n_hidden=4, solver="lbfgs", random_state=0)
    classifier.fit(table, np.where(Y[0], "yes", "no"))
    for source in (
        (classifier,),
        (classifier.model_,),
        (classifier, table, classifier.predict(table)),
    ):
        model = Playground(*source).model
        assert model.predict(table).tolist() == classifier.predict(table).tolist()
        np.testing.assert_allclose(model.predict_proba(table), classifier.predict_proba(table))


def test_no_hidden_units() -> None:
    """A network without a hidden layer, whose W1 has no rows, comes back as one."""
    playground = Playground()
    playground.widget.network = {
        "W1": [],
        "b1": [],
        "W2": [[1.0, -2.0]],
        "b2": [[0.5]],
        "activation": "tanh",
        "output": "sigmoid",
    }
    assert [block.shape for block in playground.parameters] == [(0, 2), (0, 1), (1, 2), (1, 1)]
    assert playground.model.predict(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [1, 0]


def test_a_regression_comes_back_in_the_units_of_its_target() -> None:
    """The scaling of the target is taken back, too."""
    price = 1000 + 50 * X[0]
    playground = Playground(X.T, price)
    playground.widget.network = sent(
        Parameters(*(np.zeros_like(block) for block in NETWORK)), output="identity"
    )
    np.testing.assert_allclose(playground.model.predict(X.T), price.mean())


def test_nothing_has_come_yet() -> None:
    """Before the page has sent anything there is no network, and the error says what to do."""
    with pytest.raises(ShoalError, match="show it and train, or edit a weight"):
        _ = Playground(X.T, Y[0]).parameters


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (sent(shoal.initialize(3, 2, 1)), "shows other data than those it started with"),
        (sent(shoal.initialize(2, 2, 3)), "shows other data than those it started with"),
        (sent(NETWORK._replace(b2=np.array([[np.nan]]))), "has left the finite numbers"),
        ({**sent(NETWORK), "b2": [[None]]}, "has left the finite numbers"),
    ],
)
def test_networks_that_are_not_of_the_table(network: Any, message: str) -> None:
    """A network of other data, or with what is no number, is not taken for one of the table."""
    playground = Playground(X.T, Y[0])
    playground.widget.network = network
    with pytest.raises(ShoalError, match=message):
        _ = playground.model


def test_a_part_of_the_inputs_is_no_model() -> None:
    """Where the page could not hold all inputs, its network is none for the table."""
    wide = np.random.RandomState(0).randn(50, 40)
    playground = Playground(wide, wide[:, 0] > 0)
    playground.widget.network = sent(shoal.initialize(30, 3, 1))
    assert playground.parameters.W1.shape == (3, 30)
    with pytest.raises(ParameterError, match="the page has 30 of the 40 inputs"):
        _ = playground.model


@pytest.mark.parametrize("source", [(X.T,), (X.T, Y[0], 1), (1, 2, 3), (shoal.ShoalClassifier(),)])
def test_what_it_does_not_take(source: tuple[Any, ...]) -> None:
    """What is neither a table nor a fitted network is an error that lists what is."""
    with pytest.raises(ParameterError, match=r"Playground takes nothing, \(X, y\), a fitted"):
        Playground(*source)


def test_without_anywidget() -> None:
    """Where anywidget is not installed the error says how to get it; shoal imports all the same."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "from shoal import *\n"
        "try:\n    Playground()\nexcept ShoalError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "shoal[notebook]"' in done.stdout


def test_it_shows_itself() -> None:
    """A notebook gets the widget, with the data in the language that is asked for."""
    playground = Playground(X.T, Y[0], language="it", height=600)
    bundle = playground._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in json.dumps(bundle)
    assert "height: 600px" in playground.widget.frame
    assert playground.widget.frame == in_frame(playground._boot.json("it"), height=600)


# A notebook's side of the bargain, as anywidget has it: a model with get, set and save_changes.
NOTEBOOK = """
async ([frontEnd, frame]) => {
  const { default: { render } } =
    await import(URL.createObjectURL(new Blob([frontEnd], { type: "text/javascript" })));
  const traits = { frame };
  window.saved = [];
  const model = {
    get: (name) => traits[name],
    set: (name, value) => (traits[name] = value),
    save_changes: () => window.saved.push(structuredClone(traits.network)),
  };
  window.leave = render({ model, el: document.body });
}
"""
PAGE = {
    "index.html": b"""<!doctype html>
<html lang="en">
<head><title>page</title><script type="module" src="main.js"></script></head>
<body><button>send</button></body>
</html>
""",
    "main.js": b"""
document.querySelector("button").addEventListener("click", () =>
  shoalHost.parameters([[1, 2]], [[3]], [[4]], [[5]], { activation: "relu", output: "sigmoid" }));
""",
}


def test_the_page_tells_the_notebook(browser: Browser) -> None:
    """In a browser, what the page in the frame sends reaches the widget; other messages do not."""
    with tab(browser) as page:
        page.goto("about:blank")
        page.evaluate(NOTEBOOK, [FRONT_END, in_frame("{}", page=PAGE)])
        page.evaluate("postMessage({ shoal: { W1: 'from another window' } }, '*')")
        button = page.frame_locator("iframe").locator("button")
        expect(button).to_be_visible()
        page.wait_for_function("document.querySelector('iframe') !== null")
        for _ in range(50):  # until its module has started
            button.click()
            if page.evaluate("saved.length"):
                break
        expected = {"W1": [[1, 2]], "b1": [[3]], "W2": [[4]], "b2": [[5]]}
        form = {"activation": "relu", "output": "sigmoid"}
        assert page.evaluate("saved[0]") == expected | form
        before = page.evaluate("leave(), saved.length")
        button.click()
        assert page.evaluate("saved.length") == before, "a widget that is closed hears nothing"
