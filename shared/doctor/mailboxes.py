"""Checks `mailbox` and `folder`: whether each can be read, and each folder is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.users.item.mail_folders.item.messages.messages_request_builder import (
    MessagesRequestBuilder,
)

from shared.clock import Clock
from shared.configuration import WELL_KNOWN_FOLDERS, Configuration, Rule, Source, folder_name
from shared.doctor.check import Check
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.doctor.many import each, summed_up
from shared.errors import ConfigurationFault, Transient, VaultpostError
from shared.graph.changing import MailboxWriter
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound
from shared.graph.folders import Folder, FolderReader
from shared.near_names import near
from shared.subscription_plan import Watched
from shared.watched_folders import WatchedFolders

MAILBOX, FOLDER = "mailbox", "folder"
_NOT_IN_CLOUD = frozenset(
    {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errornonexistentmailbox"}
)
"""Codes of somebody who is known, but has no mailbox in Exchange Online."""
_LOOKED_THROUGH = 300
"""Folders that a near name is looked for among."""


async def read_mailbox(graph: GraphClient, mailbox: str) -> None:
    """Read of one mail of the inbox what only Mail.Read shows (Mail.ReadBasic shows no text).

    Raises what `shared.graph.faults.fault_of` says, and Unavailable.
    """
    query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
        select=["id", "bodyPreview"], top=1
    )
    inbox = graph.requests.users.by_user_id(mailbox).mail_folders.by_mail_folder_id("inbox")
    request = inbox.messages.to_get_request_information(RequestConfiguration(query_parameters=query))
    async for _ in graph.stream(request, mailbox=mailbox):
        pass  # nothing of it is kept


@dataclass(frozen=True)
class _Named:
    """A folder that a source names; `is_target` where mail is moved to."""

    source: Source
    reference: str
    is_target: bool = False


@dataclass
class Mailboxes:
    """The checks. Once they have run, `unread` are mailboxes, in small letters, that cannot be read, and
    `lost` the sources, by their key names, of which a watched folder is not there.
    """

    configuration: Callable[[], Configuration]
    graph: Callable[[], GraphClient]
    clock: Clock
    unread: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def checks(self) -> tuple[Check, Check]:
        """`mailbox`, then `folder`."""
        return (
            Check(MAILBOX, self._mailboxes, needs=("configuration", "token")),
            # Each folder is looked at by itself whose mailbox could be read.
            Check(FOLDER, self._folders, needs=("configuration", "token")),
        )

    async def _mailboxes(self) -> list[Finding]:
        of = {source.mailbox.casefold(): source.mailbox for source in self._sources()}
        return summed_up(MAILBOX, await each(of.values(), self._mailbox), "mailboxes can be read")

    async def _folders(self) -> list[Finding]:
        return summed_up(FOLDER, await each(self._named(), self._folder), "folders are there")

    @property
    def unsure(self) -> set[str]:
        """The sources, by their key names, whose folders cannot all be told."""
        unread = (one for one in self._sources() if one.mailbox.casefold() in self.unread)
        return self.lost | {source.key_name for source in unread}

    async def first_watched(self) -> Watched | None:
        """A folder that can be subscribed to: the first one of a source that is well. None where none is."""
        try:
            sources = self._sources()
        except VaultpostError:
            return None  # check configuration tells
        unsure, folders = self.unsure, WatchedFolders(FolderReader(self.graph()))
        for source in (one for one in sources if one.key_name not in unsure):
            found, _ = await folders.found(source)
            if found:
                return found[0].watched
        return None

    def _sources(self) -> list[Source]:
        return [source for source in self.configuration().source if source.enabled]

    async def _mailbox(self, mailbox: str) -> Finding:
        try:
            await read_mailbox(self.graph(), mailbox)
        except VaultpostError as fault:
            finding = unreadable(mailbox, fault)
            if finding.status == "failed":
                self.unread.add(mailbox.casefold())
            return finding
        return ok(MAILBOX, "can be read", subject=mailbox)

    def _named(self) -> list[_Named]:
        watched = [
            _Named(source, reference)
            for source in self._sources()
            for reference in dict.fromkeys(map(folder_name, source.folders))
        ]
        return watched + [
            _Named(source, target, is_target=True)
            for source in self._sources()
            for target in dict.fromkeys(_targets(source))
        ]

    async def _folder(self, named: _Named) -> Finding:
        source, reference = named.source, named.reference
        subject = f"{source.mailbox} {reference}"
        if source.mailbox.casefold() in self.unread:
            return not_run(FOLDER, "not looked at: its mailbox cannot be read", subject=subject)
        reader = FolderReader(self.graph())
        try:
            if named.is_target:
                await MailboxWriter(self.graph(), reader, self.clock).target(source.mailbox, reference)
                return ok(FOLDER, "is there, to move mail to", subject=subject)
            if await reader.find(source.mailbox, reference) is not None:
                return ok(FOLDER, "is there", subject=subject)
            return await self._missing(reader, named, subject)
        except ConfigurationFault as fault:
            if not named.is_target:
                return self._lost(source, failed(FOLDER, fault.reason, fault.remedy, subject=subject))
            return await self._missing(reader, named, subject)
        except Transient as fault:
            return _again(FOLDER, subject, fault)
        except VaultpostError as fault:
            remedy = "Look at mailbox and folders of this source in mail-sources.toml."
            return self._lost(source, failed(FOLDER, str(fault), remedy, subject=subject))

    def _lost(self, source: Source, finding: Finding) -> Finding:
        self.lost.add(source.key_name)
        return finding

    async def _missing(self, reader: FolderReader, named: _Named, subject: str) -> Finding:
        meant = await _meant(reader, named.source.mailbox, named.reference)
        key = "move-to" if named.is_target else "folders"
        hint = f'Did you mean "{meant}"? ' if meant else ""
        remedy = (
            f'{hint}Correct {key} of source "{named.source.name}" in mail-sources.toml, or make the folder '
            "in Outlook."
        )
        finding = failed(FOLDER, f'there is no folder "{named.reference}"', remedy, subject=subject)
        return finding if named.is_target else self._lost(named.source, finding)


def unreadable(mailbox: str, fault: VaultpostError) -> Finding:
    """Why a mailbox cannot be read: out of the app's scope, not there, or not now."""
    if isinstance(fault, ConfigurationFault):
        return failed(MAILBOX, fault.reason, fault.remedy, subject=mailbox)
    if isinstance(fault, Transient):
        return _again(MAILBOX, mailbox, fault)
    if isinstance(fault, NotFound) and fault.code.casefold() in _NOT_IN_CLOUD:
        return failed(
            MAILBOX,
            f"has no mailbox in Exchange Online ({fault.code}): it is on premises, inactive, or not licensed",
            f"Move it to Exchange Online, or license it. Exchange Online PowerShell: Get-Recipient {mailbox}",
            subject=mailbox,
        )
    return failed(
        MAILBOX,
        f"there is no such mailbox in this tenant ({fault})",
        "Correct mailbox in mail-sources.toml: the primary address or the object id. "
        f"Exchange Online PowerShell: Get-Mailbox {mailbox}",
        subject=mailbox,
    )


