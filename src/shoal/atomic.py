"""Write a file whole or not at all.

The new content goes to a temporary file in the same folder, reaches the disk, and only then takes
the name. Whatever fails or is killed on the way, the name holds all of the old content or all of
the new.

A writer holds a lock on its temporary file for as long as it lives. So a temporary file that can be
locked belongs to nobody, and the next writer in that folder removes it.
"""

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shoal.errors import ShoalError

if sys.platform != "win32":
    import fcntl

_TEMPORARY = re.compile(r"\.shoal-[0-9a-f]{16}\.tmp")
_WINDOWS = sys.platform == "win32"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)

_ADVICE = {
    errno.ENOENT: "create the folder first",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or choose another disk",
    errno.EISDIR: "give a file name",
}


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name when the block ends without an error.

    A symbolic link stays one: the file it points to is replaced. A file that exists keeps its
    permissions; a new one gets those that the process's umask leaves.

    Parameters
    ----------
    path : str or path

    Yields
    ------
    binary file
        Write to it; do not close it.

    Raises
    ------
    ShoalError
        If the file cannot be written: no such folder, no permission, no space, or a failing disk.
        The message names the path and the reason; what was there before is unchanged. Any other
        exception in the block, Ctrl-C among them, passes through with the same effect.
    """
    try:
        target = Path(os.path.realpath(path))
        mode = _mode_to_keep(target)
        _sweep(target.parent)
        file, temporary = _create(target.parent)
        try:
            if mode is not None and mode != stat.S_IMODE(os.fstat(file.fileno()).st_mode):
                os.chmod(temporary, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if _WINDOWS:
                file.close()  # an open file cannot be renamed there; elsewhere closing would unlock
            os.replace(temporary, target)
        except BaseException:
            _discard(file, temporary)
            raise
        file.close()
    except OSError as error:
        reason = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, "try again, or choose another place")
        raise ShoalError(
            f"cannot write {path}: {reason}; {advice} (what was there before is unchanged)"
        ) from error
    try:
        _sync_folder(target.parent)
    except OSError as error:
        raise ShoalError(
            f"{path} is written, but it may not survive a power cut: its folder cannot be "
            f"synchronised ({error.strerror or error}); check the disk and write it again"
        ) from error


def _mode_to_keep(target: Path) -> int | None:
    """Permissions of the file to be replaced, None if there is none; OSError if it must not be."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):  # to replace /dev/null by a file would harm the whole machine
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is write-protected")
    return stat.S_IMODE(mode)


def _create(folder: Path) -> tuple[BinaryIO, Path]:
    """A new, empty, locked temporary file, open for writing, and its path."""
    while True:
        temporary = folder / f".shoal-{secrets.token_hex(8)}.tmp"
        file = open(temporary, "xb")  # noqa: SIM115 - it outlives this function
        try:
            with suppress(OSError):  # where there are no locks, nobody sweeps either
                _lock(file.fileno())
            if os.fstat(file.fileno()).st_nlink:
                return file, temporary
            file.close()  # another writer swept it away before it was locked
        except BaseException:
            _discard(file, temporary)
            raise


def _discard(file: BinaryIO, temporary: Path) -> None:
    """Close and remove a temporary file; the error that led here is the one to tell."""
    with suppress(OSError):  # closing writes what is buffered, which may fail once more
        file.close()
    with suppress(OSError):
        os.unlink(temporary)


def _sweep(folder: Path) -> None:
    """Remove the temporary files that killed writers left in the folder."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if _TEMPORARY.fullmatch(name):
                with suppress(OSError):  # its writer lives, or it is not ours to remove
                    _remove_unless_locked(folder / name)


def _remove_unless_locked(temporary: Path) -> None:
    descriptor = os.open(temporary, os.O_RDWR | _NO_FOLLOW)
    try:
        _lock(descriptor)
        os.unlink(temporary)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open file; OSError if another open file has the lock, or if there are no locks."""
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "no such locks")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power cut, where the system can."""
    if _WINDOWS:
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks have no such call
            raise
    finally:
        os.close(descriptor)
