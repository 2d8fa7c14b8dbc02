"""Items of M-Files' value lists: finding them, and adding one that is missing.

developer.m-files.com/APIs/REST-API/Reference/resources/valuelists
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from shared.errors import ConfigurationFault, Unavailable
from shared.vault.answers import Results, ValueListItem
from shared.vault.protocol import By
from shared.vault.refusals import NOT_SHOWN, RequestRefused, reading_refusal
from shared.vault.session import Session
from shared.vault.typed_values import LONGEST_TEXT, NoFit, one_line, units

_UNLIMITED = 0
LONGEST_ID = 9
"""Digits: M-Files' ids are 32-bit numbers."""


class ValueLists:
    """The value lists of one vault. One worker adds an item once, however many of its mails want it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._adding: WeakValueDictionary[tuple[int, int | None, str], asyncio.Lock] = WeakValueDictionary()

    async def find(
        self, value_list: int, text: str, by: By = "name-or-id", owner: int | None = None
    ) -> list[ValueListItem]:
        """The items that `text` means, those of that owner if one is given.

        Case does not make names differ. Raises NotReadable, Unavailable.
        """
        if units(text) > LONGEST_TEXT:  # no item is called that, and IIS limits an address to some 2,000
            return []
        found = await self._find(value_list, text, by)
        return [item for item in found if owner is None or (item.has_owner and item.owner_id == owner)]

    async def _find(self, value_list: int, text: str, by: By) -> list[ValueListItem]:
        if by == "id":
            return await self._by_id(value_list, text)
        if by == "external-id":
            return _those(await self._items(value_list, {}), lambda item: item.display_id == text)
        # Whether the server's filter heeds case is not documented: without it when that finds nothing.
        named = _called(await self._items(value_list, {"filter": text}), text)
        if named:
            return named
        items = await self._items(value_list, {})
        of_id = _those(items, lambda item: str(item.id) == text) if by == "name-or-id" else []
        return _called(items, text) or of_id

    async def add(self, value_list: int, name: str, owner: int | None) -> int:
        """The id of the item of that name (and owner), which is added unless it is there by now.

        A twin of this app may add the same at the same time, and the vault takes both: it is looked for
        again, and the lowest id wins, there as here. Raises NoFit, ConfigurationFault, Unavailable.
        """
        name = one_line(name)
        if units(name) > LONGEST_TEXT:  # cut without a word, it would not be found again
            raise NoFit("the value is longer than an item can be called")
        key = (value_list, owner, name.casefold())
        lock = self._adding.setdefault(key, asyncio.Lock())
        async with lock:
            there = await self.find(value_list, name, "name", owner)
            if not there:
                made = await self._post(value_list, name, owner)
                there = [*await self.find(value_list, name, "name", owner), made]
        return min(item.id for item in there)

    async def _post(self, value_list: int, name: str, owner: int | None) -> ValueListItem:
        body: dict[str, Any] = {"Name": name, "ValueListID": value_list}
        if owner is not None:
            body |= {"HasOwner": True, "OwnerID": owner}

        async def work(token: str) -> ValueListItem:
            path = f"/valuelists/{value_list}/items"
            return await self._session.answer(token, "POST", path, ValueListItem, json=body)

        try:
            return await self._session.with_login(work)
        except RequestRefused as error:
            raise _refusal(error, value_list, name) from None

    async def _by_id(self, value_list: int, text: str) -> list[ValueListItem]:
        if not is_id(text):
            return []

        async def work(token: str) -> ValueListItem:
            path = f"/valuelists/{value_list}/items/{int(text)}"
            return await self._session.answer(token, "GET", path, ValueListItem)

        try:
            return [await self._session.with_login(work)]
        except RequestRefused as error:
            if error.status not in NOT_SHOWN:
                raise _unreadable(value_list, error, [text]) from None
        # Of the item, or of the whole list? An item that is not shown to the account is none.
        await self._items(value_list, {}, limit=1)
        return []

    async def _items(
        self, value_list: int, query: dict[str, str], limit: int = _UNLIMITED
    ) -> Sequence[ValueListItem]:
        path = f"/valuelists/{value_list}/items"
        # By the documentation Results; a bare list is as good.
        kind: Any = Results[ValueListItem] | list[ValueListItem]

        async def work(token: str) -> Any:
            params = {**query, "limit": str(limit)}
            return await self._session.answer(token, "GET", path, kind, params=params)

        try:
            answer = await self._session.with_login(work)
        except RequestRefused as error:
            raise _unreadable(value_list, error, query.values()) from None
        return answer if isinstance(answer, list) else answer.items or []


def is_id(text: str) -> bool:
    """Whether a text can be an id of M-Files."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_ID


def _called(items: Sequence[ValueListItem], text: str) -> list[ValueListItem]:
    return _those(items, lambda item: item.name.casefold() == text.casefold())


def _those(items: Sequence[ValueListItem], is_meant: Callable[[ValueListItem], bool]) -> list[ValueListItem]:
    return [item for item in items if is_meant(item)]


def _unreadable(
    value_list: int, error: RequestRefused, values: Iterable[str]
) -> ConfigurationFault | Unavailable:
    return reading_refusal(error, "value list", str(value_list), error.told(values))


def _refusal(error: RequestRefused, value_list: int, name: str) -> ConfigurationFault | NoFit:
    said = error.told([name])
    if error.status == HTTPStatus.BAD_REQUEST:
        return NoFit(f"its value list does not take it as an item ({said})")
    return ConfigurationFault(
        f"{said}: an item cannot be added to value list {value_list}.",
        "Let the account of mfiles-username add items to that list, or take add-missing out.",
    )
