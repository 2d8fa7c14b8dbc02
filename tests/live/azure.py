"""Key Vault, identities, and the deployed app."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ClientAssertionCredential, ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

from shared.credentials import own_credential
from shared.settings import is_loopback
from shared.subscriptions import NOTIFICATION_KEY
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.raw_graph import claims_of
from tests.live.world import World

_STORE = ("shared/secret_store.py",)
_EXCHANGE = "api://AzureADTokenExchange/.default"
_NO_FEDERATED_CREDENTIAL = "AADSTS70025"


async def _client(world: World) -> SecretClient:
    credential = own_credential(world.settings, world.settings.client_id)
    world.clean_up.push_async_callback(credential.close)
    url = world.settings.key_vault_url
    client = SecretClient(url, credential, verify_challenge_resource=not is_loopback(url), retry_total=1)
    world.clean_up.push_async_callback(client.close)
    return client


def _refusal(error: HttpResponseError) -> str:
    """Status, code, and the code within."""
    try:
        body = json.loads(error.response.text()) if error.response is not None else {}
        fault = body.get("error", {})
        inner = (fault.get("innererror") or {}).get("code", "no inner code")
        return f"{error.status_code} {fault.get('code')}, {inner}"
    except (ValueError, AttributeError):
        return f"{error.status_code}, not in JSON"


def entra_code(error: ClientAuthenticationError) -> str:
    """The code AADSTS… of a refusal; the text around it may name people."""
    words = str(error.message).replace(":", " ").split()
    return next((word for word in words if word.startswith("AADSTS")), "no code")


@settles(
    Fact(
        "keyvault-versions",
        "May the app list the versions of a secret, and what is answered for one that is not there?",
        expected="it may; 404 or an empty list",
        depends=_STORE,
        otherwise="grant Key Vault Secrets User; else a change of notification-key loses what is under way",
    )
)
async def keyvault_versions(world: World) -> Seen:
    client = await _client(world)
    try:
        known = [one async for one in client.list_properties_of_secret_versions(NOTIFICATION_KEY)]
    except HttpResponseError as error:
        return Seen(f"not listed: {_refusal(error)}", agrees=False)
    try:
        none = [one async for one in client.list_properties_of_secret_versions("vaultpost-live-nothing")]
        missing = f"{len(none)} versions"
    except HttpResponseError as error:
        missing = _refusal(error)
    right = bool(known) and missing.startswith(("404", "0 "))
    return Seen(f"{len(known)} versions of notification-key; of one that is not there: {missing}", right)


@settles(
    Fact(
        "keyvault-missing",
        "How is a secret refused that is not there?",
        expected="404 SecretNotFound",
        depends=_STORE,
        otherwise="the doctor could not tell a missing secret from a Key Vault that is down",
    )
)
async def keyvault_missing(world: World) -> Seen:
    client = await _client(world)
    try:
        await client.get_secret("vaultpost-live-nothing")
    except ResourceNotFoundError as error:
        return Seen(_refusal(error), _refusal(error).startswith("404 SecretNotFound"))
    except HttpResponseError as error:
        return Seen(_refusal(error), agrees=False)
    return Seen("it is there", agrees=False)


@settles(
    Fact(
        "keyvault-expired",
        "Is the value of an expired version given, and how is a disabled one refused?",
        expected="the expired one is given; the disabled one is refused with 403",
        depends=(*_STORE, "shared/doctor"),
        otherwise="the doctor's words for such a secret would be wrong",
    )
)
async def keyvault_expired(world: World) -> Seen:
    if not world.options.keyvault.writes:
        raise NotPossible("set keyvault.writes = true: it makes a secret, and deletes it")
    client, name = await _client(world), f"vaultpost-live-{secrets.token_hex(4)}"
    seen = []
    for label, more in (
        ("expired", {"expires_on": datetime.now(UTC) - timedelta(days=1)}),
        ("disabled", {"enabled": False}),
    ):
        await client.set_secret(name, "nothing", **more)
        try:
            await client.get_secret(name)
            seen.append(f"{label}: given")
        except HttpResponseError as error:
            seen.append(f"{label}: {_refusal(error)}")
    await _delete(world, client, name)
    return Seen("; ".join(seen), seen[0] == "expired: given" and seen[1].startswith("disabled: 403"))


async def _delete(world: World, client: SecretClient, name: str) -> None:
    if not is_loopback(world.settings.key_vault_url):  # the sandbox deletes none
        await client.delete_secret(name)


@settles(
    Fact(
        "identity-token",
        "What does the app's token for Graph carry: roles, life, version?",
        depends=("shared/credentials.py", "shared/doctor"),
        otherwise="nothing: a token without roles is judged by reading the mailbox",
    )
)
async def identity_token(world: World) -> Seen:
    claims = await world.graph.claims()
    minutes = (claims["exp"] - time.time()) / 60
    shown = {name: claims.get(name) for name in ("ver", "idtyp", "roles") if name in claims}
    by = world.settings.graph.credential
    return Seen(f"{by}: {json.dumps(shown)}; {minutes:.0f} minutes left; audience {_kind(claims.get('aud'))}")


def _kind(audience: Any) -> str:
    return "an address" if "://" in str(audience) else "an id"


@settles(
    Fact(
        "identity-exchange",
        "Does the managed identity get a token for the exchange, and is it taken as the app registration's?",
        expected="yes",
        depends=("shared/credentials.py", "docs/settings.md"),
        otherwise="GRAPH_CREDENTIAL = federated does not work: use managed-identity or client-certificate",
    )
)
async def identity_exchange(world: World) -> Seen:
    if not world.settings.managed_identity:
        raise NotPossible("there is no managed identity here: run it in Azure, in the app's console")
    graph = world.settings.graph
    if not graph.tenant_id or not graph.client_id:
        raise NotPossible("set GRAPH_TENANT_ID and GRAPH_CLIENT_ID of the app registration")
    identity = ManagedIdentityCredential(client_id=world.settings.client_id)
    world.clean_up.push_async_callback(identity.close)
    try:
        assertion = (await identity.get_token(_EXCHANGE)).token
    except ClientAuthenticationError as error:
        return Seen(f"the identity gets no token for it ({entra_code(error)})", agrees=False)
    credential = ClientAssertionCredential(
        graph.tenant_id,
        graph.client_id,
        lambda: assertion,
        authority=graph.authority,
        disable_instance_discovery=is_loopback(graph.authority),
    )
    world.clean_up.push_async_callback(credential.close)
    claims = claims_of(assertion)
    version = "v2.0" if str(claims.get("iss", "")).endswith("/v2.0") else "v1.0"
    about = f"issuer {version}, audience {_kind(claims.get('aud'))}"
    try:
        token = await credential.get_token(graph.scope)
    except ClientAuthenticationError as error:
        if entra_code(error) == _NO_FEDERATED_CREDENTIAL:
            raise NotPossible("the app registration has no federated credential") from None
        return Seen(f"{about}; refused ({entra_code(error)})", agrees=False)
    return Seen(f"{about}; exchanged, for {token.expires_on - time.time():.0f} s", agrees=True)


async def _post(world: World, size: int) -> httpx.Response:
    body = b'{"value": [], "filler": "' + b"x" * size + b'"}'
    return await world.http.post(
        f"{world.app}/notifications", content=body, headers={"Content-Type": "application/json"}
    )


@settles(
    Fact(
        "app-large-body",
        "What answers a notification that is too large: the app, or the host before it?",
        expected="413 to 1.5 MB",
        depends=("shared/webhook.py", "host.json"),
        otherwise="a flood of large bodies would cost more than it should",
    )
)
async def app_large_body(world: World) -> Seen:
    small = await _post(world, 1_500_000)
    try:
        large = str((await _post(world, 120 * 1024 * 1024)).status_code)
    except httpx.HTTPError as error:
        large = f"the connection ends ({type(error).__name__})"
    return Seen(f"1.5 MB: {small.status_code}; 120 MB: {large}", small.status_code == 413)


@settles(
    Fact(
        "app-handshake",
        "Does the deployed app answer a handshake as Graph wants it, and how fast after a pause?",
        expected="200, text/plain, the token, within 10 s",
        depends=("handlers/notifications.py",),
        otherwise="no subscription can be made; the doctor's check address says so, too",
    )
)
async def app_handshake(world: World) -> Seen:
    token = "Validation: Testing client application reachability"
    began = time.monotonic()
    answer = await world.http.post(f"{world.app}/notifications", params={"validationToken": token})
    seconds = time.monotonic() - began
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    right = answer.status_code == 200 and answer.text == token and kind == "text/plain" and seconds < 10
    return Seen(f"{answer.status_code}, {kind}, {seconds:.1f} s", right)


@settles(
    Fact(
        "app-traceparent",
        "Does the host give the caller's traceparent to the app?",
        depends=("shared/tracing.py", "handlers/notifications.py"),
        otherwise="nothing: the app makes a trace of its own for each notification",
    )
)
async def app_traceparent(world: World) -> Seen:
    trace = secrets.token_hex(16)
    header = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", "Content-Type": "application/json"}
    answer = await world.http.post(f"{world.app}/notifications", content=b'{"value": []}', headers=header)
    spaced = " ".join(trace[at : at + 8] for at in range(0, 32, 8))
    return Seen(
        f"{answer.status_code}; does Application Insights know operation_Id (without spaces) {spaced}?"
    )
