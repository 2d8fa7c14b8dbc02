"""What of M-Files decides between twins: when an object was made and by whom, and marking it deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sandbox.pki import Authority
from shared.answers import decoded
from shared.errors import ConfigurationFault, Unavailable, VaultpostError
from shared.services import Services
from shared.vault.answers import ObjectVersion
from shared.vault.ownership import same_account
from shared.vault.protocol import Vault, VaultObject

from ..key_vault import KeyVault
from .fake import FakeVault
from .site import (
    KEY,
    Handler,
    Instead,
    Site,
    Source,
    at_once,
    body_of,
    created,
    created_by,
    error,
    new,
    refusing,
    serving,
)

pytestmark = pytest.mark.anyio
LOGIN = "POST /server/authenticationtokens"
SESSION = "GET /session"
NO_KEY = "0" * 32


@pytest.fixture
async def site(
    tmp_path: Path, authority: Authority, services: Services, key_vault: KeyVault
) -> AsyncIterator[Site]:
    async with serving(tmp_path / "vault", authority, services, key_vault) as running:
        yield running


async def one_found(site: Site, number: int) -> VaultObject:
    (found,) = [one for one in await site.client.find(KEY, NO_KEY) if one.id == number]
    return found


async def of_another(site: Site, *, name: str = "Ada Example") -> VaultObject:
    """A document that another account has created, whose user goes by that name."""
    site.example.add_account("ada", "example-password-2", name=name)
    return await one_found(site, await created_by(site, "ada", "example-password-2"))


def altering(path: str, change: Any) -> Instead:
    """Let `change` work on the JSON that the vault answers to that request."""

    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if f"{request.method} {request.path.removeprefix('/REST')}" != path:
            return answer
        said = body_of(answer)
        change(said)
        return web.json_response(said)

    return instead


# When an object was created, and whether it is seen


@pytest.mark.parametrize(
    ("sent", "created_at"),
    [
        ('"2025-08-01T13:29:39Z"', datetime(2025, 8, 1, 13, 29, 39, tzinfo=UTC)),
        ('"2025-08-01T13:29:39.9876543Z"', datetime(2025, 8, 1, 13, 29, 39, tzinfo=UTC)),
        ('"2025-08-01T13:29:39"', datetime(2025, 8, 1, 13, 29, 39, tzinfo=UTC)),
        ('"2025-08-01T15:29:39+02:00"', datetime(2025, 8, 1, 13, 29, 39, tzinfo=UTC)),
        ('"0001-01-01T00:00:00+01:00"', None),
        ('"01.08.2025 13:29"', None),
        ('""', None),
        ("null", None),
    ],
)
def test_an_object_tells_when_it_was_created_to_the_second(sent: str, created_at: datetime | None) -> None:
    body = f'{{"ObjVer": {{"Type": 0, "ID": 7, "Version": 1}}, "CreatedUtc": {sent}}}'

    assert decoded(body.encode(), ObjectVersion).value([]).created == created_at


def test_an_answer_that_says_neither_is_of_a_visible_object_of_unknown_age() -> None:
    found = decoded(b'{"ObjVer": {"Type": 0, "ID": 7, "Version": 1}}', ObjectVersion).value([])

    assert found == VaultObject(0, 7, 1, False, (), created=None, visible=True)


async def test_what_the_account_cannot_see_says_so_when_it_is_created(site: Site) -> None:
    site.example.hides_new_objects = True

    made = await created(site, Source("a", b"abc"))

    assert (made.visible, made.sizes) == (False, (3,))
    assert list(await site.client.find(KEY, NO_KEY)) == []
    site.example.reveal()
    assert list(await site.client.find(KEY, NO_KEY)) == [replace(made, visible=True)]


async def test_the_files_of_what_the_account_cannot_see_are_not_asked_for(site: Site) -> None:
    """The answer would be that there is no such object: an outage, for all the caller knows."""
    site.example.hides_new_objects = True
    site.instead = altering("POST /objects/0", lambda said: said.pop("Files"))

    made = await created(site, Source("a", b"abc"))

    assert (made.visible, made.sizes) == (False, ())


async def test_what_a_search_finds_is_visible_whatever_it_says(site: Site) -> None:
    """The field is about an operation, which a search is not."""
    made = await created(site)
    site.instead = altering(
        "GET /objects", lambda said: [item.update(VisibleAfterOperation=False) for item in said["Items"]]
    )

    assert list(await site.client.find(KEY, NO_KEY)) == [made]


# Whose an object is


async def test_what_the_own_account_has_created_is_own_and_nothing_else(site: Site) -> None:
    made = await created(site)
    other = await of_another(site)

    assert await site.client.is_own(made) is True
    assert await site.client.is_own(other) is False


async def test_a_user_of_the_same_name_is_another_one(site: Site) -> None:
    """Ids decide where the server tells its own user's."""
    assert await site.client.is_own(await of_another(site, name=site.example.username)) is False


