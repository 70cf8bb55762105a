"""Fit every method to every table, again where it was interrupted: python benchmarks/accuracy."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import tables
from methods import METHODS

QUICK = [name for name in METHODS if name not in ("RealMLP-TD", "TabM-D")]


def main() -> None:
    """Run what is not yet in the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", required=True, help='a folder with manifest.csv, or "public"')
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument(
        "--methods", nargs="+", default=QUICK, help='as "LightGBM" or "shoal n_bins=0"'
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", help="names of tables")
    parser.add_argument("--most-rows", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=900, help="seconds for one fit")
    given = parser.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    names = tables.names(given.tables)
    for seed in given.seeds:
        for name in names:
            for method in given.methods:
                if given.only and name not in given.only:
                    continue
                run(given, {"table": name, "seed": seed, "method": method})


def run(given: argparse.Namespace, job: dict) -> None:
    """One fit, unless its result is there."""
    file = given.results / f"{job['method'].replace(' ', '-')}.jsonl"
    key = job | {"most_rows": given.most_rows, "threads": given.threads}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            if key.items() <= json.loads(line).items():
                return
    argument = json.dumps(key | {"source": given.tables})
    command = [sys.executable, str(Path(__file__).with_name("one.py")), argument]
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = os.environ | dict.fromkeys(pools, str(given.threads))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=given.limit, env=env)
        failed = done.stderr.strip().splitlines()[-1:] if done.returncode else None
    except subprocess.TimeoutExpired:
        failed = [f"more than {given.limit:g} s"]
    line = done.stdout.splitlines()[-1] if failed is None else json.dumps(key | {"failed": failed})
    with file.open("a", encoding="utf-8") as out:
        out.write(line + "\n")
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
