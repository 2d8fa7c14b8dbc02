"""The files of a mail by what the vault calls them, and what the journal says of them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.file_names import Called, vault_names
from shared.manifest import EMPTY, ITEM, NO_ADDRESS, PLACEHOLDER, REFERENCE, Manifest, StagedFile
from shared.plan import PlannedFile

_ITEM_EXTENSIONS = {"text/calendar": "ics", "text/vcard": "vcf"}
_NOTES = {
    EMPTY: "is empty",
    PLACEHOLDER: "is a placeholder: its content did not come in time",
    NO_ADDRESS: "is a link, and Graph does not say where to: it leads to the mail",
}


@dataclass(frozen=True)
class NamedFile:
    """A staged file with what the vault calls it."""

    file: StagedFile
    title: str
    extension: str

    @property
    def planned(self) -> PlannedFile:
        """The file as it is filed unchanged."""
        file = self.file
        return PlannedFile(file.path, self.title, self.extension, size=file.size, sha256=file.sha256)


@dataclass(frozen=True)
class AttachmentFacts:
    """An attachment as the templates of its own document see it; `name` is without the extension."""

    name: str
    extension: str
    type: str
    size: int
    number: int

    @classmethod
    def of(cls, attached: NamedFile) -> AttachmentFacts:
        """The facts of a file."""
        file = attached.file
        return cls(attached.title, attached.extension, file.type, file.size, file.number)


def named_files(manifest: Manifest, title: str, extension: str) -> list[NamedFile]:
    """The files of a mail, unlike one another; its message is called by the title of the document."""
    names = vault_names([_called(file, title, extension) for file in manifest.files])
    return [NamedFile(file, *name) for file, name in zip(manifest.files, names, strict=True)]


def _called(file: StagedFile, title: str, extension: str) -> Called:
    if file.kind == "message":
        return Called(title, extension=extension)
    if file.attached_as == ITEM:
        # It is called by its subject.
        return Called(file.name, extension=_ITEM_EXTENSIONS.get(file.type, "eml"))
    if file.attached_as == REFERENCE:
        return Called(file.name, extension="url")
    return Called(file.name, file.type)


def warnings_of(manifest: Manifest) -> list[str]:
    """What is to be known of the attachments, by number."""
    left_out = [
        f"attachment {left.number} ({left.kind}) is within the message only" for left in manifest.left_out
    ]
    # A note of a later version is none that this one knows.
    noted = [(file.number, _NOTES.get(file.note)) for file in manifest.files]
    return left_out + [f"attachment {number} {note}" for number, note in noted if note is not None]