async def test_a_user_who_goes_by_another_name_than_the_log_in_is_known_by_id(site: Site) -> None:
    made = await created(site)
    known = site.example.structure
    site.example.structure = replace(known, users=dict.fromkeys(known.users, "Mail service"))

    assert await site.client.is_own(made) is True


@pytest.mark.parametrize(
    "unable",
    [
        refusing(SESSION, 404, error(404)),
        refusing(SESSION, 405, error(405)),
        refusing(SESSION, 403, error(403)),
        refusing(SESSION, 403, error(403, logged_in=False)),
        refusing(SESSION, 404),
        altering(SESSION, lambda said: said.pop("UserID")),
    ],
)
async def test_a_server_that_does_not_say_who_is_logged_in_leaves_it_to_the_name(
    site: Site, unable: Instead
) -> None:
    """It need not have that address for a token: no reason to log in anew, or to doubt the secrets."""
    made, other = await created(site), await of_another(site)
    before = site.count(LOGIN)
    site.instead = unable

    assert await site.client.is_own(made) is True
    assert await site.client.is_own(other) is False
    assert site.count(SESSION) == 2
    assert site.count(LOGIN) == before


@pytest.mark.parametrize(
    ("shown", "username", "same"),
    [
        ("svc-mail", "svc-mail", True),
        ("SVC-Mail", "svc-mail", True),
        ("CONTOSO\\svc-mail", "svc-mail", True),
        ("svc-mail", "contoso\\SVC-MAIL", True),
        ("contoso\\svc-mail", "CONTOSO\\svc-mail", True),
        ("fabrikam\\svc-mail", "contoso\\svc-mail", False),
        ("svc-mail2", "svc-mail", False),
        ("Mail service", "svc-mail", False),
        ("contoso\\", "contoso\\", False),
        ("", "", False),
    ],
)
def test_a_shown_name_is_the_log_in_name_with_or_without_its_domain(
    shown: str, username: str, same: bool
) -> None:
    assert same_account(shown, username) is same


async def test_another_account_in_the_secrets_does_not_own_what_the_former_one_has_made(site: Site) -> None:
    made = await created(site)
    assert await site.client.is_own(made)
    site.example.add_account("svc-mail-2", "example-password-2")
    site.example.set_password("changed")
    site.key_vault.secrets.set("mfiles-username", "svc-mail-2")
    site.key_vault.secrets.set("mfiles-password", "example-password-2")

    assert await site.client.is_own(made) is False
    assert await site.client.is_own(await created(site)) is True


async def test_an_object_that_is_gone_or_does_not_say_its_creator_is_not_own(site: Site) -> None:
    """In doubt nothing is deleted."""
    made = await created(site)
    path = f"GET /objects/0/{made.id}/latest/properties"

    assert await site.client.is_own(replace(made, id=4711)) is False
    site.instead = altering(path, list[Any].clear)
    assert await site.client.is_own(made) is False
    site.instead = altering(path, lambda said: [one["TypedValue"].pop("Lookup", None) for one in said])
    assert await site.client.is_own(made) is False
    site.instead = refusing(path, 403, error(403))
    assert await site.client.is_own(made) is False


@pytest.mark.parametrize("path", ["GET /objects/0/1102/latest/properties", SESSION])
async def test_whose_an_object_is_is_not_said_during_an_outage(site: Site, path: str) -> None:
    made = await created(site)
    assert made.id == 1102
    site.instead = refusing(path, 503)

    with pytest.raises(Unavailable, match="503"):
        await site.client.is_own(made)


async def test_whose_an_object_is_is_asked_again_with_a_new_log_in(site: Site) -> None:
    made = await created(site)
    site.example.expire_tokens()

    assert await site.client.is_own(made) is True
    assert site.count(LOGIN) == 2


# Marking deleted


async def test_an_object_is_marked_deleted_with_a_verb_that_iis_lets_through(site: Site) -> None:
    kept, made = await created(site), await created(site)

    await site.client.mark_deleted(made)

    sent = site.requests[-1]
    assert (sent.method, sent.path_qs) == ("POST", f"/REST/objects/0/{made.id}/deleted?_method=PUT")
    assert set(await site.client.find(KEY, NO_KEY)) == {kept, replace(made, deleted=True)}


