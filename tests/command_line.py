"""Running the command line in a test's own process."""

from pathlib import Path

from click.testing import CliRunner, Result

from shoal.cli import main

ROOT = Path(__file__).parent.parent
PENGUINS = ROOT / "examples" / "penguins.csv"
NEW = ROOT / "examples" / "new_penguins.csv"
QUICK = ["--max-iter", "60", "--hidden", "8", "--activation", "tanh"]


def shoal(*arguments: object, stdin: bytes = b"", code: int = 0) -> Result:
    """Run one command line in this process; its exit code must be `code`."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)
    assert result.exit_code == code, result.stderr
    return result
