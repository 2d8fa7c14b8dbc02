"""The properties of the types that Graph answers with here, in the order of its answers.

Names: the published CSDL of Microsoft Graph v1.0. A name that is not here is refused in a request and never
in an answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EntityType:
    """One type: what an answer has without `$select`, what only `$select` brings, what derived types add."""

    name: str
    usual: tuple[str, ...]
    on_request: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    @property
    def selectable(self) -> frozenset[str]:
        """Every name that `$select` may hold; those of derived types with the type before a slash."""
        return frozenset(self.usual + self.on_request + self.derived)


MESSAGE = EntityType(
    "message",
    usual=(
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "categories",
        "receivedDateTime",
        "sentDateTime",
        "hasAttachments",
        "internetMessageId",
        "subject",
        "bodyPreview",
        "importance",
        "parentFolderId",
        "conversationId",
        "isDeliveryReceiptRequested",
        "isReadReceiptRequested",
        "isRead",
        "isDraft",
        "webLink",
        "inferenceClassification",
        "body",
        "sender",
        "from",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "flag",
    ),
    on_request=("conversationIndex", "internetMessageHeaders", "uniqueBody"),
)

# What Mail.ReadBasic does not show: learn.microsoft.com/graph/permissions-reference
NOT_BASIC = frozenset({"body", "bodyPreview", "uniqueBody", "internetMessageHeaders"})

FILE_ATTACHMENT = "microsoft.graph.fileAttachment"

ATTACHMENT = EntityType(
    "attachment",
    usual=("id", "lastModifiedDateTime", "name", "contentType", "size", "isInline"),
    derived=tuple(f"{FILE_ATTACHMENT}/{name}" for name in ("contentId", "contentLocation", "contentBytes")),
)

MAIL_FOLDER = EntityType(
    "mailFolder",
    usual=(
        "id",
        "displayName",
        "parentFolderId",
        "childFolderCount",
        "unreadItemCount",
        "totalItemCount",
        "isHidden",
    ),
)

SUBSCRIPTION = EntityType(
    "subscription",
    usual=(
        "id",
        "resource",
        "applicationId",
        "changeType",
        "clientState",
        "notificationUrl",
        "lifecycleNotificationUrl",
        "expirationDateTime",
        "creatorId",
        "latestSupportedTlsVersion",
        "encryptionCertificate",
        "encryptionCertificateId",
        "includeResourceData",
        "notificationQueryOptions",
        "notificationUrlAppId",
    ),
)
