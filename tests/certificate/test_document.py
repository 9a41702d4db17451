"""Certificates as JSON: read back exactly, and refused with a reason when anything in them was changed."""

import json

import pytest
from tests.certificate.models import asked, split_case

from torchlean.certificate import CertificateError, certify, digest, read, write
from torchlean.certificate.document import _canonical
from torchlean.certificate.lean_source import source, theorem_name
from torchlean.lean import certificate_faults


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    found = split_case(tmp_path_factory.mktemp("model"))
    certified = certify("holds", found.question, found.own, found.text)
    assert certified.planned.leaves > 1, "the damaged certificates below need a split"
    return certified.document


@pytest.fixture(scope="module")
def text(certificate):
    return write(certificate)


def test_a_certificate_is_read_back_as_it_was(certificate, text) -> None:
    assert read(text) == certificate
    assert write(read(text)) == text


def test_a_certificate_states_the_hash_of_its_lean_file(certificate, text) -> None:
    assert json.loads(text)["hashes"]["lean"] == digest(certificate.lean)


def test_the_lean_file_has_nothing_that_a_certificate_may_not_have(certificate) -> None:
    assert certificate_faults(certificate.lean) == ()


@pytest.mark.parametrize(
    "name", ["sorry", "axiom", "macro", "def", "été", "a_b", "safe[3]", "theorem", "_", "_x5f_"]
)
def test_any_claim_has_a_name_that_lean_takes(name, certificate) -> None:
    from dataclasses import replace

    title = replace(certificate.title, claim=name)
    text = source(certificate.statement, certificate.proof, title)
    assert certificate_faults(text) == ()
    assert theorem_name(name).isascii()


def test_different_claims_have_different_theorems() -> None:
    names = ["a_b", "a__b", "a.b", "safe[1]", "safe[11]", "safe_1_", "é", "è", "_xe9_", "x5f_", "a_x5f_b"]
    assert len({theorem_name(name) for name in names}) == len(names)


def changed(text, change) -> str:
    """The text with a change of its content, and no hash made to fit."""
    content = json.loads(text)
    change(content)
    return json.dumps(content)


def forged(text, change) -> str:
    """The same with the certificate's own hash made to fit."""
    content = json.loads(changed(text, change))
    content.pop("certificate")
    return json.dumps({**content, "certificate": digest(_canonical(content))})


def flip(numbers) -> None:
    numbers[0] = f"{int(numbers[0], 16) ^ 1:#x}"


