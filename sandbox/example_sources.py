"""The configuration of the sandbox's own example: one mailbox, filed in the example vault."""

from __future__ import annotations

MAILBOX = "invoices@example.com"
SOURCE = "invoices"
_TEMPLATE = """\
[vault]
url = "{url}"
guid = "{guid}"
filing-key = "PD.FilingKey"

[[source]]
name = "{source}"
mailbox = "{mailbox}"
folders = ["inbox"]

[source.document]
class = "CL.Mail"
title = "{{{{ subject }}}}"

[source.document.properties]
"PD.From" = "{{{{ from.address }}}}"
"PD.To" = "{{{{ to }}}}"
"PD.Cc" = "{{{{ cc }}}}"
"PD.Subject" = "{{{{ subject }}}}"
"PD.MessageId" = "{{{{ message_id }}}}"
"PD.Sent" = "{{{{ sent }}}}"
"PD.Received" = "{{{{ received }}}}"
"PD.ReceivedDate" = "{{{{ received }}}}"
"PD.Importance" = {{ value = "{{{{ importance }}}}", optional = true }}
"PD.HasAttachments" = "{{{{ 'true' if attachments else 'false' }}}}"
"""


def example_sources(url: str, guid: str, source: str = SOURCE, mailbox: str = MAILBOX) -> str:
    """The text of a `mail-sources.toml` for the vault at `url`."""
    return _TEMPLATE.format(url=url, guid=guid, source=source, mailbox=mailbox)
