"""The configuration section: what is adopted, and what is said about the rest."""

from __future__ import annotations

import pytest

from torchlean_server.settings import Settings, parse


def test_nothing_configured_means_the_defaults() -> None:
    assert parse(None) == (Settings(), [])
    assert parse({}) == (Settings(), [])


@pytest.mark.parametrize(
    "section",
    [
        {
            "inlayHints": {"enabled": False},
            "analysis": {"timeout": 5, "memory": 1024.0},
            "bounds": {"method": "ibp"},
        },
        {"inlayHints.enabled": False, "analysis.timeout": 5, "analysis.memory": 1024, "bounds.method": "ibp"},
    ],
)
def test_keys_may_be_nested_or_dotted(section: dict[str, object]) -> None:
    assert parse(section) == (Settings(inlay_hints=False, timeout=5.0, memory=1024, method="ibp"), [])


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"analysis": {"timeout": -3}}, ["torchlean.analysis.timeout", "above 0", "-3", "30.0"]),
        ({"analysis": {"timeout": float("nan")}}, ["torchlean.analysis.timeout", "nan"]),
        ({"analysis": {"timeout": True}}, ["torchlean.analysis.timeout", "True"]),
        ({"analysis": {"memory": 100}}, ["torchlean.analysis.memory", "at least 512", "100", "4096"]),
        ({"analysis": {"timeout": 10**400}}, ["torchlean.analysis.timeout"]),
        ({"analysis": {"memory": 1e300}}, ["torchlean.analysis.memory"]),
        ({"analysis": {"memory": 1000.5}}, ["torchlean.analysis.memory", "whole", "1000.5"]),
        ({"inlayHints": {"enabled": "yes"}}, ["torchlean.inlayHints.enabled", "true or false", "'yes'"]),
        ({"bounds": {"method": "magic"}}, ["torchlean.bounds.method", '"ibp"', "'magic'"]),
        ({"bounds": {"method": ["ibp"]}}, ["torchlean.bounds.method"]),
        (
            {"analysis": {"timeuot": 3}},
            ["torchlean.analysis.timeuot", "did you mean", "torchlean.analysis.timeout"],
        ),
        ("fast", ["an object", "'fast'"]),
    ],
)
def test_a_bad_setting_keeps_its_default_and_is_explained(section: object, words: list[str]) -> None:
    settings, problems = parse(section)
    assert settings == Settings()
    assert len(problems) == 1
    assert problems[0].startswith("TL501")
    for word in words:
        assert word in problems[0]


def test_one_bad_setting_does_not_spoil_the_others() -> None:
    settings, problems = parse({"analysis": {"timeout": "long", "memory": 2048}})
    assert settings == Settings(memory=2048)
    assert len(problems) == 1


def test_settings_of_the_client_itself_are_left_alone() -> None:
    section = {"trace": {"server": "verbose"}, "python": "/usr/bin/python3", "server": {"path": "x"}}
    assert parse(section) == (Settings(), [])
