"""Writing whole or not at all: with every call failing in turn, killed, and in odd places."""

import errno
import io
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shoal import ShoalError
from shoal import atomic as module
from shoal.atomic import atomic_write

OLD, NEW = b"old content", b"new content" * 100_000
TEMPORARY = ".shoal-0123456789abcdef.tmp"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is there already, alone in its folder."""
    path = tmp_path / "model.shoal"
    path.write_bytes(OLD)
    return path


def write(path: Path, content: bytes = NEW) -> None:
    """Replace a file."""
    with atomic_write(path) as file:
        file.write(content)


def names(folder: Path) -> list[str]:
    """What is in a folder, hidden files too."""
    return sorted(entry.name for entry in folder.iterdir())


# ---- when all goes well ------------------------------------------------------------------------


def test_the_content_appears_when_the_block_ends(path: Path) -> None:
    """Until then the old content is there; afterwards the new, and nothing else."""
    with atomic_write(path) as file:
        file.write(NEW)
        file.flush()
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW
    assert names(path.parent) == [path.name]


def test_the_order_of_calls_is_the_one_that_survives_a_power_cut(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content reaches the disk before it gets the name, and then the folder does."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        size = os.fstat(descriptor).st_size
        calls.append("fsync folder" if folder else f"fsync {size} bytes")
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write(path)
    assert calls == [f"fsync {len(NEW)} bytes", "replace", "fsync folder"]


def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path) -> None:
    """Permissions are those of any file that the user makes."""
    before = os.umask(0o027)
    try:
        write(tmp_path / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o664])
def test_an_existing_file_keeps_its_permissions(path: Path, mode: int) -> None:
    """A private model stays private when it is saved again, and a shared one shared."""
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    """What it points to is replaced, in the folder where that is."""
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert names(tmp_path / "elsewhere") == ["link"]


def test_names_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    """The temporary name does not grow with the name."""
    path = tmp_path / ("n" * 255)
    write(path)
    assert path.read_bytes() == NEW


# ---- where it must not write -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("missing/model.shoal", "No such file or directory; create the folder first"),
        ("folder", "it is a folder; give a file name"),
        ("file/model.shoal", "Not a directory"),
        ("pipe", "it is a device or a pipe"),
        ("n" * 256, "File name too long"),
    ],
)
def test_places_that_are_none(tmp_path: Path, place: str, said: str) -> None:
    """One sentence names the path and the reason, and nothing is left."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(OLD)
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    with pytest.raises(ShoalError) as caught:
        write(tmp_path / place)
    assert str(caught.value).startswith(f"cannot write {tmp_path / place}: ")
    assert said in str(caught.value)
    assert names(tmp_path) == before


def test_devices_are_not_replaced() -> None:
    """Root could otherwise turn /dev/null into a file."""
    with pytest.raises(ShoalError, match="device or a pipe"):
        write(Path(os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_write_protected_file_is_not_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder would allow it, but the user has said no."""

    def access(target: Path, _: int) -> bool:  # root may write anything
        return bool(os.stat(target).st_mode & stat.S_IWUSR)

    monkeypatch.setattr(os, "access", access)
    path.chmod(0o444)
    with pytest.raises(ShoalError, match=r"write-protected; choose a place that you may write to"):
        write(path)
    assert path.read_bytes() == OLD


# ---- failures ----------------------------------------------------------------------------------


class Faults:
    """Counts the calls that reach the system, and lets the N-th fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: int, error: BaseException) -> None:
        self.calls, self.fails, self.error = 0, fails, error
        self.failed = ""  # the name of the call that did
        for name in ("stat", "listdir", "open", "fstat", "chmod", "fsync", "replace"):
            monkeypatch.setattr(os, name, self.counted(name, getattr(os, name)))
        monkeypatch.setattr(module, "_lock", self.counted("lock", module._lock))
        monkeypatch.setattr(module, "open", self.open, raising=False)

    def counted(self, name: str, function: Callable) -> Callable:
        """The function, which fails if it is this call's turn."""

        def call(*arguments: object, **named: object) -> object:
            self.calls += 1
            if self.calls == self.fails:
                self.failed = name
                raise self.error
            return function(*arguments, **named)

        return call

    def open(self, path: Path, mode: str) -> io.FileIO:
        """A file without a buffer, so that each write reaches the system."""
        file = self.counted("create", io.FileIO)(path, mode)
        file.write = self.counted("write", file.write)
        file.flush = self.counted("flush", file.flush)
        return file


ERRORS = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EIO, "Input/output error"),
    OSError("an error without a number"),
    KeyboardInterrupt(),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error) or type(error).__name__)
