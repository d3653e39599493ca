"""Vouch: the organisation signs the digest of a manifest for one of its accounts (inside zone)."""

from dataclasses import dataclass

from zegel.audit.events import Event
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import Signer
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.records import Records
from zegel.parcels.manifest import Organisation, statement_of_digest
from zegel.parcels.signature import Signature


@dataclass(frozen=True, slots=True)
class OwnVouch:
    """``journeys.ports.peers.Vouch`` with the key in this process. The content stays unknown: only its digest is seen.

    ``records`` is None where the deposit follows at once in the same process: its own entry says as much, and one
    durable transaction per parcel less doubles what a slow disk can take.
    """

    signer: Signer
    records: Records | None
    organisation: Organisation
    clock: Clock

    def vouch(self, actor: Actor, parcel: str, digest: str) -> Signature:
        """Sign for this actor; raises Mistake for what is not an identifier or a digest."""
        now = self.clock().replace(microsecond=0)
        signed = statement_of_digest(self.organisation.host, parcel, actor.address, digest, now)
        key, ed25519, mldsa65 = self.signer.sign(signed)
        if self.records is not None:
            with self.records.transaction():
                self.records.append_audit(now, f"account:{actor.account}", Event.MANIFEST_SIGNED, parcel, {})
        return Signature(key, self.organisation.host, actor.address, now, ed25519, mldsa65)
