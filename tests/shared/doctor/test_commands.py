"""The commands that a finding names are ones that work for an app with these settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.doctor.commands import Commands
from shared.settings import CREDENTIALS, read_settings

ID = "11111111-1111-1111-1111-111111111111"


def commands(credential: str) -> Commands:
    values = {
        "VAULTPOST_NOTIFICATION_URL": "https://func-a.azurewebsites.net/api",
        "KEY_VAULT_URL": "https://kv.vault.azure.net",
        "MailStorage": "UseDevelopmentStorage=true",
        "AZURE_CLIENT_ID": ID.replace("1", "2"),
        "GRAPH_CREDENTIAL": credential,
        "GRAPH_TENANT_ID": ID,
        "GRAPH_CLIENT_ID": ID,
    }
    return Commands(read_settings(values, Path()))


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_subscriptions_are_made_by_the_app_where_it_alone_is_its_identity(credential: str) -> None:
    """To another registration all of the app's are gone, and it would make a second set."""
    told = commands(credential).subscriptions()

    if credential in ("managed-identity", "federated"):
        assert "ops.py" not in told
        assert "--name func-a --query masterKey" in told
        assert (
            '--data \'{"input": ""}\' https://func-a.azurewebsites.net/admin/functions/subscriptions' in told
        )
    else:
        assert told == "python3 ops.py subscriptions --apply"
