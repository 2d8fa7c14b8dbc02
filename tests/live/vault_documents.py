"""What the vault takes of a document, how it refuses one, and how it is found."""

from __future__ import annotations

import asyncio

import httpx

from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    CLASS,
    COMMENT,
    CONVERSATION_ID,
    IN_REPLY_TO,
    IN_REPLY_TO_REFERENCE,
    MESSAGE_ID,
    REFERENCE,
    SINGLE_FILE,
    DataType,
)
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.raw_vault import Json, new_key, told, value
from tests.live.world import World

_CREATION = ("shared/vault/creation.py",)
_TEXTS = {MESSAGE_ID: "83", IN_REPLY_TO: "84", CONVERSATION_ID: "112", COMMENT: "33"}
_LONG = 140


def _without(body: Json, *numbers: int) -> Json:
    return {
        **body,
        "PropertyValues": [one for one in body["PropertyValues"] if one["PropertyDef"] not in numbers],
    }


def _with(body: Json, *values: Json) -> Json:
    numbers = [one["PropertyDef"] for one in values]
    rest = _without(body, *numbers)
    return {**rest, "PropertyValues": [*rest["PropertyValues"], *values]}


async def _definitions(world: World) -> dict[int, Json]:
    listed = await world.vault.send("GET", "/structure/properties")
    assert listed.is_success, told(listed)
    return {one["ID"]: one for one in listed.json()}


async def _read(world: World, version: Json, number: int) -> Json:
    """The value of a property; empty where there is none."""
    path = f"/objects/{version['Type']}/{version['ID']}/latest/properties/{number}"
    answer = await world.vault.send("GET", path)
    found: Json = answer.json().get("TypedValue", {}) if answer.is_success else {}
    return found


async def _text(world: World, version: Json, number: int) -> str:
    return str((await _read(world, version, number)).get("Value") or "")


def _attempts(definitions: dict[int, Json], related: int, extra_class: int | None) -> dict[int, Json]:
    """A value for each built-in property that mail could fill, of those that the vault lists."""
    found = {
        number: value(number, definitions[number]["DataType"], "<live-check@example.com>")
        for number in _TEXTS
        if number in definitions
        and definitions[number]["DataType"] in (DataType.TEXT, DataType.MULTI_LINE_TEXT)
    }
    for number in (REFERENCE, IN_REPLY_TO_REFERENCE):
        if number in definitions and definitions[number]["DataType"] in (
            DataType.LOOKUP,
            DataType.MULTI_SELECT_LOOKUP,
        ):
            found[number] = value(number, definitions[number]["DataType"], related)
    if extra_class is not None and ADDITIONAL_CLASSES in definitions:
        found[ADDITIONAL_CLASSES] = value(ADDITIONAL_CLASSES, DataType.MULTI_SELECT_LOOKUP, extra_class)
    return found


@settles(
    Fact(
        "vault-built-in-properties",
        "Which of the built-in properties 33, 36, 76, 83, 84, 85 and 112 does a create take?",
        depends=("shared/mail_properties.py", "shared/property_values.py", "shared/vault/structure.py"),
        otherwise="fill properties of your own instead (docs/configuration.md)",
    )
)
async def built_in_properties(world: World) -> Seen:
    definitions, kind = await _definitions(world), await world.vault.class_()
    first = await world.vault.create(await world.vault.body(await world.vault.file()))
    assert first.is_success, told(first)
    classes = (await world.vault.send("GET", "/structure/classes", params={"objtype": "0"})).json()
    extra = next((one["ID"] for one in classes if one["ID"] not in (kind.id, 0, 1)), None)
    seen = []
    attempts = _attempts(definitions, first.json()["ObjVer"]["ID"], extra)
    for number in (33, 36, 76, 83, 84, 85, 112):
        if number not in attempts:
            listed = number in definitions
            seen.append(f"{number} not tried ({'of another type' if listed else 'not listed'})")
            continue
        made = await world.vault.create(
            _with(await world.vault.body(await world.vault.file()), attempts[number])
        )
        kept = ""
        if made.is_success:
            kept = f", kept {(await _read(world, made.json()['ObjVer'], number)).get('HasValue', False)}"
        seen.append(f"{number} type {definitions[number]['DataType']}: {told(made)}{kept}")
    return Seen("; ".join(seen))


