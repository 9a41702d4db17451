"""Which network a property file names: its own comment first, then the nearest `torchlean.toml`."""

import pytest

from torchlean.vnnlib.naming import find_network, fits, named_network

PROPERTY = "(declare-const X_0 Real)\n"


def test_a_comment_names_the_network_relative_to_the_file(tmp_path) -> None:
    named = named_network(
        str(tmp_path / "specs" / "a.vnnlib"), "; ACAS Xu\n; network: ../nets/a b.onnx  \n" + PROPERTY
    )
    assert named is not None
    assert named.path == str(tmp_path / "nets" / "a b.onnx")
    assert (named.span.line, named.span.column, named.span.end_column) == (1, 11, 27)


@pytest.mark.parametrize(
    "comment", [";network:a.onnx", ";; Network : a.onnx", '; network: "a.onnx"', "\ufeff; network: a.onnx"]
)
def test_ways_of_writing_the_comment(tmp_path, comment) -> None:
    named = named_network(str(tmp_path / "p.vnnlib"), comment + "\r\n" + PROPERTY)
    assert named is not None and named.path == str(tmp_path / "a.onnx")


@pytest.mark.parametrize("text", [PROPERTY + "; network: a.onnx", "; networks: a.onnx", "; network:", ""])
def test_other_comments_name_nothing(tmp_path, text) -> None:
    assert named_network(str(tmp_path / "p.vnnlib"), text) is None


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_nearest_configuration_names_the_network(tmp_path) -> None:
    write(tmp_path / ".git" / "HEAD", "")
    write(tmp_path / "torchlean.toml", '[[vnnlib]]\nproperty = "**/*.vnnlib"\nnetwork = "far.onnx"\n')
    near = """# which

[[vnnlib]]
property = "other/*"
network = "x.onnx"
[[vnnlib]]
property = "s/p?.vnnlib"
network = "n/a.onnx"
"""
    write(tmp_path / "deep" / "torchlean.toml", near)
    naming = find_network(str(tmp_path / "deep" / "s" / "p1.vnnlib"), PROPERTY)
    assert naming.network is not None
    assert naming.network.path == str(tmp_path / "deep" / "n" / "a.onnx")
    assert (naming.network.span.path, naming.network.span.line) == (
        str(tmp_path / "deep" / "torchlean.toml"),
        5,
    )
    assert naming.files == (
        str(tmp_path / "deep" / "s" / "torchlean.toml"),
        str(tmp_path / "deep" / "torchlean.toml"),
    )
    assert naming.diagnostics == ()


def test_the_search_ends_at_the_repository(tmp_path) -> None:
    write(tmp_path / "torchlean.toml", '[[vnnlib]]\nproperty = "**/*"\nnetwork = "far.onnx"\n')
    write(tmp_path / "repository" / ".git" / "HEAD", "")
    naming = find_network(str(tmp_path / "repository" / "p.vnnlib"), PROPERTY)
    assert naming.network is None
    assert naming.files == (str(tmp_path / "repository" / "torchlean.toml"),)


BAD = {
    'property = "a"\n[[vnnlib]\n': (1, "not readable as TOML"),
    'vnnlib = "a"\n': (0, "`vnnlib` is a list of tables"),
    "vnnlib = [1]\n": (0, "expected a table"),
    '\n[[vnnlib]]\nproperty = "a"\n': (1, "`network` is missing"),
    '[[vnnlib]]\nproperty = 3\nnetwork = "a"\n': (0, "`property` should be a path, got 3"),
    '[[vnnlib]]\nproperty = "a"\nnetwork = "b"\nnetwrok = "c"\n': (0, "unknown key `netwrok`"),
    "x = " + "[" * 5000: (0, "not readable as TOML"),
}


@pytest.mark.parametrize(("text", "place"), BAD.items(), ids=[message for _, message in BAD.values()])
def test_mistakes_in_the_configuration_are_reported_there(tmp_path, text, place) -> None:
    write(tmp_path / "torchlean.toml", text)
    (found,) = find_network(str(tmp_path / "p.vnnlib"), PROPERTY).diagnostics
    assert found.code == "TL501"
    assert found.span.path == str(tmp_path / "torchlean.toml")
    if "TOML" not in place[1]:
        assert found.span.line == place[0]
    assert place[1] in found.message


def test_bytes_that_are_no_text_are_reported(tmp_path) -> None:
    (tmp_path / "torchlean.toml").write_bytes(b"\xff\xfe")
    (found,) = find_network(str(tmp_path / "p.vnnlib"), PROPERTY).diagnostics
    assert "not readable as TOML" in found.message


FITTING = [
    ("a.vnnlib", "*.vnnlib", True),
    ("s/a.vnnlib", "*.vnnlib", False),
    ("s/a.vnnlib", "./s/*.vnnlib", True),
    ("s/t/a.vnnlib", "s/*.vnnlib", False),
    ("s/t/a.vnnlib", "s/**/a.*", True),
    ("s/a.vnnlib", "s/**/a.*", True),
    ("a.vnnlib", "**", True),
    ("A.vnnlib", "a.vnnlib", False),
    ("/".join("ab" * 30) + "/c", "/".join(["**", "a"] * 15), False),
]


@pytest.mark.parametrize(("name", "pattern", "expected"), FITTING)
def test_patterns_fit_folder_by_folder(name, pattern, expected) -> None:
    assert fits(name, pattern) is expected