async def test_what_is_deleted_or_gone_is_left_at_that(site: Site) -> None:
    made = await created(site)
    await site.client.mark_deleted(made)

    await site.client.mark_deleted(made)
    await site.client.mark_deleted(replace(made, id=4711))

    assert [one.deleted for one in site.example.objects()] == [True]


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_a_server_that_refuses_to_delete_what_is_deleted_is_no_fault(site: Site, status: int) -> None:
    made = await created(site)
    site.example.delete(made.id)
    site.instead = refusing(f"POST /objects/0/{made.id}/deleted", status, error(status))

    await site.client.mark_deleted(made)

    assert site.paths[-1] == f"GET /objects/0/{made.id}/latest"


async def test_an_account_without_the_right_is_a_fault_of_the_configuration(site: Site) -> None:
    made = await created(site)
    site.example.may_delete = False

    with pytest.raises(ConfigurationFault, match="may not mark a document deleted") as caught:
        await site.client.mark_deleted(made)

    assert "mfiles-username" in caught.value.remedy
    assert not site.example.objects()[0].deleted
    assert site.count(LOGIN) == 1
    site.example.may_delete = True
    await site.client.mark_deleted(made)
    assert site.example.objects()[0].deleted


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, error(401), ConfigurationFault),
        (400, error(400), Unavailable),
        (404, error(404), Unavailable),
        (405, error(405), Unavailable),
        (409, error(409), Unavailable),
        (429, None, Unavailable),
        (500, error(500), Unavailable),
        (503, None, Unavailable),
        (404, None, ConfigurationFault),
    ],
)
async def test_each_refusal_to_delete_has_its_meaning(
    site: Site, status: int, body: object, kind: type[VaultpostError]
) -> None:
    """The object is still there: a 404 is of the address."""
    made = await created(site)
    site.instead = refusing(f"POST /objects/0/{made.id}/deleted", status, body)

    with pytest.raises(kind) as caught:
        await site.client.mark_deleted(made)

    assert isinstance(caught.value, kind)
    assert "4711" not in str(caught.value)
    if isinstance(caught.value, Unavailable):
        assert caught.value.origin == "vault"


async def test_a_deletion_whose_object_cannot_be_looked_at_is_unavailable(site: Site) -> None:
    async def down_when_looked_at(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        if request.method == "GET":
            return web.Response(status=503)
        return web.json_response(error(403), status=403)

    made = await created(site)
    site.instead = down_when_looked_at

    with pytest.raises(Unavailable, match="503"):
        await site.client.mark_deleted(made)


async def test_a_granted_deletion_may_be_answered_with_nothing(site: Site) -> None:
    """What is deleted is hidden from most users: there may be nothing to show."""

    async def silent(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    made = await created(site)
    site.instead = silent

    await site.client.mark_deleted(made)

    assert site.example.objects()[0].deleted


async def test_a_deletion_is_sent_again_with_a_new_log_in(site: Site) -> None:
    made = await created(site)
    site.example.expire_tokens()

    await site.client.mark_deleted(made)

    assert site.example.objects()[0].deleted
    assert site.count(LOGIN) == 2


# The fake that other tests use


@pytest.mark.parametrize("kind", ["M-Files", "fake"])
async def test_the_fake_vault_does_as_m_files_does(site: Site, kind: str) -> None:
    fake = FakeVault()
    vault: Vault = site.client if kind == "M-Files" else fake

    made = await vault.create(new(), [Source("a", b"abc").file()], at_once)
    assert (made.version, made.deleted, made.sizes, made.visible) == (1, False, (3,), True)
    assert made.created is not None
    assert made.created.tzinfo is UTC
    assert made.created.microsecond == 0
    assert list(await vault.find(KEY, NO_KEY)) == [made]
    assert await vault.is_own(made) is True

    other = await of_another(site) if kind == "M-Files" else fake.put(NO_KEY, 4711, (), own=False)
    assert await vault.is_own(other) is False
    assert await vault.is_own(replace(made, id=4712)) is False

    await vault.mark_deleted(made)
    await vault.mark_deleted(made)
    await vault.mark_deleted(replace(made, id=4712))
    assert set(await vault.find(KEY, NO_KEY)) == {replace(made, deleted=True), other}

    fake.visible, site.example.hides_new_objects = False, True
    hidden = await vault.create(new(key="1" * 32), [], at_once)
    assert hidden.visible is False
    assert list(await vault.find(KEY, "1" * 32)) == []
    fake.visible = True
    site.example.reveal()
    assert list(await vault.find(KEY, "1" * 32)) == [replace(hidden, visible=True)]
