"""The model file: save a Model and load it again, exactly and safely.

docs/model-file.md is the specification. A `.shoal` file is a safetensors file of the strictest
kind: eight bytes of length, a JSON header, and a closed list of tensors in a fixed order. What they
mean is in model_tensors.py.

Reading executes nothing. Whatever the header lets one check is checked before anything of the size
that it claims is allocated, and a header counts only if it is, byte for byte, the one that the
writer makes for the same content: one model has one file.
"""

import hashlib
import io
import json
import math
import os
import re
import stat
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from shoal.activations import Array
from shoal.atomic import atomic_write
from shoal.errors import ModelFileError
from shoal.model import Model
from shoal.model_tensors import (
    DTYPES,
    METADATA,
    NEW_IN_2,
    TENSORS,
    BrokenRuleError,
    dump_json,
    from_tensors,
    require,
    to_tensors,
)
from shoal.network import Parameters

VERSION = 2
LARGEST_FILE = 2**30  # bytes
LARGEST_HEADER = 2**21  # bytes; parsed JSON can take 25 times the memory of its text

# The digest comes first, so that it can cover every byte after itself.
_ALL_METADATA = ("sha256", "format", "version", *METADATA)
_DIGEST_START = 8 + len('{"__metadata__":{"sha256":"')
_DIGEST_END = _DIGEST_START + 64
_Layout: TypeAlias = dict[str, tuple[str, list[int]]]  # data type and shape of each tensor


class _NewerError(Exception):
    """A file of a later version of the specification."""


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all.

    What is written is first read back from memory, so that a file that has been saved can be
    loaded. An existing file is replaced and keeps its permissions.

    Parameters
    ----------
    model : Model
    path : str or path
        Named `.shoal` by custom.

    Raises
    ------
    ModelFileError
        If the model is not sound: a parameter that is not finite, shapes that do not fit, two
        columns of one name. Nothing is written.
    ShoalError
        If the file cannot be written; an existing one is as it was.
    """
    try:
        content = _pack(*to_tensors(model))
        from_tensors(*_unpack(io.BytesIO(content), len(content)))
    except BrokenRuleError as broken:
        raise ModelFileError(
            f"cannot save {path}: {broken}; correct the model first, nothing was written"
        ) from None
    with atomic_write(path) as file:
        file.write(content)


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file; its predictions are those of the model saved, bit for bit.

    Safe on files from anyone: nothing in a file is executed, and what is not a sound model is
    refused. Time and memory are proportional to the size of the file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Model

    Raises
    ------
    ModelFileError
        If the file cannot be read, is of a later version, or breaks a rule of the specification.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            require(stat.S_ISREG(status.st_mode), "file", "it is a device or a pipe, not a file")
            return from_tensors(*_unpack(file, status.st_size))
    except _NewerError as newer:
        raise ModelFileError(
            f"{path} needs shoal with model file version {newer}; you have version {VERSION}: "
            "upgrade with pip install --upgrade shoal"
        ) from None
    except BrokenRuleError as broken:
        raise ModelFileError(
            f"{path} is not a sound model file: {broken}; copy it again from where it was saved, "
            "or fit and save the model again"
        ) from None
    except OSError as error:
        raise ModelFileError(
            f"cannot read {path}: {error.strerror}; check the path and its permissions"
        ) from error


def _open(path: str, flags: int) -> int:
    """Open without waiting, should it be a pipe that nobody writes to."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


# ---- to bytes ----------------------------------------------------------------------------------


def _pack(metadata: dict[str, str], tensors: dict[str, Array]) -> bytes:
    """The content of the file with these metadata and tensors."""
    metadata = {"sha256": "0" * 64, "format": "shoal", "version": str(VERSION), **metadata}
    names = {dtype: name for name, dtype in DTYPES.items()}
    layout = {
        name: (names[tensor.dtype.str], list(tensor.shape)) for name, tensor in tensors.items()
    }
    body = (tensor.tobytes() for tensor in tensors.values())
    content = bytearray(b"".join([_header(metadata, layout), *body]))
    digest = hashlib.sha256(memoryview(content)[_DIGEST_END:]).hexdigest()
    content[_DIGEST_START:_DIGEST_END] = digest.encode()
    return bytes(content)


def _header(metadata: dict[str, str], layout: _Layout) -> bytes:
    """Length and JSON of these metadata and tensors, padded with spaces to a multiple of 8."""
    header: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for name, (dtype, shape) in layout.items():
        end = begin + np.dtype(DTYPES[dtype]).itemsize * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        begin = end
    # Half of a surrogate pair in a header becomes bytes that no header read as UTF-8 can have.
    text = dump_json(header).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


