"""One attempt to bring one mail into the vault, under its claim (design, 4.5)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.afterwards import settled_at_once
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.duplicates import RESTORED, Duplicates
from shared.duplicates import RULE as DUPLICATE
from shared.errors import ConfigurationFault, MailFault, NotYet, Transient
from shared.identities import linked_key
from shared.journal_row import DELETED, Row, gone_on
from shared.mail import Moment
from shared.mail_words import words_of
from shared.manifest import Manifest
from shared.plan import Plan, PlannedFile
from shared.retrying import MOST_REVIVALS
from shared.skip import Skip
from shared.staging_area import StagingArea, file_name, plan_name
from shared.twins import chosen, part_with
from shared.vault.protocol import DOCUMENT, NewFile, NewObject, Vault, VaultObject

FRESH_FOR = timedelta(seconds=10)
"""How old the claim may be when the create is sent: with its own limit, the create ends before the claim."""
LOOK_AGAIN_AFTER = timedelta(minutes=15)
"""After filing, where a create had no answer: its document may come late."""
MAIN = 0
"""The number of the mail's own document, among those of its attachments."""


@dataclass(frozen=True)
class _Document:
    """A document of the plan. `number` is that of the attachment that it is of."""

    number: int
    key: str
    new: NewObject
    files: tuple[PlannedFile, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(file.size for file in self.files)

    @property
    def place(self) -> str:
        """How the journal speaks of it."""
        return "" if self.number == MAIN else f"attachment {self.number}: "


@dataclass(frozen=True)
class Parts:
    """What an attempt works with."""

    vault: Vault
    area: StagingArea
    duplicates: Duplicates
    clock: Clock
    sources: Mapping[str, Source]


class Attempt:
    """One attempt to file one mail."""

    def __init__(self, parts: Parts, claim: Claim) -> None:
        self.claim = claim
        self._skips_duplicates = False
        self._fingerprint = ""
        self.was_refused = False
        self.was_unclear = claim.row.creating is not None
        self._parts = parts
        self._warnings: list[str] = []
        self._made: dict[int, VaultObject] = {}

    async def filed_before(self, manifest: Manifest, *, skips_duplicates: bool) -> Skip | None:
        """Whether this mail is the same as one that is filed, and skipped for it.

        Not asked while a create of this mail may have committed. Raises NotYet, Stale, Unavailable.
        """
        self._fingerprint, self._skips_duplicates = manifest.fingerprint, skips_duplicates
        if self.was_unclear:
            return None
        duplicates, row = self._parts.duplicates, self.claim.row
        received = Moment.read(manifest.mail.received)
        former = await duplicates.restored_as(manifest.fingerprint, row, received)
        if former is not None and not row.again:
            return _same_as(former, RESTORED)
        first = await duplicates.filed_before(manifest.fingerprint, row) if skips_duplicates else None
        return _same_as(first, DUPLICATE) if first is not None else None

    async def run(self, manifest: Manifest, plan: Plan) -> None:
        """File what the plan says: the mail's own document first, then those that are related to it.

        Raises Transient, NotYet, MailFault, ConfigurationFault, Missing.
        """
        main = _Document(MAIN, manifest.key, plan.document, plan.files)
        filed, is_new = await self._filed(manifest, plan, main, named=self.claim.row.object_id)
        for one in plan.linked:
            known = dict(self.claim.row.linked).get(one.number)
            related = _Document(one.number, one.key, one.related_to(filed.id), one.files)
            # Whoever has made the mail's own document just now, in a first attempt, has none of the others.
            is_first = is_new and self._is_first_time
            await self._filed(manifest, plan, related, named=known, is_first=is_first, related_to=filed)
        await self._end(filed, plan.warnings, plan.rule)
        if not all(made.visible for made in self._made.values()):
            raise ConfigurationFault(
                f'source "{self.claim.row.source}": the account of mfiles-username cannot see what it has '
                f"created (object {filed.id}), so that a mail could be filed twice.",
                "Let it see the documents of this class, deleted ones too.",
            )

    async def found_without_plan(self, key_property: int) -> bool:
        """Whether the vault has the mail, of which nothing is staged any more; then the journal says so."""
        row = self.claim.row
        if row.linked:
            return False  # whether all of its documents are there, nobody can say
        found = await self.find(key_property, row.key, row.object_type or DOCUMENT)
        if found:
            main = _Document(MAIN, row.key, NewObject(0, ()), ())
            filed = await self._chosen(main, found, row.filed_sizes, row.object_id)
            await self._end(filed, (), row.rule)
        return bool(found)

    async def find(self, key_property: int, key: str, object_type: int) -> Sequence[VaultObject]:
        """What the vault has under a key. A deleted document counts, unless the mail was replayed for it."""
        found = await self._parts.vault.find(key_property, key, object_type)
        return [one for one in found if not (one.deleted and self.claim.row.again)]

    async def _filed(
        self,
        manifest: Manifest,
        plan: Plan,
        document: _Document,
        *,
        named: int | None,
        is_first: bool = False,
        related_to: VaultObject | None = None,
    ) -> tuple[VaultObject, bool]:
        """The one object of a document, and whether this attempt has made it, and there was none before."""
        found = [] if is_first else await self._found(plan, document, related_to)
        if not found and self.claim.row.last_look:
            await self._not_there()
        is_new = not found
        if is_new:
            made = await self._create(manifest, plan, document)
            # A create that had no answer may have come to its end while this one ran.
            again = await self._found(plan, document, related_to) if self.was_unclear else []
            found = again or [made]
        filed = self._made[document.number] = await self._chosen(document, found, document.sizes, named)
        return filed, is_new and not self.was_unclear

    @property
    def _is_first_time(self) -> bool:
        """Whether the mail was never replayed: its document may have gone, and left those of attachments."""
        row = self.claim.row
        return row.open_since == row.arrived and not row.again

    async def _found(
        self, plan: Plan, document: _Document, related_to: VaultObject | None
    ) -> list[VaultObject]:
        """What the vault has of a document. What is older than the object that it should name names another.

        The mail's document comes first; that of an attachment which was there before it was of one that is
        gone, and is parted with.
        """
        found = await self.find(plan.key_property, document.key, document.new.object_type)
        former = [one for one in found if _is_older(one, related_to)]
        if former:
            await self.claim.update(lambda row: row)  # only under a claim that holds now
            self._warnings += await part_with(self._parts.vault, self.claim.row, former)
        return [one for one in found if one not in former]

    async def _not_there(self) -> None:
        """The vault does not have it, whatever had no answer: the mail ends with what it had met before.

        Raises MailFault, Transient.
        """
        row = await self.claim.update(lambda row: replace(row, creating=None, last_look=False))
        why = f"The vault has no document of this mail, and the attempts to create one failed: {row.reason}"
        if row.revived >= MOST_REVIVALS:
            raise MailFault(why, "Look at the app's log for what stopped it, then replay the mail.")
        raise Transient(why, origin="vault")

    async def _create(self, manifest: Manifest, plan: Plan, document: _Document) -> VaultObject:
        files = [
            NewFile(file.title, file.extension, file.size, read=self._reader(manifest, file))
            for file in document.files
        ]
        try:
            return await self._parts.vault.create(
                document.new,
                files,
                partial(self._about_to_create, manifest, plan, document),
                words_of(manifest),
            )
        except (MailFault, ConfigurationFault) as fault:
            await self._refused(plan, document)
            if isinstance(fault, MailFault) and document.place:
                raise MailFault(f"{document.place}{fault.reason}", fault.remedy) from None
            raise

    def _reader(self, manifest: Manifest, file: PlannedFile) -> Callable[[], AsyncGenerator[bytes, None]]:
        name = file_name(manifest.source, manifest.key, manifest.run, file.path)
        return partial(self._parts.area.read, name, file.size, file.sha256)

    async def _about_to_create(self, manifest: Manifest, plan: Plan, document: _Document) -> None:
        clock, duplicates = self._parts.clock, self._parts.duplicates
        may_wait = self._skips_duplicates and not self.was_unclear and document.number == MAIN
        if may_wait and not await duplicates.still_first(self._fingerprint, self.claim.row):
            raise NotYet(f'source "{self.claim.row.source}": another mail like this one is filed first')
        marked_at = clock.now()
        await self.claim.update(lambda row: self._marked(row, manifest, plan, marked_at))
        if clock.now() - marked_at > FRESH_FOR:
            raise NotYet(f'source "{self.claim.row.source}": the mark of a create was written too slowly')

    async def _refused(self, plan: Plan, document: _Document) -> None:
        """After a definite refusal and an empty search, nothing is under way, and the plan may change."""
        row = self.claim.row
        if await self.find(plan.key_property, document.key, document.new.object_type):
            raise Transient(f'source "{row.source}": a document that was refused is there') from None
        self.was_refused = True
        # The claim first: a worker that has lost it must not take away another's plan.
        await self.claim.update(lambda row: replace(row, creating=None))
        await self._parts.area.delete(plan_name(row.source, row.key))

    async def _chosen(
        self, document: _Document, found: Sequence[VaultObject], sizes: Sequence[int], named: int | None
    ) -> VaultObject:
        """Of several objects one stays, and the journal knows it.

        Raises MailFault when its files have other sizes than those that were staged.
        """
        vault, row = self._parts.vault, self.claim.row
        filed = chosen(found, named, sizes)
        # Of an object that the account does not see the vault tells no files.
        if filed.visible and not filed.deleted and sorted(filed.sizes) != sorted(sizes):
            raise MailFault(
                f"{document.place}Object {filed.id} of the vault has this mail's filing key, "
                "but its files have other sizes.",
                "Look at that object. If it is not whole, destroy it and replay the mail, or delete it and "
                "replay with --again.",
            )
        others = [one for one in found if one != filed]
        if others:  # only under a claim that holds now
            await self.claim.update(lambda row: row)
        self._warnings += await part_with(vault, row, others)
        if filed.deleted:  # the first of all: a row holds so much, and what follows depends on this one
            self._warnings.insert(0, f"{document.place}{DELETED}")
        return filed

    async def _end(self, filed: VaultObject, warnings: tuple[str, ...], rule: str) -> None:
        await self._parts.duplicates.note(self._fingerprint, self.claim.row)
        now, said = self._parts.clock.now(), (*warnings, *self._warnings)
        await self.claim.end(
            lambda row: settled_at_once(
                self._parts.sources.get(row.source),
                gone_on(
                    self._known(row, filed),
                    "filed",
                    ended=now,
                    creating=None,
                    look_again=now + LOOK_AGAIN_AFTER if self.was_unclear else None,
                    again=False,
                    rule=rule,
                    warnings=tuple(sorted((*row.warnings, *said), key=lambda one: one != DELETED)),
                ),
                now,
            )
        )

    def _marked(self, row: Row, manifest: Manifest, plan: Plan, marked_at: datetime) -> Row:
        """The row before a create is sent: what is to be found if its answer is lost, and the plan too."""
        sizes = tuple(file.size for file in plan.files)
        staged = tuple(file.size for file in manifest.files)
        known = dict(row.linked)
        linked = tuple((one.number, known.get(one.number, 0)) for one in plan.linked)
        planned = () if sizes == staged else sizes
        marked = replace(
            row,
            creating=marked_at,
            planned=planned,
            linked=linked,
            object_type=plan.document.object_type,
            rule=plan.rule,
        )
        return self._known(marked, self._made.get(MAIN))

    def _known(self, row: Row, main: VaultObject | None) -> Row:
        """The row with the objects that are there."""
        if main is None:
            return row
        made = {number: found.id for number, found in self._made.items()}
        return replace(
            row,
            object_type=main.type,
            object_id=main.id,
            object_version=main.version,
            linked=tuple((number, made.get(number, one)) for number, one in row.linked),
        )


def _is_older(one: VaultObject, than: VaultObject | None) -> bool:
    if than is None or one.created is None or than.created is None:
        return False
    return one.created < than.created


def _same_as(first: Row, rule: str) -> Skip:
    return Skip(rule, f'The same mail is object {first.object_id} already, of source "{first.source}".')


async def look_again(parts: Parts, claim: Claim, key_property: int) -> None:
    """A create that had no answer may have come to its end since: of each document's objects one stays."""
    row = claim.row
    documents = [(row.key, row.object_id, row.filed_sizes, row.object_type or DOCUMENT)]
    documents += [(linked_key(row.key, number), one, (), DOCUMENT) for number, one in row.linked]
    warnings: tuple[str, ...] = ()
    for key, named, sizes, object_type in documents:
        found = await parts.vault.find(key_property, key, object_type)
        if found:
            stays = chosen(found, named, sizes)
            await claim.update(lambda row: row)
            warnings += await part_with(parts.vault, row, [one for one in found if one != stays])
    await claim.end(lambda row: replace(row, look_again=None, due=None, warnings=(*row.warnings, *warnings)))
