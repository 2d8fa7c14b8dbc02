"""The forms in which the documentation shows one and the same change notification.

learn.microsoft.com/graph/outlook-change-notifications-overview, learn.microsoft.com/graph/webhooks,
learn.microsoft.com/graph/api/resources/changenotification
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

INDIA = timezone(timedelta(hours=5, minutes=30))


@dataclass(frozen=True)
class Form:
    """`resource` and `odata_id` are templates of mailbox, tenant and message.

    `has_id` says whether the notification has an `id` of its own.
    """

    resource: str
    odata_id: str
    odata_type: str
    end: Callable[[datetime], str]
    has_id: bool


def seven_decimals(moment: datetime) -> str:
    """A time with seven decimals and an offset instead of Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")


def far_away(moment: datetime) -> str:
    """The same with the offset of another zone, as one of the examples has it."""
    return moment.astimezone(INDIA).strftime("%Y-%m-%dT%H:%M:%S.%f0+05:30")


def zulu_milliseconds(moment: datetime) -> str:
    """A time with three decimals and Z."""
    return f"{moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z"


USUAL = Form(
    "Users/{mailbox}/Messages/{message}",
    "Users/{mailbox}/Messages/{message}",
    "#Microsoft.Graph.Message",
    seven_decimals,
    has_id=False,
)
FORMS = (
    USUAL,
    Form(
        "users/{mailbox}@{tenant}/messages/{message}",
        "Users/{mailbox}@{tenant}/Messages/{message}",
        "#Microsoft.Graph.Message",
        zulu_milliseconds,
        has_id=True,
    ),
    Form(
        "Users('{mailbox}')/messages('{message}')",
        "Users('{mailbox}')/messages('{message}')",
        "#microsoft.graph.message",
        far_away,
        has_id=True,
    ),
)
