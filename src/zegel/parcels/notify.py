"""What the sender wants to hear about one reader: RFC 3461's NOTIFY, ENVID and ORCPT, kept with the slip."""

from dataclasses import dataclass

from zegel.errors import Mistake

_WORDS = ("success", "failure", "delay")


@dataclass(frozen=True, slots=True)
class Notify:
    """``asked`` is False when the sender said nothing: then he hears of failure only (RFC 3461 §4.1).

    ``envid`` and ``orcpt`` are xtext as it came (RFC 3461 §4), at most 100 and 500 characters; they go back in reports.
    """

    success: bool = False
    failure: bool = True
    delay: bool = False
    asked: bool = False
    envid: str = ""
    orcpt: str = ""

    def spell(self) -> str:
        """One line for the slip's row: ``success,delay envid orcpt``; empty when nothing was asked."""
        if self == Notify():
            return ""
        words = ",".join(word for word in _WORDS if getattr(self, word)) or "never"
        return f"{words if self.asked else '-'} {self.envid} {self.orcpt}".rstrip()


SILENT = Notify()
"""The sender asked for nothing."""


def read_notify(line: str) -> Notify:
    """Read what :meth:`Notify.spell` wrote; raises Mistake for anything else."""
    if not line:
        return Notify()
    words, _, rest = line.partition(" ")
    envid, _, orcpt = rest.partition(" ")
    if " " in orcpt:
        raise Mistake("This is no wish for reports.", code="bad-notify")
    if words == "-":
        return Notify(envid=envid, orcpt=orcpt)
    wanted = set() if words == "never" else set(words.split(","))
    if not wanted <= set(_WORDS):
        raise Mistake("This is no wish for reports.", code="bad-notify")
    return Notify("success" in wanted, "failure" in wanted, "delay" in wanted, True, envid, orcpt)
