"""Templates that differ in their words only are tried once, and nothing wrong gets through by that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.conditions import Condition
from shared.configuration_checks import CHECKS, _template
from shared.configuration_texts import by_shape, expression_shape, template_shape
from shared.templates import TemplateFault


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Invoice 17", ""),
        ("Invoice {{ subject }} of {x}", "{{ subject }}"),
        ("a {{ subject }} b {{ from.name }}", "{{ subject }}{{ from.name }}"),
        ("{{ subject is matching('^PO') }}", "{{ subject is matching('') }}"),
        ('{{ subject is matching "^PO" }}', "{{ subject is matching '' }}"),
        ("{{ 'a' if from.domain == 'b.example' else 'c' }}", "{{ '' if from.domain == '' else '' }}"),
        ("{{ header('X-A') }}", "{{ header('X-A') }}"),
        ("{{ subject|group('([0-9]+)') }}", "{{ subject|group('([0-9]+)') }}"),
        ("{% if subject == 'a' %}x{% endif %}", "{% if subject == 'a' %}x{% endif %}"),
        ("{{ subject == 'a'|upper }}", "{{ subject == 'a'|upper }}"),
        ("{{ 'a' in subject or ('b' not in subject) }}", "{{ '' in subject or ('' not in subject) }}"),
        ("{{ (received if not subject else 'a')|date }}", "{{ (received if not subject else 'a')|date }}"),
        ("{{ subject == 'a' 'b' }}", "{{ subject == 'a' 'b' }}"),
        ("{{ 'matching(' ~ '(' }}", "{{ 'matching(' ~ '(' }}"),
        ("{{ '}}' }} {{ x }}", "{{ '' }}{{ x }}"),
        ("{{ {'a': 1} }} b", "{{ {'a': 1} }} b"),
        ("{{{ subject }}", "{{{ subject }}"),
        ("a {{ subject", "a {{ subject"),
        ("a {# {{ b #}", "a {# {{ b #}"),
    ],
)
def test_only_words_are_left_out_that_cannot_make_a_template_fail(text: str, shape: str) -> None:
    assert template_shape(text)[0] == shape


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("subject is matching('^PO-[0-9]+')", ["^PO-[0-9]+"]),
        (r"subject is matching('\d')", [r"\d"]),
        (r"subject is matching('\t\\.')", [r"\t\."]),
        (r"subject is matching('\x4')", [r"\x4"]),
    ],
)
def test_regular_expressions_are_looked_at_as_conditions_read_them(text: str, searched: list[str]) -> None:
    assert expression_shape(text)[1] == searched


def test_each_shape_is_asked_for_once() -> None:
    asked: list[str] = []

    def check(text: str) -> str:
        asked.append(text)
        return "wrong." if "bad" in text else ""

    checked = by_shape(check, template_shape)

    assert [checked(f"Order {number}: {{{{ subject }}}}") for number in range(9)] == [""] * 9
    assert asked == ["{{ subject }}"]
    assert checked("a {{ bad }}") == "wrong."
    assert asked[-1] == "a {{ bad }}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ subject is matching('(') }}",
        "{{ subject is matching('a{2001}') }}",
        "{{ nobody is matching('x') }} a",
        "{{ subject == 'a' and nobody }} a",
        "a {{ subject",
        "{{ 'x' in }}",
        "{{ ('a' if subject else received)|date }}",
    ],
)
def test_what_is_wrong_is_said_of_the_whole_text(text: str) -> None:
    assert CHECKS["template"](text) == _template(text) != ""


words = some.text("a'\"\\{}%#( |.=)", max_size=6)
parts = some.sampled_from(
    [
        "subject",
        "(",
        " if ",
        " else ",
        "|date",
        "{{ ",
        " }}",
        "'x'",
        " == ",
        " in ",
        " is matching(",
        ")",
        "'('",
        "nobody",
        "|",
        "upper",
        "{% ",
        " %}",
    ]
)


@settings(max_examples=150)
@given(some.lists(words | parts, max_size=10).map("".join))
def test_a_template_is_refused_exactly_if_it_is_by_itself(text: str) -> None:
    assert CHECKS["template"](text) == _template(text)


def test_an_escape_that_is_none_is_refused_as_the_condition_itself_refuses_it() -> None:
    """What the shapes take for right must be right for the whole text."""
    text = r"subject is matching('\x4')"

    assert CHECKS["expression"](text)
    with pytest.raises(TemplateFault):
        Condition(text)


def test_a_quotation_mark_outside_of_a_block_begins_no_text() -> None:
    assert CHECKS["template"]('=="{{"') == _template('=="{{"') != ""
