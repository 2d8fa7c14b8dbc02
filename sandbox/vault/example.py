"""The structure of the example vault. Ids have gaps, so that nobody takes a position for an id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sandbox.vault.structure import (
    CLASS,
    CLASS_LIST,
    CREATED,
    CREATED_BY,
    DELETED,
    DOCUMENT,
    LAST_MODIFIED,
    NAME_OR_TITLE,
    SINGLE_FILE,
    STATE,
    STATE_LIST,
    USER_LIST,
    WORKFLOW,
    WORKFLOW_LIST,
    DataType,
    Element,
    ObjectClass,
    ObjectType,
    PropertyDefinition,
    State,
    Structure,
    ValueList,
    Workflow,
)

CUSTOMER_TYPE = 136
ACCOUNT_ID = 25

FROM = 1302
MAIL_PROPERTIES = (1301, FROM, 1303, 1304, 1305, 1306, 1308, 1309, 1310, 1312, 1313, 1315, 1316, 1320, 1321)

E = TypeVar("E", bound=Element)


def _by_id(elements: Iterable[E]) -> dict[int, E]:
    return {element.id: element for element in elements}


def _built_in() -> Iterable[PropertyDefinition]:
    define = PropertyDefinition
    lookup = DataType.LOOKUP
    yield define(id=NAME_OR_TITLE, name="Name or title", data_type=DataType.TEXT)
    yield define(id=CREATED, name="Created", data_type=DataType.TIMESTAMP, kept_by_server=True)
    yield define(id=LAST_MODIFIED, name="Last modified", data_type=DataType.TIMESTAMP, kept_by_server=True)
    yield define(id=SINGLE_FILE, name="Single file", data_type=DataType.BOOLEAN)
    yield define(
        id=CREATED_BY, name="Created by", data_type=lookup, value_list=USER_LIST, kept_by_server=True
    )
    yield define(id=DELETED, name="Deleted", data_type=DataType.TIMESTAMP, kept_by_server=True)
    yield define(id=WORKFLOW, name="Workflow", data_type=lookup, value_list=WORKFLOW_LIST)
    yield define(id=STATE, name="State", data_type=lookup, value_list=STATE_LIST)
    yield define(id=CLASS, name="Class", data_type=lookup, value_list=CLASS_LIST)


def _own() -> Iterable[PropertyDefinition]:
    kinds = DataType
    for number, name, alias, kind, value_list in (
        (1301, "Filing key", "PD.FilingKey", kinds.TEXT, None),
        (FROM, "From", "PD.From", kinds.TEXT, None),
        (1303, "To", "PD.To", kinds.MULTI_LINE_TEXT, None),
        (1304, "Cc", "PD.Cc", kinds.MULTI_LINE_TEXT, None),
        (1305, "Subject", "PD.Subject", kinds.MULTI_LINE_TEXT, None),
        (1306, "Message ID", "PD.MessageId", kinds.MULTI_LINE_TEXT, None),
        (1308, "Sent", "PD.Sent", kinds.TIMESTAMP, None),
        (1309, "Received", "PD.Received", kinds.TIMESTAMP, None),
        (1310, "Received date", "PD.ReceivedDate", kinds.DATE, None),
        (1312, "Has attachments", "PD.HasAttachments", kinds.BOOLEAN, None),
        (1313, "Importance", "PD.Importance", kinds.LOOKUP, 101),
        (1315, "Categories", "PD.Categories", kinds.MULTI_SELECT_LOOKUP, 104),
        (1316, "Attachment count", "PD.AttachmentCount", kinds.INTEGER, None),
        (1320, "Customer", "PD.Customer", kinds.LOOKUP, 107),
        (1321, "Ticket", "PD.Ticket", kinds.TEXT, None),
        (1330, "Our reference", "PD.Reference", kinds.TEXT, None),
        (1331, "Your reference", "PD.Reference", kinds.TEXT, None),
    ):
        yield PropertyDefinition(id=number, name=name, alias=alias, data_type=kind, value_list=value_list)


def _classes() -> Iterable[ObjectClass]:
    yield ObjectClass(id=0, name="Unclassified document")
    yield ObjectClass(id=1, name="Other document")
    yield ObjectClass(id=207, name="Mail", alias="CL.Mail", optional=MAIL_PROPERTIES)
    yield ObjectClass(id=208, name="Invoice", alias="CL.Invoice", optional=MAIL_PROPERTIES)
    yield ObjectClass(
        id=211,
        name="Purchase order",
        alias="CL.PurchaseOrder",
        required=(NAME_OR_TITLE, FROM),
        optional=tuple(number for number in MAIL_PROPERTIES if number != FROM),
    )
    yield ObjectClass(id=215, name="Customer", alias="CL.Customer", object_type=CUSTOMER_TYPE)


def _value_lists() -> Iterable[ValueList]:
    yield ValueList(
        id=101,
        name="Importance",
        plural="Importances",
        alias="VL.Importance",
        items={2: "Low", 3: "Normal", 5: "High"},
    )
    yield ValueList(
        id=104,
        name="Category",
        plural="Categories",
        alias="VL.Categories",
        items={11: "Blue category", 12: "Red category", 14: "Projects"},
    )
    yield ValueList(
        id=107,
        name="Customer name",
        plural="Customer names",
        alias="VL.Customers",
        items={663: "example.com", 665: "contoso.com", 668: "fabrikam.com"},
    )


def example_structure(account: str) -> Structure:
    """The structure, with `account` as the first user."""
    return Structure(
        object_types=_by_id(
            (
                ObjectType(
                    id=DOCUMENT, name="Document", plural="Documents", alias="OT.Document", can_have_files=True
                ),
                ObjectType(
                    id=CUSTOMER_TYPE,
                    name="Customer",
                    plural="Customers",
                    alias="OT.Customer",
                    can_have_files=False,
                ),
            )
        ),
        classes=_by_id(_classes()),
        properties=_by_id((*_built_in(), *_own())),
        value_lists=_by_id(_value_lists()),
        workflows=_by_id(
            (
                Workflow(
                    id=110,
                    name="Mail processing",
                    alias="WF.Mail",
                    states=(
                        State(id=150, name="New", alias="WFS.Mail.New"),
                        State(id=152, name="Processed", alias="WFS.Mail.Processed"),
                    ),
                ),
            )
        ),
        users={ACCOUNT_ID: account},
    )
