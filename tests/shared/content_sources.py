"""A `mail-sources.toml` that files each kind of content, and a value of every data type."""

from __future__ import annotations

FILES, LOOKS = "files", "looks"
"""The source that files, and the one that only observes."""
_TEXT = r"""
time-zone = "Pacific/Auckland"

[vault]
url = "{url}"
guid = "{guid}"
filing-key = "PD.FilingKey"

[[source]]
name = "files"
mailbox = "{files}"

[source.document]
class = "CL.Mail"
content = "message-and-attachments"
title = "{{{{ subject }}}} ({{{{ received | date('%d.%m.%Y') }}}})"
workflow = "Mail processing"
state = "WFS.Mail.New"
additional-classes = ["CL.Confidential"]
version-comment = "From {{{{ from.name }}}}: {{{{ subject }}}}"

[source.document.properties]
"PD.From" = "{{{{ from.address }}}}"
"PD.To" = "{{{{ to | map(attribute='address') | join('{line}') }}}}"
"PD.Body" = "{{{{ body }}}}"
"PD.AttachmentCount" = "{{{{ attachment_count }}}}"
"PD.Size" = "{{{{ header('X-Megabytes') }}}}"
"PD.ReceivedDate" = "{{{{ received }}}}"
"PD.ReceivedTime" = "{{{{ received }}}}"
"PD.Sent" = "{{{{ sent }}}}"
"PD.HasAttachments" = "{{{{ has_attachments }}}}"
"PD.Importance" = {{ value = 5, by = "id" }}
"PD.Categories" = {{ value = "{{{{ header('X-Categories') }}}}", by = "name", add-missing = true }}
"PD.Customer" = {{ value = "{{{{ from.domain }}}}", add-missing = true }}
"PD.Department" = {{ value = "{{{{ header('X-Department') }}}}", by = "external-id" }}
"PD.SubjectArea" = {{ value = "{{{{ header('X-Area') }}}}", owner = "{{{{ header('X-Owner') }}}}" }}
"PD.CustomerRecord" = {{ value = "{{{{ from.domain }}}}", match = "PD.EmailDomain", optional = true }}
"PD.Contacts" = {{ value = "{{{{ from.address }}}}", match = "PD.EmailAddress", optional = true }}
"PD.Ticket" = {{ value = "{{{{ subject | group('(T-[0-9]+)') }}}}", optional = true }}
"Our reference" = "{{{{ header('References') }}}}"
1331 = 4711

[[source.rule]]
name = "newsletters"
when = "header('List-Id')"
skip = true

[[source.rule]]
name = "as-text"
when = "header('X-Form') == 'text'"
document = {{ content = "message", message-format = "text" }}

[[source.rule]]
name = "as-html"
when = "header('X-Form') == 'html'"
document = {{ message-format = "html" }}
attachments = {{ inline = "skip" }}

[[source.rule]]
name = "message-alone"
when = "header('X-Form')"
document = {{ content = "message" }}

[[source.rule]]
name = "orders"
when = "from.domain == 'fabrikam.com' and subject is matching('(?i)^order')"

[source.rule.document]
content = "linked-attachments"
duplicates = "skip"

[source.rule.document.attachment]
class = "CL.Attachment"
title = "{{{{ attachment.number }}}} {{{{ attachment.name }}}}"

[source.rule.document.attachment.properties]
"PD.Ticket" = "{{{{ subject | group('(T-[0-9]+)') }}}}"
"PD.AttachmentCount" = "{{{{ attachment.size }}}}"

[[source.rule]]
name = "scans"
when = "subject is matching('^Scan')"
document = {{ content = "attachments", without-attachments = "skip" }}
attachments = {{ deny = ["*.exe"], allow = ["*.pdf", "image/*", "*.exe"], largest = "1KB" }}

[[source.rule]]
name = "faxes"
when = "subject is matching('^Fax')"
document = {{ content = "attachments" }}

[[source.rule]]
name = "tickets"
when = "subject | group('(T-[0-9]+)')"
document = {{ class = "CL.Ticket" }}

[[source.rule]]
name = "mails"
when = "importance == 'high'"
document = {{ object-type = "Email", class = "Email", additional-classes = [] }}

[[source]]
name = "looks"
mailbox = "{looks}"
mode = "observe"

[source.document]
class = "CL.Mail"
content = "linked-attachments"
properties = {{ "PD.Customer" = {{ value = "{{{{ from.domain }}}}", add-missing = true }} }}

[[source.rule]]
name = "orders"
when = "subject is matching('^Order')"
"""


def content_sources(url: str, guid: str, files: str, looks: str) -> str:
    """The text of it, for a vault and two mailboxes."""
    return _TEXT.format(url=url, guid=guid, files=files, looks=looks, line=r"\n")
