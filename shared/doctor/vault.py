"""The checks of the vault, in the order in which a set-up fails."""

from __future__ import annotations

from functools import partial

from shared.doctor.check import Check
from shared.doctor.trial_document import FILING_KEY
from shared.doctor.vault_filing_key import check_filing_key
from shared.doctor.vault_login import VAULT_LOGIN, check_login
from shared.doctor.vault_names import NAMES, check_names
from shared.doctor.vault_parts import VaultParts
from shared.doctor.vault_tls import check_tls
from shared.doctor.vault_way import VAULT_TLS

__all__ = ["VaultParts", "vault_checks"]


def vault_checks(parts: VaultParts, *, write: bool = False) -> tuple[Check, ...]:
    """The checks `vault-tls`, `vault-login`, `names` and `filing-key`.

    With `write`, the last one writes a document to the vault and marks it deleted; without it, only as long
    as nothing was ever filed. None but the first is light: a log-in leaves a session on the server. The
    log-in does not need the check of secrets, which is about others, too: without its own two it is not run.
    """
    return (
        Check(VAULT_TLS, partial(check_tls, parts), ("configuration",), is_light=True),
        Check(VAULT_LOGIN, partial(check_login, parts), ("configuration", VAULT_TLS)),
        Check(NAMES, partial(check_names, parts), ("configuration", VAULT_LOGIN)),
        Check(FILING_KEY, partial(check_filing_key, parts, write=write), ("configuration", VAULT_LOGIN)),
    )
