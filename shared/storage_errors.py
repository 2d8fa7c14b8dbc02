"""What the faults of Azure Storage mean to the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from shared.errors import Stale, Unavailable
from shared.tls import connection_fault


@contextmanager
def storage_faults(what: str) -> Iterator[None]:
    """Turn the SDK's exceptions, met while doing `what`, into ours.

    Raises Stale where another worker was first, else Unavailable. ResourceNotFoundError passes: what it
    means is the caller's.
    """
    try:
        yield
    except ResourceNotFoundError:
        raise
    except (ResourceExistsError, ResourceModifiedError) as error:
        raise Stale(f"{what}: another worker was first ({_code(error)})") from None
    except HttpResponseError as error:
        raise Unavailable(
            f"{what}: storage answered {error.status_code} {_code(error)}", origin="storage"
        ) from None
    except AzureError as error:
        raise Unavailable(f"{what}: {connection_fault('storage', error)}", origin="storage") from None


@contextmanager
def created_anew(what: str) -> Iterator[None]:
    """Use what was created a moment ago. Raises Unavailable when it is not there: it is being deleted."""
    try:
        yield
    except ResourceNotFoundError:
        raise Unavailable(f"{what}: is being deleted", origin="storage") from None


def _code(error: HttpResponseError) -> str:
    return str(getattr(error, "error_code", "") or "")
