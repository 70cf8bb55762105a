"""Ask every question on one thread, then on two, and print one table: python benchmarks."""

import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Row, options, read, report, write


def main() -> None:
    """Run every file with a question in processes of its own."""
    parser = options()
    parser.set_defaults(threads=2)
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "rows.json"
        for threads in range(1, given.threads + 1):
            for question in sorted(Path(__file__).parent.glob("bench_*.py")):
                print(f"{question.name}, threads: {threads}", file=sys.stderr)
                command = [sys.executable, str(question), "--threads", str(threads)]
                command += ["--json", str(answers)]
                command += [flag for flag in ("--quick", "--cpu") if flag in sys.argv]
                subprocess.run(command, check=True)
                rows += read(answers)
    print(report(rows))
    if given.json:
        write(rows, given.json, cpu=given.cpu)


if __name__ == "__main__":
    main()