@pytest.mark.parametrize("existing", [True, False], ids=["replace", "create"])
def test_every_call_fails_in_turn(path: Path, error: BaseException, existing: bool) -> None:
    """Old or new content, never neither, and nothing else; an OSError becomes a ShoalError."""
    failed = []
    while True:
        path.unlink(missing_ok=True)
        if existing:
            path.write_bytes(OLD)
            path.chmod(0o600)  # so that the permissions are to be kept
        (path.parent / TEMPORARY).write_bytes(b"")  # so that there is one to sweep
        raised: BaseException | None = None
        with pytest.MonkeyPatch.context() as monkeypatch:
            faults = Faults(monkeypatch, len(failed) + 1, error)
            try:
                with atomic_write(path) as file:
                    file.write(NEW[:1000])
                    file.write(NEW[1000:])
            except BaseException as caught:
                raised = caught
        if not faults.failed:
            break
        failed.append(faults.failed)
        at = f"{faults.failed}, call {len(failed)}: {raised}"
        content = path.read_bytes() if path.exists() else None
        if raised is None:  # what goes wrong with sweeping and locking stops no save
            assert isinstance(error, OSError), at
            assert content == NEW, at
        elif "replace" in failed[:-1]:  # only the folder's fsync is left
            assert content == NEW, at
        else:
            assert content == (OLD if existing else None), at
        if raised is not None:
            assert type(raised) is (ShoalError if isinstance(error, OSError) else type(error)), at
        left = names(path.parent)
        assert [name for name in left if name not in (path.name, TEMPORARY)] == [], at
    assert raised is None
    assert path.read_bytes() == NEW
    expected = {"listdir", "create", "lock", "fstat", "write", "flush", "fsync", "replace", "open"}
    assert set(failed) == expected | {"stat"} | ({"chmod"} if existing else set())
    assert failed.count("write") == 2
    assert failed.count("fsync") == 2


def test_a_folder_that_cannot_be_flushed_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new content is in place, and the error says what is not sure."""
    monkeypatch.setattr(module, "_sync_folder", _raise(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(ShoalError, match="is written, but it may not survive a power cut"):
        write(path)
    assert path.read_bytes() == NEW


def test_disks_that_cannot_flush_a_folder_are_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network disks have no such call; that is no reason not to save."""
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write(path)
    assert path.read_bytes() == NEW


def test_a_full_disk(path: Path) -> None:
    """A real limit in the middle of writing: the old content stays, and the reason is named."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ShoalError, match="File too large"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


def test_an_interrupt_is_not_lost_to_a_failing_close(path: Path) -> None:
    """Closing writes what is buffered; if that fails too, Ctrl-C is still Ctrl-C."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


def interrupt(path: Path) -> None:
    """Press Ctrl-C while something is in the buffer."""
    with atomic_write(path) as file:
        file.write(b"buffered")
        raise KeyboardInterrupt


def _raise(error: BaseException) -> Callable:
    """A function that raises."""

    def raising(*_: object) -> None:
        raise error

    return raising


# ---- what killed writers leave -----------------------------------------------------------------


def test_what_a_killed_writer_left_is_removed(path: Path) -> None:
    """The next writer in the folder removes it, whatever it writes; nothing else is touched."""
    others = [".shoal-0123.tmp", "shoal.tmp", ".shoal-0123456789abcdef.tmp.txt"]
    for name in [TEMPORARY, *others]:
        (path.parent / name).write_bytes(b"")
    write(path.parent / "other.csv")
    assert names(path.parent) == sorted([path.name, "other.csv", *others])


def test_a_writer_at_work_is_left_alone(path: Path) -> None:
    """Two writers in one folder, of one file even: the later end wins, and both are whole."""
    with atomic_write(path) as slow:
        slow.write(b"slow")
        write(path)
        assert path.read_bytes() == NEW
        assert len(names(path.parent)) == 2
    assert path.read_bytes() == b"slow"
    assert names(path.parent) == [path.name]


def test_a_writer_in_another_process_is_left_alone(path: Path) -> None:
    """The lock is known to every process on the machine."""
    script = (
        "import sys; from shoal.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'other'); print('at work', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"at work\n"
        write(path)
        assert len(names(path.parent)) == 2
        other.communicate()
    assert other.returncode == 0
    assert path.read_bytes() == b"other"
    assert names(path.parent) == [path.name]


def test_a_file_swept_before_it_was_locked_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between creating and locking, another writer may take it for a killed one's."""
    lock, swept = module._lock, []

    def sweep_first(descriptor: int) -> None:
        if not swept:
            swept.extend(path.parent.glob(".shoal-*.tmp"))
            swept[0].unlink()
        lock(descriptor)

    monkeypatch.setattr(module, "_lock", sweep_first)
    write(path)
    assert len(swept) == 1
    assert path.read_bytes() == NEW
    assert names(path.parent) == [path.name]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs where open files cannot be renamed and there are no such locks."""
    monkeypatch.setattr(module, "_WINDOWS", True)
    monkeypatch.setattr(module, "_lock", _raise(OSError(errno.ENOTSUP, "no such locks")))


@pytest.mark.usefixtures("windows")
def test_without_locks_nothing_is_swept(path: Path) -> None:
    """What may be another's is left, and the file is written all the same."""
    (path.parent / TEMPORARY).write_bytes(b"")
    write(path)
    assert path.read_bytes() == NEW
    assert names(path.parent) == [TEMPORARY, path.name]
