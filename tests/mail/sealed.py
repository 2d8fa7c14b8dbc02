"""Mail that is signed or encrypted, and what only some programs can open."""

from __future__ import annotations

from collections.abc import Iterator

from .mime import MIXED, PDF, Case, attached, encoded, entity, head, letter, multipart, text, within

_SIGNED, _ENVELOPED, _COMPRESSED = 2, 3, 9
_ARMOUR = "-----BEGIN PGP {0}-----\r\n\r\nwcBMA5Ju8dIJ\r\n=Zm9v\r\n-----END PGP {0}-----\r\n"


def cases() -> Iterator[Case]:
    """Each a mail."""
    inner = multipart(MIXED, [text(), attached("contract.pdf")], boundary="inner")
    opaque = 'Content-Disposition: attachment; filename="smime.p7m"'
    for kind, number in (
        ("signed-data", _SIGNED),
        ("enveloped-data", _ENVELOPED),
        ("compressed-data", _COMPRESSED),
    ):
        of_kind = f'application/pkcs7-mime; smime-type={kind}; name="smime.p7m"'
        yield Case(f"S/MIME: {kind}", head(kind) + encoded(of_kind, _cms(number, inner), opaque))
    old = encoded("application/x-pkcs7-mime", _cms(_ENVELOPED, inner), opaque)
    yield Case("S/MIME: of an unknown kind", head("Old") + old)
    yield Case("S/MIME: multipart/signed", head("Signed") + _signed(inner))
    in_a_list = multipart(MIXED, [_signed(inner), text("-- \r\nThe list\r\n")], boundary="list")
    yield Case("S/MIME: signed, then sent on by a list", head("Signed, by a list") + in_a_list)
    yield Case(
        "S/MIME: a signed mail within a mail", letter("Forwarded", within(head("In") + _signed(inner)))
    )
    yield Case("S/MIME: signed twice", head("Signed twice") + _signed(_signed(inner), "outer signature"))
    yield Case("S/MIME: signature is missing", head("No signature") + _signed(inner)[:-400])
    yield Case("PGP: encrypted", head("PGP encrypted") + _pgp_encrypted())
    yield Case("PGP: signed", head("PGP signed") + _pgp_signed(inner))
    yield Case("PGP: within the text", head("PGP inline") + text(_ARMOUR.format("MESSAGE")))
    yield Case("PGP: key and encrypted file", letter("PGP files", *_pgp_files()))
    protected = attached(
        "message.rpmsg", b"\x76\xe8\x04\x60\xc4\x11\xe3\x86" + PDF, "application/x-microsoft-rpmsg-message"
    )
    yield Case(
        "rights-protected",
        head("Protected", "Content-Class: rpmsg.message") + multipart(MIXED, [text(), protected]),
    )
    yield Case("TNEF beside text", letter("TNEF", attached("winmail.dat", _tnef(), "application/ms-tnef")))
    yield Case("TNEF is all there is", head("TNEF alone") + encoded("application/ms-tnef", _tnef()))
    other = (
        attached("winmail.dat", _tnef(), "application/octet-stream"),
        attached("WINMAIL.DAT", b"", "application/vnd.ms-tnef"),
    )
    yield Case("TNEF of other types", letter("TNEF of other types", *other))


def _der(tag: int, *content: bytes) -> bytes:
    """A DER value of up to 64 KB (X.690)."""
    inner = b"".join(content)
    return bytes([tag, 0x82]) + len(inner).to_bytes(2, "big") + inner


def _cms(kind: int, content: bytes) -> bytes:
    """A ContentInfo as RFC 5652 has it on the outside: type 1.2.840.113549.1.7.`kind`."""
    oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" + bytes([kind])
    return _der(0x30, oid, _der(0xA0, _der(0x30, b"\x02\x01\x01", _der(0x04, content))))


def _signed(content: bytes, boundary: str = "signature") -> bytes:
    """RFC 1847; what is signed must not change by a byte."""
    signature = attached(
        "smime.p7s", _cms(_SIGNED, b"signature"), "application/pkcs7-signature; name=smime.p7s"
    )
    kind = 'signed; protocol="application/pkcs7-signature"; micalg=sha-256'
    return multipart(kind, [content, signature], boundary=boundary)


def _pgp_encrypted() -> bytes:
    """RFC 3156, 4."""
    control = entity("application/pgp-encrypted", "Version: 1\r\n")
    data = entity("application/octet-stream; name=encrypted.asc", _ARMOUR.format("MESSAGE"))
    return multipart('encrypted; protocol="application/pgp-encrypted"', [control, data])


def _pgp_signed(content: bytes) -> bytes:
    """RFC 3156, 5."""
    signature = entity("application/pgp-signature; name=signature.asc", _ARMOUR.format("SIGNATURE"))
    kind = 'signed; protocol="application/pgp-signature"; micalg=pgp-sha512'
    return multipart(kind, [content, signature], boundary="pgp")


def _pgp_files() -> Iterator[bytes]:
    yield attached("key.asc", _ARMOUR.format("PUBLIC KEY BLOCK").encode(), "application/pgp-keys")
    yield attached("contract.pdf.pgp", b"\x85\x01\x0c\x03" + PDF, "application/pgp-encrypted")


def _tnef() -> bytes:
    """The signature and the key of a TNEF stream, then attributes (MS-OXTNEF, 2.1.3)."""
    version = b"\x01\x06\x90\x08\x00\x04\x00\x00\x00\x00\x00\x01\x00\x01\x00"
    return b"\x78\x9f\x3e\x22\x01\x00" + version + bytes(200)
