"""Kill a process while it saves, again and again: the file is the old model or the new one.

    python tests/crash_save.py --trials 1000

Each trial forks a process that saves two models in turn over one file, kills it with SIGKILL at a
random moment, and loads what is there. The next save must leave nothing but the file. This shows
that a killed process harms nothing; what a power cut does depends on the disk, and is not shown.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from fuzz_model_file import pack
from shoal import LOSSES, Model, load_model, save_model
from sound_models import make_model

# Forking with the idle threads of a matrix library is what Python warns of; the child only saves.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")


def save_for_ever(models: list[Model], path: Path) -> None:
    """Save the models in turn until killed."""
    while True:
        for model in models:
            save_model(model, path)


def run(trials: int, seed: int, folder: Path, n_h: int) -> tuple[int, int]:
    """Kill that many savers; how many left a temporary file, and how many had replaced the file.

    Raises
    ------
    AssertionError, ModelFileError
        If the file is neither of the two models, or a temporary file outlives the next save.
    """
    models = [make_model(LOSSES["identity"](), n_h=n_h, seed=seed) for seed in (1, 2)]
    contents = [pack(model) for model in models]
    r = random.Random(seed)
    path = folder / "model.shoal"
    longest = 0.001
    for model in models:  # how long a save takes here, so that kills fall inside one
        start = time.perf_counter()
        save_model(model, path)
        longest = max(longest, time.perf_counter() - start)
    leftovers = replaced = 0
    for _ in range(trials):
        before = path.stat()
        child = os.fork()
        if child == 0:
            try:
                save_for_ever(models, path)
            finally:
                os._exit(1)  # reached only if saving failed; the parent would clean up twice
        time.sleep(r.uniform(0, 3 * longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the saver stopped by itself: saving failed"
        assert path.read_bytes() in contents, "the file is neither the old model nor the new one"
        load_model(path)
        leftovers += len(list(folder.iterdir())) - 1
        replaced += path.stat().st_ino != before.st_ino
        save_model(r.choice(models), path)
        names = [entry.name for entry in folder.iterdir()]
        assert names == [path.name], f"left after the next save: {names}"
    return leftovers, replaced


def main() -> int:
    """Run the trials and print what came of them."""
    parser = argparse.ArgumentParser(description="Kill processes that save a model.")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=20_000, help="hidden units of the models")
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        leftovers, replaced = run(arguments.trials, arguments.seed, Path(folder), arguments.hidden)
    print(
        f"{arguments.trials} savers killed in {time.perf_counter() - start:.0f} s: 0 files harmed; "
        f"{replaced} had replaced the file, {leftovers} temporary files were swept away"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
