"""`ops.py schema`: needs nothing, and writes what editors read."""

from __future__ import annotations

import json

import pytest

import ops
from shared.configuration_schema import schema


def test_the_schema_is_written_without_any_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEY_VAULT_URL", "MailStorage", "VAULTPOST_SOURCES"):
        monkeypatch.delenv(name, raising=False)

    assert ops.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
