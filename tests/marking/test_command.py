"""The command that marks: one claim, files of many, data, and exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app

ROWS = [
    ("anna", "w11", "x1*f'(s1)*(p11*f'(u1)*v11 + p21*f'(u2)*v12)"),
    ("ben", "w11", "p11*f'(u1)*v11*f'(s1)*x1"),
    ("cy", "v11", r"p_{11} f(u_1) z_1"),
    ("dan", "p11", "h1"),
]
UNREADABLE = ("eve", "p11", "h1 + q")


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["verify", "lecture", *arguments], catch_exceptions=False)
    return found.exit_code, found.stdout, found.stderr


def as_toml(rows: list[tuple[str, str, str]]) -> str:
    return "\n".join(f"[[claims]]\nname = '{name}'\nwrt = '{wrt}'\nclaim = '''{claim}'''" for name, wrt, claim in rows)


def as_csv(rows: list[tuple[str, str, str]]) -> str:
    return "name,wrt,claim\n" + "".join(f'{name},{wrt},"{claim}"\n' for name, wrt, claim in rows)


def as_json(rows: list[tuple[str, str, str]]) -> str:
    return json.dumps([dict(zip(("name", "wrt", "claim"), row, strict=True)) for row in rows])


WRITERS = {".toml": as_toml, ".csv": as_csv, ".json": as_json}


def test_a_right_claim_exits_with_0_and_a_wrong_one_with_1() -> None:
    code, text, _ = run("--wrt", "p11", "--claim", "h1")
    assert (code, text.split(":")[0]) == (0, "right")
    code, text, _ = run("--wrt", "w11", "--claim", "x1*f'(s1)*(p11*f'(u1)*v11 + p21*f'(u2)*v21)")
    assert (code, text.split(":")[0]) == (1, "wrong")
    assert "v₂₁ stands where v₁₂ belongs: its two indices are exchanged" in text
    assert "w₁₁ → s₁ → z₁ → u₂ → h₂ → a" in text
    assert "claimed   x₁ · f′(s₁) · v₂₁ · f′(u₂) · p₂₁" in text
    assert "right     x₁ · f′(s₁) · v₁₂ · f′(u₂) · p₂₁" in text


def test_data_of_one_claim() -> None:
    code, text, _ = run("--wrt", "w11", "--claim", "p11*f'(u1)*v11*f'(s1)*x1", "--json")
    data = json.loads(text)
    assert code == 1
    assert (data["of"], data["wrt"], data["right"]) == ("a", "w11", False)
    [slip] = data["slips"]
    assert slip["kind"] == "missing path"
    assert slip["path"] == ["w11", "s1", "z1", "u2", "h2", "a"]
    assert slip["right_term"] == "x1*f_prime(s1)*v12*f_prime(u2)*p21"
    assert data["values"]["claim"] != data["values"]["derivative"]


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_of_claims_is_marked(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"claims{suffix}"
    file.write_text(WRITERS[suffix](ROWS), encoding="utf-8")
    code, text, _ = run("--claims", str(file), "--json")
    data = json.loads(text)
    assert code == 1
    assert {key: data[key] for key in ("right", "wrong", "unreadable")} == {"right": 2, "wrong": 2, "unreadable": 0}
    assert [(claim["name"], claim["right"]) for claim in data["claims"]] == [
        ("anna", True),
        ("ben", False),
        ("cy", False),
        ("dan", True),
    ]
    code, text, _ = run("--claims", str(file))
    assert "f(u₁) stands where f′(u₁) belongs: the function instead of its derivative (path 1)" in text
    file.write_text(WRITERS[suffix](ROWS[:1]), encoding="utf-8")
    assert run("--claims", str(file))[0] == 0


def test_a_claim_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    file = tmp_path / "claims.csv"
    file.write_text(as_csv([UNREADABLE, *ROWS]), encoding="utf-8")
    code, text, _ = run("--claims", str(file))
    assert code == 2
    assert "no node is called 'q'" in text
    assert "2 right, 2 wrong, 1 unreadable" in text


MISTAKES = {
    "a.toml": ('[[claims]]\nname = "x"\nclaim = "h1"', "claim 1 has no wrt"),
    "b.toml": ('claim = "h1"', "has no claims"),
    "c.toml": ("[[claims", "c.toml"),
    "d.csv": ("name,wrt,formula\nx,p11,h1\n", "formula is not a key of a claim"),
    "e.csv": ('name,wrt,claim\nx,p11,"h1\n', "not a row of CSV"),
    "f.json": ("{", "not JSON"),
    "g.json": ("[" * 100_000, "not JSON that can be read"),
    "h.json": ("[1]", "claim 1 is not a table"),
    "i.json": ("[]", "holds no claims"),
    "j.txt": ("h1", "not a file of claims"),
    "k.json": ('[{"wrt": 1, "claim": ""}]', "claim 1 has no wrt"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_broken_file_is_a_users_mistake(name: str, tmp_path: Path) -> None:
    text, message = MISTAKES[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    code, _, error = run("--claims", str(tmp_path / name))
    assert code == 2
    assert message in error and "fix:" in error


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--wrt", "w11"],
        ["--claim", "x1"],
        ["--wrt", "q", "--claim", "x1"],
        ["--wrt", "w11", "--claim", "x1 +"],
        ["--claims", "missing.csv"],
        ["--claims", "missing.csv", "--wrt", "w11"],
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str]) -> None:
    code, text, error = run(*arguments)
    assert (code, text) == (2, "")
    assert "fix:" in error


def test_ascii_is_ascii() -> None:
    assert run("--wrt", "w11", "--claim", "-x1*z1", "--ascii")[1].isascii()


def test_hostile_names_in_a_file_are_shown_as_text(tmp_path: Path) -> None:
    file = tmp_path / "claims.json"
    file.write_text(as_json([("\x1b[31mred[/]", "p11", "h1"), ("b", "p\x0711", "h1")]), encoding="utf-8")
    code, text, _ = run("--claims", str(file))
    assert code == 2
    assert "\x1b" not in text and "\x07" not in text
