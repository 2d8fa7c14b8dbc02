"""Key Vault, its secrets, and the token for Graph."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.doctor.claims import Claims, claims_of
from shared.doctor.secrets import SHORTEST_KEY

from .set_up import Late, SetUp, of

pytestmark = pytest.mark.anyio


async def test_a_refused_app_is_named_in_the_command(ready: SetUp) -> None:
    store, app = ready.key_vault.secrets, ready.box.identity.client_id
    before = store._permissions.pop(app)
    (told,) = await ready.only("keyvault")
    store._permissions[app] = before

    assert told.status == "failed"
    assert f"--assignee {ready.box.identity.object_id} " in told.remedy


@pytest.mark.parametrize(
    ("settings", "says", "remedy"),
    [
        (
            {"AZURE_CLIENT_ID": "11111111-1111-1111-1111-111111111111"},
            "the app does not have the managed identity 11111111",
            "az functionapp identity assign",
        ),
        ({"KEY_VAULT_URL": "https://no-such-name.invalid"}, "is not known (DNS)", "az keyvault list"),
    ],
    ids=["no identity", "no such name"],
)
async def test_what_stands_before_key_vault_is_told(
    ready: SetUp, settings: dict[str, str], says: str, remedy: str
) -> None:
    with ready.changed(**settings):
        (told,) = await ready.only("keyvault")

    assert told.status == "failed"
    assert says in told.what
    assert remedy in told.remedy


async def test_a_key_that_can_be_guessed_is_a_warning(ready: SetUp) -> None:
    with ready.secret("notification-key", "k" * (SHORTEST_KEY - 1)):
        findings = await ready.only("keyvault", "secret")
    (told,) = (one for one in findings if one.status != "ok")

    assert (told.check, told.subject, told.status) == ("secret", "notification-key", "warning")
    assert "openssl rand" in told.remedy
    assert "kkk" not in told.what + told.remedy


async def test_a_secret_that_was_set_with_the_line_end_of_its_file_is_told(ready: SetUp) -> None:
    """The service refuses it, and nobody sees why."""
    known = ready.box.secrets.get("mfiles-password")
    assert known is not None
    with ready.secret("mfiles-password", f"{known.value}\n"):
        told = [one for one in await ready.only("keyvault", "secret") if one.status != "ok"]

    assert [(one.check, one.subject, one.status) for one in told] == [
        ("secret", "mfiles-password", "warning")
    ]
    assert "ends in a line break" in told[0].what
    assert known.value not in f"{told}"


async def test_each_secret_that_is_needed_is_told_by_name(ready: SetUp) -> None:
    findings = await ready.only("keyvault", "secret")

    assert [one.subject for one in of("secret", findings)] == [
        "notification-key",
        "graph-client-secret",
        "mfiles-username",
        "mfiles-password",
    ]


async def test_a_managed_identity_is_looked_at_by_the_app_alone(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the operator's own machine there is none."""
    with ready.changed(GRAPH_CREDENTIAL="managed-identity", IDENTITY_ENDPOINT=""):
        (told,) = await ready.only("token")

    assert told.status == "not-run"
    assert "no managed identity" in told.what
    assert "ops.py doctor" in told.remedy


async def test_a_managed_identity_is_given_the_permission_by_its_object_id(ready: SetUp) -> None:
    """A token of the host's identity, which has another permission alone, for the whole tenant."""
    audience = ready.box.addresses.graph.removesuffix("/v1.0")
    ready.box.directory.grant(ready.box.identity.client_id, audience, "Mail.ReadBasic.All")
    with ready.changed(GRAPH_CREDENTIAL="managed-identity"):
        (told,) = await ready.only("token")
    ready.box.directory.revoke(ready.box.identity.client_id, audience, "Mail.ReadBasic.All")

    assert (told.status, told.subject) == ("failed", "Mail.Read")
    assert "az rest --method POST" in told.remedy
    assert "Set-VaultpostMailboxScope.ps1" in told.remedy


async def test_without_any_permission_in_the_token_the_mailboxes_decide(ready: SetUp) -> None:
    """RBAC for Applications shows nothing in the token."""
    app = ready.box.directory.register("scoped")
    secret = ready.box.directory.add_secret(app.client_id)
    exchange = ready.box.tenant.exchange
    with ready.changed(GRAPH_CLIENT_ID=app.client_id), ready.secret("graph-client-secret", secret):
        without = await ready.only("token", "mailbox", "scope")
        exchange.scope(app.client_id, "Application Mail.Read", [ready.mailbox])
        scoped = await ready.only("token", "mailbox", "folder", "scope")
    exchange.unscope(app.client_id)

    assert [one.status for one in of("token", without)] == ["ok"]
    assert [one.status for one in of("mailbox", without)] == ["failed"]
    assert {one.status for one in scoped} == {"ok"}
    assert "RBAC for Applications, or none" in of("token", scoped)[0].what


async def test_a_former_secret_that_serves_on_is_a_warning(ready: SetUp) -> None:
    """The newest is refused: there is a token, and time to mend that."""
    secrets = ready.key_vault.secrets
    former = secrets.get("graph-client-secret")
    assert former is not None
    secrets.set("graph-client-secret", "hush-hush")
    told, permissions = await ready.only("token")
    secrets.set("graph-client-secret", former.value)

    assert (told.status, told.subject, permissions.status) == ("warning", "graph-client-secret", "ok")
    assert "a former version serves on" in told.what
    assert "AADSTS7000215" in told.what
    assert f"az ad app credential reset --id {ready.app.client_id} --append" in told.remedy
    assert "--name graph-client-secret --file FILE" in told.remedy
    assert "hush-hush" not in f"{told}"


async def test_a_token_of_the_future_is_a_warning(ready: SetUp) -> None:
    before, ready.clock = ready.clock, Late(seconds=-400)
    begins, permissions = await ready.only("token")
    ready.clock = before

    assert (begins.status, permissions.status) == ("warning", "ok")
    assert "the clock of this machine is slow" in begins.what


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!!!.c", "a.e30x.c", "a.W10.c", "é.é.é"])
def test_a_token_that_shows_nothing_is_no_fault(token: str) -> None:
    assert claims_of(token) is None


def test_the_claims_of_either_version_are_read(ready: SetUp) -> None:
    token = ready.box.issuer.issue("app", "https://graph.example.com", ["Mail.Read"], timedelta(hours=1))
    bare = ready.box.issuer.issue("app", "https://graph.example.com", [], timedelta(hours=1))
    claims, none = claims_of(token), claims_of(bare)

    assert isinstance(claims, Claims)
    assert (claims.app, claims.tenant, claims.roles) == ("app", ready.box.tenant_id, frozenset({"Mail.Read"}))
    assert none is not None
    assert none.roles is None
