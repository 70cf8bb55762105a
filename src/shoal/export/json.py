"""JSON: the network and its columns, for a runtime in another language; docs/export.md."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal import __version__
from shoal.export import python
from shoal.export.prepared import Cells, Outputs, Prepared, record
from shoal.export.target import Measured, Target

FORMAT, VERSION = "shoal-export", 1


@dataclass(frozen=True)
class Json(Target):
    """A document that says everything another runtime needs."""

    title = "JSON"

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        """One key a line, one row of a matrix a line, in ASCII."""
        model = prepared.model
        document: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "about": f"written by shoal {__version__}; {measured}",
            "task": model.task,
            "target": list(model.target),
            "classes": prepared.classes,
            "values": prepared.value_names,
            "activation": model.activation if prepared.n_h else None,
            "output": prepared.output,
            "columns": [record(entry) for entry in prepared.inputs],
            **{block: value.tolist() for block, value in prepared.blocks.items()},
            "residuals": prepared.residuals,
            "test": prepared.tests,
        }
        lines = [f"{json.dumps(key)}: {_value(value)}" for key, value in document.items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        """What a reader makes of it: the code of the target Python, the numbers of this file."""
        document = json.loads(path.read_text(encoding="utf-8"))
        numbers = {key: document[key] for key in prepared.blocks}
        numbers |= {"COLUMNS": document["columns"], "CLASSES": document["classes"]}
        source = python.source_text(prepared, "model.py", Measured())
        return python.run_source(source, numbers, prepared, cells)

    def usage(self, path: Path, prepared: Prepared) -> str:
        return "docs/export.md says what each key means, and how to compute with it"


TARGET = Json


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(k)}: {_value(v)}" for k, v in value.items()) + "\n}"
    if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        return "[\n" + ",\n".join(json.dumps(line, allow_nan=False) for line in value) + "\n]"
    return json.dumps(value, allow_nan=False)
