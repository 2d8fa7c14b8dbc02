"""The scripts that limit the app to its mailboxes, read as syntax trees: no machine here runs them.

What Exchange makes of them only a tenant can tell. These tests hold what can be told without one: they parse,
call what there is, ask before they change anything, and take nothing back before it was tested and probed.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from tree_sitter import Node

from .known_cmdlets import CHANGING, COMMON, OF_EXCHANGE, PAGES, PARAMETERS
from .powershell import (
    EXCHANGE,
    Command,
    Function,
    around,
    child,
    nodes,
    parsed,
    script,
    scripts,
    text_of,
)

SET, TEST, REMOVE = (f"{verb}-VaultpostMailboxScope.ps1" for verb in ("Set", "Test", "Remove"))
SECRETS = ("password", "credential", "token", "headers", "body", "SecretText", "client_secret")
NEWER = ("&&", "||", "??", "?.", "-SkipHttpErrorCheck", "-AsHashtable", "-Parallel")
"""What PowerShell 7 has, and Windows PowerShell 5.1 has not."""

all_scripts = pytest.mark.parametrize("name", scripts())


@cache
def own_functions() -> dict[str, Function]:
    """All functions of the scripts, by name."""
    return {one.name: one for name in scripts() for one in script(name).functions}


@cache
def commands() -> tuple[Command, ...]:
    return tuple(command for name in scripts() for command in script(name).commands())


def changes() -> list[Command]:
    return [command for command in commands() if command.name in CHANGING]


def the(function: str) -> tuple[Function, list[Command]]:
    """A function of the scripts, and its commands."""
    found = own_functions()[function]
    return found, [one for one in commands() if (inside := one.function) and inside.name == function]


def condition(statement: Node) -> str:
    """What an `if` asks."""
    pipeline = child(statement, "pipeline")
    return "" if pipeline is None else text_of(pipeline)


def is_then(statement: Node, node: Node) -> bool:
    """Whether a node is in what an `if` does when it holds: neither in the question, nor after `else`."""
    then = child(statement, "statement_block")
    return then is not None and then.start_byte <= node.start_byte < then.end_byte


def asks_first(command: Command) -> bool:
    """Whether ShouldProcess was asked: around the command, or before it, with a return where it says no."""
    function = command.function
    if function is None or "SupportsShouldProcess" not in function.head:
        return False
    for statement in around(command.node):
        if statement.type == "if_statement" and is_then(statement, command.node):
            asked = condition(statement)
            if "$PSCmdlet.ShouldProcess(" in asked and "-not $PSCmdlet" not in asked and " -or " not in asked:
                return True
    for statement in nodes(function.node, "if_statement"):
        then = child(statement, "statement_block")
        if (
            statement.end_byte <= command.node.start_byte
            and condition(statement).startswith("-not $PSCmdlet.ShouldProcess(")
            and then is not None
            and text_of(then).strip("{ }").startswith("return")
            and not any(one.type in ("if_statement", "try_statement") for one in around(statement))
        ):
            return True
    return False


def test_there_is_something_to_check() -> None:
    assert {SET, TEST, REMOVE} <= set(scripts())
    assert len(changes()) > 15


@all_scripts
def test_each_script_parses_and_is_plain_ascii(name: str) -> None:
    """Windows PowerShell reads a file without a mark as one of the machine's own code page."""
    read = script(name)

    assert [text_of(one) for one in nodes(read.tree.root_node) if one.is_error or one.is_missing] == []
    assert read.source.isascii()
    assert b"\t" not in read.source


def test_a_script_that_does_not_parse_would_be_told() -> None:
    assert parsed("if ($a { Get-Date }").has_error


@all_scripts
def test_each_command_is_known_and_has_the_parameters_that_it_is_given(name: str) -> None:
    own = own_functions()
    for command in script(name).commands():
        if command.name in own:
            function = own[command.name]
            known = COMMON | function.parameters()
            if "SupportsShouldProcess" in function.head:
                known |= {"Confirm", "WhatIf"}
            missing = function.parameters(mandatory=True) - set(command.parameters)
            assert missing == set(), f"{command} lacks {missing}"
        else:
            assert command.name in PARAMETERS, f"{command}: not in the list of known cmdlets"
            known = PARAMETERS[command.name]
        assert set(command.parameters) <= known, str(command)


def test_each_known_cmdlet_is_used() -> None:
    assert set(PAGES) - {command.name for command in commands()} == set()


@all_scripts
def test_nothing_is_used_that_windows_powershell_lacks(name: str) -> None:
    read = script(name)
    code = read.source.decode()
    for one in nodes(read.tree.root_node, "comment", "string_literal"):
        code = code.replace(text_of(one), "")

    assert [word for word in NEWER if word in code] == []


