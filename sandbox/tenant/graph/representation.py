"""Messages, attachments, folders and subscriptions as the JSON of Microsoft Graph v1.0."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.tenant.graph.folder_log import DELETED, Shown
from sandbox.tenant.graph.mail import Address, Body, MailContent, conversation_id
from sandbox.tenant.graph.query import Expansion, Selection
from sandbox.tenant.graph.schema import FILE_ATTACHMENT, MESSAGE, NOT_BASIC
from sandbox.tenant.graph.store import Attachment, AttachmentKind, Folder, Mailbox, Message
from sandbox.tenant.graph.subscriptions import Subscription

Json = dict[str, Any]


@dataclass(frozen=True)
class View:
    """Who asks: by which address, for which mailbox, with which ids, for basic properties alone or not."""

    root: str
    mailbox: Mailbox
    immutable_ids: bool = False
    basic: bool = False

    def context(self, path: str, select: Selection = None, *, single: bool = False) -> str:
        """`@odata.context` of an answer below this mailbox."""
        fields = f"({','.join(select)})" if select else ""
        end = "/$entity" if single else ""
        return f"{self.root}/$metadata#users('{self.mailbox.id}')/{path}{fields}{end}"

    def message_path(self, message: Message) -> str:
        """The message within contexts, its id encoded."""
        return f"messages('{quote(message.ids.shown(self.immutable_ids), safe='')}')"


def zulu(moment: datetime) -> str:
    """A time to the second, as mail has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def message_json(view: View, message: Message, select: Selection, expand: Expansion | None) -> Json:
    """One message, with its context."""
    fields = (*select, "attachments()") if select and expand else select
    answer: Json = {
        "@odata.context": view.context("messages", fields, single=True),
        **message_item(view, message, select),
    }
    if expand is not None:
        path = f"{view.message_path(message)}/attachments"
        answer["attachments@odata.context"] = view.context(path, expand.select)
        answer["attachments"] = [
            await attachment_json(view, attachment, expand.select) for attachment in message.attachments
        ]
    return answer


def message_item(view: View, message: Message, select: Selection) -> Json:
    """One message within a collection, without a context."""
    answer: Json = {"@odata.etag": f'W/"{message.change_key}"'}
    properties = _chosen(_message_properties(view, message), select or _usual(view))
    if message.meeting is None:
        return answer | properties
    derived = message.meeting.properties if select is None else {}
    return {"@odata.type": f"#microsoft.graph.{message.meeting.type_name}"} | answer | properties | derived


def delta_item(view: View, shown: Shown, select: Selection) -> Json:
    """One change of a delta query. What has left is known by the ids that it had then."""
    answer: Json = {"@odata.type": "#microsoft.graph.message"}
    if shown.kind != DELETED:
        return answer | message_item(view, shown.message, select)
    return answer | {"id": shown.ids.shown(view.immutable_ids), "@removed": {"reason": shown.reason}}


async def attachment_json(view: View, attachment: Attachment, select: Selection) -> Json:
    """One attachment, without a context. A file's content is read from disk only where it is asked for."""
    properties: Json = {
        "id": attachment.ids.shown(view.immutable_ids),
        "lastModifiedDateTime": zulu(attachment.modified),
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": attachment.size,
        "isInline": attachment.inline,
    }
    answer: Json = {"@odata.type": f"#microsoft.graph.{attachment.kind.value}"}
    answer |= _chosen(properties, select or tuple(properties))
    if attachment.kind is AttachmentKind.FILE:
        answer |= await _file_properties(attachment, select)
    return answer


def folder_json(view: View, folder: Folder, select: Selection) -> Json:
    """One folder, without a context. Folders that are hidden are not counted."""
    with view.mailbox.lock:
        held = folder.log.messages()
    properties: Json = {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent.id if folder.parent else folder.id,
        "childFolderCount": sum(not child.hidden for child in folder.children),
        "unreadItemCount": sum(not message.is_read for message in held),
        "totalItemCount": len(held),
        "isHidden": folder.hidden,
    }
    return _chosen(properties, select or tuple(properties))


