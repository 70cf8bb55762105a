"""Real tables to measure accuracy on, and how each is split."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Table:
    """One data set; `task` is "binary", "multiclass" or "regression"."""

    name: str
    task: str
    X: pd.DataFrame
    y: pd.Series

    def split(self, seed: int, most_rows: int = 0) -> tuple[Any, Any, Any, Any]:
        """X and y of three quarters of the rows, then of the last; stratified by class.

        With `most_rows`, of no more rows than that, drawn by the seed.
        """
        from sklearn.model_selection import train_test_split

        labels = None if self.task == "regression" else self.y.to_numpy()
        if labels is not None and min(np.unique(labels, return_counts=True)[1]) < 4:
            labels = None
        rows = np.arange(len(self.X))
        if most_rows and len(rows) > most_rows:
            rows, _ = train_test_split(
                rows, train_size=most_rows, random_state=seed, stratify=labels
            )
            labels = None if labels is None else labels[rows]
            if labels is not None and min(np.unique(labels, return_counts=True)[1]) < 4:
                labels = None
        train, test = train_test_split(rows, test_size=0.25, random_state=seed, stratify=labels)
        return self.X.iloc[train], self.y.iloc[train], self.X.iloc[test], self.y.iloc[test]


def from_folder(folder: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes (cells) of the Parquet files that a folder's manifest.csv lists."""
    manifest = pd.read_csv(folder / "manifest.csv")
    sizes = manifest.n_rows * manifest.n_features
    yield from sorted(zip(manifest.name, sizes, strict=True), key=lambda pair: pair[1])


def read(folder: Path, name: str) -> Table:
    """One of them: the last column, `target`, is y."""
    manifest = pd.read_csv(folder / "manifest.csv").set_index("name")
    data = pd.read_parquet(folder / f"{name}.parquet")
    y, task = data.pop("target"), manifest.task[name]
    y = y.astype(float) if task == "regression" else y.astype(str)
    return Table(name, task, data.reset_index(drop=True), y.reset_index(drop=True))
