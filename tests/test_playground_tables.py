"""A person's own tables in the playground: dropped on the page, or given to `shoal play`."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

import shoal
from browser import parameters_of, playing, state_of, step, wait_until
from command_line import PENGUINS
from shoal.playground.boot import from_model, from_table

DROP = """
([text, name, size]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([size ? new Uint8Array(size) : text], name));
  document.body.dispatchEvent(new DragEvent("drop",
    { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""
PASTE = """
(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste",
    { clipboardData, bubbles: true, cancelable: true }));
}
"""
HOSTILE = [
    "</script><script>hacked = 1</script>",
    "<img src=x onerror='hacked = 1'>",
    "javascript:hacked = 1",
    "{{hacked}} ${hacked} %s \\u003cb\\u003e",
    "__proto__",
    "constructor",
    "\u202eevil\u2028\u2029\u0000\u001b[31m",
    "=HYPERLINK(1)",
    "x" * 5_000,
]


def drop(page: Page, text: str = "", *, name: str = "table.csv", size: int = 0) -> None:
    """Drop a file on the page: a text, or so many zero bytes."""
    page.evaluate(DROP, [text, name, size])


def is_whole(page: Page) -> None:
    """Nothing of the data became markup or code, and the page still trains."""
    assert page.evaluate("[typeof hacked, document.images.length]") == ["undefined", 0]
    assert page.evaluate("document.scripts.length") == 0
    state = state_of(page)
    assert np.isfinite(step(page, "10")["cost"])
    assert state_of(page)["iteration"] == state["iteration"] + 10


# ---- dropped on the page -----------------------------------------------------------------------


def test_ten_thousand_rows(browser: Browser) -> None:
    """A CSV of 10,000 rows is read, scaled as is said, drawn and learnt from."""
    random = np.random.RandomState(0)
    x = 100 * random.randn(10_000, 3) + 500
    y = np.where(x[:, 0] + x[:, 2] > 1000, "high", "low")
    rows = [f"{a:.3f};{b:.3f};{c:.3f};{label}" for (a, b, c), label in zip(x, y, strict=True)]
    with playing(browser) as page:
        drop(page, "one;two;three;class\n" + "\n".join(rows))
        expect(page.get_by_test_id("csv-target")).to_have_value("3")
        page.get_by_test_id("csv-use").click()
        wait_until(page, "s.m === 10000")
        scaling = page.get_by_test_id("scaling")
        expect(scaling).to_contain_text(f"(one − {x[:, 0].mean():.1f}) / {x[:, 0].std():.2f}")
        expect(page.get_by_test_id("axis-0").locator("option:checked")).not_to_have_text("two")
        expect(page.get_by_test_id("axis-1").locator("option:checked")).not_to_have_text("two")
        assert step(page, "100")["accuracy"] > 0.9


def test_a_table_is_pasted(browser: Browser) -> None:
    """Text of several lines that is pasted on the page is a table: tabs, and decimal commas."""
    with playing(browser) as page:
        page.evaluate(PASTE, "a\tb\ty\n0,5\t1\t0\n1,5\t0\t1\n2,5\t3\t1\n")
        page.get_by_test_id("csv-use").click()
        wait_until(page, "s.m === 3")
        is_whole(page)


BROKEN = {
    "": "There is no table in this",
    "a,b,y\n": "There is no table in this",
    "a,b,y\n1,2,0\n1,2\n": "Line 3 has 2 cells and the first has 3",
    'a,b,y\n1,"2,0\n1,2,1\n': "A quotation mark is opened and never closed",
    "a,b\nx,y\nz,w\n": "No column of different numbers",
    "\0\0\0PK\x03\x04": "This is not text",
}


def test_broken_tables(browser: Browser) -> None:
    """What is no table is refused in words that say where, and the page goes on as it was."""
    with playing(browser) as page:
        complaint = page.get_by_test_id("complaint")
        for text, said in BROKEN.items():
            drop(page, text)
            expect(complaint).to_contain_text(said)
            page.keyboard.press("Escape")
            expect(complaint).to_be_hidden()
        drop(page, size=60_000_000)
        expect(complaint).to_contain_text("This file has 60 MB and the page takes 50")
        page.keyboard.press("Escape")
        assert state_of(page)["m"] == 400
        is_whole(page)


def test_a_table_with_one_class(browser: Browser) -> None:
    """A choice of columns that cannot be learnt is refused where it is made."""
    with playing(browser) as page:
        drop(page, "a,b,y\n1,2,no\n3,4,no\n5,7,no\n")
        page.get_by_test_id("csv-use").click()
        expect(page.get_by_role("alert").filter(has_text="nothing to tell apart")).to_be_visible()


def test_a_long_and_wide_table(browser: Browser) -> None:
    """Of a table with more rows and columns than the page takes, some are used, and it is said."""
    random = np.random.RandomState(0)
    table = np.round(random.randn(21_000, 40), 2)
    text = ",".join([f"c{k}" for k in range(40)] + ["y"]) + "\n"
    text += "\n".join(",".join(map(str, row)) + f",{int(row[7] > 0)}" for row in table)
    with playing(browser) as page:
        drop(page, text)
        page.get_by_test_id("csv-use").click()
        wait_until(page, "s.m === 20000", 20_000)
        expect(page.get_by_test_id("scaling")).to_contain_text("1,000 rows more than the page")
        assert parameters_of(state_of(page)).W1.shape == (4, 30)


def test_hostile_names_in_a_csv(browser: Browser) -> None:
    """Column names and labels are text, whatever they say."""
    quoted = ['"' + name.replace('"', '""').replace("\0", "") + '"' for name in HOSTILE]
    names = ",".join([*quoted, '"target"'])
    rows = [
        ",".join([f"{(k * (j + 3)) % 7}.5" for j in range(len(quoted))] + [quoted[k % 2]])
        for k in range(12)
    ]
    with playing(browser) as page:
        drop(page, "\n".join([names, *rows]), name="<b>.csv")
        page.get_by_test_id("csv-use").click()
        wait_until(page, "s.m === 12")
        expect(page.get_by_test_id("axis-0")).to_contain_text("</script><script>hacked")
        for button in page.get_by_test_id("menu-table").all():
            button.click()
            page.keyboard.press("Escape")
        is_whole(page)


# ---- given to shoal play -----------------------------------------------------------------------


def penguins() -> tuple[pl.DataFrame, pl.Series]:
    """The table of penguins, and their species."""
    table = pl.read_csv(PENGUINS, null_values="NA")
    return table.drop("species"), table["species"]


def test_a_table_opens(browser: Browser) -> None:
    """A table opens with its plane, its sliders and its note, and its three classes are learnt."""
    X, y = penguins()
    boot = from_table(X, y, target="species")
    with playing(browser, boot) as page:
        expect(page.get_by_test_id("scaling")).to_contain_text("which tell most of the target (η²")
        chosen = [page.get_by_test_id(f"axis-{k}").locator("option:checked") for k in (0, 1)]
        expect(chosen[0]).to_have_text("flipper_length_mm")
        expect(chosen[1]).to_have_text("bill_length_mm")
        page.locator(".sliders summary").click()
        slider = page.get_by_label("body_mass_g", exact=True)
        before = state_of(page)["cost"]
        slider.press("ArrowRight")
        assert state_of(page)["cost"] == before, "a slider changes the picture, not the data"
        assert state_of(page)["m"] == len(y)
        assert step(page, "1000")["accuracy"] > 0.97


def test_a_model_opens_and_trains_on(browser: Browser) -> None:
    """A fitted network opens with its weights and its accuracy, and training goes on from there."""
    X, y = penguins()
    classifier = shoal.ShoalClassifier(n_hidden=6, solver="lbfgs", random_state=0, alpha=1.0)
    boot = from_model(classifier.fit(X, y).model_, X, y)
    with playing(browser, boot) as page:
        state = state_of(page)
        for shown, block in zip(
            boot.raw(parameters_of(state)), classifier.model_.parameters, strict=True
        ):
            np.testing.assert_allclose(shown, block, rtol=1e-9, atol=1e-9)
        assert state["accuracy"] == pytest.approx(classifier.score(X, y))
        assert step(page, "100")["cost"] < state["cost"]


@pytest.mark.parametrize("kind", ["regression", "alone"])
def test_other_models_open(browser: Browser, kind: str) -> None:
    """A regression, and a committee of 800 units without rows, open and train."""
    X, y = penguins()
    if kind == "regression":
        whole = X["body_mass_g"].is_not_null()
        X, y = X.filter(whole).drop("body_mass_g"), X["body_mass_g"].drop_nulls()
        fitted: Any = shoal.ShoalRegressor(n_hidden=5, solver="lbfgs", alpha=1.0)
    else:
        fitted = shoal.ShoalClassifier(
            n_members=8, solver="adam", max_iter=20, tol=0, random_state=0
        )
    model = fitted.fit(X, y).model_
    with playing(
        browser, from_model(model) if kind == "alone" else from_model(model, X, y)
    ) as page:
        state = state_of(page)
        assert parameters_of(state).W1.shape == model.parameters.W1.shape
        if kind != "alone":
            assert state["accuracy"] == pytest.approx(fitted.score(X, y), abs=1e-9)
        assert np.isfinite(step(page, "1")["cost"])


def test_hostile_names_in_a_boot(browser: Browser) -> None:
    """Names and labels that come with the page are text, too."""
    random = np.random.RandomState(0)
    table = pl.DataFrame({name: random.randn(20) for name in HOSTILE})
    y = [HOSTILE[k % 3] for k in range(20)]
    with playing(browser, from_table(table, y, target=HOSTILE[0])) as page:
        expect(page.get_by_test_id("axis-0")).to_contain_text("</script><script>hacked")
        is_whole(page)