@all_scripts
def test_files_that_a_script_reads_in_are_there(name: str) -> None:
    read = re.findall(r"-ChildPath '([^']+)'", script(name).source.decode())

    assert [path for path in read if not (EXCHANGE / path).is_file()] == []
    reachable = {one.name for path in read for one in script(path).functions}
    if "/" not in name:
        called = {command.name for command in script(name).commands()}
        assert called & own_functions().keys() <= reachable


@pytest.mark.parametrize("command", changes(), ids=str)
def test_each_change_is_asked_for_first(command: Command) -> None:
    assert asks_first(command)


def test_a_change_that_nobody_asked_for_would_be_told() -> None:
    (command,) = [one for one in changes() if one.name == "Remove-ManagementScope"]
    for body in (
        "Remove-ManagementScope -Identity 'x'",
        "if ($a -or $PSCmdlet.ShouldProcess('x', 'y')) { Remove-ManagementScope -Identity 'x' }",
        "if ($PSCmdlet.ShouldProcess('x', 'y')) { Get-Date } else { Remove-ManagementScope -Identity 'x' }",
        "if (-not $PSCmdlet.ShouldProcess('x', 'y')) { Get-Date }; Remove-ManagementScope -Identity 'x'",
    ):
        tree = parsed(f"function A {{\n[CmdletBinding(SupportsShouldProcess)]\nparam()\n{body}\n}}")
        (node,) = [one for one in nodes(tree, "command") if text_of(one).startswith("Remove-")]
        assert not asks_first(Command(command.script, node, command.name, ()))


@pytest.mark.parametrize("command", [one for one in changes() if one.name in OF_EXCHANGE], ids=str)
def test_a_change_that_exchange_refuses_stops_the_script(command: Command) -> None:
    """Its cmdlets are functions of a module: they do not see $ErrorActionPreference of a script."""
    assert command.has("ErrorAction", "Stop")


@pytest.mark.parametrize("name", [SET, TEST, REMOVE])
def test_each_script_stops_at_an_error_and_says_what_it_is_for(name: str) -> None:
    source = script(name).source.decode()

    assert "$ErrorActionPreference = 'Stop'" in source
    assert "Set-StrictMode -Version Latest" in source
    assert "#Requires -Version 5.1" in source
    documented = set(re.findall(r"^\.PARAMETER (\w+)$", source, re.MULTILINE))
    declared = Function(script(name).tree.root_node).parameters()
    assert documented == declared - {"DisplayName"}
    assert ".SYNOPSIS" in source
    assert ".EXAMPLE" in source
    assert ("SupportsShouldProcess" in source) is (name != TEST)


def test_the_steps_come_in_their_order() -> None:
    steps = [
        "Assert-Prerequisite",
        "Assert-EnterpriseApplication",
        "Set-ExchangePrincipal",
        "Set-RecipientScope",
        "Set-ScopedRole",
        "Wait-MailboxScope",
        "Invoke-SubscriptionProbe",
        "Remove-TenantWideGrant",
    ]
    called = [command.name for command in script(SET).at_the_top() if command.name in steps]

    assert sorted(steps, key=called.index) == steps
    ends = {one: len(called) - called[::-1].index(one) for one in steps}
    assert sorted(steps, key=lambda one: ends[one]) == steps


def test_the_grant_is_taken_back_only_where_the_scope_was_tested_and_a_subscription_was_made() -> None:
    read = script(SET)
    (taking,) = [one for one in commands() if one.name == "Remove-TenantWideGrant"]
    assert (taking.script, taking.function) == (read, None)
    (gate,) = [one for one in around(taking.node) if one.type == "if_statement"]
    assert condition(gate) == "$isTested -and $probe -eq 'Subscribed'"
    assert is_then(gate, taking.node)

    assigned = [text_of(one) for one in nodes(read.tree.root_node, "assignment_expression")]
    tested = [one for one in assigned if one.startswith("$isTested ")]
    probed = [one for one in assigned if one.startswith("$probe ")]
    assert [one.partition(" = ")[2].split()[0] for one in tested] == ["Wait-MailboxScope"]
    assert [one.partition(" = ")[2].split()[0] for one in probed] == ["'NotRun'", "Invoke-SubscriptionProbe"]
    (probe,) = [one for one in read.commands() if one.name == "Invoke-SubscriptionProbe"]
    (only_if,) = [one for one in around(probe.node) if one.type == "if_statement"]
    assert condition(only_if) == "$isTested"
    assert is_then(only_if, probe.node)


def test_what_is_granted_for_the_whole_tenant_is_taken_back_in_one_place() -> None:
    (command,) = [one for one in commands() if one.name == "Remove-MgServicePrincipalAppRoleAssignment"]

    assert command.function is not None
    assert command.function.name == "Remove-TenantWideGrant"
    assert "ConfirmImpact = 'High'" in command.function.head


