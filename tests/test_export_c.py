"""The C export: compiled without a warning, run under sanitizers, called as its user would."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from c_compiler import SANITIZERS, compiled, compiler, needs_compiler
from command_line import PENGUINS
from export_models import (
    EVERY_KIND,
    KINDS,
    PLAIN,
    category,
    hostile_model,
    make_model,
    models,
    number,
)
from shoal import DataError, Model, ShoalClassifier, export_model
from shoal.export.c_parts import FLAGS
from shoal.export.target import run_program
from shoal.table import Columns

pytestmark = needs_compiler
ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("task", "activation"), KINDS)
def test_it_computes_what_the_model_computes(task: str, activation: str, tmp_path: Path) -> None:
    """Scores, probabilities and classes, to 1e-12 in double, for every output and activation."""
    model = make_model(task, activation)
    done = export_model(model, tmp_path / "model.c", check=True)
    assert done.measured.deviation <= 1e-12
    assert done.measured.other_class == 0


@pytest.mark.parametrize(("task", "activation"), KINDS[::3])
def test_float_and_levels_by_index(task: str, activation: str, tmp_path: Path) -> None:
    """In float to 1e-5, although a column is near -1e6: its center is subtracted in double."""
    model = make_model(task, activation)
    done = export_model(model, tmp_path / "m.h", check=True, dtype="float", levels="index")
    assert done.measured.deviation <= 1e-5
    assert "strcmp(" not in (tmp_path / "m.h").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [{}, {"dtype": "float", "levels": "index"}])
def test_its_own_test_under_sanitizers(options: dict, tmp_path: Path) -> None:
    """With SHOAL_TEST it prints the deviation that its header states, clean in ASan and UBSan."""
    done = export_model(make_model("multiclass", "gelu"), tmp_path / "model.c", **options)
    printed = compiled(tmp_path / "model.c", "-DSHOAL_TEST", *SANITIZERS)
    assert printed == f"24 rows, largest deviation {done.measured.deviation:.2g}\n"


def test_its_own_test_fails_where_a_number_is_wrong(tmp_path: Path) -> None:
    """A changed bias ends it with an error."""
    export_model(make_model("regression", "tanh"), tmp_path / "model.c")
    text = (tmp_path / "model.c").read_text(encoding="utf-8")
    changed = re.sub(r"b2\[1\] = \{(.*?)\}", r"b2[1] = {\1 + 1e-9}", text)
    assert changed != text
    (tmp_path / "model.c").write_text(changed, encoding="utf-8")
    with pytest.raises(Exception, match="ended with exit code 1"):
        compiled(tmp_path / "model.c", "-DSHOAL_TEST")


def test_a_single_header_in_two_files_of_a_program(tmp_path: Path) -> None:
    """Declared twice, defined once; called as the comment at its top says."""
    model = make_model("multi-output", "tanh", PLAIN, dtype="float64")
    export_model(model, tmp_path / "my model.h")
    (tmp_path / "definition.c").write_text(
        '#define MY_MODEL_IMPLEMENTATION\n#include "my model.h"\n'
    )
    (tmp_path / "main.c").write_text(
        """