@settles(
    Fact(
        "vault-built-in-types",
        "Of which type is property 76, of what does it choose, and are there object types 20 and 21?",
        expected="76 chooses among several objects",
        depends=("shared/filing_attempt.py", "docs/decisions/several-documents.md"),
        otherwise="set attachment.relation to a property of your own that chooses among documents",
    )
)
async def built_in_types(world: World) -> Seen:
    definitions = await _definitions(world)
    types = (await world.vault.send("GET", "/structure/objecttypes")).json()
    mail = {one["ID"]: one["Name"] for one in types if one["ID"] in (20, 21)}
    one = definitions.get(REFERENCE)
    if one is None:
        return Seen(f"76 is not listed; object types {mail}", agrees=False)
    text = f"76: type {one['DataType']}, value list {one.get('ValueList')}; object types {mail or 'neither'}"
    return Seen(text, one["DataType"] == DataType.MULTI_SELECT_LOOKUP)


@settles(
    Fact(
        "vault-single-file",
        "What becomes of a create with one file with and without property 22?",
        expected="with it, a single-file document",
        depends=_CREATION,
        otherwise="a mail without attachments would be a multi-file document, or refused",
    )
)
async def single_file(world: World) -> Seen:
    given = await world.vault.create(await world.vault.body(await world.vault.file()))
    left_out = await world.vault.create(
        _without(await world.vault.body(await world.vault.file()), SINGLE_FILE)
    )
    single = given.is_success and given.json().get("SingleFile") is True
    text = f"with: {told(given)}, SingleFile {single}; without: {told(left_out)}"
    if left_out.is_success:
        text += f", SingleFile {left_out.json().get('SingleFile')}"
    return Seen(text, single)


@settles(
    Fact(
        "vault-create-answer",
        "Does the answer to a create have its files and sizes, its time, and whether it is visible?",
        expected="all three are there, and the sizes are those that were sent",
        depends=("shared/vault/answers.py", "shared/vault/mfiles.py", "docs/decisions/one-create.md"),
        otherwise="sizes are asked for once more; without them a mail is not called filed",
    )
)
async def create_answer(world: World) -> Seen:
    content = b"exactly these bytes"
    made = await world.vault.create(await world.vault.body(await world.vault.file(content)))
    assert made.is_success, told(made)
    answer = made.json()
    sizes = [one.get("Size") for one in answer.get("Files") or []]
    there = [name for name in ("CreatedUtc", "VisibleAfterOperation", "Files") if name in answer]
    right = sizes == [len(content)] and len(there) == 3 and answer["VisibleAfterOperation"] is True
    return Seen(f"{', '.join(there)}; sizes {sizes}; version {answer['ObjVer']['Version']}", right)


@settles(
    Fact(
        "vault-long-text",
        "What becomes of a text of 140 characters in a Text property?",
        expected="it is refused, or cut: never kept whole",
        depends=("shared/vault/typed_values.py",),
        otherwise="nothing: the app cuts at 100 characters, and the journal says so",
    )
)
async def long_text(world: World) -> Seen:
    kind = await world.vault.class_()
    if kind.has_automatic_name:
        raise NotPossible("the class of the options has an automatic title")
    body = await world.vault.body(await world.vault.file(), title="x" * _LONG)
    made = await world.vault.create(body)
    if not made.is_success:
        return Seen(told(made), agrees=True)
    kept = len(await _text(world, made.json()["ObjVer"], kind.name_property))
    return Seen(f"200, {kept} characters kept", kept < _LONG)


@settles(
    Fact(
        "vault-control-characters",
        "Is a tab or a line end in a Text property refused?",
        depends=("shared/vault/typed_values.py",),
        otherwise="nothing: the app makes spaces of them",
    )
)
async def control_characters(world: World) -> Seen:
    kind = await world.vault.class_()
    if kind.has_automatic_name:
        raise NotPossible("the class of the options has an automatic title")
    made = await world.vault.create(
        await world.vault.body(await world.vault.file(), title="tab\tand\r\nline end")
    )
    return Seen(told(made))


