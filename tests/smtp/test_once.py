"""A mail's name: the same only for the same mail, from the same account, to the same readers."""

import pytest

from zegel.doors.smtp.once import Naming

FACTS = ("acc", "zorg@voorbeeld.example", "<1@voorbeeld.example>", ["a@x.example", "b@x.example"])


def _name(data: bytes = b"mail", **facts: object) -> str:
    naming = Naming()
    for byte in data:
        naming.feed(bytes([byte]))
    given = dict(zip(("account", "sender", "message_id", "recipients"), FACTS, strict=True)) | facts
    return naming.name(**given)  # type: ignore[arg-type]


def test_the_same_mail_has_the_same_name() -> None:
    assert len(_name()) == 64
    assert _name() == _name(recipients=["b@x.example", "a@x.example"], message_id=" <1@voorbeeld.example> ")


@pytest.mark.parametrize(
    "facts",
    [
        {"data": b"mail "}, {"account": "acc2"}, {"sender": "loket@voorbeeld.example"},
        {"message_id": "<2@voorbeeld.example>"}, {"recipients": ["a@x.example"]},
        {"recipients": ["a@x.example", "b@x.example", "c@x.example"]},
    ],
)  # fmt: skip
def test_another_mail_has_another(facts: dict[str, object]) -> None:
    assert _name(**facts) != _name()  # type: ignore[arg-type]


@pytest.mark.parametrize("message_id", ["", "x", "<>", "<a b@x>", "<a@x> <b@x>", "<" + "x" * 1000 + ">"])
def test_without_a_message_id_nobody_can_tell(message_id: str) -> None:
    assert _name(message_id=message_id) == ""
