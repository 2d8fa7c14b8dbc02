"""Graph's answers with properties that are absent, null, of a wrong type or unknown, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as some

texts = some.text(max_size=8)
odd = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
times = some.sampled_from(
    ["2026-11-24T16:37:44Z", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "x"]
)
ids = some.sampled_from(["A", "B"])
kinds = some.sampled_from([f"#microsoft.graph.{kind}Attachment" for kind in ("file", "item", "reference")])


def object_of(**fields: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    """Objects whose properties may be absent, null, right or of any other type, and others beside them."""
    known = some.fixed_dictionaries({}, optional={name: one | odd for name, one in fields.items()})
    return some.builds(
        lambda right, other: {**other, **right}, known, some.dictionaries(texts, odd, max_size=1)
    )


recipients = object_of(emailAddress=object_of(name=texts, address=texts))
messages = object_of(
    **{"id": ids, "@odata.type": texts, "from": recipients, "isDraft": some.booleans()},
    subject=texts,
    sentDateTime=times,
    receivedDateTime=times,
    internetMessageId=texts,
    toRecipients=some.lists(recipients, max_size=2),
    categories=some.lists(texts, max_size=2),
    internetMessageHeaders=some.lists(object_of(name=texts, value=texts), max_size=2),
    parentFolderId=texts,
    webLink=texts,
)
attachments = object_of(
    **{"id": ids, "@odata.type": kinds | texts},
    name=texts,
    contentType=texts,
    size=some.integers(),
    isInline=texts,
)
entries = object_of(
    **{"id": ids, "@removed": object_of(reason=texts)},
    receivedDateTime=times,
    lastModifiedDateTime=times,
    isDraft=some.booleans(),
)
