"""The vault's documents in a browser: what was filed is shown, and a hostile mail stays text."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import struct
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.vault import ExampleVault, add_example_customers, application, documents
from tests.sandbox.vault.bodies import create, document, file, lines, lookup, lookups, text, upload

pytestmark = pytest.mark.anyio

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_WITHIN = 60.0


@dataclass(frozen=True)
class Ground:
    """A vault, a client of its web service, and one of its pages."""

    vault: ExampleVault
    client: httpx.AsyncClient
    browser: httpx.AsyncClient
    origin: str

    async def file_mail(self, subject: str = "Invoice 4711", name: str = "invoice 4711") -> int:
        """A mail with an attachment, of a customer; its id."""
        message, attachment = await upload(self.client, b"Subject: x\r\n\r\n"), await upload(self.client)
        body = document(
            lines(1305, subject),
            text(1302, "ada@contoso.com"),
            lines(1303, "a@example.com\nb@example.com"),
            lookup(1322, 12),
            title=subject,
            files=[file(message, "message", "eml"), file(attachment, name, "pdf")],
        )
        number: int = (await create(self.client, body))["ObjVer"]["ID"]
        return number

    async def page(self, address: str) -> str:
        answer = await self.browser.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return answer.text


@pytest.fixture
async def ground(tmp_path: Path, authority: Authority) -> AsyncIterator[Ground]:
    """The example vault with its customers, and its pages."""
    vault = ExampleVault(tmp_path / "vault")
    add_example_customers(vault)
    site = await serve(application(vault), context=authority.server_context())
    pages = await serve(documents.application(vault), context=None)
    trust = ssl.create_default_context(cafile=str(authority.bundle))
    credentials = {"Username": vault.username, "Password": vault.password, "VaultGuid": vault.guid}
    async with (
        httpx.AsyncClient(base_url=f"{site.origin}/REST/", verify=trust) as client,
        httpx.AsyncClient(base_url=pages.origin) as browser,
    ):
        answer = await client.post("server/authenticationtokens", json=credentials)
        client.headers["X-Authentication"] = answer.json()["Value"]
        yield Ground(vault, client, browser, pages.origin)
    await pages.close()
    await site.close()


class Outline(HTMLParser):
    """Headings, links, and what a page must not have."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        self.links.extend(value or "" for name, value in attrs if tag == "a" and name == "href")


async def test_the_newest_object_comes_first(ground: Ground) -> None:
    first, second = await ground.file_mail("First"), await ground.file_mail("Second")
    links = [link for link in Outline(await ground.page("/")).links if link.startswith("/objects/0/")]
    assert links == [f"/objects/0/{second}", f"/objects/0/{first}"]


async def test_many_objects_come_in_pages(ground: Ground) -> None:
    for number in range(30):
        ground.vault.add_object(136, 215, {0: f"Customer {number}"})
    everything: list[str] = []
    for page, count in ((1, 25), (2, 11), (3, 0)):
        links = [link for link in Outline(await ground.page(f"/?page={page}")).links if "/objects/" in link]
        assert len(links) == count
        everything += links
    assert len(set(everything)) == 36
    assert 'href="/?page=2"' in await ground.page("/?page=1")
    for wrong in ("0", "-1", "x", "9" * 10):
        assert (await ground.browser.get(f"/?page={wrong}")).status_code == 400


async def test_an_object_shows_properties_files_and_relations(ground: Ground) -> None:
    number = await ground.file_mail()
    other = (await create(ground.client, document(lookups(76, number), title="Its attachment")))["ObjVer"][
        "ID"
    ]
    page = await ground.page(f"/objects/0/{number}")
    assert "<bdi>Invoice 4711</bdi>" in page
    assert ">a@example.com\r\nb@example.com</td>" in page
    assert "message.eml" in page
    assert "invoice 4711.pdf" in page
    links = Outline(page).links
    assert links.count("/objects/136/12") == 2
    assert f"/objects/0/{other}" in links
    assert f"/objects/0/{number}" in Outline(await ground.page(f"/objects/0/{other}")).links


