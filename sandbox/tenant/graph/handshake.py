"""The validation of a notification address, before a subscription is made.

learn.microsoft.com/graph/change-notifications-delivery-webhooks (notificationUrl validation)
"""

from __future__ import annotations

import uuid
from urllib.parse import quote_plus

import aiohttp
from yarl import URL

from sandbox.tenant.graph.errors import validation_failed

ANSWER_SECONDS = 10.0

NOT_OK = "Notification endpoint must respond with 200 OK to validation request."
NOT_EXACT = "Response must exactly match validationToken query parameter."
NOT_TEXT = "Response must have the content type text/plain."
TOO_LATE = "The validation request timed out."


async def validate(session: aiohttp.ClientSession, url: str) -> None:
    """Send a token to `url`, which must answer 200, text/plain and the decoded token within 10 seconds.

    Raises GraphError 400 when it does not.
    """
    token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()}"
    try:
        await _ask(session, url, token)
    except TimeoutError as error:
        raise validation_failed(TOO_LATE) from error
    except aiohttp.ClientError as error:
        raise validation_failed(NOT_OK) from error


async def _ask(session: aiohttp.ClientSession, url: str, token: str) -> None:
    # Encoded as a form is, with `+` for a space, as the real service does; yarl must not change it.
    mark = "&" if "?" in url else "?"
    address = URL(f"{url}{mark}validationToken={quote_plus(token)}", encoded=True)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    async with session.post(address, headers=headers, allow_redirects=False, timeout=timeout) as answer:
        if answer.status != 200:
            raise validation_failed(NOT_OK)
        if answer.content_type != "text/plain":
            raise validation_failed(NOT_TEXT)
        if await answer.read() != token.encode():
            raise validation_failed(NOT_EXACT)
