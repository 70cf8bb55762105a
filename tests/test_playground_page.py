"""The playground's modules that need no browser: state, time, links, tables, lessons, texts."""

import contextlib
import io
import json
import re
from typing import Any

import pytest

from playground_node import HERE, node

SOURCES = HERE.parent / "src" / "shoal" / "playground"


def ask(name: str, **arguments: Any) -> Any:
    """The modules' answer."""
    return json.loads(node("playground_page.mjs", json.dumps([name, arguments])))


def act(*actions: list[Any], **chosen: Any) -> list[dict[str, Any]]:
    """The states before and after each action."""
    states = ask("session", chosen=chosen, actions=actions)
    assert isinstance(states, list)
    return states


# ---- time ----------------------------------------------------------------------------------------


def test_operations_are_an_iteration() -> None:
    """Twelve steps by operation, three by half, and one iteration: the same, to the last bit."""
    whole = act(["advance", 1])[-1]
    operations = act(*[["step"]] * 12, step="op")
    halves = act(*[["step"]] * 3, step="half")
    assert [state["stage"] for state in operations] == [*range(12), 0]
    assert [state["stage"] for state in halves] == [0, 5, 11, 0]
    for end in (operations[-1], halves[-1]):
        assert end["iteration"] == 1
        assert end["parameters"] == whole["parameters"]


def test_without_a_hidden_layer_there_are_fewer_operations() -> None:
    """Logistic regression: Z2, A2, J, dZ2, dW2, db2 and the update."""
    states = act(*[["step"]] * 7, n_h=0, step="op")
    assert [state["stage"] for state in states] == [*range(7), 0]


def test_stepping_back_is_exact() -> None:
    """Any iteration that was reached comes back to the last bit, over changes and edits too."""
    states = act(
        ["advance", 30],
        ["set", "learning_rate", 0.3],
        ["advance", 20],
        ["editWeight", "W2", 1, 0.25],
        ["advance", 15],
        ["set", "activation", "relu"],
        ["advance", 10],
        *(["goTo", t] for t in (75, 65, 64, 50, 49, 30, 29, 0, 75)),
    )
    at = {state["iteration"]: state for state in states[:8]}  # the later of two, as edited
    before = {30: states[1], 50: states[3], 65: states[5]}
    went = {state["iteration"]: state for state in states[8:]}
    assert states[8] == states[16] == states[7]
    for iteration in (0, 65, 50, 30):
        assert went[iteration]["parameters"] == at[iteration]["parameters"]
        assert went[iteration]["J"] == at[iteration]["J"]
    # One before an edit is what led to it.
    again = act(["advance", 29])[-1]
    assert went[29]["parameters"] == again["parameters"]
    assert before[30]["parameters"] == at[30]["parameters"]
    assert went[64]["activation"] == "tanh"


def test_step_back_by_operation() -> None:
    """Back from the middle of an iteration, and from its start into the one before."""
    states = act(["advance", 3], ["stepBack"], ["stepBack"], ["step"], ["step"], step="op")
    assert [(state["iteration"], state["stage"]) for state in states] == [
        (0, 0),
        (3, 0),
        (2, 11),
        (2, 10),
        (2, 11),
        (3, 0),
    ]
    assert states[1]["parameters"] == states[-1]["parameters"]


def test_rewind_keeps_the_start_and_new_start_does_not() -> None:
    """Rewind goes to the same weights, new start to the next seed's; the run left is kept."""
    states = act(["advance", 40], ["rewind"], ["advance", 1], ["newStart"])
    assert states[2]["parameters"] == states[0]["parameters"]
    assert states[4]["parameters"] != states[0]["parameters"]
    assert [state["runs"] for state in states] == [0, 0, 1, 1, 2]


def test_an_edited_start_is_the_start() -> None:
    """A weight edited before the first iteration is there again after a rewind."""
    states = act(["editWeight", "W1", 0, 0.5], ["advance", 5], ["rewind"])
    assert states[3]["parameters"] == states[1]["parameters"]


def test_frozen_weights_stay() -> None:
    """A frozen weight keeps its bits while the others learn, after a rewind too."""
    states = act(
        ["freeze", "W1", 0, True],
        ["freeze", "b2", 0, True],
        ["advance", 50],
        ["rewind"],
        ["advance", 9],
    )
    start = states[0]["parameters"]
    for end in (states[3]["parameters"], states[5]["parameters"]):
        assert end["W1"][0][0] == start["W1"][0][0]
        assert end["b2"] == start["b2"]
        assert end["W1"][0][1] != start["W1"][0][1]