@settles(
    Fact(
        "vault-automatic-title",
        "How is a create refused that sets an automatic title?",
        depends=_CREATION,
        otherwise="nothing: the app leaves an automatic title out",
    )
)
async def automatic_title(world: World) -> Seen:
    reference = world.options.vault.automatic_title_class
    if not reference:
        raise NotPossible("set vault.automatic-title-class")
    kind = await (await world.vault.structure()).class_(reference)
    if not kind.has_automatic_name:
        raise NotPossible("the class of vault.automatic-title-class has no automatic title")
    body = _with(
        await world.vault.body(await world.vault.file()),
        value(CLASS, DataType.LOOKUP, kind.id),
        value(kind.name_property, DataType.TEXT, "set by a client"),
    )
    made = await world.vault.create(body)
    if not made.is_success:
        return Seen(told(made))
    kept = await _text(world, made.json()["ObjVer"], kind.name_property)
    return Seen(f"200; the client's title is {'kept' if kept == 'set by a client' else 'replaced'}")


@settles(
    Fact(
        "vault-refusals",
        "How are creates refused: no title, an unknown property, class and upload, a property given twice?",
        expected="each with a status of 400 or more, and an exception in JSON",
        depends=(*_CREATION, "shared/vault/refusals.py"),
        otherwise="a refusal that is taken for an outage is tried for three days before the mail fails",
    )
)
async def refusals(world: World) -> Seen:
    kind = await world.vault.class_()
    whole = await world.vault.body(await world.vault.file())
    unknown = {"UploadID": 999_999, "Title": "none", "Extension": "txt", "Size": 1}
    title = whole["PropertyValues"][0]
    bodies = {
        "no title": _without(whole, kind.name_property),
        "unknown property": _with(whole, value(999_999, DataType.TEXT, "x")),
        "unknown class": _with(whole, value(CLASS, DataType.LOOKUP, 999_999)),
        "unknown upload": {**whole, "Files": [unknown]},
        "twice": {**whole, "PropertyValues": [*whole["PropertyValues"], title]},
    }
    answers = {name: await world.vault.create(body) for name, body in bodies.items()}
    text = "; ".join(f"{name}: {told(answer)}" for name, answer in answers.items())
    needed = [answers[name] for name in ("unknown property", "unknown class", "unknown upload")]
    return Seen(text, all(_is_refusal(one) for one in needed))


def _is_refusal(response: httpx.Response) -> bool:
    return response.status_code >= 400 and "a page" not in told(response)


@settles(
    Fact(
        "vault-error-shapes",
        "How are an unknown address, an unknown object and a body refused that is no JSON?",
        expected="404 for what is not there, in JSON where M-Files itself answers",
        depends=("shared/vault/refusals.py",),
        otherwise="what stands before M-Files would be taken for M-Files, or the other way round",
    )
)
async def error_shapes(world: World) -> Seen:
    answers = {
        "address": await world.vault.send("GET", "/structure/nothing"),
        "object": await world.vault.send("GET", "/objects/0/999999999/latest"),
        "no JSON": await world.vault.send("POST", "/objects/0", content=b"{"),
    }
    text = "; ".join(f"{name}: {told(answer)}" for name, answer in answers.items())
    return Seen(text, answers["object"].status_code == 404)


@settles(
    Fact(
        "vault-same-names",
        "Can two files of one document have the same name, or names that differ by case alone?",
        depends=("shared/file_names.py",),
        otherwise="nothing: the app makes names differ, in any case",
    )
)
async def same_names(world: World) -> Seen:
    seen = []
    for first, second in (("same", "same"), ("case", "CASE")):
        files = [await world.vault.file(title=first), await world.vault.file(title=second)]
        seen.append(f"{first} and {second}: {told(await world.vault.create(await world.vault.body(*files)))}")
    return Seen("; ".join(seen))


