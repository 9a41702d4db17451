"""LSP positions and URIs against Python's own codecs."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from torchlean_server.convert import Converter, Declined, existing_path, path_of
from torchlean_server.text import Text

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}

LINES = st.text("aé値😀𝒳\u0301 \n\r\f\u2028", max_size=12)


def converter(encoding: str) -> Converter:
    return Converter(encoding, lambda path: None)


@pytest.mark.parametrize("encoding", CODECS)
@given(string=LINES)
def test_columns_count_the_code_units_of_the_agreed_encoding(encoding: str, string: str) -> None:
    codec, size = CODECS[encoding]
    text = Text(string)
    for offset in range(len(string) + 1):
        line, column = text.position(offset)
        position = converter(encoding).position(text, offset)
        units = len(text.line(line)[:column].encode(codec)) // size
        assert (position.line, position.character) == (line, units)


@pytest.mark.parametrize("encoding", CODECS)
@given(string=LINES)
def test_a_position_leads_back_to_its_offset(encoding: str, string: str) -> None:
    text, to_lsp = Text(string), converter(encoding)
    for offset in range(len(string) + 1):
        line, column = text.position(offset)
        if column <= len(text.line(line)):  # not between \r and \n, which LSP cannot name
            assert to_lsp.offset(text, to_lsp.position(text, offset)) == offset


def test_a_position_within_a_character_means_its_start() -> None:
    text = Text("x = '😀'")
    assert converter("utf-16").offset(text, types.Position(0, 6)) == 5
    assert converter("utf-8").offset(text, types.Position(0, 8)) == 5
    assert converter("utf-8").offset(text, types.Position(0, 9)) == 6


@pytest.mark.parametrize("encoding", CODECS)
def test_positions_behind_the_end_mean_the_end(encoding: str) -> None:
    text = Text("値\nab\n")
    assert converter(encoding).offset(text, types.Position(0, 99)) == 1
    assert converter(encoding).offset(text, types.Position(1, 99)) == 4
    assert converter(encoding).offset(text, types.Position(99, 0)) == 5


def test_files_and_unsaved_documents_have_paths() -> None:
    assert path_of("file:///tmp/a%20b/m%C3%B6del.py", None) == os.path.abspath("/tmp/a b/mödel.py")
    assert path_of("untitled:Untitled-1", "/folder") == os.path.abspath("/folder/untitled:Untitled-1")


@pytest.mark.parametrize(
    "uri", ["git:/x/model.py?ref=HEAD", "vscode-notebook-cell:/x/a.ipynb#W0", "no uri at all"]
)
def test_other_schemes_are_declined_with_a_reason(uri: str) -> None:
    with pytest.raises(Declined, match="are not analysed"):
        path_of(uri, None)


@pytest.mark.parametrize(
    "uri", ["file://[", "file:///a%00b.py", "file:///\ud800.py", "untitled:a%00b", "untitled:\ud800"]
)
def test_what_no_file_can_be_called_is_declined(uri: str) -> None:
    with pytest.raises(Declined):
        path_of(uri, None)
    assert existing_path(uri) is None
