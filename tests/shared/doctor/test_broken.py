"""The whole doctor against a set-up broken in each of its checks in turn: that check fails, and no other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.vault.structure import ObjectClass
from shared.doctor import trial_document
from shared.doctor.composition import NAMES
from shared.doctor.finding import Finding, Status

from ..tls_server import tls_server
from .set_up import Late, SetUp, told

pytestmark = pytest.mark.anyio
Break = Callable[[SetUp], AbstractContextManager[object] | AbstractAsyncContextManager[object]]
OF_MAIL = frozenset({"mailbox", "folder", "scope", "subscriptions"})
OF_VAULT = frozenset({"vault-login", "names", "filing-key"})
FILING_KEY = 1301


@dataclass(frozen=True)
class Case:
    """What is broken, which check says so, with which words, and which are not run because of it.

    A check that looks at several things may have looked at others: it is in `dependents` all the same.
    """

    name: str
    broken: Break
    check: str
    says: str
    remedy: str
    dependents: frozenset[str] = frozenset()
    status: Status = "failed"
    write: bool = False


def key_vault_not_named(ready: SetUp) -> AbstractContextManager[object]:
    return ready.changed(KEY_VAULT_URL="")


def configuration_mistyped(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(folder=["inbox"])


@asynccontextmanager
async def key_vault_down(ready: SetUp) -> AsyncIterator[None]:
    await ready.key_vault.stop()
    yield
    await ready.key_vault.start()


@contextmanager
def nothing_permitted(ready: SetUp) -> Iterator[None]:
    """The role that lets the app read secrets was never given."""
    store, app = ready.key_vault.secrets, ready.box.identity.client_id
    before = store._permissions.pop(app)
    yield
    store._permissions[app] = before


def secret_disabled(ready: SetUp) -> AbstractContextManager[object]:
    return ready.secret("mfiles-password", "whatever", enabled=False)


@contextmanager
def secrets_of_entra_gone(ready: SetUp) -> Iterator[None]:
    """The app registration has no client secret any more: each version in Key Vault is refused."""
    known = ready.box.directory._proofs[ready.app.client_id].secrets
    before = list(known)
    known.clear()
    yield
    known.extend(before)


def newest_secret_of_entra_wrong(ready: SetUp) -> AbstractContextManager[object]:
    return ready.secret("graph-client-secret", "not the one of the app registration")


def acts_on_mail(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(after={"category": "Filed"})


@contextmanager
def out_of_scope(ready: SetUp) -> Iterator[None]:
    exchange, app = ready.box.tenant.exchange, ready.app.client_id
    exchange.unrestrict(app)
    exchange.restrict(app, ["somebody.else@example.com"])
    yield
    exchange.unrestrict(app)
    exchange.restrict(app, [ready.mailbox])


def folder_mistyped(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(folders=["inbox", "inbox/Scasn"])


@contextmanager
def not_answering(ready: SetUp) -> Iterator[None]:
    """Something stands before the app that wants a log-in."""
    ready.receiver.answer = web.Response(status=401)
    yield
    ready.receiver.answer = None


@contextmanager
def old_windows(ready: SetUp) -> Iterator[None]:
    with (
        tls_server(ready.box.authority.server.old_context()) as server,
        ready.configured(vault={"url": server.origin}),
    ):
        yield


@contextmanager
def of_strange_authority(ready: SetUp) -> Iterator[None]:
    """The vault's certificate comes from an authority of the company's own, which the app was not given."""
    stranger = Authority.create(ready.directory / "stranger").by_intermediate(shown=True)
    with tls_server(stranger.context()) as server, ready.configured(vault={"url": server.origin}):
        yield


def password_wrong(ready: SetUp) -> AbstractContextManager[object]:
    return ready.secret("mfiles-password", "wrong")


def class_mistyped(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(document={**ready.source["document"], "class": "CL.Mial"})


def key_of_another_type(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(vault={"filing-key": "PD.Received"})


def key_missing(ready: SetUp) -> AbstractContextManager[object]:
    return ready.configured(vault={"filing-key": "PD.FillingKey"})


@contextmanager
def key_not_on_class(ready: SetUp) -> Iterator[None]:
    before = ready.box.vault.structure
    classes = {number: without(one, FILING_KEY) for number, one in before.classes.items()}
    ready.box.vault.structure = replace(before, classes=classes)
    yield
    ready.box.vault.structure = before


def without(kind: ObjectClass, number: int) -> ObjectClass:
    return replace(kind, optional=tuple(one for one in kind.optional if one != number))


@contextmanager
def search_behind(ready: SetUp) -> Iterator[None]:
    """What is written is found by its properties only later."""
    ready.box.vault.search_lag = 3600
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trial_document, "WAITS", (0.05,))
        yield
    ready.box.vault.search_lag = 0


def storage_key_wrong(ready: SetUp) -> AbstractContextManager[object]:
    before = ready.environment["MailStorage"]
    return ready.changed(MailStorage=re.sub("AccountKey=[^;]*", "AccountKey=d3Jvbmc=", before))


@contextmanager
def subscription_withdrawn(ready: SetUp) -> Iterator[None]:
    """Graph has ended one, and its event never came."""
    known = ready.box.tenant.subscriptions
    gone = known.of(ready.app.client_id)[0]
    known.remove(gone)
    yield
    known.add(gone)


@contextmanager
def clock_fast(ready: SetUp) -> Iterator[None]:
    before, ready.clock = ready.clock, Late(seconds=400)
    yield
    ready.clock = before


def secret_expires_soon(ready: SetUp) -> AbstractContextManager[object]:
    value = ready.key_vault.secrets.get("graph-client-secret")
    assert value is not None
    end = int((datetime.now(UTC) + timedelta(days=5)).timestamp())
    return ready.secret("graph-client-secret", value.value, expires=end)


@contextmanager
def too_wide(ready: SetUp) -> Iterator[None]:
    """Nothing narrows the permission of the whole tenant."""
    exchange, app = ready.box.tenant.exchange, ready.app.client_id
    exchange.unrestrict(app)
    yield
    exchange.restrict(app, [ready.mailbox])


@asynccontextmanager
async def source_paused(ready: SetUp) -> AsyncIterator[None]:
    services, name = ready.services(), ready.source["name"]
    await services.breakers.pause("source", name, "new classes in the vault")
    yield
    await services.breakers.resume("source", name)
    await services.close()


CASES = [
    Case(
        "a setting is missing",
        key_vault_not_named,
        "settings",
        "is not set",
        '--settings "KEY_VAULT_URL=VALUE"',
        frozenset(NAMES) - {"settings"},
    ),
    Case(
        "a key of the configuration is mistyped",
        configuration_mistyped,
        "configuration",
        "folder",
        "deploy it again",
        frozenset({"mailbox", "folder", "address", "vault-tls", "subscriptions"}) | OF_VAULT,
    ),
    Case(
        "key vault is down",
        key_vault_down,
        "keyvault",
        "Key Vault",
        "",
        frozenset({"secret", "token", "address"}) | OF_MAIL | OF_VAULT,
    ),
    Case(
        "the role at key vault is missing",
        nothing_permitted,
        "keyvault",
        "",
        'az role assignment create --role "Key Vault Secrets User"',
        frozenset({"secret", "token", "address"}) | OF_MAIL | OF_VAULT,
    ),
    Case(
        "a secret is disabled",
        secret_disabled,
        "secret",
        "mfiles-password is disabled",
        "az keyvault secret set-attributes",
        OF_VAULT,
    ),
    Case(
        "entra id takes no version of the secret",
        secrets_of_entra_gone,
        "token",
        "AADSTS7000215",
        "az ad app credential reset",
        frozenset({"address"}) | OF_MAIL,
    ),
    Case(
        "a permission is missing",
        acts_on_mail,
        "token",
        'lacks Mail.ReadWrite, which is needed for source "doctor-',
        "e2a3a72e-5f79-4c64-b1b1-878b674786c9=Role",
        OF_MAIL,
    ),
    Case(
        "the mailbox is out of the scope",
        out_of_scope,
        "mailbox",
        "403 ErrorAccessDenied",
        "infra/exchange",
        frozenset({"folder", "address", "subscriptions"}),
    ),
    Case(
        "a folder is mistyped",
        folder_mistyped,
        "folder",
        'there is no folder "inbox/Scasn"',
        'Did you mean "inbox/Scans"?',
        frozenset({"address", "subscriptions"}),
    ),
    Case("a log-in stands before the app", not_answering, "address", "", "no access restriction"),
    Case("the vault's server speaks TLS 1.1", old_windows, "vault-tls", "TLSv1.1", "SCHANNEL", OF_VAULT),
    Case(
        "the vault's certificate is of a strange authority",
        of_strange_authority,
        "vault-tls",
        "is not trusted",
        '"VAULTPOST_VAULT_CA=FILE.pem"',
        OF_VAULT,
    ),
    Case(
        "the vault's password is wrong",
        password_wrong,
        "vault-login",
        "",
        "mfiles-password",
        frozenset({"names", "filing-key"}),
    ),
    Case("a class is mistyped", class_mistyped, "names", "CL.Mial", 'Did you mean "Mail"?'),
    Case("the filing key is no text", key_of_another_type, "filing-key", "Text", "Property Definitions"),
    Case(
        "the filing key is missing", key_missing, "filing-key", "PD.FillingKey", 'Did you mean "Filing key"?'
    ),
    Case(
        "the filing key is not on the class",
        key_not_on_class,
        "filing-key",
        'class "Mail" does not have property "Filing key"',
        "Classes > Mail > Properties",
    ),
    Case(
        "what was just written is not found",
        search_behind,
        "filing-key",
        'was written and then not found by property "Filing key"',
        "Advanced Vault Settings > Search",
        write=True,
    ),
    Case(
        "the key of the storage is wrong",
        storage_key_wrong,
        "storage",
        "403",
        "az storage account show-connection-string",
        frozenset({"subscriptions", "waiting"}),
    ),
    Case(
        "a subscription is gone",
        subscription_withdrawn,
        "subscriptions",
        "has no live subscription",
        "python3 ops.py subscriptions --apply",
    ),
    Case(
        "the clock is fast",
        clock_fast,
        "clock",
        "s ahead of it: tokens",
        "w32tm /resync",
    ),
    Case(
        "a source is paused",
        source_paused,
        "waiting",
        "is paused: new classes in the vault",
        "python3 ops.py resume --source doctor-",
        status="warning",
    ),
    Case(
        "a secret expires soon",
        secret_expires_soon,
        "secret",
        "expires at",
        "graph-client-secret",
        status="warning",
    ),
    Case(
        "entra id does not take the newest secret",
        newest_secret_of_entra_wrong,
        "token",
        "a former version serves on",
        "az ad app credential reset",
        status="warning",
    ),
    Case(
        "a mailbox of others can be read",
        too_wide,
        "scope",
        "can be read, though it is none of the configuration",
        "infra/exchange",
        status="warning",
    ),
]


@asynccontextmanager
async def broken(case: Case, ready: SetUp) -> AsyncIterator[None]:
    manager = case.broken(ready)
    if isinstance(manager, AbstractAsyncContextManager):
        async with manager:
            yield
    else:
        with manager:
            yield


def blaming(findings: list[Finding]) -> set[str]:
    return {one.check for one in findings if one.status in ("failed", "warning")}


async def test_where_all_is_well_nothing_else_is_said(ready: SetUp) -> None:
    findings = await ready.findings()

    assert {one.status for one in findings} == {"ok"}, told(findings)
    assert tuple(dict.fromkeys(one.check for one in findings)) == NAMES
    assert ready.probes() == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_is_broken_is_told_by_its_check_and_no_other(ready: SetUp, case: Case) -> None:
    async with broken(case, ready):
        findings = await ready.findings(write=case.write)

    assert blaming(findings) == {case.check}, told(findings)
    blamed = [one for one in findings if one.check == case.check and one.status != "ok"]
    assert {one.status for one in blamed} == {case.status}, told(findings)
    assert any(case.says in one.what and case.remedy in one.remedy for one in blamed), blamed
    assert all(one.remedy for one in blamed), "each says what to do"
    not_run = {one.check for one in findings if one.status == "not-run"}
    assert not_run == case.dependents, told(findings)
    assert {one.check for one in findings} == set(NAMES), "each check has a word to say"
    assert ready.probes() == []
