"""Models and tables to explain: every kind of column, missing and unknown values among them."""

import dataclasses
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from shoal import LOSSES, Model
from shoal.table import Column, Columns
from sound_models import make_model

COLUMNS = Columns(
    (
        Column(
            "size",
            "number",
            center=1.0,
            scale=2.0,
            low=-3.0,
            high=5.0,
            edges=(-2.0, -1.0, 0.0, 1.0, 2.5, 4.0),
            shares=(0.9, 0.7, 0.5, 0.3, 0.1),
            missing=0.125,
        ),
        Column("id", "unused", note="it numbers the rows"),
        Column(
            "port",
            "category",
            levels=("Bergen", "Oslo", "Bodø"),
            shares=(0.5, 0.25, 0.125, 0.0625),
            missing=0.0625,
            others=True,
        ),
        Column("wet", "boolean", center=0.25, scale=0.4),
        Column("day", "date", center=18262.5, scale=105.6, low=18000.0, high=18500.0),
        Column("plain", "number", center=-0.5, scale=1.5),
        Column("sort", "category", levels=("a", "b"), shares=(0.6, 0.4)),
    )
)


def make(activation: str = "tanh", *, n_h: int = 6, n_y: int = 1, loss: str = "identity", **more):
    """A model of those columns; one of days would saturate, so theirs is scaled and centred."""
    model = make_model(
        LOSSES[loss](), n_h=n_h, n_y=n_y, activation=activation, columns=COLUMNS, **more
    )
    W1, b1, W2, b2 = model.parameters
    W = W1 if n_h else W2
    day = COLUMNS.slots.index("day")
    W[:, day] /= 100
    b = b1 if n_h else b2
    b[:, 0] -= W[:, day] * 18262.5
    return dataclasses.replace(model, parameters=type(model.parameters)(W1, b1, W2, b2))


def table(m: int = 30, seed: int = 0) -> pd.DataFrame:
    """Rows with all that can be in them, indexed from 100 on."""
    rng = np.random.default_rng(seed)
    size = rng.normal(1, 2.5, m)
    size[::7] = np.nan
    days = [datetime(2020, 1, 1) + timedelta(days=float(d)) for d in rng.uniform(-300, 300, m)]
    plain = rng.normal(-0.5, 1.5, m)
    plain[3::11] = np.nan
    return pd.DataFrame(
        {
            "id": np.arange(m),
            "size": size,
            "port": rng.choice(["Bergen", "Oslo", "Bodø", "Voss", None], m),
            "wet": rng.choice([True, False], m),
            "day": days,
            "plain": plain,
            "sort": rng.choice(["a", "b", "never seen"], m),
        },
        index=np.arange(100, 100 + m),
    )


def columns_of(model: Model) -> list[str]:
    """Names of the model's columns."""
    return [column.name for column in model.columns.columns]
