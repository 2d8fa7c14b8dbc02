"""What a text names for a lookup: an item of a value list, or an object of a real object type."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Set
from http import HTTPStatus
from urllib.parse import quote

from shared.errors import ConfigurationFault, Unavailable
from shared.vault.answers import ObjectVersion, Results
from shared.vault.protocol import Choice
from shared.vault.refusals import NOT_SHOWN, RefusedByWebServer, RequestRefused, reading_refusal
from shared.vault.session import Session
from shared.vault.typed_values import LONGEST_TEXT, NoFit, NoSuchItem, units
from shared.vault.value_lists import ValueLists, is_id

_WORDS = {
    "name-or-id": "of that name or id",
    "name": "of that name",
    "id": "of that id",
    "external-id": "of that external id",
}
_ANY = {"limit": "1"}
_NO_EXTERNAL_ID = NOT_SHOWN | {HTTPStatus.BAD_REQUEST}
_FIT_FOR_ADDRESS = re.compile(r"(?![. ])[^\x00-\x1f\x7f-\x9f\ud800-\udfff<>:\"/\\|?*%&]+(?<![. ])")
"""ASP.NET refuses `< > * % & : \\ ?` in a path, encoded or not (learn.microsoft.com, httpRuntime,
requestPathInvalidCharacters), and what no Windows path can have: `" |`, control characters, a dot or space at
an end."""
_REFUSED_ADDRESS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_URI_TOO_LONG})


async def chosen_item(lists: ValueLists, value_list: int, name: str, text: str, choice: Choice) -> int:
    """The id of the item of value list `name`; a missing one is added, if the choice says so.

    Raises NoFit, ConfigurationFault, Unavailable.
    """
    found = await lists.find(value_list, text, choice.by, choice.owner)
    if len(found) == 1:
        return found[0].id
    words = _WORDS[choice.by] + (" and owner" if choice.owner is not None else "")
    if choice.add_missing and len({item.owner_id for item in found}) < 2:
        # Several: twins of this app have added them at the same time.
        if found:
            return min(item.id for item in found)
        return await lists.add(value_list, text, choice.owner)
    if found:
        raise NoFit(f'value list "{name}" has {len(found)} items {words}')
    raise NoSuchItem(f'value list "{name}" has no item {words}')


class Objects:
    """Objects of one real object type, such as customers, as far as lookups name them.

    They are searched for, with their own addresses for ids: developer.m-files.com/APIs/REST-API/Reference,
    Search conditions, and resources/objects. Deleted ones are not found.
    """

    def __init__(self, session: Session, object_type: int, name: str) -> None:
        self._session = session
        self._type = object_type
        self._name = name

    async def chosen(
        self, text: str, choice: Choice, name_properties: Callable[[], Awaitable[Collection[int]]]
    ) -> int:
        """The id of the one object that `text` names; `name_properties` are those that hold titles.

        Raises NoFit, ConfigurationFault, Unavailable.
        """
        found: set[int] = set()
        if choice.by in ("name", "name-or-id"):
            for number in await name_properties():
                found |= await self._with_text(number, text, is_title=True)
        if not found and choice.by in ("id", "name-or-id") and is_id(text):
            found = await self._at(str(int(text)), text)
        if choice.by == "external-id":
            found = await self._of_external_id(text)
        return self._one(found, _WORDS[choice.by])

    async def matching(self, property_id: int, property_name: str, text: str) -> int:
        """The id of the one object whose Text property has that text.

        Domains and addresses have no case: where none is found, the text is looked for in lower case.
        Raises NoFit, ConfigurationFault, Unavailable.
        """
        found = await self._with_text(property_id, text)
        if not found and text != text.lower():
            found = await self._with_text(property_id, text.lower())
        return self._one(found, f'whose property "{property_name}" has that text')

    def _one(self, found: set[int], words: str) -> int:
        if not found:
            raise NoSuchItem(f'object type "{self._name}" has no object {words}')
        if len(found) > 1:
            raise NoFit(f'object type "{self._name}" has several objects {words}')
        return found.pop()

    async def _with_text(self, property_id: int, text: str, *, is_title: bool = False) -> set[int]:
        if not text or units(text) > LONGEST_TEXT:
            return set()
        answer = await self._search({f"p{property_id}": text})
        return {
            version.obj_ver.id
            for version in answer.items or ()
            if not version.deleted and (not is_title or version.title.casefold() == text.casefold())
        }

    async def _search(self, conditions: dict[str, str]) -> Results[ObjectVersion]:
        query = {"o": str(self._type), **conditions}

        async def work(token: str) -> Results[ObjectVersion]:
            return await self._session.answer(token, "GET", "/objects", Results[ObjectVersion], params=query)

        try:
            return await self._session.with_login(work)
        except RequestRefused as error:
            raise self._unreadable(error, conditions.values()) from None

    async def _of_external_id(self, text: str) -> set[int]:
        """The object of that external id, which is out of a mail: it must not be the source's fault."""
        if units(text) > LONGEST_TEXT or not _FIT_FOR_ADDRESS.fullmatch(text):
            return set()
        try:
            return await self._at(f"e{quote(text, safe='')}", text, _NO_EXTERNAL_ID)
        except RefusedByWebServer as error:
            if error.status not in _REFUSED_ADDRESS:
                raise
            status = error.status
        await self._search(_ANY)  # is refused as well, if it is not for this value
        raise NoFit(f"the web server before M-Files does not take the value in an address ({status})")

    async def _at(self, segment: str, text: str, none: Set[int] = NOT_SHOWN) -> set[int]:
        """The object at that address; `none` are the refusals which say that there is none."""
        path = f"/objects/{self._type}/{segment}/latest"

        async def work(token: str) -> ObjectVersion:
            return await self._session.answer(token, "GET", path, ObjectVersion)

        try:
            version = await self._session.with_login(work)
        except RequestRefused as error:
            if error.status not in none:
                raise self._unreadable(error, [text]) from None
        else:
            return set() if version.deleted else {version.obj_ver.id}
        # Of the object, or of the whole type? An object that is not shown to the account is none.
        await self._search(_ANY)
        return set()

    def _unreadable(self, error: RequestRefused, values: Iterable[str]) -> ConfigurationFault | Unavailable:
        return reading_refusal(error, "object type", self._name, error.told(values, [self._name]))
