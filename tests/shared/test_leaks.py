"""Rules that keep secrets, and what is out of a mail, from where things are written down.

That they are enough is shown by tests/e2e/test_canaries.py.
"""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answers import Unreadable as UnreadableAnswer
from shared.answers import decoded
from shared.endpoint import Handshake
from shared.graph.faults import fault_of
from shared.graph.subscriptions import Creation
from shared.mail import Mail, vocabulary
from shared.mail_words import words_of
from shared.manifest import LeftOut
from shared.notification import Item, NotACollection, items_in
from shared.queue_messages import KINDS, FromTheFuture, Unreadable, decode
from shared.secret_reading import SecretVersion
from shared.settings import StorageSettings
from shared.templates import TemplateFault, compiled
from shared.vault.answers import Token
from shared.vault.log_ins import LogIn
from shared.vault.messages import kept
from shared.vault.protocol import DataType
from shared.vault.typed_values import NoFit, typed
from tests.shared.made import manifest, staged

ROOT = Path(__file__).parents[2]
SOURCES = [
    file
    for part in ("shared", "handlers")
    for file in (ROOT / part).rglob("*.py")
    if "testing" not in file.parts
]
CANARY = "q7canary4711"
WORDS = st.text(st.characters(codec="utf-8"), max_size=60).map(lambda text: f"{text}{CANARY}{text}")


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


TREES = {named(file): ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}
AT_THE_START = {"shared/conditions.py", "shared/templates.py"}
"""They are compiled before there is any mail: what is wrong with them is told whole."""


def raised_anew(tree: ast.AST) -> Iterator[ast.Raise]:
    """What handlers of exceptions raise of their own."""
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler):
            for node in ast.walk(handler):
                if (
                    isinstance(node, ast.Raise)
                    and node.exc is not None
                    and not isinstance(node.exc, ast.Name)
                ):
                    yield node


def brings_another(one: ast.Raise) -> bool:
    return not (isinstance(one.cause, ast.Constant) and one.cause.value is None)


def test_an_exception_of_ours_brings_no_other_one_with_it() -> None:
    """The host logs what an exception comes from, too; that of a library may repeat values and addresses."""
    raised = {name: list(raised_anew(tree)) for name, tree in TREES.items()}
    chained = {
        f"{name}:{one.lineno}"
        for name, found in raised.items()
        for one in found
        if brings_another(one) and not (one.cause is not None and name in AT_THE_START)
    }
    assert sum(map(len, raised.values())) > 50
    assert chained == set()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_events_are_the_only_way_into_the_log() -> None:
    """Their fields are numbers, names and sentences of our own: mypy holds that."""
    other_ways = {"logging", "traceback", "warnings", "faulthandler"}
    assert {name for name, tree in TREES.items() if other_ways & set(imported(tree))} == {"shared/log.py"}


@pytest.mark.parametrize(
    "holder",
    [
        SecretVersion("id", CANARY),
        (SecretVersion("id", CANARY),),
        StorageSettings(f"AccountKey={CANARY}"),
        LogIn(CANARY, CANARY),
        Token(CANARY),
        Handshake(CANARY),
        Item(client_state=CANARY),
        Creation("m@example.com", "r", ("https://a", "https://b"), CANARY, datetime(2026, 1, 1, tzinfo=UTC)),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_a_secret_does_not_show_it(holder: object) -> None:
    assert CANARY not in f"{holder!r} {holder}"


@pytest.mark.parametrize("queue", KINDS)
@given(text=WORDS)
def test_a_queue_message_that_cannot_be_read_is_not_repeated(queue: str, text: str) -> None:
    bodies: list[object] = [
        text,
        {"v": 1, "source": 1, text: text},
        {"v": text},
        {"v": 1, "cause": text},
        {"v": 9, "source": [text]},
    ]
    for body in bodies:
        with pytest.raises((Unreadable, FromTheFuture)) as raised:
            decode(msgspec.json.encode(body), KINDS[queue])
        assert CANARY not in str(raised.value)
        assert raised.value.__suppress_context__


@given(text=WORDS)
def test_a_body_that_is_no_collection_is_not_repeated(text: str) -> None:
    bodies: list[object] = [text, [text], {"value": text}, {text: []}]
    for body in bodies:
        with pytest.raises(NotACollection) as raised:
            items_in(msgspec.json.encode(body))
        assert CANARY not in str(raised.value)


@given(text=WORDS)
def test_an_answer_that_cannot_be_read_is_not_repeated(text: str) -> None:
    for body in (text, [text], {"subject": [text], "folder": text, "headers": text}):
        with pytest.raises(UnreadableAnswer) as raised:
            decoded(msgspec.json.encode(body), _Strict)
        assert CANARY not in str(raised.value)


class _Strict(msgspec.Struct):
    folder: int


@given(text=WORDS, status=st.sampled_from([400, 401, 403, 404, 409, 410, 423, 429, 500, 503]))
def test_only_the_code_of_a_refusal_of_graph_is_told(text: str, status: int) -> None:
    body = msgspec.json.encode({"error": {"code": "ErrorItemNotFound", "message": text, "innerError": text}})
    fault = fault_of(status, httpx.Headers(), body, "invoices@example.com")
    assert CANARY not in str(fault)


@given(text=WORDS, data_type=st.sampled_from(list(DataType)))
def test_a_value_that_does_not_fit_is_not_repeated(text: str, data_type: DataType) -> None:
    fault: NoFit | None = None
    try:
        typed(text, data_type)
    except NoFit as met:
        fault = met
    assert fault is None or CANARY not in "".join(traceback.format_exception(fault))


@pytest.mark.parametrize(
    "template", ["{{ subject * subject }}", "{{ 1 // (subject | int) }}", "{{ subject.split('') }}"]
)
def test_a_template_that_fails_on_a_mail_does_not_repeat_it(template: str) -> None:
    with pytest.raises(TemplateFault) as raised:
        compiled(template).render(vocabulary(Mail(subject=CANARY), [CANARY], "invoices", "m@example.com"))
    assert CANARY not in str(raised.value)
    assert raised.value.__suppress_context__


@given(letter=st.sampled_from("abcde"))
def test_what_m_files_repeats_of_a_mail_is_left_out_whatever_it_was_given(letter: str) -> None:
    """Also the name of an item that a lookup has found: an object holds its id alone."""
    mail = Mail(subject=f"Order {CANARY}a", message_id=f"<{CANARY}b@example.org>", categories=(f"{CANARY}c",))
    file, left_out = staged("attachments/0001", b"x", f"{CANARY}d.pdf"), LeftOut(2, "item", f"{CANARY}e")
    known = manifest("invoices", file, mail=mail, left_out=(left_out,))
    word = f"{CANARY}{letter}"

    said = kept(f'The item "{word}" of {word} is not valid ({word}).', words_of(known))

    assert CANARY not in said
    assert "is not valid" in said
