"""The picture in a request: a file, a text in Base64, or what a URL led to."""

import binascii
import re
from binascii import a2b_base64
from urllib.parse import unquote

from api.errors import Refusal
from api.fetch.client import Downloads

DATA_URL = re.compile(r"\s*data:[^,]*?(;\s*base64\s*)?,", re.IGNORECASE)
URL_SAFE = str.maketrans("-_", "+/", " \t\r\n\f\v=")
NOT_BASE64 = "{name}: not well-formed Base64; send the letters A-Z and a-z, the digits, and + and / (or - and _)."
NO_BASE64_URL = "{name}: a data: URL must say ;base64 before its comma; send the picture in Base64."


def picture_bytes(
    file: bytes | None, image_base64: str | None, url: str | None, downloads: Downloads, name: str = "image_base64"
) -> bytes:
    """The picture that came along in one of these ways, or that a URL led to; `name`: of the field in Base64.

    Raises Refusal.
    """
    if file is not None:
        return file
    return downloads[url] if url is not None else decode_base64(image_base64 or "", name)


def decode_base64(text: str, name: str) -> bytes:
    """The bytes of a Base64 text (RFC 4648), in the usual or the URL-safe alphabet. Raises Refusal.

    A `data:...;base64,` before it, line breaks and blanks within it, and its missing padding do no harm.
    """
    if text[:64].lstrip()[:5].lower() == "data:":
        prefix = DATA_URL.match(text)
        if prefix is None or prefix[1] is None:
            raise Refusal("invalid_parameter", NO_BASE64_URL.format(name=name))
        text = unquote(text[prefix.end() :])
    body = text.rstrip("= \t\r\n\f\v")
    if "=" in body:  # padding stands at the end alone
        raise Refusal("invalid_parameter", NOT_BASE64.format(name=name))
    letters = body.translate(URL_SAFE)
    try:
        return a2b_base64(letters + "=" * (-len(letters) % 4), strict_mode=True)
    except (ValueError, binascii.Error) as error:  # ValueError: letters of no alphabet
        raise Refusal("invalid_parameter", NOT_BASE64.format(name=name)) from error
