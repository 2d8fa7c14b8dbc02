"""The doctor's findings as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.doctor.report import Report
from shared.operations.app_doctor import may_have_key
from shared.operations.doctor_text import doctor_lines


def lines(*findings: Finding, coloured: bool = False) -> list[str]:
    return list(doctor_lines(Report(datetime.now(UTC), findings), coloured=coloured))


def test_findings_stand_in_columns_with_what_to_do_below() -> None:
    assert lines(
        ok("token", "is given"),
        warning("secret", "expires soon", "Set it.", subject="notification-key"),
        failed("vault-tls", "is too old", "One.\nTwo."),
        not_run("vault-login", "not looked at: vault-tls has failed"),
    ) == [
        "ok       token        is given",
        "warning  secret       notification-key: expires soon",
        "      Set it.",
        "failed   vault-tls    is too old",
        "      One.",
        "      Two.",
        "not-run  vault-login  not looked at: vault-tls has failed",
        "",
        "Not all is well: 1 failure. 1 warning.",
    ]


def test_where_nothing_has_failed_all_is_well() -> None:
    assert lines(ok("a", "x"))[-1] == "All is well."
    assert lines(warning("a", "x", "do"), warning("a", "y", "do"))[-1] == "All is well. 2 warnings."
    assert lines()[-1] == "All is well."


def test_the_status_alone_is_coloured_and_nothing_of_an_answer_moves_the_cursor() -> None:
    (line, *_) = lines(failed("a", "x\x1b[2Jy", ""), coloured=True)

    assert line == "\x1b[31mfailed \x1b[0m  a  x [2Jy"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://app.example.com/api", True),
        ("http://127.0.0.1:7071/api", True),
        ("http://app.example.com/api", False),
        ("ftp://localhost/api", False),
        ("", False),
    ],
)
def test_a_key_goes_over_tls_or_to_this_machine(url: str, may: bool) -> None:
    assert may_have_key(url) is may