DAMAGES = {
    "one bit of a weight": lambda c: flip(c["nodes"][0]["weight"][0]),
    "one bit of a bias": lambda c: flip(c["nodes"][0]["bias"]),
    "a smaller box": lambda c: c["box"].__setitem__(0, ["0x0", "0x1"]),
    "less noise": lambda c: c["noise"][0].__setitem__(0, "0x0"),
    "another scale": lambda c: c["nodes"][0].__setitem__("scale", 3),
    "another goal": lambda c: c.__setitem__("goal", {"nonnegative": 0}),
    "another model's weights": lambda c: c["hashes"].__setitem__("weights", "0" * 64),
    "another role": lambda c: c["roles"].__setitem__(0, "choice"),
    "another claim's name": lambda c: c.__setitem__("claim", "other"),
    "no plan": lambda c: c.__setitem__("plan", "done"),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_changed_certificate_does_not_have_its_hash(damage, text) -> None:
    with pytest.raises(CertificateError, match="does not have the hash"):
        read(changed(text, DAMAGES[damage]))


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_certificate_with_a_forged_hash_does_not_have_its_lean_file(damage, text) -> None:
    with pytest.raises(CertificateError, match="is not the one of this content"):
        read(forged(text, DAMAGES[damage]))


def nested(depth):
    plan = "done"
    for _ in range(depth):
        plan = {"split": 0, "element": 0, "at": "0x0", "low": "done", "high": plan}
    return plan


MALFORMED = {
    "real arithmetic instead of executions": (
        lambda c: c.__setitem__("speaks_of", "real arithmetic"),
        "'real arithmetic', with 4 roles of nodes",
    ),
    "executions of nodes without roles": (
        lambda c: c.__setitem__("roles", []),
        "'executions', with 0 roles of nodes",
    ),
    "a role too few": (lambda c: c["roles"].pop(), "neither those of 4 nodes nor none"),
    "a role that is none": (
        lambda c: c["roles"].__setitem__(0, ["choice"]),
        "neither those of 4 nodes nor none",
    ),
    "text instead of a number": (lambda c: c["box"][0].__setitem__(0, "minus one"), "no hexadecimal number"),
    "a float instead of a number": (lambda c: c["box"][0].__setitem__(0, 0.5), "no hexadecimal number"),
    "a huge number": (lambda c: c["box"][0].__setitem__(0, "0x" + "f" * 5000), "digits"),
    "a missing split half": (lambda c: c["plan"]["next"].pop("high"), "has no `high`"),
    "a node out of range": (lambda c: c["plan"]["next"].__setitem__("split", 99), "expected below"),
    "an element out of range": (lambda c: c["plan"]["next"].__setitem__("element", 99), "expected below"),
    "an operand above its node": (lambda c: c["nodes"][0].__setitem__("operand", 5), "expected below"),
    "a ragged matrix": (lambda c: c["nodes"][0]["weight"][0].pop(), "expected 2"),
    "a missing bias": (lambda c: c["nodes"][0]["bias"].pop(), "expected 4"),
    "too little noise": (lambda c: c["noise"].pop(), "elements, expected"),
    "negative noise": (lambda c: c["noise"][0].__setitem__(0, "-0x1"), "negative"),
    "the box' ends swapped": (lambda c: c["box"][0].reverse(), "the box is empty"),
    "a missing interval": (lambda c: c["box"].pop(), "intervals for"),
    "an unknown op": (lambda c: c["nodes"][0].__setitem__("op", "tanh"), "no op 'tanh'"),
    "an unknown version": (lambda c: c.__setitem__("version", 1), "version 1"),
    "another format": (lambda c: c.__setitem__("format", "zip"), "format"),
    "a truth for a size": (lambda c: c["nodes"][0].__setitem__("scale", True), "no number between"),
    "a method that is none": (lambda c: c["plan"]["bound"].__setitem__(0, 2), "neither 0 nor 1"),
    "deep nesting": (lambda c: c.__setitem__("plan", nested(400)), "nested"),
    "fields of no whole digits": (
        lambda c: c["widths"].__setitem__(0, c["widths"][0] + 1),
        "node 0: fields of [0-9]+ bits are no whole hexadecimal digits",
    ),
    "fields that are too small": (
        lambda c: c["widths"].__setitem__(0, 4),
        "node 0: its numbers do not fit in fields of 4 bits",
    ),
    "no digest of the graph": (
        lambda c: c["hashes"].__setitem__("graph", "-/ theorem more : True := trivial /-"),
        "hashes.graph is no digest",
    ),
    "an interval beyond float64": (
        lambda c: c["box"].__setitem__(0, ["-0x1" + "0" * 900, "0x1" + "0" * 900]),
        "is not the one of this content",
    ),
    "no hash of a file": (lambda c: c["hashes"].__setitem__("file", "abc"), "no SHA-256"),
}


@pytest.mark.parametrize("damage", sorted(MALFORMED))
def test_a_malformed_certificate_is_refused_with_the_place(damage, text) -> None:
    change, words = MALFORMED[damage]
    with pytest.raises(CertificateError, match=words):
        read(forged(text, change))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "1", "[" * 100_000, '"text"', "null", '{"certificate": 3}']
)
def test_what_is_no_certificate_is_refused(content) -> None:
    with pytest.raises(CertificateError):
        read(content)


def test_a_truncated_certificate_is_refused_wherever_it_ends(text) -> None:
    for end in range(0, len(text) - 2, 997):
        with pytest.raises(CertificateError):
            read(text[:end])


def test_a_certificate_says_which_weights_it_is_of(certificate, tmp_path) -> None:
    other = asked(tmp_path, "self.a = nn.Linear(2, 1)", "return self.a(x)", "net(x) < 9.0", "[-1.0] * 2, 1.0")
    found = certify("holds", other.question, other.own, other.text).document
    assert found.title.weights != certificate.title.weights
    assert found.title.graph != certificate.title.graph