def test_undo_and_redo() -> None:
    """Edits, resets and other data are undone and done again; a gesture is one."""
    states = act(
        ["advance", 10],
        ["beginGesture"],
        ["editWeight", "W1", 0, 1],
        ["editWeight", "W1", 0, 2],
        ["endGesture"],
        ["undo"],
        ["redo"],
        ["undo"],
        ["erase", 5],
        ["set", "n_h", 2],
        ["undo"],
        ["undo"],
    )
    trained = states[1]
    assert states[6]["parameters"] == trained["parameters"]
    assert states[7]["parameters"]["W1"][0][0] == 2
    assert states[8]["parameters"] == trained["parameters"]
    assert [state["m"] for state in states[8:]] == [400, 399, 399, 399, 400]
    assert states[11]["parameters"] == trained["parameters"]
    assert states[12]["J"] == trained["J"]
    assert states[12]["recorded"] == 10


def test_divergence_stops_and_is_undone() -> None:
    """A rate far too large stops where J is no number, and undo goes back to where it was."""
    states = act(
        ["advance", 200],
        ["undoEvent"],
        n_h=8,
        activation="relu",
        scale=50,
        learning_rate=1e6,
    )
    assert 0 < states[1]["iteration"] < 200
    assert states[1]["J"] in ("NaN", "Infinity")
    assert isinstance(states[2]["J"], float)


def test_the_record_is_bounded() -> None:
    """300,000 iterations take the room of 32,768, and each row knows its iteration."""
    kept = ask("history", n=300_000, cut=1234)
    assert kept["length"] == 300_000
    assert kept["wrong"] == []
    assert kept["numbers"] <= 8 * 32_768
    assert kept["after"] == 1234
    assert kept["last"] < 1234


# ---- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chosen", [{}, {"activation": "relu"}, {"n_h": 0}, {"activation": "gelu", "held_out": 0.2}]
)
def test_a_cell_s_sum_is_its_number(chosen: dict[str, Any]) -> None:
    """What a cell opens into adds up to it, and a gradient to its difference quotient."""
    worst = ask("explained", chosen=chosen)
    assert len(worst) == (15 if chosen.get("n_h", 4) else 8)
    for name, apart in worst.items():
        assert apart < (1e-7 if name.startswith("d") else 1e-12), name


def test_a_line_that_is_dragged_passes_through_the_pointer() -> None:
    """Shifted it keeps its direction; turned it keeps its pivot and the size of its weights."""
    made = ask("line", to=[1.5, -0.3])
    assert made.pop("sameSlope")
    assert max(made.values()) < 1e-12


@pytest.mark.parametrize(
    ("chosen", "actions"),
    [
        ({}, [["advance", 100]]),
        ({"data": "spiral", "m": 60, "noise": 0.3, "scheme": "xavier", "n_h": 3}, [["advance", 9]]),
        ({"n_h": 0, "scheme": "zeros", "data": "line", "noise": 0.1}, [["advance", 20]]),
        ({}, [["advance", 7], ["editWeight", "W1", 2, -1.5], ["advance", 3]]),
        ({}, []),
    ],
)
def test_the_script_prints_the_page_s_cost(
    chosen: dict[str, Any], actions: list[list[Any]]
) -> None:
    """The Python that the page shows runs, and gives the page's number."""
    made = ask("script", chosen=chosen, actions=actions)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(made["script"], {})
    assert float(printed.getvalue()) == pytest.approx(made["J"], rel=1e-12)


# ---- links ---------------------------------------------------------------------------------------


def test_a_link_brings_the_settings_back() -> None:
    """Only what is not as at first is in the link, with the version, and it is read the same."""
    chosen = {"n_h": 7, "activation": "leaky_relu", "learning_rate": 0.03, "lines": False}
    read = ask("link", chosen=chosen)
    assert read["settings"] == chosen
    assert read["more"] == {"lock": "data time"}
    assert read["version"] == 1
    assert "scheme" not in read["text"]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("#v=9&n_h=3&colour=red", {"n_h": 3}),
        ("#n_h=1e9&learning_rate=-4&activation=constructor", {"n_h": 1000, "learning_rate": 0}),
        ("#n_h=many&data=__proto__&speed=10", {"speed": "10"}),
        ("#n_h=2.6&scale=0,5", {"n_h": 3, "scale": 0.5}),
        ("#%%%&=&&", {}),
    ],
)
def test_a_strange_link_is_read_as_far_as_it_makes_sense(
    text: str, settings: dict[str, Any]
) -> None:
    """Unknown names are left, values out of range are clipped, nonsense is as at first."""
    assert ask("readLink", text=text)["settings"] == settings


@pytest.mark.parametrize("flower", [{}, {"m": 40, "held_out": 0.25}])
def test_points_fit_into_a_link(flower: dict[str, Any]) -> None:
    """400 points to a hundredth, with classes and which are held out, in about 2 kB."""
    packed = ask("packed", flower=flower)
    assert packed["length"] < 2500
    assert packed["apart"] <= 0.005 + 1e-12
    assert packed["sameY"]
    assert packed["sameHeldOut"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("1,5", 1.5), (" −2e-3 ", -0.002), ("–4", -4), ("1 000", 1000), ("x", "NaN")],
)
def test_numbers_are_read_as_people_type_them(text: str, number: float | str) -> None:
    """Point or comma, any minus sign, spaces."""
    assert ask("numbers", texts=[text]) == [number]