def test_a_subscription_counts_only_as_graph_has_made_it() -> None:
    function, _ = the("Get-SubscriptionResult")
    (returned,) = [one for one in nodes(function.node, "string_literal") if text_of(one) == "'Subscribed'"]
    (gate,) = [one for one in around(returned) if one.type == "if_statement"]
    assert condition(gate) == "$made.Status -eq 201"

    others = [
        text_of(literal)
        for name in scripts()
        for literal in nodes(script(name).tree.root_node, "string_literal")
        if text_of(literal) == "'Subscribed'"
    ]
    assert len(others) == 2, "the one that is returned, and the one that it is compared with"


def test_the_probe_has_the_scoped_role_alone_and_a_token_with_roles_ends_it() -> None:
    _, probing = the("Invoke-SubscriptionProbe")
    roles = [one for one in probing if one.name == "New-ManagementRoleAssignment"]
    assert [one.has("Role", "'Application") for one in roles] == [True, True]
    assert all("'Application Mail.Read'" in text_of(one.node) for one in roles)
    assert {"CustomResourceScope", "RecipientAdministrativeUnitScope"} <= {
        parameter for one in roles for parameter in one.parameters
    }
    assert "New-MgServicePrincipalAppRoleAssignment" not in {one.name for one in probing}

    function, _ = the("Get-ProbeToken")
    (thrown,) = [one for one in nodes(function.node, "flow_control_statement") if "throw" in text_of(one)]
    (gate,) = [one for one in around(thrown) if one.type == "if_statement"]
    assert condition(gate) == "$claims.PSObject.Properties['roles']"


def test_what_the_probe_makes_is_removed_whatever_happens() -> None:
    """All is made within a `try` whose `finally` removes it, each part also where another cannot be."""
    _, probing = the("Invoke-SubscriptionProbe")
    for made in (one for one in probing if one.name in CHANGING):
        (tried,) = [one for one in around(made.node) if one.type == "try_statement"]
        last = child(tried, "finally_clause")
        assert last is not None
        assert "Remove-Probe -Name $name -Application $application -Principal $principal" in text_of(last)

    _, removing = the("Remove-Probe")
    removed = [one for one in removing if one.name in CHANGING]
    assert [one.name for one in removed] == [
        "Remove-ManagementRoleAssignment",
        "Remove-ServicePrincipal",
        "Remove-MgApplication",
    ]
    tries = [next(above for above in around(one.node) if above.type == "try_statement") for one in removed]
    assert len({one.start_byte for one in tries}) == 3
    assert all("Write-Warning" in text_of(one) for one in tries)


def test_undoing_grants_first_and_takes_back_then() -> None:
    called = [command.name for command in script(REMOVE).at_the_top()]

    assert called.index("Add-TenantWideGrant") < called.index("Remove-ScopedRole")
    assert called.index("Remove-ScopedRole") < called.index("Remove-ExchangePrincipal")


def test_testing_changes_nothing() -> None:
    """Neither the script itself, nor what it calls."""
    own = own_functions()
    waiting, met = [command.name for command in script(TEST).commands()], set()
    while waiting:
        name = waiting.pop()
        if name in own and name not in met:
            waiting += [one.name for one in the(name)[1]]
        met.add(name)

    assert "Test-ServicePrincipalAuthorization" in met
    assert met & CHANGING == set()


@all_scripts
def test_no_secret_is_shown(name: str) -> None:
    """None is written anywhere, and none stands in a text but in the header that it is for."""
    for command in script(name).commands():
        if command.name.startswith("Write-"):
            used = {text_of(one).lstrip("$").lower() for one in nodes(command.node, "variable")}
            assert used & {one.lower() for one in SECRETS} == set(), str(command)
            assert "SecretText" not in text_of(command.node)
    texts = [text_of(one) for one in nodes(script(name).tree.root_node, "expandable_string_literal")]
    found = [one for one in texts if re.search(r"\$\(?(password|credential|token)\b", one, re.IGNORECASE)]
    assert [one for one in found if one != '"Bearer $Token"'] == []


def test_the_guide_names_each_script_and_its_links_lead_somewhere() -> None:
    guide = (EXCHANGE / "README.md").read_text("utf-8")

    assert {one for one in scripts() if "/" not in one} == set(
        re.findall(r"^\| `([\w-]+\.ps1)`", guide, re.MULTILINE)
    )
    targets = re.findall(r"\]\(([^)#\s]+)\)", guide)
    assert [one for one in targets if "://" not in one and not (EXCHANGE / one).exists()] == []
    results = set(re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", guide, re.MULTILINE))
    returned = set(
        re.findall(
            r"'(Subscribed|Refused|TooWide|AddressFault|NoAnswer|NotRun)'",
            "".join(script(name).source.decode() for name in scripts()),
        )
    )
    assert results == returned - {"NotRun"}
