"""Writing a file: whole or not at all, into what is there, and with nothing left when the program is ended."""

from __future__ import annotations

import ast
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import backpropsym
from backpropsym.errors import OutputError
from backpropsym.files import write_whole

OLD, NEW = b"old\n" * 50_000, b"new\n" * 100_000

# A program that was started in the background or by nohup makes its children ignore some signals.
WITH_SIGNALS = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""

SIGNAL_AT_EVERY_LINE = """
import os, signal, sys, traceback
from pathlib import Path
from backpropsym import files

path, number = Path(sys.argv[1]), int(sys.argv[2])
old, new = b"old\\n" * 5_000, b"new\\n" * 10_000


def attempt(line: int) -> None:
    # Writes, and gets the signal at the line of that number of those that run in the module.
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if frame.f_code.co_filename != files.__file__:
            return None
        if event in ("line", "return"):
            count += 1
            if count == line:
                os.kill(os.getpid(), number)
        return trace

    sys.settrace(trace)
    try:
        files.write_whole(path, new)
    except KeyboardInterrupt:
        sys.settrace(None)
        os._exit(130)
    sys.settrace(None)
    os._exit(0 if count < line else 3)


ended = kept = line = 0
while True:
    line += 1
    path.write_bytes(old)
    child = os.fork()
    if child == 0:
        attempt(line)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        break
    assert status == (130 if number == signal.SIGINT else -number), (line, status)
    assert os.listdir(path.parent) == [path.name], (line, os.listdir(path.parent))
    assert path.read_bytes() in (old, new), line
    kept += path.read_bytes() == old
    ended += 1
print(ended, kept)
"""

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from backpropsym.files import write_whole

print("ready", flush=True)
while True:
    for letter in b"ab":
        write_whole(Path(sys.argv[1]), bytes([letter]) * 20_000_000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_line_leaves_one_whole_file(number: signal.Signals, tmp_path: Path) -> None:
    """The signal still ends the program, and beside the file there is nothing."""
    command = [sys.executable, "-c", WITH_SIGNALS + SIGNAL_AT_EVERY_LINE, str(tmp_path / "file"), str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    ended, kept = map(int, done.stdout.split())
    assert 0 < kept < ended > 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_ended_from_outside_leaves_one_whole_file(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for wait in (0.0, 0.003, 0.01, 0.03, 0.1):
        command = [sys.executable, "-c", WITH_SIGNALS + WRITE_FOR_EVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(wait)
            running.send_signal(number)
            assert running.wait(60) == -number
        assert {each.name for each in tmp_path.iterdir()} <= {"file"}
        if path.exists():
            assert path.read_bytes() in (b"a" * 20_000_000, b"b" * 20_000_000)


def test_in_another_thread_a_file_is_written_without_touching_signals(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=write_whole, args=(tmp_path / "file", NEW))
    thread.start()
    thread.join()
    assert (tmp_path / "file").read_bytes() == NEW
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_disk_that_is_full_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    command = 'ulimit -f 100; exec "$@"'
    code = (
        "import sys; from pathlib import Path; from backpropsym.files import write_whole\n"
        "write_whole(Path(sys.argv[1]), b'new' * 10_000_000)"
    )
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert "OutputError: error: cannot write" in done.stderr
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_the_umask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "file", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o755, 0o640])
def test_a_file_that_is_there_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_file_that_is_there_keeps_its_owner(tmp_path: Path) -> None:
    """Root may give a file to anybody, others to the groups that they are in."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    owner = (12345, 54321) if os.geteuid() == 0 else (os.geteuid(), max(os.getgroups()))
    os.chown(path, *owner)
    write_whole(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_a_file_that_may_not_be_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o400)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # what others than root are told
    with pytest.raises(OutputError, match="Permission denied"):
        write_whole(path, NEW)
    assert path.read_bytes() == OLD


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link, second = tmp_path / "folder" / "target", tmp_path / "link", tmp_path / "second"
    link.symlink_to("folder/target")
    second.symlink_to("link")
    for path in (link, second):  # the first time nothing is where it leads
        write_whole(path, NEW)
        assert path.is_symlink()
        assert target.read_bytes() == NEW
        assert not target.is_symlink()
        target.write_bytes(OLD)
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(OutputError, match="symbolic links"):
        write_whole(loop, NEW)
    assert loop.is_symlink()


def test_a_named_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, NEW)
    reader.join(60)
    assert read == [NEW]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_is_written_into(tmp_path: Path) -> None:
    master, slave = os.openpty()
    device = Path(os.ttyname(slave))
    link = tmp_path / "link"
    link.symlink_to(device)
    for path in (device, link):
        write_whole(path, b"shown")
        assert os.read(master, 100) == b"shown"
    assert stat.S_ISCHR(device.stat().st_mode)
    os.close(master)
    os.close(slave)
    write_whole(Path(os.devnull), NEW)
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_takes_nothing_is_named() -> None:
    with pytest.raises(OutputError, match=r"cannot write /dev/full: No space left on device"):
        write_whole(Path("/dev/full"), NEW)


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no name for standard output")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_name_goes_on_where_it_is(name: str, tmp_path: Path) -> None:
    """Also where it is a file that a shell appends to, which is not replaced."""
    path = tmp_path / "log"
    path.write_text("before\n")
    code = f"from pathlib import Path; from backpropsym.files import write_whole; write_whole(Path({name!r}), b'new')"
    with path.open("ab") as log:
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert path.read_text() == "before\nnew"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", [".", "..", "", "/", "folder", "missing/file", "file/file", "x" * 300, "a\0b", "x" * 9_999 + "/y"]
)
def test_a_place_that_is_none_is_an_error_of_ours(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_whole(Path(name), NEW)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    write_whole(tmp_path / ("x" * 255), NEW)
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_else_in_the_package_writes_files() -> None:
    """Every writer goes through `files`: no other module opens a file to write, or calls what does."""
    writers = {"write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "TemporaryFile"}
    root = Path(backpropsym.__file__).parent
    writing = []
    for path in root.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            modes = [
                part.value
                for part in (*call.args, *(each.value for each in call.keywords))
                if isinstance(part, ast.Constant)
            ]
            opens = name == "open" and any(isinstance(mode, str) and set(mode) & set("wax+") for mode in modes)
            if opens or name in writers:
                writing.append(path.relative_to(root).as_posix())
    assert set(writing) == {"files.py"}
