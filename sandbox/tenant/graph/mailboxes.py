"""The mailboxes of a tenant and their folders."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.tenant.graph.delta_tokens import DeltaTokens, TokenLoss
from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.store import Folder, Mailbox

ROOT = "msgfolderroot"
WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "archive": "Archive",
    "outbox": "Outbox",
}


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class Mailboxes:
    """Mailboxes by address or object id, with the delta tokens given for them."""

    def __init__(self, directory: Path, now: Callable[[], datetime], ids: IdSource) -> None:
        self.now = now
        self.delta_tokens = DeltaTokens()
        self._directory = directory
        self._ids = ids
        self._mailboxes: dict[str, Mailbox] = {}

    def add_mailbox(self, address: str) -> Mailbox:
        """A new mailbox with the folders that every mailbox has. Raises ValueError for a known address."""
        if address.lower() in self._mailboxes:
            raise ValueError(f"mailbox {address} exists")
        mailbox_id = str(uuid.uuid4())
        root = Folder(self._ids.folder(), "Top of Information Store", None, ROOT)
        for well_known, name in WELL_KNOWN.items():
            root.children.append(Folder(self._ids.folder(), name, root, well_known))
        mailbox = Mailbox(mailbox_id, address, self._directory / mailbox_id, root)
        self._mailboxes[address.lower()] = mailbox
        self._mailboxes[mailbox_id] = mailbox
        return mailbox

    def mailbox(self, user: str) -> Mailbox:
        """The mailbox of an address or object id, in any case. Raises LookupError when there is none."""
        try:
            return self._mailboxes[user.lower()]
        except KeyError:
            raise LookupError(f"no mailbox {user}") from None

    def add_folder(self, mailbox: str, path: str, *, hidden: bool = False) -> Folder:
        """The folder at `path`, made with those above it where missing, e.g. `inbox/Scans`.

        `hidden`: the last one is, if it is made.
        """
        *above, last = path.split("/")
        folder = self.mailbox(mailbox).root
        for step in above:
            folder = _child(folder, step) or self._new_child(folder, step)
        return _child(folder, last) or self._new_child(folder, last, hidden=hidden)

    def folder(self, mailbox: str, path: str) -> Folder:
        """The folder with this id or at this path. Raises LookupError when there is none."""
        box = self.mailbox(mailbox)
        folder: Folder | None = box.folder(path)
        if folder is not None:
            return folder
        folder = box.root
        for step in path.split("/"):
            folder = _child(folder, step)
            if folder is None:
                raise LookupError(f"no folder {path} in {mailbox}")
        return folder

    def rename_folder(self, mailbox: str, path: str, name: str) -> Folder:
        """Rename a folder, which keeps its id. Raises LookupError; ValueError for a well-known one."""
        folder = self.own_folder(mailbox, path)
        folder.name = name
        return folder

    def move_folder(self, mailbox: str, path: str, parent: str) -> Folder:
        """Move a folder with all it holds; no id changes.

        Raises LookupError; ValueError for a well-known one, or one that would be below itself.
        """
        folder, target = self.own_folder(mailbox, path), self.folder(mailbox, parent)
        if target in folder.below():
            raise ValueError(f"{parent} is below {path}")
        detach(folder)
        folder.parent = target
        target.children.append(folder)
        return folder

    def expire_delta_tokens(self, mailbox: str | None = None, loss: TokenLoss = TokenLoss.NOT_FOUND) -> None:
        """No delta token given so far is known any more: of one mailbox, or of all. Raises LookupError."""
        for box in [self.mailbox(mailbox)] if mailbox is not None else self._mailboxes.values():
            box.sync_generation += 1
            box.token_loss = loss

    def make_delta_unruly(self, mailbox: str, unruly: bool = True) -> None:
        """Let the delta query do all that the documentation allows it to: `delta_pages.page_of`."""
        self.mailbox(mailbox).unruly_delta = unruly

    def _new_child(self, folder: Folder, name: str, *, hidden: bool = False) -> Folder:
        child = Folder(self._ids.folder(), name, folder, hidden=hidden)
        folder.children.append(child)
        return child

    def own_folder(self, mailbox: str, path: str) -> Folder:
        """A folder that not every mailbox has. Raises LookupError; ValueError for a well-known one."""
        folder = self.folder(mailbox, path)
        if folder.well_known is not None:
            raise ValueError(f"{path} is a folder that every mailbox has")
        return folder

    def _second(self) -> datetime:
        return self.now().astimezone(UTC).replace(microsecond=0)


def _child(folder: Folder, step: str) -> Folder | None:
    """By name in any case: Exchange has no two that differ only by it."""
    for child in folder.children:
        if step.lower() == child.well_known or step.casefold() == child.name.casefold():
            return child
    return None


def detach(folder: Folder) -> None:
    """Take a folder away from the one that it is in."""
    if folder.parent is not None:
        folder.parent.children.remove(folder)
