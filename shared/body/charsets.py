"""Bytes of a mail as text, whatever character set it claims.

A name out of a mail is looked up in a table of our own: Python's look-up imports modules by that name, keeps
every unknown one for ever, and knows "encodings" that are no character sets.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases

_CODECS = re.compile(
    r"ascii|utf_8(_sig)?|utf_(16|32)(_[bl]e)?|cp\d+|iso8859_\d+|iso2022_\w+|koi8_\w+|mac_\w+|gb\w+|hz"
    r"|big5\w*|euc_\w+|shift_jis\w*|johab|tis_620|ptcp154|kz1048|hp_roman8|latin_1"
)
_SUPERSETS = {
    "ascii": "",
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf_8_sig": "utf_8",
}
"""What software means by these names (encoding.spec.whatwg.org, 4.2); plain ASCII is found out by looking."""
_MORE_NAMES = {
    "ansi": "cp1252",
    "cnbig5": "big5hkscs",
    "cp720": "cp720",
    "cp737": "cp737",
    "cp856": "cp856",
    "cp874": "cp874",
    "cp875": "cp875",
    "cseuckr": "cp949",
    "cseucpkdfmtjapanese": "euc_jp",
    "csgb2312": "gb18030",
    "csiso88596e": "iso8859_6",
    "csiso88596i": "iso8859_6",
    "csiso88598e": "iso8859_8",
    "csiso88598i": "iso8859_8",
    "csisolatin9": "iso8859_15",
    "csksc56011987": "cp949",
    "csmacintosh": "mac_roman",
    "csunicode": "utf_16_le",
    "dos874": "cp874",
    "iso10646ucs2": "utf_16_le",
    "iso88596e": "iso8859_6",
    "iso88596i": "iso8859_6",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "isoir149": "cp949",
    "koi": "koi8_r",
    "koi8": "koi8_r",
    "koi8ru": "koi8_u",
    "koi8u": "koi8_u",
    "ksc56011989": "cp949",
    "logical": "iso8859_8",
    "mac": "mac_roman",
    "suneugreek": "iso8859_7",
    "ucs2": "utf_16_le",
    "unicode": "utf_16_le",
    "unicodefeff": "utf_16_le",
    "unicodefffe": "utf_16_be",
    "unicode20utf8": "utf_8",
    "visual": "iso8859_8",
    "xcp1250": "cp1250",
    "xcp1251": "cp1251",
    "xcp1253": "cp1253",
    "xcp1254": "cp1254",
    "xcp1255": "cp1255",
    "xcp1256": "cp1256",
    "xcp1257": "cp1257",
    "xcp1258": "cp1258",
    "xmacroman": "mac_roman",
    "xmacukrainian": "mac_cyrillic",
    "xunicode20utf8": "utf_8",
    "xxbig5": "big5hkscs",
    "iso88591windows1252": "cp1252",
    "ksc56011987": "cp949",
    "unicode11utf8": "utf_8",
    "xcp1252": "cp1252",
    "xgbk": "gb18030",
    "xeucjp": "euc_jp",
    "xsjis": "cp932",
    "xmaccyrillic": "mac_cyrillic",
    "macintosh": "mac_roman",
    "windows874": "cp874",
    "windows949": "cp949",
    "windows31j": "cp932",
}
"""Names of the web (encoding.spec.whatwg.org, 4.2) and of Python's codecs that have no alias."""
_MARKS = ((b"\xef\xbb\xbf", "utf_8"), (b"\xff\xfe", "utf_16_le"), (b"\xfe\xff", "utf_16_be"))
_META = re.compile(rb"<meta\s[^>]{0,300}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 4096
_UNSEEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 0xFEFF))
_UTF_7 = "utf7"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _known() -> dict[str, str]:
    of_python = {**aliases, **{codec: codec for codec in aliases.values()}}
    codecs = {_plain(name): codec for name, codec in of_python.items() if _CODECS.fullmatch(codec)}
    return {name: _SUPERSETS.get(codec, codec) for name, codec in codecs.items()} | _MORE_NAMES


_KNOWN = _known()


def decoded(data: bytes, declared: str = "", *, html: bool = False) -> str:
    """`data` as text without control characters, lines ending in LF; never raises.

    A byte order mark wins, then the declared character set, then the one that HTML declares itself
    (html.spec.whatwg.org, 13.2.3.2), then UTF-8 if it is that, then windows-1252. UTF-7 hides markup from
    whoever cleans it: in HTML it is not decoded.
    """
    text = _text(data, declared, html)
    whole = text.encode("utf-8", "replace").decode("utf-8") if _has_surrogates(text) else text
    return whole.translate(_UNSEEN).replace("\r\n", "\n").replace("\r", "\n")


def _text(data: bytes, declared: str, html: bool) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    name = _plain(declared[:60])
    if name == _UTF_7 and not html:
        return data.decode("utf_7", "replace")
    codec = _KNOWN.get(name, "") or (_of_meta(data) if html and name not in (_UTF_7, "usascii") else "")
    if codec in ("", "utf_8"):
        return _utf_8_or_windows(data)
    try:
        return data.decode(codec)
    except UnicodeError:
        return _despite(data, codec)


def _of_meta(data: bytes) -> str:
    """What the HTML says of itself: it can be read, so it is not UTF-16, whatever it says."""
    found = _META.search(data[:_META_WITHIN])
    codec = _KNOWN.get(_plain(found[1].decode("ascii", "replace")), "") if found else ""
    return "utf_8" if codec.startswith(("utf_16", "utf_32")) else codec


def _utf_8_or_windows(data: bytes) -> str:
    """UTF-8 with some bytes damaged is still UTF-8: of the two readings the one with fewer faults."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if not damaged:
        return text
    foreign = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if foreign > damaged else data.decode("cp1252", "replace")


def _despite(data: bytes, codec: str) -> str:
    """Not in the declared character set: in UTF-8 after all, or damaged."""
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return data.decode(codec, "replace")


def _has_surrogates(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is not None
