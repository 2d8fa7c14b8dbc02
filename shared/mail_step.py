"""A step on the way of a mail, as whoever receives messages drives it: staging, filing, mailbox."""

from __future__ import annotations

from typing import ClassVar, Protocol, TypeVar

from shared.breaker import Step
from shared.claim import Claim
from shared.journal_row import Row
from shared.outcome import Outcome
from shared.queue_messages import MailMessage

M_contra = TypeVar("M_contra", bound=MailMessage, contravariant=True)


class MailStep(Protocol[M_contra]):
    """One step."""

    name: ClassVar[Step]
    queue: ClassVar[str]

    def is_one_write(self, row: Row) -> bool:
        """Whether its work for that mail is one write to the journal: then it needs no claim, no service."""

    async def unknown(self, message: M_contra) -> Row | None:
        """The row of a mail that the journal does not know; None where there is nothing to do for it.

        Raises NotYet when that cannot be told now, and Unavailable.
        """

    def reopens(self, message: M_contra, row: Row) -> bool:
        """Whether a mail that has ended begins anew by this message."""

    async def run(self, message: M_contra, claim: Claim) -> Outcome:
        """Do the work; safe to run again from its start. It ends the claim with the state that is reached.

        Raises Transient, ConfigurationFault, MailFault: what follows is the caller's to decide.
        """
