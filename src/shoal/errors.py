"""The errors a user can cause: one sentence that says what is wrong, where, and what to do next.

ShoalError
├── DataError (also ValueError)      a table, a column, a row or a value
├── ParameterError (also ValueError) a setting that does not exist or does not fit
├── ModelFileError                   a file that is not a sound model
└── DivergenceError                  training that left the finite numbers for good
"""


class ShoalError(Exception):
    """Base of every error that shoal raises on purpose."""


class DataError(ShoalError, ValueError):
    """A table, a column, a row or a value that cannot be used."""


class ParameterError(ShoalError, ValueError):
    """A setting that does not exist or does not fit the others."""


class ModelFileError(ShoalError):
    """A file that is not a sound model; the message names the file and the rule it breaks."""


class DivergenceError(ShoalError):
    """Training left the finite numbers and smaller steps did not bring it back."""


class InterruptedFitWarning(UserWarning):
    """Training was stopped by Ctrl-C; the best model so far is kept."""


class ConvergenceWarning(UserWarning):
    """Training ended at its limit of iterations, still improving."""
