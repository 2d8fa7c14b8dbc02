"""What a directory knows of applications, identities and roles."""

from __future__ import annotations

import uuid

import pytest

from sandbox.tenant.directory import Directory

GRAPH = "https://graph.example"


@pytest.fixture
def directory() -> Directory:
    directory = Directory("tenant")
    directory.add_resource(GRAPH)
    return directory


def test_a_new_application_has_an_id_and_neither_secret_nor_role(directory: Directory) -> None:
    app = directory.register("vaultpost")

    assert str(uuid.UUID(app.client_id)) == app.client_id
    assert directory.application(app.client_id) is app
    assert directory.find_secret(app.client_id, "") is None
    assert directory.roles(app.client_id, GRAPH) == frozenset()


def test_an_application_can_have_two_secrets_while_they_are_exchanged(directory: Directory) -> None:
    app = directory.register("vaultpost")
    old, new = directory.add_secret(app.client_id), directory.add_secret(app.client_id)

    assert directory.find_secret(app.client_id, old) is not None
    assert directory.find_secret(app.client_id, new) is not None
    directory.remove_secret(app.client_id, old)
    assert directory.find_secret(app.client_id, old) is None
    assert directory.find_secret(app.client_id, new) is not None
    with pytest.raises(ValueError, match="no such secret"):
        directory.remove_secret(app.client_id, old)


def test_a_secret_belongs_to_one_application(directory: Directory) -> None:
    ours, theirs = directory.register("ours"), directory.register("theirs")
    secret = directory.add_secret(ours.client_id)

    assert directory.find_secret(theirs.client_id, secret) is None


def test_roles_add_up_and_hold_at_one_resource(directory: Directory) -> None:
    directory.add_resource("https://vault.azure.net")
    identity = directory.create_identity("functions")

    directory.grant(identity.client_id, GRAPH, "Mail.Read")
    directory.grant(identity.client_id, GRAPH, "Mail.ReadWrite")

    assert directory.roles(identity.client_id, GRAPH) == {"Mail.Read", "Mail.ReadWrite"}
    assert directory.roles(identity.client_id, "https://vault.azure.net") == frozenset()


def test_a_role_needs_a_known_principal_and_a_known_resource(directory: Directory) -> None:
    app = directory.register("vaultpost")

    with pytest.raises(KeyError):
        directory.grant(str(uuid.uuid4()), GRAPH, "Mail.Read")
    with pytest.raises(KeyError):
        directory.grant(app.client_id, "https://elsewhere.example", "Mail.Read")


def test_a_managed_identity_is_no_application(directory: Directory) -> None:
    """It has no secret, so it must not be able to sign in as if it had."""
    identity = directory.create_identity("functions")

    assert directory.application(identity.client_id) is None


def test_roles_are_taken_back(directory: Directory) -> None:
    app = directory.register("vaultpost")
    directory.grant(app.client_id, GRAPH, "Mail.Read", "Mail.ReadWrite")

    directory.revoke(app.client_id, GRAPH, "Mail.ReadWrite")

    assert directory.roles(app.client_id, GRAPH) == {"Mail.Read"}


def test_a_principal_has_an_object_id_beside_its_client_id(directory: Directory) -> None:
    app, identity = directory.register("vaultpost"), directory.create_identity("functions")

    assert directory.object_id(app.client_id) == app.object_id
    assert directory.object_id(identity.client_id) == identity.object_id
    assert len({app.client_id, app.object_id, identity.client_id, identity.object_id}) == 4
    with pytest.raises(KeyError):
        directory.object_id("nobody")
