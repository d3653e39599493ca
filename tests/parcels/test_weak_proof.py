"""The link alone as proof: enough up to the class that the organisation says, and not above it."""

from dataclasses import replace

import pytest

from tests.ground.deposits import NOW, make_archive, make_deposit, make_reader
from zegel.errors import Mistake
from zegel.parcels.deposit import check_deposit
from zegel.parcels.limits import Limits
from zegel.parcels.proofs import Proof, code_proof
from zegel.parcels.ways import Way

_STRICT = Limits(mail_proof_class=1)
_MAIL = Proof("mail")


@pytest.mark.parametrize("way", ["link", "direct", "zegel"])
@pytest.mark.parametrize("class_", range(5))
def test_above_that_class_it_is_refused_whatever_is_tried_first(way: Way, class_: int) -> None:
    readers = (make_reader(proof=code_proof("Tulp-2026")), make_reader(proof=_MAIL, way=way))
    deposit = replace(make_deposit(attachments=2), class_=class_, readers=readers)
    check_deposit(deposit, NOW, Limits())
    if class_ <= 1:
        check_deposit(deposit, NOW, _STRICT)
        return
    with pytest.raises(Mistake) as refused:
        check_deposit(deposit, NOW, _STRICT)
    assert refused.value.kind == "weak-proof"
    assert "class 1" in str(refused.value)


def test_it_is_about_readers_who_would_get_a_link() -> None:
    """A mailbox of ours asks no proof, the archive is nobody, and one who waits has not been given a proof yet."""
    box = make_reader("team@eigen.example", _MAIL, kind="mailbox", way="portal", share=b"", sealed_notice=b"")
    others = (make_reader(proof=_MAIL, way="mailbox"), make_reader(proof=Proof("missing")), make_reader(), box)
    check_deposit(replace(make_deposit(attachments=2), class_=4, readers=(*others, make_archive())), NOW, _STRICT)
