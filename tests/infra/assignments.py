"""The role assignments of both templates: who gets which role on what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .bicep_text import read
from .expressions import condition_of_bicep, in_terraforms_words, text
from .templates import local, plain, resources
from .translation import Place, terraform_of, twin_of

ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
"""learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

APP = "azurerm_user_assigned_identity.app.principal_id"
OPERATOR = "var.operator_principal_id"
_DEFINITION = re.compile(r'subscriptionResourceId\("Microsoft.Authorization/roleDefinitions", "([^"]+)"\)')


@dataclass(frozen=True, order=True)
class Assignment:
    """A role of somebody on something; scope and principal as Terraform calls them."""

    role: str
    scope: str
    principal: str
    kind: str
    """Of principal."""


def of_bicep() -> dict[Assignment, str]:
    """With the file that makes each. One that a loop makes has the collection as its scope."""
    found = {}
    main = Place()
    for module in read("main.bicep").modules:
        place = main.module(module)
        for resource in place.file.resources.values():
            if resource.of == "Microsoft.Authorization/roleAssignments":
                properties, scope = resource.properties["properties"], resource.properties["scope"]
                assert isinstance(properties, dict)
                assert isinstance(scope, str)
                values = {name: terraform_of(str(value), place) for name, value in properties.items()}
                role = _DEFINITION.fullmatch(values["roleDefinitionId"])
                assert role is not None, values
                assignment = Assignment(
                    ROLES[role[1]],
                    in_terraforms_words(twin_of(scope, place)) if scope in place.file.resources else scope,
                    values["principalId"],
                    values["principalType"],
                )
                found[assignment] = place.name
    return found


def of_terraform() -> set[Assignment]:
    found = set()
    for block in resources("azurerm_role_assignment").values():
        values = {name: text(value) for name, value in block.items()}
        if values.get("for_each") == "toset(local.operators)":
            found |= _of_operators(values)
        else:
            scope = values["for_each"] if values["scope"] == "each.value.id" else values["scope"]
            role = plain(values["role_definition_name"])
            found.add(Assignment(role, _resource(scope), values["principal_id"], values["principal_type"]))
    return found


def _of_operators(values: dict[str, str]) -> set[Assignment]:
    assert values["scope"] == "local.operator_roles[each.value].scope"
    assert values["role_definition_name"] == "local.operator_roles[each.value].role"
    return {
        Assignment(
            one["role"], _resource(text(one["scope"])), values["principal_id"], values["principal_type"]
        )
        for one in local("operator_roles").values()
    }


def _resource(scope: str) -> str:
    return scope.removesuffix(".id")


def conditions_of_operators() -> tuple[str, str]:
    """On which the operator's roles, and that for certificates, are given in Bicep."""
    return condition_of_bicep("operator"), condition_of_bicep("operatorCertificates")
