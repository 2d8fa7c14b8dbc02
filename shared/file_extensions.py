"""Extensions for content types: what a file gets whose name has none."""

from __future__ import annotations

import mimetypes

LONGEST = 16
UNKNOWN = "bin"
_TYPES = mimetypes.MimeTypes()
"""What Python itself knows of content types, not what the machine does: names are the same everywhere."""
_OPEN_XML, _OPEN_DOCUMENT = "vnd.openxmlformats-officedocument", "vnd.oasis.opendocument"
_OF_APPLICATIONS = {
    f"{_OPEN_XML}.wordprocessingml.document": "docx",
    f"{_OPEN_XML}.wordprocessingml.template": "dotx",
    f"{_OPEN_XML}.spreadsheetml.sheet": "xlsx",
    f"{_OPEN_XML}.spreadsheetml.template": "xltx",
    f"{_OPEN_XML}.presentationml.presentation": "pptx",
    f"{_OPEN_XML}.presentationml.slideshow": "ppsx",
    f"{_OPEN_DOCUMENT}.presentation": "odp",
    f"{_OPEN_DOCUMENT}.spreadsheet": "ods",
    f"{_OPEN_DOCUMENT}.text": "odt",
    "gzip": "gz",
    "ics": "ics",
    "internet-shortcut": "url",
    "javascript": "js",
    "ms-tnef": "dat",
    "oxps": "oxps",
    "pgp-encrypted": "pgp",
    "pgp-keys": "asc",
    "pgp-signature": "asc",
    "pkcs7-mime": "p7m",
    "pkcs7-signature": "p7s",
    "pkix-cert": "cer",
    "rtf": "rtf",
    "vnd.ms-excel.sheet.binary.macroenabled.12": "xlsb",
    "vnd.ms-excel.sheet.macroenabled.12": "xlsm",
    "vnd.ms-outlook": "msg",
    "vnd.ms-powerpoint.presentation.macroenabled.12": "pptm",
    "vnd.ms-tnef": "dat",
    "vnd.ms-word.document.macroenabled.12": "docm",
    "vnd.ms-xpsdocument": "xps",
    "vnd.rar": "rar",
    "vnd.visio": "vsd",
    "x-7z-compressed": "7z",
    "x-microsoft-rpmsg-message": "rpmsg",
    "x-pdf": "pdf",
    "x-pkcs7-mime": "p7m",
    "x-pkcs7-signature": "p7s",
    "x-rar-compressed": "rar",
    "x-x509-ca-cert": "cer",
    "x-zip-compressed": "zip",
    "xhtml+xml": "xhtml",
    "xml": "xml",
}
_EXTENSIONS = {f"application/{kind}": extension for kind, extension in _OF_APPLICATIONS.items()} | {
    "audio/amr": "amr",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/heic": "heic",
    "image/jpg": "jpg",
    "image/vnd.dwg": "dwg",
    "image/webp": "webp",
    "image/x-ms-bmp": "bmp",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
    "message/global": "eml",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/markdown": "md",
    "text/rfc822-headers": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
    "video/webm": "webm",
}
"""What Python does not know, or knows otherwise from one release to the next."""


def extension_of(content_type: str) -> str:
    """The extension, without a dot, for what a mail calls a content type; `bin` for an unknown one."""
    bare = content_type.partition(";")[0].strip().lower()
    guessed = _TYPES.guess_extension(bare) if bare != "application/octet-stream" else None
    return _EXTENSIONS.get(bare) or (guessed or f".{UNKNOWN}").removeprefix(".")[:LONGEST]
