"""Intervals for the targets that fix their coverage when they are written."""

import numpy as np

from shoal.errors import ParameterError
from shoal.export.prepared import Prepared


def check_coverage(coverage: float) -> None:
    """Raise ParameterError if it is none."""
    if not 0 < coverage < 1:
        raise ParameterError(f"coverage must be between 0 and 1, not {coverage!r}")


def reach(prepared: Prepared, coverage: float) -> list[float]:
    """How far each value's interval reaches to both sides, as `Model.predict_interval` has it.

    Empty if the model knows no rows that were held out.
    """
    return [
        float(np.interp(coverage, np.linspace(0, 1, len(sizes)), sizes))
        for sizes in prepared.residuals or ()
    ]
