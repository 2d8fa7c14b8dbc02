"""Which permissions in Exchange Online the configuration needs, in which mailboxes, and why: the least.

Mail.Read, for subscriptions too: these take no permission to write where one to read is enough, so that it is
needed beside Mail.ReadWrite (learn.microsoft.com/graph/api/subscription-post-subscriptions). Mail.ReadWrite
is needed where mail is marked, moved or deleted (learn.microsoft.com/graph/api/message-update).
Mail.ReadBasic shows no text and no attachments (learn.microsoft.com/graph/permissions-reference).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import fields

from shared.configuration import After, Configuration, OnFailure, Rule, Source

Permission = Literal["Mail.Read", "Mail.ReadWrite"]
READ: Permission = "Mail.Read"
WRITE: Permission = "Mail.ReadWrite"


@dataclass(frozen=True)
class Reason:
    """The key of a source that needs a permission; `rule` names the rule that it stands in, if it does."""

    source: str
    key: str
    rule: str = ""

    def __str__(self) -> str:
        rule = f', rule "{self.rule}"' if self.rule else ""
        return f'source "{self.source}"{rule}: {self.key}'


@dataclass(frozen=True)
class Need:
    """A permission, and the mailboxes that it is needed in; none where it is not needed."""

    permission: Permission
    mailboxes: tuple[str, ...]
    reasons: tuple[Reason, ...]

    def __bool__(self) -> bool:
        """Whether it is needed at all."""
        return bool(self.mailboxes)

    @property
    def exchange_role(self) -> str:
        """Its name in RBAC for Applications.

        learn.microsoft.com/exchange/permissions-exo/application-rbac
        """
        return f"Application {self.permission}"


@dataclass(frozen=True)
class NeededPermissions:
    """What the app needs: to read, and to write."""

    read: Need
    write: Need

    @property
    def needs(self) -> tuple[Need, ...]:
        """Those that are needed somewhere."""
        return tuple(need for need in (self.read, self.write) if need)

    @property
    def graph_roles(self) -> tuple[str, ...]:
        """The application permissions of Microsoft Graph that a grant for the whole tenant has."""
        return tuple(need.permission for need in self.needs)

    def missing(self, roles: Collection[str]) -> tuple[str, ...]:
        """What a grant for the whole tenant lacks that has these `roles` in its tokens."""
        return tuple(role for role in self.graph_roles if role not in roles)

    def excess(self, roles: Collection[str]) -> tuple[str, ...]:
        """What of these `roles` nothing here needs, in their alphabetical order."""
        return tuple(sorted(set(roles) - set(self.graph_roles)))

    def of_mailbox(self, mailbox: str) -> tuple[Permission, ...]:
        """What is needed in one mailbox, in whatever case it is written."""
        folded = mailbox.casefold()
        return tuple(
            need.permission for need in self.needs if folded in (one.casefold() for one in need.mailboxes)
        )


def needed_permissions(configuration: Configuration) -> NeededPermissions:
    """What the sources that are enabled need. A source that only observes changes nothing in its mailbox."""
    enabled = [source for source in configuration.source if source.enabled]
    writing = [(source, tuple(_writing(source))) for source in enabled]
    read = Need(
        READ,
        _distinct(source.mailbox for source in enabled),
        tuple(Reason(source.name, "mailbox") for source in enabled),
    )
    write = Need(
        WRITE,
        _distinct(source.mailbox for source, reasons in writing if reasons),
        tuple(reason for _, reasons in writing for reason in reasons),
    )
    return NeededPermissions(read, write)


def _writing(source: Source) -> Iterator[Reason]:
    """What changes mail in the mailbox: of the source, and of its rules, which have what they inherit."""
    if source.mode == "observe":
        return
    yield from _changes(source, source)
    for rule in source.rule:
        yield from _changes(source, rule)


def _changes(source: Source, of: Source | Rule) -> Iterator[Reason]:
    rule = of.name if isinstance(of, Rule) else ""
    for table, values in (("after", of.after), ("on-failure", of.on_failure)):
        for key in _set(values):
            yield Reason(source.name, f"{table}.{key}", rule)


def _set(values: After | OnFailure) -> Iterator[str]:
    for field in fields(values):
        if getattr(values, field.name) != field.default:
            yield field.encode_name


def _distinct(mailboxes: Iterable[str]) -> tuple[str, ...]:
    """Each once, as it is first written: addresses and object ids count in any case."""
    found: dict[str, str] = {}
    for mailbox in mailboxes:
        found.setdefault(mailbox.casefold(), mailbox)
    return tuple(found.values())
