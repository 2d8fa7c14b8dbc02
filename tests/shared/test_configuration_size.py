"""A file of hundreds of sources loads in under a second: what takes time is done once for what is alike.

How long it takes on this machine: `python -m tests.shared.test_configuration_size`.
"""

from __future__ import annotations

import time
import tomllib
from collections import Counter

import pytest

from shared import configuration_checks
from shared.configuration_checks import CHECKS
from shared.configuration_file import configuration_in, configuration_of
from shared.configuration_texts import by_shape, template_shape
from shared.errors import StartRefused

SOURCES, RULES = 200, 20


def large_file(sources: int = SOURCES) -> str:
    """Sources with rules, in which no title, condition or fixed value is like another one."""
    return HEAD + "\n".join(_source(number) for number in range(sources))


HEAD = """
[vault]
url = "https://mfiles.example.com"
guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
filing-key = "PD.FilingKey"

[defaults.document]
class = "CL.Mail"

[defaults.document.properties]
"PD.From" = "{{ from.address }}"
"PD.Received" = "{{ received }}"
"PD.Customer" = { value = "{{ from.domain }}", optional = true }
"""


def _source(source: int) -> str:
    return f"""
[[source]]
name = "source-{source}"
mailbox = "mailbox-{source}@example.com"
[source.document.properties]
"PD.Department" = "Department {source}"
""" + "".join(_rule(source, rule) for rule in range(RULES))


def _rule(source: int, rule: int) -> str:
    return f"""
[[source.rule]]
name = "rule-{rule}"
when = "subject is matching('^PO-{source}-{rule}') and from.domain == 'd{source}.example'"
[source.rule.document]
class = "CL.Kind{rule}"
title = "Order {source}.{rule}: {{{{ subject }}}}"
[source.rule.document.properties]
"PD.Rule" = "{{{{ 'rule {rule}' if 'x{source}' in subject else from.name }}}}"
"""


def test_templates_are_compiled_once_for_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes most of a millisecond, and there are 8,000 that differ."""
    compiled: Counter[str] = Counter()

    def counted(text: str) -> str:
        compiled[text] += 1
        return configuration_checks._template(text)

    monkeypatch.setattr(
        "shared.configuration_reader.CHECKS", {**CHECKS, "template": by_shape(counted, template_shape)}
    )
    text = large_file()
    data = tomllib.loads(text)
    configuration = configuration_of(data, "x.toml", not_built={})

    assert [len(source.rule) for source in configuration.source] == [RULES] * SOURCES
    assert sum(compiled.values()) < 25


def test_a_typo_in_one_of_many_is_told_with_its_line() -> None:
    text = large_file(20).replace('class = "CL.Kind7"', 'clas = "CL.Kind7"', 1)
    line = text[: text.index("clas =")].count("\n") + 1
    with pytest.raises(StartRefused) as refused:
        configuration_of(tomllib.loads(text), "x.toml", text, not_built={})

    assert refused.value.faults == (
        (
            f'x.toml:{line}: source 1 "source-0".rule 8 "rule-7".document.clas: '
            'is unknown. Did you mean "class"?'
        ),
    )


def _measure() -> None:
    content = large_file().encode()
    before = time.process_time()
    configuration_in(content, "x.toml")
    print(f"{SOURCES} sources with {RULES} rules: {time.process_time() - before:.2f} s")


if __name__ == "__main__":
    _measure()
