"""Route templates and the paths they take."""

from __future__ import annotations

import pytest

from sandbox.host.routes import RouteRefused, parse_route


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("api/notifications", "/api/notifications", {}),
        ("api/notifications", "/API/Notifications/", {}),
        ("api/mails/{source}", "/api/mails/In%20voices", {"source": "In voices"}),
        ("api/mails/{source}", "/api/mails/a%2Fb", {"source": "a%2Fb"}),
        ("api/mails/{source?}", "/api/mails", {}),
        ("api/mails/{source?}", "/api/mails/", {}),
        ("api/{number:int}", "/api/12", {"number": "12"}),
        ("api/{number:int?}", "/api/12", {"number": "12"}),
        ("api/{word:alpha}", "/api/Abc", {"word": "Abc"}),
        ("api/{*rest}", "/api/a/b%20c", {"rest": "a/b c"}),
        ("api/{*rest}", "/api", {}),
        ("", "/", {}),
    ],
)
def test_a_route_takes_a_path_and_names_its_parts(
    template: str, path: str, parameters: dict[str, str]
) -> None:
    assert parse_route(template).match(path) == parameters


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("api/notifications", "/api"),
        ("api/notifications", "/api/notifications/x"),
        ("api/notifications", "/api//notifications"),
        ("api/notifications", "/notifications"),
        ("api/mails/{source}", "/api/mails"),
        ("api/mails/{source}", "/api/mails//"),
        ("api/{number:int}", "/api/x"),
        ("api/{id:guid}", "/api/12"),
        ("", "/x"),
    ],
)
def test_a_route_leaves_other_paths(template: str, path: str) -> None:
    assert parse_route(template).match(path) is None


@pytest.mark.parametrize(
    "template", ["a//b", "{a}.{b}", "{a=1}", "{a:length(3)}", "{a?}/b", "{*a}/b", "{a}/{A}", "{a", "{}"]
)
def test_what_this_host_cannot_match_is_refused(template: str) -> None:
    with pytest.raises(RouteRefused):
        parse_route(template)


def test_the_more_specific_route_comes_first() -> None:
    templates = ["a/{*rest}", "a/{name}", "a/{number:int}", "a/list"]
    ordered = sorted((parse_route(template) for template in templates), key=lambda route: route.precedence)
    assert [route.template for route in ordered] == templates[::-1]
