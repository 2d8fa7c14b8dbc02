"""The structure of the example vault. Ids have gaps, so that nobody takes a position for an id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from sandbox.vault.built_in import built_in_classes, built_in_object_types, built_in_properties
from sandbox.vault.structure import (
    DOCUMENT,
    NAME_OR_TITLE,
    DataType,
    Element,
    ObjectClass,
    ObjectTitles,
    ObjectType,
    PropertyDefinition,
    State,
    Structure,
    ValueList,
    Workflow,
)

CUSTOMER_TYPE, CONTACT_TYPE = 136, 138
CUSTOMER_CLASS, CONTACT_CLASS = 215, 216
ADMINISTRATOR_ID = 7
ACCOUNT_ID = 25

FROM, TICKET, DEPARTMENT, TICKET_TITLE = 1302, 1321, 1324, 1326
EMAIL_DOMAIN, EMAIL_ADDRESS = 1340, 1341
MAIL_PROPERTIES = (
    *(1301, FROM, 1303, 1304, 1305, 1306, 1308, 1309, 1310, 1311, 1312, 1313, 1315, 1316, 1317),
    *(1320, TICKET, 1322, 1323, DEPARTMENT, 1325, 1327, 1328, 1329),
)

E = TypeVar("E", bound=Element)


def _by_id(elements: Iterable[E]) -> dict[int, E]:
    return {element.id: element for element in elements}


def _own_properties() -> Iterable[PropertyDefinition]:
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
        (1311, "Received time", "PD.ReceivedTime", kinds.TIME, None),
        (1312, "Has attachments", "PD.HasAttachments", kinds.BOOLEAN, None),
        (1313, "Importance", "PD.Importance", kinds.LOOKUP, 101),
        (1315, "Categories", "PD.Categories", kinds.MULTI_SELECT_LOOKUP, 104),
        (1316, "Attachment count", "PD.AttachmentCount", kinds.INTEGER, None),
        (1317, "Size in megabytes", "PD.Size", kinds.FLOATING, None),
        (1320, "Customer", "PD.Customer", kinds.LOOKUP, 107),
        (TICKET, "Ticket", "PD.Ticket", kinds.TEXT, None),
        (1322, "Customer record", "PD.CustomerRecord", kinds.LOOKUP, CUSTOMER_TYPE),
        (1323, "Contacts", "PD.Contacts", kinds.MULTI_SELECT_LOOKUP, CONTACT_TYPE),
        (DEPARTMENT, "Department", "PD.Department", kinds.LOOKUP, 111),
        (1325, "Subject area", "PD.SubjectArea", kinds.LOOKUP, 114),
        (1327, "Conversation", "PD.Conversation", kinds.TEXT, None),
        (1328, "Body", "PD.Body", kinds.MULTI_LINE_TEXT, None),
        (1329, "Attachment names", "PD.AttachmentNames", kinds.MULTI_LINE_TEXT, None),
        (1330, "Our reference", "PD.Reference", kinds.TEXT, None),
        (1331, "Your reference", "PD.Reference", kinds.TEXT, None),
        (EMAIL_DOMAIN, "E-mail domain", "PD.EmailDomain", kinds.TEXT, None),
        (EMAIL_ADDRESS, "E-mail address", "PD.EmailAddress", kinds.TEXT, None),
    ):
        yield PropertyDefinition(id=number, name=name, alias=alias, data_type=kind, value_list=value_list)
    yield PropertyDefinition(
        id=TICKET_TITLE,
        name="Ticket title",
        alias="PD.TicketTitle",
        data_type=kinds.TEXT,
        automatic=f"Ticket %PROPERTY_{TICKET}% from %PROPERTY_{FROM}%",
    )


def _mail_class(number: int, name: str, alias: str, *required: int) -> ObjectClass:
    optional = tuple(one for one in MAIL_PROPERTIES if one not in required)
    return ObjectClass(
        id=number, name=name, alias=alias, required=(NAME_OR_TITLE, *required), optional=optional
    )


def _own_classes() -> Iterable[ObjectClass]:
    yield _mail_class(207, "Mail", "CL.Mail")
    yield _mail_class(208, "Invoice", "CL.Invoice")
    yield _mail_class(211, "Purchase order", "CL.PurchaseOrder", FROM)
    yield _mail_class(212, "Attachment", "CL.Attachment")
    yield ObjectClass(id=213, name="Confidential", alias="CL.Confidential")
    yield _mail_class(214, "Contract mail", "CL.Contract", DEPARTMENT)
    yield ObjectClass(
        id=CUSTOMER_CLASS,
        name="Customer",
        alias="CL.Customer",
        object_type=CUSTOMER_TYPE,
        optional=(EMAIL_DOMAIN,),
    )
    yield ObjectClass(
        id=CONTACT_CLASS,
        name="Contact person",
        alias="CL.Contact",
        object_type=CONTACT_TYPE,
        optional=(EMAIL_ADDRESS,),
    )
    yield ObjectClass(
        id=218,
        name="Ticket",
        alias="CL.Ticket",
        name_property=TICKET_TITLE,
        required=(TICKET_TITLE,),
        optional=MAIL_PROPERTIES,
    )


def _value_lists() -> Iterable[ValueList]:
    yield ValueList(
        id=101,
        name="Importance",
        plural="Importances",
        alias="VL.Importance",
        items={2: "Low", 3: "Normal", 5: "High"},
        allow_adding=False,
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
    yield ValueList(
        id=111,
        name="Department",
        plural="Departments",
        alias="VL.Departments",
        items={31: "Sales", 34: "Support"},
        external_ids={31: "D-SALES", 34: "D-SUPPORT"},
    )
    yield ValueList(
        id=114,
        name="Subject area",
        plural="Subject areas",
        alias="VL.SubjectAreas",
        items={41: "Offers", 43: "Orders", 46: "Complaints", 47: "General", 49: "General"},
        owner=111,
        owners={41: 31, 43: 31, 46: 34, 47: 31, 49: 34},
    )


def _object_types() -> Iterable[ObjectType]:
    yield ObjectType(
        id=DOCUMENT, name="Document", plural="Documents", alias="OT.Document", can_have_files=True
    )
    yield ObjectType(
        id=CUSTOMER_TYPE, name="Customer", plural="Customers", alias="OT.Customer", can_have_files=False
    )
    yield ObjectType(
        id=CONTACT_TYPE,
        name="Contact person",
        plural="Contact persons",
        alias="OT.Contact",
        can_have_files=False,
    )


def _workflows() -> Iterable[Workflow]:
    yield Workflow(
        id=110,
        name="Mail processing",
        alias="WF.Mail",
        states=(
            State(id=150, name="New", alias="WFS.Mail.New"),
            State(id=152, name="Processed", alias="WFS.Mail.Processed"),
        ),
    )
    yield Workflow(
        id=113,
        name="Approval",
        alias="WF.Approval",
        states=(
            State(id=160, name="Open", alias="WFS.Approval.Open"),
            State(id=162, name="Approved", alias="WFS.Approval.Approved"),
        ),
    )


def example_structure(
    account: str,
    *,
    mail_properties: bool = True,
    email_types: bool = False,
    objects: ObjectTitles | None = None,
) -> Structure:
    """The structure, with `account` as a user, and `objects` for lookups to choose from.

    `mail_properties`: whether the vault has the built-in properties of e-mail; `email_types`: the built-in
    object types Email and Email conversation.
    """
    own = Structure(
        object_types=_by_id((*_object_types(), *built_in_object_types(email_types=email_types))),
        classes=_by_id((*built_in_classes(email_types=email_types), *_own_classes())),
        properties=_by_id((*built_in_properties(mail=mail_properties), *_own_properties())),
        value_lists=_by_id(_value_lists()),
        workflows=_by_id(_workflows()),
        users={ADMINISTRATOR_ID: "Administrator", ACCOUNT_ID: account},
    )
    return own if objects is None else replace(own, objects=objects)