def _again(check: str, subject: str, fault: Transient) -> Finding:
    """Throttled is no fault of the set-up: who set it up reads much at once."""
    if fault.origin == "mailbox":
        return warning(
            check, f"{fault}: too many requests at the moment", "Run the doctor again.", subject=subject
        )
    return failed(
        check,
        str(fault),
        "Run the doctor again. Graph's own state: Microsoft 365 admin center > Health > Service health.",
        subject=subject,
    )


def _targets(source: Source) -> Iterator[str]:
    """The folders that mail of a source is moved to, by itself and by its rules."""
    if source.mode == "observe":
        return
    parts: tuple[Source | Rule, ...] = (source, *source.rule)
    for part in parts:
        yield from (target for target in (part.after.move_to, part.on_failure.move_to) if target)


async def _meant(reader: FolderReader, mailbox: str, reference: str) -> str | None:
    """The folder that was meant by one that is not there: the same name at the top, or a near one."""
    above, slash, last = reference.strip("/").rpartition("/")
    top = above or "msgfolderroot"
    if not slash:
        if known := near(last, WELL_KNOWN_FOLDERS):
            return known
        if await reader.find(mailbox, f"{top}/{last}") is not None:
            return f"{top}/{last}"
    parent = await reader.find(mailbox, top)
    if parent is None:
        return await _meant(reader, mailbox, above) if slash else None
    name = near(last, await _names_below(reader, mailbox, parent))
    return f"{top}/{name}" if name else None


async def _names_below(reader: FolderReader, mailbox: str, parent: Folder) -> list[str]:
    names: list[str] = []
    async for folder in reader.below(mailbox, parent):
        names.append(folder.name)
        if len(names) == _LOOKED_THROUGH:
            break
    return names
