"""Meeting requests, responses and cancellations: mail that carries iCalendar with a method (RFC 6047).

Types and properties: learn.microsoft.com/graph/api/resources/eventmessage, .../eventmessagerequest,
.../eventmessageresponse. Exchange shows times in UTC; those of another zone, and recurrences, are null here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message as MimePart
from typing import Any

from sandbox.tenant.graph.contents import part_bytes
from sandbox.tenant.graph.text import decode_bytes, guarded

CALENDAR = "text/calendar"
TYPES = {"REQUEST": "eventMessageRequest", "REPLY": "eventMessageResponse", "CANCEL": "eventMessage"}
KINDS = {"REQUEST": "meetingRequest", "CANCEL": "meetingCancelled"}
REPLIES = {
    "ACCEPTED": ("meetingAccepted", "accepted"),
    "TENTATIVE": ("meetingTenativelyAccepted", "tentativelyAccepted"),
    "DECLINED": ("meetingDeclined", "declined"),
}


@dataclass(frozen=True)
class Meeting:
    """What a mail is as an `eventMessage`: its type, and the properties that this adds."""

    type_name: str
    properties: dict[str, Any]


def is_meeting_part(part: MimePart) -> bool:
    """Whether Exchange makes of this part an event message, and no attachment."""
    if guarded(part.get_content_type, "") != CALENDAR or _method(part) not in TYPES:
        return False
    return guarded(part.get_content_disposition, None) != "attachment"


def read_meeting(part: MimePart) -> Meeting:
    """The meeting of a part that is one."""
    method, event = _method(part), _Event(decode_bytes(part_bytes(part), "utf-8"))
    properties: dict[str, Any] = {
        "meetingMessageType": KINDS.get(method) or event.reply[0],
        "type": "seriesMaster" if event.value("RRULE") else "singleInstance",
        "isOutOfDate": False,
        "isAllDay": event.all_day,
        "isDelegated": False,
        "startDateTime": event.time("DTSTART"),
        "endDateTime": event.time("DTEND"),
        "location": {
            "displayName": event.value("LOCATION") or "",
            "locationType": "default",
            "uniqueIdType": "unknown",
        },
        "recurrence": None,
    }
    if method == "REQUEST":
        properties |= {
            "previousLocation": None,
            "previousStartDateTime": None,
            "previousEndDateTime": None,
            "responseRequested": event.wants_response,
            "allowNewTimeProposals": None,
            "meetingRequestType": "newMeetingRequest",
        }
    elif method == "REPLY":
        properties |= {"responseType": event.reply[1], "proposedNewTime": None}
    return Meeting(TYPES[method], properties)


def _method(part: MimePart) -> str:
    return str(guarded(lambda: part.get_param("method"), None) or "").upper()


class _Event:
    """The first event of an iCalendar (RFC 5545); absent or damaged properties are None."""

    def __init__(self, text: str) -> None:
        lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()
        begin = next((at for at, line in enumerate(lines) if line.upper() == "BEGIN:VEVENT"), len(lines))
        self._lines = lines[begin:]

    def value(self, name: str) -> str | None:
        line = self._line(name)
        return re.sub(r"\\([\\;,])", r"\1", line.partition(":")[2]) if line else None

    def time(self, name: str) -> dict[str, str] | None:
        try:
            moment = datetime.strptime(self.value(name) or "", "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - UTC by its Z
        except ValueError:
            return None
        return {"dateTime": f"{moment.isoformat()}.0000000", "timeZone": "UTC"}

    @property
    def all_day(self) -> bool:
        return re.fullmatch(r"\d{8}", self.value("DTSTART") or "") is not None

    @property
    def wants_response(self) -> bool:
        return "RSVP=TRUE" in self._line("ATTENDEE").upper()

    @property
    def reply(self) -> tuple[str, str]:
        """The kind of a response as `meetingMessageType` and as `responseType`."""
        found = re.search(r"PARTSTAT=([A-Z-]+)", self._line("ATTENDEE").upper())
        return REPLIES.get(found[1] if found else "", ("none", "none"))

    def _line(self, name: str) -> str:
        return next((line for line in self._lines if re.match(rf"{name}[;:]", line, re.IGNORECASE)), "")