@settles(
    Fact(
        "vault-found-at-once",
        "Is a document found by its filing key at once after it was created?",
        expected="yes, by the first search",
        depends=("docs/decisions/one-create.md", "shared/filing_attempt.py", "shared/vault/mfiles.py"),
        otherwise=(
            "the doctor's check filing-key fails; searches 90 s and 15 minutes later are what is left "
            "against documents filed twice"
        ),
    )
)
async def found_at_once(world: World) -> Seen:
    key = new_key()
    made = await world.vault.create(await world.vault.body(await world.vault.file(), key=key))
    assert made.is_success, told(made)
    for attempt in range(1, 31):
        if len(await world.vault.find(key)) == 1:
            shouted = await world.vault.find(key.upper()) if key.upper() != key else []
            text = f"found by search {attempt}; by the key in upper case: {len(shouted)}"
            return Seen(text, attempt == 1)
        await asyncio.sleep(1)
    return Seen("not found within 30 s", agrees=False)


@settles(
    Fact(
        "vault-deleted",
        "Are deleted documents found by a search that includes them, and how is a second deletion answered?",
        expected="found with d=include, not without",
        depends=("shared/vault/mfiles.py", "shared/twins.py"),
        otherwise="a mail whose document was deleted would be filed again by a replay",
    )
)
async def deleted(world: World) -> Seen:
    key = new_key()
    made = await world.vault.create(await world.vault.body(await world.vault.file(), key=key))
    version = made.json()["ObjVer"]
    first = await world.vault.delete(version["Type"], version["ID"])
    second = await world.vault.delete(version["Type"], version["ID"])
    with_them, without = await world.vault.find(key), await world.vault.find(key, deleted=False)
    read = await world.vault.send("GET", f"/objects/{version['Type']}/{version['ID']}/latest")
    shown = f"{told(read)}, Deleted {read.json().get('Deleted')}" if read.is_success else told(read)
    versions = first.json()["ObjVer"]["Version"] if first.is_success and first.content else "not told"
    text = f"deletion {told(first)} (version {versions}), again {told(second)}; found with d=include: "
    text += f"{len(with_them)}, without: {len(without)}; read: {shown}"
    return Seen(text, len(with_them) == 1 and not without)


@settles(
    Fact(
        "vault-late-create",
        "Is a document made whose creator has gone before the answer, and when is it found?",
        expected="if it is made at all, it is found within 90 s",
        depends=("docs/decisions/one-create.md", "shared/filing_attempt.py"),
        otherwise="the search 15 minutes after filing finds a twin, and marks it deleted",
    )
)
async def late_create(world: World) -> Seen:
    key = new_key()
    body = await world.vault.body(await world.vault.file(), key=key)
    gone = "the answer came first"
    try:
        made = await world.vault.create(body, timeout=httpx.Timeout(30.0, read=0.05))
        if made.is_success:
            gone = "the answer came within 0.05 s"
    except httpx.TimeoutException as error:
        gone = f"gone after 0.05 s ({type(error).__name__})"
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < world.options.vault.seconds_for_late_create:
        found = await world.vault.find(key)
        if found:
            for one in found:
                world.vault.forget(one["ObjVer"])
            seconds = loop.time() - began
            return Seen(f"{gone}; found {seconds:.0f} s later, {len(found)} of them", seconds < 90)
        await asyncio.sleep(2)
    return Seen(f"{gone}; not made within {world.options.vault.seconds_for_late_create:.0f} s")


@settles(
    Fact(
        "vault-aliases",
        "Does the vault resolve aliases, and what is answered for one that nothing has?",
        expected="an id, and -1",
        depends=("shared/vault/structure.py", "shared/vault/answers.py"),
        otherwise="write names or ids in mail-sources.toml; the watch names each alias that is not found",
    )
)
async def aliases(world: World) -> Seen:
    asked = {
        "properties": [world.options.vault.filing_key, "PD.LiveCheckNothing"],
        **{kind: [] for kind in ("objecttypes", "classes", "workflows", "workflowstates")},
        **{kind: [] for kind in ("statetransitions", "valuelists")},
    }
    answer = await world.vault.send("POST", "/structure/metadatastructure/itemidbyalias", json=asked)
    if not answer.is_success:
        return Seen(told(answer), agrees=False)
    found = answer.json().get("properties", {})
    nothing = found.get("PD.LiveCheckNothing")
    known = found.get(world.options.vault.filing_key)
    kind = "an id" if isinstance(known, int) and known > 0 else str(known)
    return Seen(f"the filing key: {kind}; nothing: {nothing}", nothing == -1)


