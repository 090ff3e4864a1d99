"""The parity page: no claim without a proof, no proof without a claim."""

from tests import parity

from chirpstack_embedded.emulation import rows


def test_no_row_claims_without_a_test_that_proves_it() -> None:
    assert [] == parity.faults()


def test_the_page_is_what_the_code_says() -> None:
    written = parity.PAGE.read_text(encoding="utf-8")

    assert written == parity.page(), "run scripts/docs-parity"


def test_a_row_without_proof_is_found() -> None:
    bare = {row.claim for row in rows() if row.state != "not emulated"}

    said = parity.faults({})

    assert len(bare) == len(said)


def test_a_proof_of_nothing_is_found() -> None:
    said = parity.faults({**parity.proofs(), "grpc:No/Such": ["tests/test_x.py::test"]})

    assert any("grpc:No/Such" in sentence for sentence in said)


def test_every_row_has_its_own_name() -> None:
    claims = [row.claim for row in rows()]

    assert len(claims) == len(set(claims))