#include "my model.h"
#include <stdio.h>
int main(void) {
    my_model_row row = {0};
    row.x0_x1 = 52.5;
    row.x1_x2 = 44;
    double values[MY_MODEL_VALUES], low[MY_MODEL_VALUES], high[MY_MODEL_VALUES];
    my_model_predict(&row, values);
    my_model_interval(values, 0.9, low, high);
    for (int i = 0; i < MY_MODEL_VALUES; ++i) printf("%.17g %.17g\\n", low[i], high[i]);
    return 0;
}
"""
    )
    printed = compiled(tmp_path / "main.c", str(tmp_path / "definition.c"))
    got = np.array(printed.split(), float).reshape(3, 2)
    right = model.predict_interval(np.array([[52.5, 44.0]]))
    np.testing.assert_allclose(got, right[0], atol=1e-12)


@pytest.mark.parametrize("name", ["driver.c", 'we"ird\n\\*.c', "1 2é.h", "_.c"])
def test_hostile_names_of_the_file(name: str, tmp_path: Path) -> None:
    """Whatever the file is called, what it exports has a name that C allows."""
    done = export_model(make_model("binary", "relu", PLAIN), tmp_path / name, check=True)
    assert done.measured.rows == 24


@pytest.mark.parametrize("dtype", ["double", "int8"])
def test_it_is_cplusplus_too(dtype: str, tmp_path: Path) -> None:
    """A C++ compiler takes it, with every warning an error."""
    done = export_model(make_model("quantile", "silu"), tmp_path / "model.c", dtype=dtype)
    command = [
        compiler(),
        "-x",
        "c++",
        *FLAGS[1:],
        "-DSHOAL_TEST",
        "-c",
        "-o",
        tmp_path / "model.o",
    ]
    run_program([*command, tmp_path / "model.c"])
    assert done.measured.rows == 24


@pytest.mark.parametrize("dtype", ["double", "float", "int16", "int8"])
def test_flash_and_stack_are_as_stated(dtype: str, tmp_path: Path) -> None:
    """The header's bytes are those of the object file's constants, and the stack is enough."""
    model = make_model("multiclass", "relu", n_h=50)
    export_model(model, tmp_path / "model.c", dtype=dtype)
    text = (tmp_path / "model.c").read_text(encoding="utf-8")
    flash, stack = (
        int(re.search(pattern, text).group(1).replace(",", ""))
        for pattern in (r"Flash: ([\d,]+) bytes", r"Stack: about ([\d,]+) bytes")
    )
    command = [compiler(), "-std=c99", "-Os", "-fstack-usage", "-c", "-o", tmp_path / "model.o"]
    run_program([*command, tmp_path / "model.c"])
    sections = run_program(["size", "-A", tmp_path / "model.o"]).decode()
    sizes = {name: int(n) for name, n in re.findall(r"^(\.\S+)\s+(\d+)", sections, re.MULTILINE)}
    constants = sum(n for name, n in sizes.items() if re.match(r"\.(rodata|data)", name))
    assert flash * 0.97 - 200 <= constants <= flash * 1.03 + 200
    assert sizes[".text"] <= 3000
    used = re.findall(r"\t(\d+)\t", next(tmp_path.glob("*.su")).read_text())
    assert max(map(int, used)) <= stack + 64


def test_what_c_cannot_express_is_refused(tmp_path: Path) -> None:
    """A level with a NUL, a text too long, a weight too large for a float: each with the reason."""
    nul = make_model("regression", "relu", Columns((category("x", ("a\0b",)),)))
    with pytest.raises(DataError, match="NUL character, where a text ends in C"):
        export_model(nul, tmp_path / "model.c")
    export_model(nul, tmp_path / "index.c", check=True, levels="index")
    long = make_model("regression", "relu", Columns((category("x", ("é" * 3000,)),)))
    with pytest.raises(DataError, match="has 6,000 bytes, and a text in C99 at most 4,095"):
        export_model(long, tmp_path / "model.c")
    large = make_model("regression", "identity", Columns((number("x"),)), dtype="float64")
    large.parameters.W2[:] = 1e39
    with pytest.raises(DataError, match=r'too large for a float: choose dtype="double"'):
        export_model(large, tmp_path / "model.c", dtype="float")


@pytest.mark.parametrize("dtype", ["double", "int16"])
def test_hostile_names_of_columns(dtype: str, tmp_path: Path) -> None:
    """Each column is a member of its own, whatever its name; comments stay comments."""
    model = hostile_model(60, nul=False)
    done = export_model(model, tmp_path / "model.h", check=True, dtype=dtype)
    assert done.measured.deviation <= done.tolerance
    text = (tmp_path / "model.h").read_text(encoding="utf-8")
    assert "??" not in text
    members = re.findall(
        r"^ {4}(?:const char \*|double |int32_t |int )(x\d+\w*);", text, re.MULTILINE
    )
    assert len(members) == len(set(members)) == 60


def test_the_equations_are_labelled(tmp_path: Path) -> None:
    """Eq 1 to Eq 4 stand in the code, and the top says in which functions."""
    export_model(make_model("multiclass", "relu", EVERY_KIND), tmp_path / "model.c")
    text = (tmp_path / "model.c").read_text(encoding="utf-8")
    code = text.split("#include <math.h>")[1]
    assert [re.search(f"Eq {k}", code).start() for k in (1, 2, 3, 4)] == sorted(
        re.search(f"Eq {k}", code).start() for k in (1, 2, 3, 4)
    )
    assert "is in model_scores and model_predict" in text


@settings(max_examples=8, deadline=None)
@given(models())
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model) -> None:
    """Whatever the columns, their names, the task and the network: to 1e-12."""
    path = tmp_path_factory.mktemp("any") / "model.c"
    assert export_model(model, path, check=True).measured.other_class == 0


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """The C that docs/export.md shows compiles without a warning, and prints what is shown."""
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    code, shown = re.search(r"```c\n(.*?)```\n```text\n(.*?)```", page, re.DOTALL).groups()
    table = pl.read_csv(PENGUINS, null_values="NA")
    fitted = ShoalClassifier(n_hidden=8, activation="tanh", solver="lbfgs", random_state=0)
    fitted.fit(table.drop("species"), table["species"])
    export_model(fitted.model_, tmp_path / "penguins.c", check=True)
    (tmp_path / "program.c").write_text(code, encoding="utf-8")
    assert compiled(tmp_path / "program.c") == shown