@settles(
    Fact(
        "vault-verbs",
        "Is a real PUT taken, or does the web server block it?",
        depends=("shared/vault/mfiles.py",),
        otherwise="nothing: the app sends POST with _method",
    )
)
async def verbs(world: World) -> Seen:
    made = await world.vault.create(await world.vault.body(await world.vault.file()))
    version = made.json()["ObjVer"]
    path = f"/objects/{version['Type']}/{version['ID']}/deleted"
    put = await world.vault.send("PUT", path, json={"Value": True})
    return Seen(f"PUT: {told(put)}")


@settles(
    Fact(
        "vault-list-filter",
        "Does the filter of a value list heed case, and does it match within a name?",
        depends=("shared/vault/value_lists.py",),
        otherwise="nothing: where the filter finds nothing, the list is read without it",
    )
)
async def list_filter(world: World) -> Seen:
    reference = world.options.vault.lookup_property
    if not reference:
        raise NotPossible("set vault.lookup-property")
    number = (await world.vault.structure()).property(reference).value_list
    items = (await world.vault.send("GET", f"/valuelists/{number}/items")).json()["Items"]
    if not items:
        raise NotPossible("the value list of vault.lookup-property is empty")
    name = items[0]["Name"]
    counts = {}
    for label, text in (("as it is", name), ("in the other case", name.swapcase()), ("a part", name[1:])):
        query = {"filter": text}
        listed = await world.vault.send("GET", f"/valuelists/{number}/items", params=query)
        counts[label] = str(len(listed.json()["Items"])) if listed.is_success else told(listed)
    text = ", ".join(f"{label}: {count}" for label, count in counts.items())
    return Seen(f"{text}; an item has {sorted(items[0])}")


@settles(
    Fact(
        "vault-title-without-check-out",
        "Can a title be set without checking the document out, and how are versions listed?",
        depends=("sandbox/vault/object_routes.py",),
        otherwise="nothing: the app changes no document after it was made; the sandbox would say otherwise",
    )
)
async def title_without_check_out(world: World) -> Seen:
    made = await world.vault.create(await world.vault.body(await world.vault.file()))
    version = made.json()["ObjVer"]
    base = f"/objects/{version['Type']}/{version['ID']}"
    changed = await world.vault.send(
        "POST", f"{base}/latest/title", params={"_method": "PUT"}, json={"Value": "another title"}
    )
    history = await world.vault.send("GET", f"{base}/history")
    order = [one["ObjVer"]["Version"] for one in history.json()] if history.is_success else told(history)
    return Seen(f"title: {told(changed)}; versions in the order {order}")


@settles(
    Fact(
        "vault-lookup-of-deleted",
        "Is a reference taken to a document that is marked deleted?",
        depends=("shared/filing_attempt.py", "sandbox/vault/structure.py"),
        otherwise="nothing: a mail whose own document was deleted counts as filed",
    )
)
async def lookup_of_deleted(world: World) -> Seen:
    definition = (await _definitions(world)).get(REFERENCE)
    if definition is None:
        raise NotPossible("the vault does not list property 76")
    gone = (await world.vault.create(await world.vault.body(await world.vault.file()))).json()["ObjVer"]
    await world.vault.delete(gone["Type"], gone["ID"])
    body = await world.vault.body(await world.vault.file())
    return Seen(
        told(await world.vault.create(_with(body, value(REFERENCE, definition["DataType"], gone["ID"]))))
    )


@settles(
    Fact(
        "vault-file-names",
        "What becomes of characters that Windows does not take, in the title of a file?",
        depends=("shared/file_names.py", "sandbox/vault/rendering.py"),
        otherwise="nothing: the app's file names have none of them; the sandbox would say otherwise",
    )
)
async def file_names(world: World) -> Seen:
    files = [await world.vault.file(title='a:b/c?d"e'), await world.vault.file(title="plain")]
    made = await world.vault.create(await world.vault.body(*files))
    if not made.is_success:
        return Seen(told(made))
    one = made.json()["Files"][0]
    return Seen(f"Name {one.get('Name')!r}, EscapedName {one.get('EscapedName')!r}")
