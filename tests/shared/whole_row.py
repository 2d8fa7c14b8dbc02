"""A row of the journal in which every field is set, so that a new field is tried wherever rows are kept."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from shared.journal_row import Row

from .clock import NOON

WHOLE_ROW = Row(
    source="invoices",
    key="f" * 32,
    state="filed",
    message="AAkALgAB-_=",
    arrived=NOON + timedelta(microseconds=123_456),
    opened=NOON + timedelta(seconds=1),
    staged=NOON + timedelta(seconds=2),
    ended=NOON + timedelta(seconds=3),
    owner="run-1",
    claim_expires=NOON + timedelta(seconds=4),
    deaths=2,
    handed=NOON + timedelta(seconds=5),
    settled=NOON + timedelta(seconds=6),
    look_again=NOON + timedelta(seconds=7),
    creating=NOON + timedelta(seconds=8),
    missing_since=NOON + timedelta(seconds=9),
    kept=NOON + timedelta(seconds=10),
    attempt=7,
    first_tried=NOON - timedelta(days=1),
    due=NOON + timedelta(minutes=15),
    revived=3,
    last_look=True,
    sizes=(0, 5_000_000_000, 17),
    digests=tuple(hashlib.sha256(bytes([number])).digest() for number in range(3)),
    object_type=0,
    object_id=2_147_483_647,
    object_version=1,
    planned=(0, 5_000_000_000),
    linked=((1, 2_147_483_646), (250, 0)),
    rule="newsletters",
    reason="Größe: ß",
    remedy="Look.",
    warnings=("first", "second"),
    again=True,
    others=(("of_tomorrow", "kept"),),
)