async def test_versions_can_be_looked_at_and_a_deleted_mark_is_shown(ground: Ground) -> None:
    number = await ground.file_mail("First title")
    address = f"objects/0/{number}/latest/title"
    await ground.client.put(address, json={"Value": "Second title"})
    assert "Deleted" not in (page := await ground.page(f"/objects/0/{number}")).partition("<section")[0]
    assert "version 2 of 2" in page
    former = await ground.page(f"/objects/0/{number}?version=1")
    assert "<h1><bdi>First title</bdi></h1>" in former
    assert "version 1 of 2" in former
    ground.vault.delete(number)
    assert "Deleted" in (await ground.page(f"/objects/0/{number}")).partition("<section")[0]
    assert "Deleted" in await ground.page("/")
    assert (await ground.browser.get(f"/objects/0/{number}?version=3")).status_code == 404


async def test_a_file_is_only_ever_downloaded(ground: Ground) -> None:
    """Whatever a mail calls it: a browser that showed it would run what it holds."""
    number = await ground.file_mail(name='page.html"; x')
    links = [link for link in Outline(await ground.page(f"/objects/0/{number}")).links if "/files/" in link]
    answer = await ground.browser.get(links[0])
    assert answer.content == b"Subject: x\r\n\r\n"
    for link in links:
        answer = await ground.browser.get(link)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_a_mail_says_stays_text(ground: Ground) -> None:
    number = await ground.file_mail(HOSTILE, name="<b>bold</b>")
    for page in (await ground.page("/"), await ground.page(f"/objects/0/{number}")):
        outline = Outline(page)
        assert outline.tags.isdisjoint({"script", "img", "iframe", "form", "b"})
        assert HOSTILE[:100] in unescape(page)


@pytest.mark.parametrize("address", ["/", "/objects/136/12", "/style.css", "/objects/0/1", "/nothing"])
async def test_every_answer_lets_a_browser_do_nothing_but_show_it(ground: Ground, address: str) -> None:
    headers = (await ground.browser.get(address)).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_pages_are_read_only_and_for_this_machine(ground: Ground) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await ground.browser.request(method, "/objects/136/12")).status_code == 405
    answer = await ground.browser.get("/", headers={"Host": "rebound.example"})
    assert answer.status_code == 403


async def test_a_page_has_a_language_headings_in_order_and_headers_of_tables(ground: Ground) -> None:
    number = await ground.file_mail()
    for address in ("/", f"/objects/0/{number}"):
        page = await ground.page(address)
        assert '<html lang="en">' in page
        assert 'name="viewport"' in page
        headings = Outline(page).headings
        assert headings[0] == "h1"
        assert headings.count("h1") == 1
        assert page.count("<table>") == page.count("<thead>") > 0
        assert '<th scope="col">' in page
        assert '<th scope="row">' in page


async def run_chromium(place: Path, address: str, *options: str) -> str:
    """What headless Chromium has in its document, with a profile of its own."""
    assert CHROMIUM is not None
    command = [
        *(CHROMIUM, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
        *(("--no-sandbox",) if os.name == "posix" and os.geteuid() == 0 else ()),
        *(f"--user-data-dir={place / 'profile'}", "--dump-dom", *options, address),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL)
    try:
        out, _ = await asyncio.wait_for(process.communicate(), CHROMIUM_WITHIN)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0
    return out.decode()


@pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: nothing is looked at (apt install chromium)"
)
async def test_a_filed_mail_is_seen_in_chromium(ground: Ground, tmp_path: Path) -> None:
    """A picture as wide as a phone is made of it; nothing of a hostile subject runs."""
    number = await ground.file_mail(HOSTILE)
    picture = tmp_path / "mail.png"
    shown = await run_chromium(
        tmp_path,
        f"{ground.origin}/objects/0/{number}",
        f"--screenshot={picture}",
        "--window-size=500,1200",
    )
    assert "<script" not in shown
    assert "owned</title>" not in shown
    assert HOSTILE[:100] in unescape(shown)
    assert "invoice 4711.pdf" in shown
    content = await asyncio.to_thread(picture.read_bytes)
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG")
    assert (width, height) == (500, 1200)
