"""Files of numbers: TOML and .npz, honest and hostile."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backpropsym.errors import ValuesError
from backpropsym.graph.graph import Graph
from backpropsym.network import example
from backpropsym.spec.values import MAX_ENTRIES, read_values

GRAPH: Graph = example("lecture").graph
READ = {
    "x1 = 1\nw11 = -0.5": {"x1": 1.0, "w11": -0.5},
    "[values]\nx1 = 1e3": {"x1": 1000.0},
    "title = 'a network file'\n[values]\nx1 = 1\n[nodes]\na = 'x'": {"x1": 1.0},
    "\ufeffx1 = 1\r\nx2 = 2": {"x1": 1.0, "x2": 2.0},
    "x1 = [1, 2.5, 3]": {"x1": [1.0, 2.5, 3.0]},
    "x1 = [[1, 2], [3, 4]]": {"x1": [[1, 2], [3, 4]]},
    "x1 = 100000000000000000000": {"x1": 1e20},
    "": {},
}


@pytest.mark.parametrize("text", READ)
def test_toml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "at.toml"
    path.write_text(text, encoding="utf-8", newline="")
    found = read_values(path, GRAPH)
    assert {name: value.tolist() for name, value in found.items()} == READ[text]
    assert all(value.dtype == float for value in found.values())


REFUSED = {
    "values = 3": "values, which the network does not have",
    "x3 = 1": "did you mean x2?",
    "s1 = 1": "the number of s1 is not free",
    "x1 = '1'": "x1 is not a number",
    "x1 = ['1']": "x1 is not a number",
    "x1 = true": "x1 is not a number",
    "x1 = [true, false]": "x1 is not a number",
    "x1 = {a = 1}": "x1 is not a number",
    "x1 = 2020-01-01": "x1 is not a number",
    "x1 = [[1], [1, 2]]": "x1 is not a number",
    "x1 = 0x" + "f" * 5000: "x1 is not a number",
    "x1 = nan": "x1 is not finite",
    "x1 = [1, inf]": "x1 is not finite",
    "x1 = 1e999": "x1 is not finite",
    "x1 = ": "not TOML",
    "x1 = 1\nx1 = 2": "defined twice",
    "x1" + ".a" * 100_000 + " = 1": "too deep or too long",
    "x1 = " + "[" * 100_000: "too deep or too long",
    "x1 = " + "9" * 5_000: "too deep or too long",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: f"{text[:14]}-{len(text)}")
def test_toml_that_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "at.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValuesError) as caught:
        read_values(path, GRAPH)
    assert REFUSED[text] in str(caught.value)
    assert all(problem.fix for problem in caught.value.problems)


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "at.toml"
    path.write_text("x1 = nan\nx2 = 1\nx9 = 1\nw11 = 'a'\n", encoding="utf-8")
    with pytest.raises(ValuesError) as caught:
        read_values(path, GRAPH)
    assert [problem.where.line for problem in caught.value.problems if problem.where] == [1, 3, 4]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"x1 = 1 # \xe9")
    for path in (latin, tmp_path, tmp_path / "none.toml", tmp_path / ("x" * 5000), Path("a\0b")):
        with pytest.raises(ValuesError):
            read_values(path, GRAPH)


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "at.npz"
    np.savez(path, x1=1, x2=np.arange(3), w11=np.float32(0.5))
    found = read_values(path, GRAPH)
    assert {name: value.tolist() for name, value in found.items()} == {"x1": 1.0, "x2": [0.0, 1.0, 2.0], "w11": 0.5}
    np.savez_compressed(path, x1=np.linspace(0, 1, 1000))
    assert read_values(path, GRAPH)["x1"].shape == (1000,)


class Bomb:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (Path.touch, (Path("touched"),))  # type: ignore[return-value]


SAVED = {
    "is not a number": [np.array("1"), np.array(1j), np.array(True), np.array("2020-01-01", dtype="datetime64[D]")],
    "is not finite": [np.array(np.nan), np.array([1.0, -np.inf])],
    "holds Python objects": [np.array([Bomb()], dtype=object), np.array(None)],
}


@pytest.mark.parametrize(("message", "index"), [(key, i) for key, each in SAVED.items() for i in range(len(each))])
def test_arrays_that_are_refused(message: str, index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "at.npz"
    np.savez(path, x1=SAVED[message][index])
    with pytest.raises(ValuesError, match=message):
        read_values(path, GRAPH)
    assert [each.name for each in tmp_path.iterdir()] == ["at.npz"]


def _header(shape: str, kind: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _claim(path: Path, shape: str, kind: str = "<f8", data: bytes = b"", packing: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("x1.npy", _header(shape, kind) + data)


CLAIMS = {
    "(1000000000,)": "claims 1,000,000,000 entries",
    "(100000, 100000)": "claims 10,000,000,000 entries",
    f"({MAX_ENTRIES},)": "claims 100,000,000 entries",
    "(10,)": "claims 10 entries",
    "(-1,)": "claims",
    "(-2, -2)": "claims",
    "(" + "9" * 400 + ",)": "claims",
    "(" + "9" * 5000 + ",)": "not an .npz archive",
    "(10**400,)": "not an .npz archive",
    "'x'": "not an .npz archive",
}


@pytest.mark.parametrize("shape", CLAIMS, ids=lambda shape: shape[:20])
def test_claimed_shapes_are_not_believed(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "at.npz"
    _claim(path, shape)
    with pytest.raises(ValuesError, match=CLAIMS[shape]):
        read_values(path, GRAPH)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "at.npz"
    _claim(path, f"({MAX_ENTRIES + 1},)", "|u1", bytes(MAX_ENTRIES + 1), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    with pytest.raises(ValuesError, match="at most 100,000,000 entries"):
        read_values(path, GRAPH)


def test_many_entries_are_counted_together(tmp_path: Path) -> None:
    path = tmp_path / "at.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            archive.writestr(f"x{index}.npy", _header("(40000000,)", "|u1") + bytes(40_000_000))
    with pytest.raises(ValuesError, match="x2.npy claims"):
        read_values(path, GRAPH)


def _encrypted(path: Path) -> None:
    _claim(path, "(1,)", data=bytes(8))
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)


def _unknown_packing(path: Path) -> None:
    _claim(path, "(1,)", data=bytes(8))
    raw = bytearray(path.read_bytes())
    raw[8] = raw[raw.find(b"PK\x01\x02") + 10] = 99
    path.write_bytes(raw)


def _corrupt(path: Path) -> None:
    _claim(path, "(1000,)", data=bytes(range(256)) * 32, packing=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    raw[60:90] = b"\xff" * 30
    path.write_bytes(raw)


def _foreign(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def _cut(path: Path) -> None:
    np.savez(path, x1=np.arange(1000))
    path.write_bytes(path.read_bytes()[:-100])


def _text(path: Path) -> None:
    path.write_text("x1 = 1")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [_encrypted, _unknown_packing, _corrupt, _foreign, _cut, _text, _empty])
def test_broken_archives(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "at.npz"
    spoil(path)
    with pytest.raises(ValuesError, match="not an .npz archive of numbers") as caught:
        read_values(path, GRAPH)
    assert caught.value.problems[0].fix == "save it with numpy.savez"


def test_numbers_are_read_from_a_pipe() -> None:
    ends = os.pipe()
    os.write(ends[1], b"x1 = 0.25\n")
    os.close(ends[1])
    try:
        assert read_values(Path(f"/dev/fd/{ends[0]}"), GRAPH) == {"x1": 0.25}
    finally:
        os.close(ends[0])


def test_a_pipe_without_end_is_refused() -> None:
    with pytest.raises(ValuesError, match="/dev/zero has more than"):
        read_values(Path("/dev/zero"), GRAPH)
