"""Which settings lead to a queue service."""

from __future__ import annotations

import pytest
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from sandbox.host.storage_queue import ConnectionRefused, credential_of, queue_service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "the setting MailStorage is missing: give a connection string there, or the address"),
        ({"MailStorage": "AccountName=x"}, "MailStorage is no connection string"),
        (
            {"MailStorage__queueServiceUri": "https://localhost/a", "MailStorage__credential": "secret"},
            "MailStorage__credential must be managedidentity",
        ),
    ],
)
async def test_a_connection_that_leads_nowhere_says_what_to_set(settings: dict[str, str], fault: str) -> None:
    with pytest.raises(ConnectionRefused, match=fault):
        async with queue_service("MailStorage", settings):
            pass


async def test_an_address_is_reached_with_an_identity() -> None:
    settings = {"MailStorage__queueServiceUri": "https://account.queue.example.com"}
    async with queue_service("MailStorage", settings) as service:
        assert service.url == "https://account.queue.example.com/"
        assert isinstance(service.credential, DefaultAzureCredential)


async def test_the_managed_identity_is_asked_for_by_name() -> None:
    settings = {"MailStorage__credential": "managedidentity", "MailStorage__clientId": "some-id"}
    async with credential_of("MailStorage", settings) as credential:
        assert isinstance(credential, ManagedIdentityCredential)
