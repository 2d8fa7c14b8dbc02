"""What every vault has: built-in properties, classes and object types.

Ids: developer.m-files.com, COM API, MFBuiltInPropertyDef, MFBuiltInDocumentClass, MFBuiltInObjectType and
MFBuiltInValueList. Data types of properties 84, 85 and 112, and that a client may set 83, 84, 85 and 112, are
unverified; that 35 is kept by the server is, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.vault.structure import (
    ADDITIONAL_CLASSES,
    CLASS,
    CLASS_LIST,
    COMMENT,
    CONVERSATION_ID,
    CREATED,
    CREATED_BY,
    DELETED,
    DOCUMENT,
    EMAIL,
    EMAIL_CONVERSATION,
    EXTERNAL_LOCATION,
    EXTERNAL_LOCATION_LIST,
    IN_REPLY_TO,
    IN_REPLY_TO_REFERENCE,
    LAST_MODIFIED,
    MESSAGE_ID,
    NAME_OR_TITLE,
    REFERENCE,
    SINGLE_FILE,
    STATE,
    STATE_LIST,
    USER_LIST,
    WORKFLOW,
    WORKFLOW_LIST,
    DataType,
    ObjectClass,
    ObjectType,
    PropertyDefinition,
)


def built_in_properties(*, mail: bool) -> Iterable[PropertyDefinition]:
    """The built-in properties; `mail`: those of e-mail too."""
    kinds = DataType
    for number, name, kind, value_list in (
        (NAME_OR_TITLE, "Name or title", kinds.TEXT, None),
        (SINGLE_FILE, "Single file", kinds.BOOLEAN, None),
        (COMMENT, "Comment", kinds.MULTI_LINE_TEXT, None),
        (ADDITIONAL_CLASSES, "Additional classes", kinds.MULTI_SELECT_LOOKUP, CLASS_LIST),
        (WORKFLOW, "Workflow", kinds.LOOKUP, WORKFLOW_LIST),
        (STATE, "State", kinds.LOOKUP, STATE_LIST),
        (REFERENCE, "Reference", kinds.MULTI_SELECT_LOOKUP, DOCUMENT),
        (CLASS, "Class", kinds.LOOKUP, CLASS_LIST),
    ):
        yield PropertyDefinition(id=number, name=name, data_type=kind, value_list=value_list)
    yield from _kept_by_server()
    if mail:
        yield from _of_mail()


def _kept_by_server() -> Iterable[PropertyDefinition]:
    kinds = DataType
    for number, name, kind, value_list in (
        (CREATED, "Created", kinds.TIMESTAMP, None),
        (LAST_MODIFIED, "Last modified", kinds.TIMESTAMP, None),
        (CREATED_BY, "Created by", kinds.LOOKUP, USER_LIST),
        (DELETED, "Deleted", kinds.TIMESTAMP, None),
        (EXTERNAL_LOCATION, "Created from external location", kinds.LOOKUP, EXTERNAL_LOCATION_LIST),
    ):
        yield PropertyDefinition(
            id=number, name=name, data_type=kind, value_list=value_list, kept_by_server=True
        )


def _of_mail() -> Iterable[PropertyDefinition]:
    kinds = DataType
    for number, name, kind, value_list in (
        (MESSAGE_ID, "Message-ID", kinds.TEXT, None),
        (IN_REPLY_TO, "In-Reply-To", kinds.TEXT, None),
        (IN_REPLY_TO_REFERENCE, "In-Reply-To reference", kinds.MULTI_SELECT_LOOKUP, DOCUMENT),
        (CONVERSATION_ID, "Email conversation ID", kinds.TEXT, None),
    ):
        yield PropertyDefinition(id=number, name=name, data_type=kind, value_list=value_list)


def built_in_classes(*, email_types: bool) -> Iterable[ObjectClass]:
    """The built-in classes of documents, and those of the object types for e-mail."""
    yield ObjectClass(id=0, name="Unclassified document")
    yield ObjectClass(id=1, name="Other document")
    if email_types:
        yield ObjectClass(id=-109, name="Email", object_type=EMAIL)
        yield ObjectClass(id=-110, name="Email conversation", object_type=EMAIL_CONVERSATION)


def built_in_object_types(*, email_types: bool) -> Iterable[ObjectType]:
    """The built-in object types for e-mail, where a vault has them."""
    if email_types:
        yield ObjectType(id=EMAIL, name="Email", plural="Emails", can_have_files=True)
        yield ObjectType(
            id=EMAIL_CONVERSATION,
            name="Email conversation",
            plural="Email conversations",
            can_have_files=False,
        )