# ---- from bytes --------------------------------------------------------------------------------


def _unpack(file: BinaryIO, size: int) -> tuple[dict[str, str], dict[str, Array]]:
    """The metadata and tensors of an open file of that size."""
    head, metadata, layout = _read_header(file, size)
    data = file.read(size - len(head))
    require(len(data) == size - len(head), "length", "it changed while it was read")
    digest = hashlib.sha256(head[_DIGEST_END:])
    digest.update(data)
    require(digest.hexdigest() == metadata["sha256"], "checksum", "its content is damaged")
    tensors: dict[str, Array] = {}
    begin = 0
    for name, (dtype, shape) in layout.items():
        view = np.frombuffer(data, DTYPES[dtype], math.prod(shape), begin).reshape(shape)
        begin += view.nbytes
        finite = view.dtype.kind != "f" or np.isfinite(view).all()
        require(finite, "finite", f"{name} holds NaN or infinity")
        tensors[name] = view.astype(view.dtype.newbyteorder("="))  # a copy, aligned and writable
    return metadata, tensors


def _read_header(file: BinaryIO, size: int) -> tuple[bytes, dict[str, str], _Layout]:
    """All bytes before the data, the metadata, and the data type and shape of each tensor."""
    require(8 < size <= LARGEST_FILE, "size", f"it has {size} bytes, not 9 to {LARGEST_FILE}")
    head = file.read(8)
    length = int.from_bytes(head, "little")
    most = min(LARGEST_HEADER, size - 8)
    require(2 <= length <= most, "header length", f"its header claims {length} bytes")
    head += file.read(length)
    require(head[8:9] == b"{", "json", "its header does not begin with {")
    try:
        header = json.loads(head[8:].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BrokenRuleError("json", f"its header is not JSON: {error}") from None
    metadata = header.get("__metadata__")
    ours = isinstance(metadata, dict) and metadata.get("format") == "shoal"
    require(ours, "format", "its metadata do not say format shoal")
    version = metadata.get("version")
    numbered = isinstance(version, str) and re.fullmatch("[1-9][0-9]{0,5}", version)
    require(numbered, "version", "its version is not a number")
    if int(version) > VERSION:
        raise _NewerError(version)
    texts = all(isinstance(value, str) for value in metadata.values())
    closed = texts and tuple(metadata) == _ALL_METADATA
    require(closed, "metadata", f"its metadata are not the texts {', '.join(_ALL_METADATA)}")
    names = [name for name in TENSORS if int(version) > 1 or name not in NEW_IN_2]
    closed = list(header) == ["__metadata__", *names]
    require(closed, "tensors", f"its tensors are not {', '.join(names)}")
    layout = _read_layout(header, names, size)
    require(
        _header(metadata, layout) == head,
        "canonical",
        "its header is not written as shoal writes it: a space, an order, an escape, a repeated "
        "key, or data_offsets with holes or overlaps",
    )
    end = len(head) + header["text"]["data_offsets"][1]
    require(end == size, "length", f"its tensors end at byte {end}, and the file at {size}")
    return head, metadata, layout


def _read_layout(header: dict[str, Any], names: list[str], size: int) -> _Layout:
    """Data type and shape of each tensor, checked against TENSORS."""
    layout: _Layout = {}
    sizes: dict[str | int, int] = {1: 1}
    for name in names:
        dtypes, words = TENSORS[name]
        entry = header[name] if isinstance(header[name], dict) else {}
        dtype, shape = entry.get("dtype", ""), entry.get("shape", 0)
        require(dtype in dtypes, "dtype", f"tensor {name} is not {' or '.join(dtypes)}")
        # No tensor has a side longer than the file has bytes, and True is not 1.
        plain = isinstance(shape, list) and all(type(n) is int and 0 <= n <= size for n in shape)
        expected = plain and len(shape) == len(words)
        require(expected, "shape", f"the shape of tensor {name} is not {len(words)} sizes")
        for word, n in zip(words, shape, strict=True):
            fits = sizes.setdefault(word, n) == n
            require(fits, "shape", f"tensor {name} has {n} {word}, not {sizes[word]}")
        layout[name] = dtype, shape
    units = sizes["hidden units"] or sizes["inputs"]  # without a hidden layer W2 takes the inputs
    require(sizes["units"] == units, "shape", f"W2 has {sizes['units']} columns, not {units}")
    require(sizes["outputs"], "shape", "W2 has no rows")
    same = len({layout[name][0] for name in Parameters._fields}) == 1
    require(same, "dtype", "W1, b1, W2 and b2 are not all F64 or all F32")
    return layout