# ---- tables --------------------------------------------------------------------------------------


def test_a_table_is_read() -> None:
    """Quotes, line ends of Windows, a mark of UTF-8, missing values; text columns are no inputs."""
    made = ask(
        "table",
        text='\ufeffname,"a, b",c,kind\r\n"x ""y""",1,10,no\r\n'
        "z,2,,yes\r\nz,3,30,yes\r\nw,4,20,no\r\n",
    )
    assert made["names"] == ["name", "a, b", "c", "kind"]
    assert {name for name, *_ in made["inputs"]} == {"a, b", "c"}
    assert made["classes"] == ["no", "yes"]
    assert made["dropped"] == 1
    assert made["Y"] == [[0, 1, 0]]


def test_a_decimal_comma_between_semicolons() -> None:
    """What European spreadsheets write."""
    made = ask("table", text="x;y;k\n1,5;2;a\n2,5;3;b\n-3;1;a\n")
    by_name = dict(zip((name for name, *_ in made["inputs"]), made["X"], strict=True))
    assert by_name == {"x": [1.5, 2.5, -3], "y": [2, 3, 1]}


def test_scaling_is_said_and_exact() -> None:
    """Where the inputs are scaled, centre and scale give the raw values back."""
    made = ask("table", text="x,k\n10,a\n20,b\n60,a\n", scaled=True)
    ((_, center, scale),) = made["inputs"]
    raw = [center + scale * x for x in made["X"][0]]
    assert raw == pytest.approx([10, 20, 60], rel=1e-14)
    assert center == pytest.approx(30)


def test_several_classes_and_quantities() -> None:
    """More than two classes are as many rows of Y; many different numbers are a quantity."""
    three = ask("table", text="x,k\n1,a\n2,b\n3,c\n")
    assert three["Y"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    rows = "\n".join(f"{i},{i * i / 7}" for i in range(20))
    quantity = ask("table", text=f"x,y\n{rows}\n")
    assert quantity["classes"] == []
    assert quantity["Y"][0][3] == pytest.approx(9 / 7)


def test_the_most_telling_inputs_come_first() -> None:
    """The plane shows those by which the classes differ most."""
    rows = "\n".join(f"{i % 7},{i % 2 + i % 3 / 10},{i % 5},{'ab'[i % 2]}" for i in range(60))
    made = ask("table", text=f"noise,signal,more,k\n{rows}\n")
    assert made["inputs"][0][0] == "signal"


def test_hostile_names_stay_text() -> None:
    """Names that are markup or JavaScript's own are names."""
    made = ask(
        "table", text="__proto__,<img src=x onerror=alert(1)>,k\n1,2,a\n3,5,b\n2,1,toString\n"
    )
    assert made["names"][:2] == ["__proto__", "<img src=x onerror=alert(1)>"]
    assert "toString" in made["classes"]


def test_a_large_table_is_sampled() -> None:
    """Of 30,000 rows 20,000 are taken, and it is said how many are not."""
    rows = "\n".join(f"{i % 101},{i % 7},{i % 2}" for i in range(30_000))
    made = ask("table", text=f"x,y,k\n{rows}\n")
    assert made["sampled"] == 10_000
    assert len(made["X"][0]) == 20_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no table"),
        ("a,b\n", "no table"),
        ("a,b\n1,2\n1,2,3\n", "Line 3 has 3 cells"),
        ('a,b\n"1,2\n', "never closed"),
        ("a,b\nx,y\nz,w\n", "No column of different numbers"),
        ("a,k\n1,x\n2,x\n", "Every row"),
        ("a,k\n1,x\n2,\n", "Fewer than two rows"),
        ("a,k\n" + "\n".join(f"{i},c{i}" for i in range(12)), "12 different texts"),
    ],
)
def test_a_broken_table_is_refused_in_words(text: str, says: str) -> None:
    """What is wrong and where, or what to do."""
    assert says in ask("table", text=text)["error"]


# ---- texts ---------------------------------------------------------------------------------------


def test_every_text_is_there_in_both_languages() -> None:
    """English and Italian have the same places to fill, and each text that is asked for exists."""
    texts = ask("texts")
    for key, (english, italian) in texts.items():
        assert english, key
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", italian)), key
    sources = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.js"))
    for key in set(re.findall(r'\bt\("([\w.]+)"', sources)):
        assert key in texts, key
    for stem in set(re.findall(r"\bt\(`([\w.]+\.)\$", sources)):
        assert any(key.startswith(stem) for key in texts), stem


def test_lessons_are_whole() -> None:
    """Each has settings that exist, a right answer, and all texts in both languages."""
    lessons = ask("lessons")
    assert len({lesson["id"] for lesson in lessons}) >= 10
    for lesson in lessons:
        assert lesson["settings"], lesson["id"]
        assert lesson["right"], lesson["id"]
        for english, italian in lesson["texts"]:
            assert english, lesson["id"]
            assert italian, lesson["id"]