def subscription_json(subscription: Subscription, *, client_state: bool) -> Json:
    """One subscription, without a context. The client state shows only in answers to POST and PATCH."""
    return {
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.app_id,
        "changeType": subscription.change_type,
        "clientState": subscription.client_state if client_state else None,
        "notificationUrl": subscription.notification_url,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": _exact(subscription.expires),
        "creatorId": str(uuid.uuid5(uuid.NAMESPACE_OID, subscription.app_id)),
        "latestSupportedTlsVersion": subscription.tls_version,
        "encryptionCertificate": "",
        "encryptionCertificateId": "",
        "includeResourceData": False,
        "notificationQueryOptions": None,
        "notificationUrlAppId": None,
    }


def _usual(view: View) -> tuple[str, ...]:
    if not view.basic:
        return MESSAGE.usual
    return tuple(name for name in MESSAGE.usual if name not in NOT_BASIC)


def _chosen(properties: Mapping[str, Any], names: Sequence[str]) -> Json:
    """The properties named, in their own order, and always the id, as Graph answers."""
    return {name: value for name, value in properties.items() if name == "id" or name in names}


async def _file_properties(attachment: Attachment, select: Selection) -> Json:
    wanted = [
        name
        for name in ("contentId", "contentLocation", "contentBytes")
        if select is None or f"{FILE_ATTACHMENT}/{name}" in select
    ]
    properties: Json = {
        "contentId": attachment.content_id,
        "contentLocation": attachment.content_location,
    }
    if "contentBytes" in wanted and attachment.file is not None:
        held = not attachment.withheld
        content = await asyncio.to_thread(attachment.file.path.read_bytes) if held else b""
        properties["contentBytes"] = base64.b64encode(content).decode()
    return {name: properties[name] for name in wanted}


def _message_properties(view: View, message: Message) -> Json:
    content, shown = message.content, message.ids.shown(view.immutable_ids)
    properties: Json = {
        "id": shown,
        "createdDateTime": zulu(message.created),
        "lastModifiedDateTime": zulu(message.modified),
        "changeKey": message.change_key,
        "categories": list(message.categories),
        "receivedDateTime": zulu(message.received),
        "sentDateTime": zulu(content.sent or message.received),
        "hasAttachments": message.has_attachments,
        "internetMessageId": content.internet_message_id,
        "subject": content.subject,
        "bodyPreview": content.body_preview,
        "importance": content.importance,
        "parentFolderId": message.folder.id,
        "conversationId": conversation_id(content.thread or message.ids.immutable),
        "conversationIndex": content.thread_index,
        "isDeliveryReceiptRequested": content.delivery_receipt,
        "isReadReceiptRequested": content.read_receipt,
        "isRead": message.is_read,
        "isDraft": message.is_draft,
        "webLink": f"https://outlook.office365.com/owa/?ItemID={quote(shown, safe='')}"
        "&exvsurl=1&viewmodel=ReadMessageItem",
        "inferenceClassification": "focused",
        "internetMessageHeaders": [{"name": name, "value": value} for name, value in content.headers],
        "body": _body(content.body),
        "uniqueBody": _body(content.body),
        **_correspondents(content),
        "flag": {"flagStatus": "notFlagged"},
    }
    if message.is_draft:
        # It came no way yet. Whether the property is null or absent then is not on record.
        del properties["internetMessageHeaders"]
    return properties


def _correspondents(content: MailContent) -> Json:
    return {
        "sender": _recipient(content.sender) if content.sender else None,
        "from": _recipient(content.author) if content.author else None,
        "toRecipients": [_recipient(one) for one in content.to],
        "ccRecipients": [_recipient(one) for one in content.cc],
        "bccRecipients": [_recipient(one) for one in content.bcc],
        "replyTo": [_recipient(one) for one in content.reply_to],
    }


def _recipient(address: Address) -> Json:
    return {"emailAddress": {"name": address.name, "address": address.address}}


def _body(body: Body) -> Json:
    return {"contentType": body.kind, "content": body.content}


def _exact(moment: datetime) -> str:
    """A time with as many decimals as it has."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
