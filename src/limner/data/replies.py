"""What the answers of a server mean, and what a user can do about them."""

from __future__ import annotations

import html
import re
import zlib
from http import HTTPStatus

import requests
from urllib3.exceptions import NewConnectionError

_MAGIC = (b"PK", b"\x1f\x8b", b"7z", b"Rar!", b"BZh", b"\xfd7zXZ")
_PAGE = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

BY_HAND = "open the address in a browser and get the file by hand"
LATER = "try again later"


class BadReplyError(Exception):
    """Something came back that is not the file.

    Attributes:
        what: What is wrong, one sentence.
        fix: What the user can do.
        again: Whether trying again at once may help: always, never, or only where the server has been reached before.
    """

    def __init__(self, what: str, fix: str, *, again: bool | None = False) -> None:
        super().__init__(what)
        self.what, self.fix, self.again = what, fix, again


def refused(status: int) -> BadReplyError:
    """What a status other than success means."""
    said = f"{status} {_phrase(status)}".strip()
    if status in {401, 403, 407}:
        return BadReplyError(
            f"the server does not give the file to everyone ({said})", f"it may ask to log in or to accept terms: {BY_HAND}"
        )
    if status in {404, 410}:
        return BadReplyError(f"the file is no longer at this address ({said})", "look for it on the data set's page")
    if status in {408, 425, 429} or status >= 500:
        return BadReplyError(f"the server cannot serve the file now ({said})", LATER, again=True)
    return BadReplyError(f"the server gave an answer that is of no use here ({said})", BY_HAND)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def unreached(error: requests.RequestException) -> BadReplyError:
    """What it means that no answer came at all."""
    if isinstance(error, requests.exceptions.ProxyError):
        return BadReplyError("the proxy cannot be reached", "check the environment variables HTTP_PROXY and HTTPS_PROXY", again=None)
    if isinstance(error, requests.exceptions.SSLError):
        fix = "where a proxy inspects what passes, name the file of its certificate in the environment variable REQUESTS_CA_BUNDLE"
        return BadReplyError("the server's certificate is not trusted", fix)
    if isinstance(error, requests.exceptions.ConnectTimeout) or _is_unconnected(error):
        return BadReplyError("the server cannot be reached", "check the connection to the internet", again=None)
    if isinstance(error, requests.exceptions.Timeout):
        return BadReplyError("the server does not answer", LATER, again=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        return BadReplyError("the server broke off the connection", LATER, again=True)
    return BadReplyError(f"the address cannot be asked: {error}", "check it")


def _is_unconnected(error: requests.RequestException) -> bool:
    """Nobody is there: no such host, no route, nothing that listens."""
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def check_is_no_page(head: bytes, content_type: str, encoding: str) -> None:
    """Refuse a web page that comes in place of a file, as where one has to log in.

    Args:
        head: The first bytes.
        content_type: As the server says; often it is wrong, so the bytes of an archive go before it.
        encoding: As the server says.

    Raises:
        BadReplyError: It is one.

    Example:
        >>> check_is_no_page(b"PK...", "text/html", "")
        >>> check_is_no_page(b"<html><title>Log in</title>", "application/zip", "")
        Traceback (most recent call last):
        limner.data.replies.BadReplyError: the server sent a web page ("Log in") instead of the file
    """
    plain = _inflated(head) if encoding else head
    typed = content_type.split(";", maxsplit=1)[0].strip().lower() in {"text/html", "application/xhtml+xml"}
    if not _PAGE.match(plain.removeprefix(b"\xef\xbb\xbf")) and not (typed and not head.startswith(_MAGIC)):
        return
    found = _TITLE.search(plain)
    title = " ".join(html.unescape(found[1].decode("utf-8", "replace")).split())[:80] if found else ""
    named = f' ("{title}")' if title else ""
    fix = f"it may ask to log in, to accept terms, or to press a button: {BY_HAND}"
    raise BadReplyError(f"the server sent a web page{named} instead of the file", fix)


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(head)
    except zlib.error:
        return head
