"""docs/scale.md tells what is worked out, and what is worked out makes sense."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scale import DOCUMENT as FILE
from bench.scale import main, options_of, updated
from bench.scale_alone import (
    A_DAY,
    ALONE,
    SUBSCRIPTIONS_EVERY,
    Solo,
    SoloPace,
    first_rounds,
    ordering_sweeps,
    reach,
)
from bench.scale_cost import (
    FULL,
    deployments,
    event_hubs,
    logs_kept,
    logs_lost,
    of_one,
    part,
    remedies,
    sweeps,
)
from bench.scale_model import Burst, Deployment, Fleet, logs
from bench.scale_tables import DEPLOYMENT, FLEETS, PACE, VAULT, all_uses, tables
from handlers.subscriptions import EVERY_QUARTER_OF_AN_HOUR
from shared.at_once import AT_ONCE
from tests.bench.fleets import few, fleets

DOCUMENT = FILE.read_text("utf-8")


@pytest.mark.parametrize("table", tables(), ids=lambda table: table[0].split("|")[1].strip())
def test_the_document_has_each_table_that_is_worked_out(table: list[str]) -> None:
    assert "\n".join(table) in DOCUMENT


def test_the_document_has_no_other_table() -> None:
    said = {line for line in DOCUMENT.splitlines() if line.startswith("|")}

    assert said == {line for table in tables() for line in table}


def test_a_table_that_is_out_of_date_is_written_anew_and_nothing_else_is() -> None:
    """What `python -m bench.scale --write` does."""
    lines = DOCUMENT.splitlines(keepends=True)
    place = lines.index(tables()[0][-1] + "\n")
    out_of_date = "".join([*lines[: place - 1], *lines[place + 1 :]])

    assert out_of_date != DOCUMENT
    assert updated(out_of_date) == updated(DOCUMENT) == DOCUMENT


def test_another_rate_of_m_files_changes_its_rows_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """The last mail of the burst waits far less than half as long where twice as many requests are taken."""
    main(["--vault-requests", "200"])
    told = capsys.readouterr().out.split("\n")
    changed = [line for table in tables() for line in table if line not in told]

    names = {line.split("|")[1].strip() for line in changed}
    assert "M-Files: requests" in names
    assert "all filed, once it is back, after" in names
    assert all("M-Files" in line or "all filed" in line for line in changed)
    assert "| 1,000 × 1,000,000 | vault-import | M-Files | 70,000 | 23.3 min | 28.5 min |" in told


def test_a_rate_that_the_mean_is_too_much_for_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--vault-requests", "40"])

    assert "| 1,000 × 1,000,000 | vault-import | M-Files | without end | 5.9 h | never |" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "inf", "1e-9", ""])
def test_what_is_no_rate_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(["--vault-requests", text])
    assert f"{text!r} is no number of requests a second" in capsys.readouterr().err


def test_the_document_is_not_written_for_another_rate_than_it_names() -> None:
    with pytest.raises(SystemExit):
        options_of(["--write", "--vault-requests", "200"])
    assert options_of(["--write"]).vault_requests == VAULT.requests_a_second


def test_the_timer_of_the_subscriptions_runs_as_often_as_is_worked_with() -> None:
    assert EVERY_QUARTER_OF_AN_HOUR == "0 */15 * * * *"
    assert SUBSCRIPTIONS_EVERY == 900


def test_rounds_of_subscriptions_that_have_time_for_the_list_alone_make_none() -> None:
    slow = replace(PACE, page_of_subscriptions=2.0)

    assert first_rounds(Fleet(50_000, 0, 0.0), slow) < A_DAY
    assert first_rounds(Fleet(100_000, 0, 0.0), slow) == math.inf


def test_the_order_of_all_sweeps_is_never_faster_than_one_core() -> None:
    """However many are sent at once."""
    fleet = Fleet(1_000, 0, 0.0)
    quick = replace(PACE, storage_operation=0.001)
    slow = replace(PACE, storage_operation=0.1)

    assert ordering_sweeps(fleet, quick) == 3_000 * PACE.cpu_storage_operation
    assert ordering_sweeps(fleet, slow) == 3_000 * 0.1 / AT_ONCE


@pytest.mark.parametrize("solo", ALONE, ids=lambda solo: solo.name)
def test_up_to_its_reach_work_is_in_time_and_not_beyond(solo: Solo) -> None:
    most = reach(solo, PACE)

    assert solo.use(Fleet(most, 0, 0.0), PACE).share <= 1
    assert solo.use(Fleet(most + 1, 0, 0.0), PACE).share > 1


@few
@given(fleets, st.integers(1, 10_000))
def test_more_mailboxes_never_take_less_time(fleet: Fleet, more: int) -> None:
    grown = replace(fleet, mailboxes=fleet.mailboxes + more)

    assert all(solo.seconds(grown, PACE) >= solo.seconds(fleet, PACE) for solo in ALONE)


def test_parts_of_a_fleet_are_not_full_and_one_fewer_would_be() -> None:
    fleet = FLEETS[-1]
    parts = deployments(fleet, DEPLOYMENT, PACE)

    assert parts > 1
    assert all(use.share <= FULL for use in of_one(part(fleet, parts), DEPLOYMENT, PACE))
    assert any(use.share > FULL for use in of_one(part(fleet, parts - 1), DEPLOYMENT, PACE))


@few
@given(st.integers(2, 10))
def test_all_parts_together_have_all_mailboxes_and_mails(parts: int) -> None:
    for fleet in FLEETS:
        one = part(fleet, parts)
        assert one.mailboxes * parts >= fleet.mailboxes
        assert one.mails_a_day * parts >= fleet.mails_a_day
        assert one.busiest <= 1


def test_a_fleet_that_no_number_of_deployments_serves_is_refused() -> None:
    """A single mailbox cannot be parted."""
    slow = SoloPace(cpu_source_read=60.0)

    with pytest.raises(ValueError, match="not enough"):
        deployments(FLEETS[0], Deployment(), slow)


def test_the_units_of_event_hubs_are_those_of_the_peak() -> None:
    few = Fleet(1_000, 1_000_000, busiest=0.01)
    many = replace(few, burst=Burst(factor=100.0, seconds=600.0))

    assert event_hubs(many) > event_hubs(few)


@few
@given(fleets, st.floats(1.0, 47.0))
def test_fewer_sweeps_cost_less(fleet: Fleet, number: float) -> None:
    seldom = replace(DEPLOYMENT, sweeps_a_day=number)

    assert 0 < sweeps(fleet, seldom) < sweeps(fleet, DEPLOYMENT)


def test_no_remedy_but_fewer_sweeps_is_free() -> None:
    costs = {one.name: one.dollars for one in remedies(FLEETS[-1], DEPLOYMENT, PACE)}
    saved = costs.pop("a sweep every two hours, not every half")

    assert saved < 0
    assert all(dollars > 0 for dollars in costs.values())


def test_each_limit_has_a_name_of_its_own() -> None:
    names = [use.name for use in all_uses(FLEETS[0])]

    assert len(set(names)) == len(names)


@few
@given(fleets, st.floats(0.1, 1_000.0))
def test_logs_up_to_the_cap_and_above_it_cost_what_all_logs_do(fleet: Fleet, cap: float) -> None:
    capped, uncapped = (replace(DEPLOYMENT, log_gigabytes_a_day=amount) for amount in (cap, math.inf))
    above = logs_lost(fleet, capped)

    assert logs_kept(fleet, capped) + above == pytest.approx(logs_kept(fleet, uncapped))
    assert (above > 0) == (logs(fleet, capped).share > 1)


def test_a_cap_above_all_logs_is_the_dearest_remedy() -> None:
    """At a million mails a day, dearer than all others together."""
    for fleet in FLEETS[1:]:
        costs = {one.name: one.dollars for one in remedies(fleet, DEPLOYMENT, PACE)}
        assert costs.pop("a cap above all logs") > sum(dollars for dollars in costs.values() if dollars > 0)
