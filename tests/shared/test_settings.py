"""The settings: each fault with its remedy, all of them at once, and no secret anywhere."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.pki import Authority
from shared.errors import StartRefused
from shared.settings import SETTINGS, Settings, SourcesBlob, is_loopback, read_settings, sources_file

ROOT = Path("app")
SECRET = "c2VjcmV0LWtleQ=="
CONNECTION = f"AccountName=mail;AccountKey={SECRET};BlobEndpoint=https://mail.example.com/"
LEAST = {
    "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "MailStorage": CONNECTION,
}
IN_AZURE = {
    "WEBSITE_HOSTNAME": "app.azurewebsites.net",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "IDENTITY_ENDPOINT": "http://169.254.129.2:8081/msi/token",
    "AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
    "MailStorage__blobServiceUri": "https://mail.blob.core.windows.net",
    "MailStorage__queueServiceUri": "https://mail.queue.core.windows.net",
    "MailStorage__tableServiceUri": "https://mail.table.core.windows.net",
}
REGISTRATION = {
    "GRAPH_CREDENTIAL": "client-secret",
    "GRAPH_TENANT_ID": "contoso.onmicrosoft.com",
    "GRAPH_CLIENT_ID": "24d3b144-21ae-4080-943f-7067b395b913",
}

FEDERATED = {
    **REGISTRATION,
    "GRAPH_CREDENTIAL": "federated",
    "AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
}


def read(*more: Mapping[str, str | None]) -> Settings:
    """The settings from the least that is needed, changed; None takes one away."""
    merged: dict[str, str | None] = {**LEAST}
    for changes in more:
        merged |= changes
    return read_settings({name: value for name, value in merged.items() if value is not None}, ROOT)


def faults(*more: Mapping[str, str | None]) -> tuple[str, ...]:
    with pytest.raises(StartRefused) as refused:
        read(*more)
    return refused.value.faults


def test_the_least_that_is_needed_gets_the_defaults() -> None:
    settings = read()

    assert settings.sources_file == ROOT / "mail-sources.toml"
    assert settings.graph.endpoint == "https://graph.microsoft.com/v1.0"
    assert settings.graph.authority == "https://login.microsoftonline.com"
    assert settings.graph.credential == "managed-identity"
    assert settings.graph.scope == "https://graph.microsoft.com/.default"
    assert settings.graph.host == "graph.microsoft.com"
    assert settings.client_id is None
    assert not settings.managed_identity
    assert settings.storage.connection_string == CONNECTION
    assert settings.memory_budget == 192 * 1024 * 1024


@pytest.mark.parametrize(
    ("given", "megabytes"), [("128", 128), (" 512 ", 512), ("4096", 4096), ("0256", 256)]
)
def test_memory_is_given_in_megabytes(given: str, megabytes: int) -> None:
    assert read({"VAULTPOST_MEMORY_MB": given}).memory_budget == megabytes * 1024 * 1024


@pytest.mark.parametrize("given", ["127", "4097", "0", "-128", "192 MB", "1e3", "192.0", "١٩٢", "9" * 5000])
def test_memory_that_is_no_number_or_does_not_do_is_a_fault(given: str) -> None:
    (fault,) = faults({"VAULTPOST_MEMORY_MB": given})

    assert fault == "setting VAULTPOST_MEMORY_MB: must be a whole number from 128 to 4096."


def test_in_azure_a_managed_identity_and_three_addresses_are_enough() -> None:
    settings = read_settings(IN_AZURE, ROOT)

    assert settings.notifications_address == "https://app.azurewebsites.net/api/notifications"
    assert settings.lifecycle_address == "https://app.azurewebsites.net/api/lifecycle"
    assert settings.managed_identity
    assert settings.client_id == "11111111-2222-3333-4444-555555555555"
    assert settings.storage.connection_string is None
    assert settings.storage.blob_url == "https://mail.blob.core.windows.net"
    assert settings.storage.queue_url == "https://mail.queue.core.windows.net"
    assert settings.storage.table_url == "https://mail.table.core.windows.net"
    assert settings.storage.client_id == "11111111-2222-3333-4444-555555555555"


def test_storage_can_have_an_identity_of_its_own() -> None:
    more = {"MailStorage__clientId": "66666666-2222-3333-4444-555555555555"}

    assert read_settings({**IN_AZURE, **more}, ROOT).storage.client_id == more["MailStorage__clientId"]


def test_a_connection_string_goes_before_addresses() -> None:
    settings = read_settings({**IN_AZURE, "MailStorage": CONNECTION}, ROOT)

    assert settings.storage.connection_string == CONNECTION
    assert settings.storage.blob_url == ""
    assert settings.storage.client_id is None


@pytest.mark.parametrize("kind", ["federated", "client-certificate", "client-secret"])
def test_an_app_registration_is_named_by_tenant_and_client_id(kind: str) -> None:
    graph = read(FEDERATED, {"GRAPH_CREDENTIAL": kind}).graph

    assert (graph.credential, graph.tenant_id) == (kind, REGISTRATION["GRAPH_TENANT_ID"])
    assert graph.client_id == REGISTRATION["GRAPH_CLIENT_ID"]


@pytest.mark.parametrize("kind", ["federated", "client-certificate", "client-secret"])
def test_all_that_a_kind_lacks_is_named_at_once(kind: str) -> None:
    needed = ["GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", *(["AZURE_CLIENT_ID"] if kind == "federated" else [])]

    said = faults({"GRAPH_CREDENTIAL": kind})

    assert [fault.split(":")[0].removeprefix("setting ") for fault in said] == needed
    assert all(f"GRAPH_CREDENTIAL is '{kind}'" in fault for fault in said)


def test_the_kinds_are_offered_in_the_order_of_preference() -> None:
    (said,) = faults({"GRAPH_CREDENTIAL": "password"})

    assert said.endswith("managed-identity, federated, client-certificate, client-secret.")


def test_the_notification_address_is_used_unaltered() -> None:
    """Graph is given exactly what was set, before `/notifications`."""
    settings = read({"VAULTPOST_NOTIFICATION_URL": "https://Proxy.example.com/a%20b"})

    assert settings.notifications_address == "https://Proxy.example.com/a%20b/notifications"


def test_what_is_set_to_nothing_is_not_set() -> None:
    settings = read({"GRAPH_CREDENTIAL": "", "GRAPH_ENDPOINT": "  ", "AZURE_CLIENT_ID": " "})

    assert settings.graph.credential == "managed-identity"
    assert settings.graph.endpoint == "https://graph.microsoft.com/v1.0"
    assert settings.client_id is None


def test_space_around_a_value_does_not_count() -> None:
    assert (
        read({"KEY_VAULT_URL": " https://kv.vault.azure.net\n"}).key_vault_url == "https://kv.vault.azure.net"
    )


def test_a_slash_at_the_end_of_graphs_addresses_does_not_count() -> None:
    graph = read(
        {"GRAPH_ENDPOINT": "https://graph.example.com:8443/v1.0/", "GRAPH_AUTHORITY": "https://a/"}
    ).graph

    assert graph.endpoint == "https://graph.example.com:8443/v1.0"
    assert graph.scope == "https://graph.example.com:8443/.default"
    assert graph.authority == "https://a"


@pytest.mark.parametrize(
    ("given", "file"),
    [
        (None, ROOT / "mail-sources.toml"),
        ("other.toml", ROOT / "other.toml"),
        ("blob:state/mail-sources.toml", SourcesBlob("state", "mail-sources.toml")),
        ("blob:my-own/conf/mail.toml", SourcesBlob("my-own", "conf/mail.toml")),
        ("conf/other.toml", ROOT / "conf" / "other.toml"),
        (str(Path.cwd() / "other.toml"), Path.cwd() / "other.toml"),
    ],
)
def test_the_configuration_file_is_absolute_or_below_the_app(given: str | None, file: Path) -> None:
    environment = {} if given is None else {"VAULTPOST_SOURCES": given}

    assert sources_file(environment, ROOT) == file
    assert read(environment).sources_file == file


@pytest.mark.parametrize(
    "url",
    ["http://localhost:7071/api", "http://127.0.0.1:7071/api", "http://[::1]:7071", "http://LOCALHOST/api"],
)
def test_http_is_for_this_machine(url: str) -> None:
    assert read({"VAULTPOST_NOTIFICATION_URL": url}).notification_url == url
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://localhost.example.com",
        "https://127.0.0.1.example.com",
        "https://[::2]",
    ],
)
def test_what_is_another_machine(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"VAULTPOST_NOTIFICATION_URL": None}, "VAULTPOST_NOTIFICATION_URL: is not set. Set it to"),
        ({"VAULTPOST_NOTIFICATION_URL": "app/api"}, "VAULTPOST_NOTIFICATION_URL: is not an address."),
        (
            {"VAULTPOST_NOTIFICATION_URL": "https://h/api?code=1"},
            "VAULTPOST_NOTIFICATION_URL: is not an address.",
        ),
        ({"VAULTPOST_NOTIFICATION_URL": "https://h/api#x"}, "VAULTPOST_NOTIFICATION_URL: is not an address."),
        ({"KEY_VAULT_URL": None}, "KEY_VAULT_URL: is not set. Set it to https://NAME.vault.azure.net."),
        ({"KEY_VAULT_URL": "http://kv.vault.azure.net"}, "KEY_VAULT_URL: must begin with https://"),
        ({"KEY_VAULT_URL": "ftp://localhost"}, "KEY_VAULT_URL: must begin with https://"),
        ({"KEY_VAULT_URL": "http://localhost.example.com"}, "KEY_VAULT_URL: must begin with https://"),
        ({"KEY_VAULT_URL": "https://"}, "KEY_VAULT_URL: is not an address."),
        ({"KEY_VAULT_URL": "https://[::1"}, "KEY_VAULT_URL: is not an address."),
        ({"KEY_VAULT_URL": "https://kv:port"}, "KEY_VAULT_URL: is not an address."),
        ({"KEY_VAULT_URL": "https://kv:99999"}, "KEY_VAULT_URL: is not an address."),
        ({"KEY_VAULT_URL": "https://kv:0"}, "KEY_VAULT_URL: is not an address."),
        ({"KEY_VAULT_URL": f"https://user:{SECRET}@kv"}, "KEY_VAULT_URL: is not an address."),
        ({"GRAPH_ENDPOINT": "http://graph.microsoft.com/v1.0"}, "GRAPH_ENDPOINT: must begin with https://"),
        ({"GRAPH_AUTHORITY": "login.microsoftonline.com"}, "GRAPH_AUTHORITY: is not an address."),
        (
            {"GRAPH_CREDENTIAL": "password"},
            "GRAPH_CREDENTIAL: 'password' is unknown. Use one of managed-identity",
        ),
        ({"AZURE_CLIENT_ID": "my identity"}, "AZURE_CLIENT_ID: is not an id. Copy the client id from"),
        ({**REGISTRATION, "GRAPH_TENANT_ID": "Common"}, "GRAPH_TENANT_ID: 'Common' is any tenant. Name the"),
        ({"GRAPH_TENANT_ID": "organizations"}, "GRAPH_TENANT_ID: 'organizations' is any tenant."),
        (
            {**FEDERATED, "AZURE_CLIENT_ID": None},
            "AZURE_CLIENT_ID: is not set. GRAPH_CREDENTIAL is 'federated': set it to the client id of",
        ),
        (
            {**FEDERATED, "AZURE_CLIENT_ID": REGISTRATION["GRAPH_CLIENT_ID"].upper()},
            "AZURE_CLIENT_ID: is the same as GRAPH_CLIENT_ID.",
        ),
        ({"VAULTPOST_OUTSIDE_MAILBOX": "Jane Doe"}, "VAULTPOST_OUTSIDE_MAILBOX: is not a mailbox."),
        ({"VAULTPOST_VAULT_CA": "nowhere.pem"}, "VAULTPOST_VAULT_CA: nowhere.pem cannot be read (FileNot"),
        ({**REGISTRATION, "GRAPH_TENANT_ID": None}, "GRAPH_TENANT_ID: is not set. GRAPH_CREDENTIAL is"),
        ({**REGISTRATION, "GRAPH_CLIENT_ID": None}, "GRAPH_CLIENT_ID: is not set. GRAPH_CREDENTIAL is"),
        ({**REGISTRATION, "GRAPH_CLIENT_ID": "my app"}, "GRAPH_CLIENT_ID: is not an id."),
        ({"GRAPH_CLIENT_ID": "my app"}, "GRAPH_CLIENT_ID: is not an id."),
        ({"GRAPH_TENANT_ID": "../common"}, "GRAPH_TENANT_ID: is not an id."),
        (
            {"MailStorage": None},
            "MailStorage: is not set. Set it to a connection string, or set MailStorage__blob",
        ),
        ({"MailStorage": "mail"}, "MailStorage: is not a connection string"),
        ({"MailStorage": SECRET}, "MailStorage: is not a connection string"),
        ({"MailStorage": "https://mail.blob.core.windows.net"}, "MailStorage: is not a connection string"),
        ({"MailStorage": f"AccountName=mail;{SECRET[:-2]}"}, "MailStorage: is not a connection string"),
        (
            {"MailStorage": f"AccountName=mail;AccountKey={SECRET[:-1]}"},
            "MailStorage: is not a connection string",
        ),
        ({"MailStorage": f"Name=mail;AccountKey={SECRET}"}, "MailStorage: is not a connection string"),
    ],
)
def test_one_fault_alone_is_named_with_its_remedy(change: Mapping[str, str | None], fault: str) -> None:
    (said,) = faults(change)

    assert said.startswith(f"setting {fault}")
    assert SECRET.rstrip("=") not in said


@pytest.mark.parametrize(
    "connection",
    [
        "UseDevelopmentStorage=true",
        "usedevelopmentstorage=TRUE",
        CONNECTION,
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Yg==;EndpointSuffix=core.windows.net;",
        "BlobEndpoint=https://a/;SharedAccessSignature=sv=2024&sig=x",
    ],
)
def test_what_is_a_connection_string(connection: str) -> None:
    assert read({"MailStorage": connection}).storage.connection_string == connection


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"MailStorage__queueServiceUri": None},
            "MailStorage__queueServiceUri: is not set. The other addresses",
        ),
        (
            {"MailStorage__tableServiceUri": "http://mail"},
            "MailStorage__tableServiceUri: must begin with https://",
        ),
        ({"MailStorage__credential": "accountkey"}, "MailStorage__credential: must be 'managedidentity'."),
        ({"WEBSITE_HOSTNAME": None}, "VAULTPOST_NOTIFICATION_URL: is not set."),
    ],
)
def test_a_fault_of_what_is_set_in_azure(change: Mapping[str, str | None], fault: str) -> None:
    nothing: dict[str, str | None] = dict.fromkeys(LEAST)

    (said,) = faults(nothing, IN_AZURE, change)

    assert said.startswith(f"setting {fault}")


def test_without_any_setting_each_missing_one_is_named() -> None:
    said = faults(dict.fromkeys(LEAST))

    assert [fault.split(":")[0] for fault in said] == [
        "setting VAULTPOST_NOTIFICATION_URL",
        "setting KEY_VAULT_URL",
        "setting MailStorage",
    ]


def test_all_faults_come_at_once() -> None:
    said = faults(
        {
            "VAULTPOST_NOTIFICATION_URL": "http://app.example.com",
            "KEY_VAULT_URL": "kv",
            "GRAPH_CREDENTIAL": "client-secret",
            "GRAPH_CLIENT_ID": "x",
            "GRAPH_ENDPOINT": "graph",
            "GRAPH_AUTHORITY": "http://login.example.com",
            "MailStorage": None,
            "MailStorage__blobServiceUri": "blob",
            "MailStorage__credential": "x",
        }
    )

    assert sorted(fault.split(":")[0].removeprefix("setting ") for fault in said) == [
        "GRAPH_AUTHORITY",
        "GRAPH_CLIENT_ID",
        "GRAPH_ENDPOINT",
        "GRAPH_TENANT_ID",
        "KEY_VAULT_URL",
        "MailStorage__blobServiceUri",
        "MailStorage__credential",
        "MailStorage__queueServiceUri",
        "MailStorage__tableServiceUri",
        "VAULTPOST_NOTIFICATION_URL",
    ]


def test_no_secret_is_in_the_representation() -> None:
    assert SECRET not in repr(read())
    assert SECRET not in str(read().storage)


def test_each_setting_has_a_meaning_and_stands_there_once() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.meaning for setting in SETTINGS)


@pytest.mark.parametrize(
    "given", ["blob:", "blob:state", "blob:/x", "blob:State/x", "blob:a/x", "blob:a--b/x", "blob:state/x/"]
)
def test_what_names_no_blob_is_refused(given: str) -> None:
    with pytest.raises(StartRefused) as refused:
        read({"VAULTPOST_SOURCES": given})

    assert refused.value.faults == (
        "setting VAULTPOST_SOURCES: names no blob. Write it as blob:CONTAINER/NAME.",
    )


CLOUDS = {
    "global": ("graph.microsoft.com", "login.microsoftonline.com", "vault.azure.net", ""),
    "us": ("graph.microsoft.us", "login.microsoftonline.us", "vault.usgovcloudapi.net", "USGov"),
    "dod": ("dod-graph.microsoft.us", "login.microsoftonline.us", "vault.usgovcloudapi.net", "USGov"),
    "china": ("microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn", "vault.azure.cn", "China"),
    "partner": (
        "microsoftgraph.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
        "vault.azure.cn",
        "China",
    ),
}
TOGETHER = ({"global"}, {"us", "dod"}, {"china", "partner"})


def in_cloud(graph: str, authority: str, key_vault: str) -> dict[str, str]:
    return {
        "GRAPH_ENDPOINT": f"https://{graph}/v1.0",
        "GRAPH_AUTHORITY": f"https://{authority}",
        "KEY_VAULT_URL": f"https://mail.{key_vault}",
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_national_cloud_has_its_own_addresses(cloud: str) -> None:
    graph, authority, key_vault, ending = CLOUDS[cloud]

    settings = read(in_cloud(graph, authority, key_vault)).graph

    assert settings.scope == f"https://{graph}/.default"
    assert settings.token_exchange == f"api://AzureADTokenExchange{ending}"


@pytest.mark.parametrize("other", CLOUDS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_addresses_of_different_clouds_are_a_fault(cloud: str, other: str) -> None:
    graph, authority, key_vault, _ = CLOUDS[cloud]
    _, other_authority, other_key_vault, _ = CLOUDS[other]
    if any({cloud, other} <= together for together in TOGETHER):
        together = read(in_cloud(graph, other_authority, other_key_vault))
        assert together.graph.host == graph
        return

    (of_authority,) = faults(in_cloud(graph, other_authority, key_vault))
    (of_key_vault,) = faults(in_cloud(graph, authority, other_key_vault))

    assert of_authority.startswith("setting GRAPH_AUTHORITY: is of another cloud than GRAPH_ENDPOINT.")
    assert of_key_vault.startswith("setting KEY_VAULT_URL: is of another cloud than GRAPH_ENDPOINT.")
    assert f"https://NAME.{key_vault}" in of_key_vault


def test_addresses_that_are_none_of_microsofts_are_not_judged() -> None:
    lookalike = "graph.microsoft.us.example.com"

    graph = read({"GRAPH_ENDPOINT": f"https://{lookalike}/v1.0"}).graph
    assert graph.host == lookalike
    by_proxy = read({"GRAPH_AUTHORITY": "https://proxy.example.com"}).graph
    assert by_proxy.token_exchange.endswith("Exchange")
    settings = read({"KEY_VAULT_URL": "https://127.0.0.1:1"})
    assert settings.key_vault_url == "https://127.0.0.1:1"


def test_another_authority_alone_is_a_fault_that_names_both_ways_out() -> None:
    (said,) = faults({"GRAPH_AUTHORITY": "https://login.microsoftonline.us", "KEY_VAULT_URL": "https://kv"})

    assert "https://login.microsoftonline.com" in said
    assert "GRAPH_ENDPOINT to https://graph.microsoft.us/v1.0" in said


def test_authorities_for_the_vault_are_certificates_in_a_file(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.bundle.read_bytes())
    whole = {**LEAST, "VAULTPOST_VAULT_CA": "ca.pem"}

    assert read().vault_ca is None
    assert read_settings(whole, tmp_path).vault_ca == tmp_path / "ca.pem"
    assert read({"VAULTPOST_VAULT_CA": str(authority.bundle)}).vault_ca == authority.bundle


@pytest.mark.parametrize("kind", ["empty", "text", "der", "broken", "key"])
def test_a_file_without_a_certificate_in_pem_is_a_fault(
    authority: Authority, tmp_path: Path, kind: str
) -> None:
    pem = authority.bundle.read_text(encoding="ascii")
    content = {
        "empty": b"",
        "text": b"-----BEGIN",
        "der": ssl.PEM_cert_to_DER_cert(pem),
        "broken": pem.replace("M", "_", 1).encode(),
        "key": authority.key.read_bytes(),
    }[kind]
    (tmp_path / "ca.pem").write_bytes(content)

    with pytest.raises(StartRefused) as refused:
        read_settings({**LEAST, "VAULTPOST_VAULT_CA": "ca.pem"}, tmp_path)

    (said,) = refused.value.faults
    assert said.startswith("setting VAULTPOST_VAULT_CA: ca.pem holds no certificate in PEM.")
    assert "Base-64" in said


def test_the_mailbox_outside_is_an_address_or_an_id() -> None:
    assert read().outside_mailbox == ""
    assert read({"VAULTPOST_OUTSIDE_MAILBOX": "ceo@example.com"}).outside_mailbox == "ceo@example.com"
