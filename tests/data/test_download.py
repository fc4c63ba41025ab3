"""Downloads from a server that behaves badly: what lies on the disk afterwards, and what the user is told."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import threading
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from tests.data.http_server import chunked, hangs, packed, ranges, redirect, running, send, status, whole

from limner.data import download as module
from limner.data.download import download
from limner.data.partial import Part, alone
from limner.data.replies import BadReplyError, check_is_no_page
from limner.errors import DataError, OutputExistsError

DATA = bytes(range(256)) * 4096  # 1 MiB, several chunks
NEW = DATA[::-1]
SHA256 = hashlib.sha256(DATA).hexdigest()
CUT = 300_000
PAGE = b"<!DOCTYPE html><html><head><title>Google Drive -\n Virus scan warning</title></head></html>"


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy stands between the test and its server."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "inner" / "a.zip"


def get(url, target, **options):
    """Download without waiting."""
    return download(url, target, wait=lambda _: None, **options)


def fails(url, target, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        get(url, target, **options)
    assert caught.value.where
    assert caught.value.fix
    return caught.value


def left(target) -> list[str]:
    """What lies beside the target, and itself."""
    return sorted(path.name for path in target.parent.iterdir())


def broken_off(server, target, answer=None, data=DATA) -> str:
    """A download that broke off after CUT bytes, each time; returns its address."""
    url = server.serve("/a.zip", answer or ranges(data, etag='"one"', cut=CUT), status(503))
    fails(url, target)
    assert (target.parent / "a.zip.part").read_bytes() == data[:CUT]
    server.asked.clear()
    return url


# ------------------------------------------------------------------------------------------------------------------ all is well


@pytest.mark.parametrize("answer", [whole(DATA), ranges(DATA, etag='"one"'), chunked(DATA)], ids=["whole", "ranges", "chunked"])
def test_a_file_comes_whole_and_nothing_else_is_left(server, target, answer) -> None:
    assert get(server.serve("/a.zip", answer), target) == target
    assert target.read_bytes() == DATA
    assert left(target) == ["a.zip"]


def test_progress_counts_bytes_and_knows_the_whole(server, target) -> None:
    ticks = []
    get(server.serve("/a.zip", whole(DATA)), target, progress=lambda *tick: ticks.append(tick))
    assert [done for done, _ in ticks] == sorted(done for done, _ in ticks)
    assert len(ticks) > 2
    assert {total for _, total in ticks} == {len(DATA)}
    assert ticks[-1] == (len(DATA), len(DATA))


def test_progress_without_a_length(server, target) -> None:
    ticks = []
    get(server.serve("/a.zip", chunked(DATA)), target, progress=lambda *tick: ticks.append(tick))
    assert ticks[-1] == (len(DATA), 0)


def test_nothing_is_overwritten_unasked(server, target) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    url = server.serve("/a.zip", whole(DATA))
    with pytest.raises(OutputExistsError):
        get(url, target)
    assert target.read_bytes() == b"mine"
    assert server.asked == []
    get(url, target, overwrite=True)
    assert target.read_bytes() == DATA


def test_what_is_there_stays_until_the_new_one_is_whole(server, target) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    fails(server.serve("/a.zip", whole(NEW)), target, overwrite=True, sha256=SHA256)
    assert target.read_bytes() == b"mine"


def test_checksums_and_size_that_are_right(server, target) -> None:
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    get(server.serve("/a.zip", whole(DATA)), target, sha256=SHA256.upper(), md5=md5, size=len(DATA))
    assert target.read_bytes() == DATA


# ------------------------------------------------------------------------------------------------------------------ broken off


@pytest.mark.parametrize("tags", [{"etag": '"one"'}, {"changed": "Sat, 01 Jan 2022 00:00:00 GMT"}], ids=["etag", "date"])
def test_a_dropped_connection_is_resumed_at_once(server, target, tags) -> None:
    url = server.serve("/a.zip", ranges(DATA, cut=CUT, **tags), ranges(DATA, **tags))
    get(url, target, sha256=SHA256)
    assert target.read_bytes() == DATA
    assert server.ranges == [None, f"bytes={CUT}-"]
    assert server.asked[1][1]["If-Range"] == next(iter(tags.values()))
    assert left(target) == ["a.zip"]


def test_a_server_that_drops_again_and_again_still_gets_there(server, target) -> None:
    """More often than there are tries: each gets further."""
    url = server.serve("/a.zip", ranges(DATA, etag='"one"', cut=100_000))
    get(url, target)
    assert target.read_bytes() == DATA
    assert len(server.asked) == 11


def test_running_again_goes_on_where_it_broke_off(server, target) -> None:
    url = broken_off(server, target)
    server.serve("/a.zip", ranges(DATA, etag='"one"'))
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [f"bytes={CUT}-"]
    assert left(target) == ["a.zip"]


def test_a_truncated_body_says_that_the_part_is_kept_and_that_running_again_resumes(server, target) -> None:
    error = fails(server.serve("/a.zip", ranges(DATA, etag='"one"', cut=CUT), status(503)), target)
    assert error.what == "the server cannot serve the file now (503 Service Unavailable)"
    part = target.parent / "a.zip.part"
    assert error.fix == f"run the same again: what has come (300000 bytes) is kept in {part}, and it goes on from there"
    assert left(target) == ["a.zip.part", "a.zip.part.json"]


def test_a_server_that_always_stops_at_one_place(server, target) -> None:
    """Neither endless tries, nor a file that is too short."""

    def stops(handler) -> None:
        if handler.headers.get("Range"):
            start = int(handler.headers["Range"][6:-1])
            place = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
            return send(handler, 206, {"Content-Length": len(DATA) - start, "Content-Range": place, "ETag": '"one"'}, b"")
        return send(handler, 200, {"Content-Length": len(DATA), "ETag": '"one"'}, DATA[:CUT])

    error = fails(server.serve("/a.zip", stops), target)
    assert error.what == "the connection broke off"
    assert "kept in" in (error.fix or "")
    assert len(server.asked) == 1 + len(module.WAITS_S) + 1
    assert (target.parent / "a.zip.part").read_bytes() == DATA[:CUT]


def test_waits_grow(server, target) -> None:
    waited = []
    with pytest.raises(DataError):
        download(server.serve("/a.zip", status(500)), target, wait=waited.append)
    assert waited == list(module.WAITS_S)


def test_a_chunked_body_without_its_end(server, target) -> None:
    error = fails(server.serve("/a.zip", chunked(DATA, cut=True)), target)
    assert error.what == "the connection broke off"
    assert not target.exists()


def test_a_body_without_length_is_measured_by_the_size_that_is_known(server, target) -> None:
    def old(handler) -> None:
        handler.protocol_version = "HTTP/1.0"
        send(handler, 200, {}, DATA[:CUT])

    error = fails(server.serve("/a.zip", old), target, size=len(DATA))
    assert error.what == "the connection broke off after 300000 bytes of 1.0 MB"
    assert not target.exists()


def test_a_server_that_ignores_ranges_starts_anew(server, target) -> None:
    url = broken_off(server, target)
    server.serve("/a.zip", whole(DATA))
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [f"bytes={CUT}-"]


def test_a_server_that_ignores_ranges_and_always_drops_is_given_up(server, target) -> None:
    def drops(handler) -> None:
        send(handler, 200, {"Content-Length": len(DATA)}, DATA[:CUT])

    error = fails(server.serve("/a.zip", drops), target)
    assert len(server.asked) == 1 + len(module.WAITS_S) + 1
    assert error.what == "the connection broke off"
    assert error.fix == "try again later"  # it would not go on from there, so nothing of the kind is promised


def test_without_tags_and_checksum_nothing_is_resumed(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, cut=CUT), ranges(NEW))
    get(url, target)
    assert target.read_bytes() == NEW
    assert server.ranges == [None, None]


def test_without_tags_but_with_checksum_it_is_resumed(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, cut=CUT), ranges(DATA))
    get(url, target, sha256=SHA256)
    assert target.read_bytes() == DATA
    assert server.ranges == [None, f"bytes={CUT}-"]
    assert "If-Range" not in server.asked[1][1]


def test_weak_tags_go_into_no_if_range(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, etag='W/"one"', cut=CUT), ranges(DATA, etag='W/"one"'))
    get(url, target, sha256=SHA256)
    assert server.ranges == [None, f"bytes={CUT}-"]
    assert "If-Range" not in server.asked[1][1]
    assert target.read_bytes() == DATA


# ------------------------------------------------------------------------------------------------------------------ changed meanwhile


@pytest.mark.parametrize("heeds", [True, False], ids=["heeds If-Range", "ignores If-Range"])
def test_a_file_that_changed_between_two_tries_starts_anew(server, target, heeds) -> None:
    url = broken_off(server, target)
    server.serve("/a.zip", ranges(NEW, etag='"two"', heeds_if_range=heeds))
    get(url, target)
    assert target.read_bytes() == NEW
    assert server.ranges == ([f"bytes={CUT}-"] if heeds else [f"bytes={CUT}-", None])


def test_a_file_that_changed_its_length_only(server, target) -> None:
    """No tags at all; the checksum makes it resumable, the length gives the change away."""
    longer = DATA + b"more"
    url = server.serve("/a.zip", ranges(DATA, cut=CUT), ranges(longer))
    get(url, target, sha256=hashlib.sha256(longer).hexdigest())
    assert target.read_bytes() == longer
    assert server.ranges == [None, f"bytes={CUT}-", None]


def test_a_file_that_became_shorter_than_the_part(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, cut=CUT), ranges(DATA[:100]))
    get(url, target, sha256=hashlib.sha256(DATA[:100]).hexdigest())
    assert target.read_bytes() == DATA[:100]


@pytest.mark.parametrize("place", ["bytes 5-1048575/1048576", "bytes 0-1048575/1048576", "nonsense", "bytes */1048576", ""])
def test_a_server_that_sends_another_range_than_asked_for(server, target, place) -> None:
    url = broken_off(server, target)
    wrong = status(206, b"XXXX", Content_Range=place, ETag='"one"')
    server.serve("/a.zip", wrong, whole(DATA))
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [f"bytes={CUT}-", None]


def test_a_part_that_was_whole_already_is_taken(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, etag='"one"'))
    target.parent.mkdir()
    Part(target).begin(module.Notes(url, total=len(DATA), etag='"one"'))
    Part(target).path.write_bytes(DATA)
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [f"bytes={len(DATA)}-"]


def test_a_server_that_answers_416_to_everything(server, target) -> None:
    url = broken_off(server, target)
    server.serve("/a.zip", status(416))
    error = fails(url, target)
    assert "416" in error.what
    assert not target.exists()


def test_a_part_of_another_address_is_not_gone_on_with(server, target) -> None:
    broken_off(server, target)
    get(server.serve("/b.zip", ranges(NEW, etag='"one"')), target)
    assert target.read_bytes() == NEW
    assert server.ranges == [None]


@pytest.mark.parametrize("notes", [b"", b"{", b"[]", b'{"url": 1, "size": 2}', b"\xff\xfe"])
def test_damaged_notes_make_it_start_anew(server, target, notes) -> None:
    url = broken_off(server, target)
    (target.parent / "a.zip.part.json").write_bytes(notes)
    server.serve("/a.zip", ranges(DATA, etag='"one"'))
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [None]


def test_a_strangers_part_without_notes_is_not_gone_on_with(server, target) -> None:
    target.parent.mkdir()
    (target.parent / "a.zip.part").write_bytes(b"something else")
    get(server.serve("/a.zip", ranges(DATA)), target, sha256=SHA256)
    assert target.read_bytes() == DATA
    assert server.ranges == [None]


# ------------------------------------------------------------------------------------------------------------------ the wrong bytes


def test_corrupted_content_is_removed_and_says_so(server, target) -> None:
    error = fails(server.serve("/a.zip", whole(NEW, ETag='"one"')), target, sha256=SHA256)
    found = hashlib.sha256(NEW).hexdigest()
    assert error.what == f"the file that came is not the one that was published: its SHA256 is {found} instead of {SHA256}"
    assert (error.fix or "").startswith("it has been removed; run the same again")
    assert left(target) == []


def test_a_wrong_md5(server, target) -> None:
    assert "its MD5 is" in fails(server.serve("/a.zip", whole(DATA)), target, md5="0" * 32).what
    assert left(target) == []


def test_after_corruption_it_starts_anew(server, target) -> None:
    url = server.serve("/a.zip", whole(NEW, ETag='"one"'), ranges(DATA, etag='"one"'))
    fails(url, target, sha256=SHA256)
    get(url, target, sha256=SHA256)
    assert target.read_bytes() == DATA
    assert server.ranges == [None, None]


def test_another_size_than_published_is_refused_before_it_comes(server, target) -> None:
    error = fails(server.serve("/a.zip", whole(DATA)), target, size=2_000_000)
    assert error.what == "the server's file has 1.0 MB, not the 2.0 MB of the file that was published"
    assert left(target) == []


def test_more_bytes_than_published_without_a_length(server, target) -> None:
    error = fails(server.serve("/a.zip", chunked(DATA)), target, size=1000)
    assert error.what.endswith("it has 1.0 MB instead of 1000 bytes")
    assert left(target) == []


def test_a_length_that_is_too_small_is_found_by_the_checksum(server, target) -> None:
    assert "SHA256" in fails(server.serve("/a.zip", whole(DATA, length=1000)), target, sha256=SHA256).what
    assert left(target) == []


def test_a_length_that_is_too_large(server, target) -> None:
    error = fails(server.serve("/a.zip", whole(DATA, length=len(DATA) + 10)), target, sha256=SHA256)
    assert error.what == "the connection broke off"
    assert not target.exists()


@pytest.mark.parametrize("length", ["-5", "many", "1e9"])
def test_a_length_that_is_none(server, target, length) -> None:
    get(server.serve("/a.zip", whole(DATA, length=length)), target, sha256=SHA256)
    assert target.read_bytes() == DATA


# ------------------------------------------------------------------------------------------------------------------ pages instead of files


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip", "application/octet-stream"])
def test_a_page_instead_of_the_file_is_explained(server, target, kind) -> None:
    error = fails(server.serve("/a.zip", whole(PAGE, Content_Type=kind)), target)
    assert error.what == 'the server sent a web page ("Google Drive - Virus scan warning") instead of the file'
    assert error.fix == (
        "it may ask to log in, to accept terms, or to press a button: open the address in a browser and get the file by hand"
    )
    assert left(target) == []
    assert len(server.asked) == 1


def test_a_packed_page_is_seen_through(server, target) -> None:
    assert "web page" in fails(server.serve("/a.zip", packed(PAGE)), target).what


def test_a_page_does_not_cost_the_part_that_came_before(server, target) -> None:
    """A session that ran out: what has come is worth keeping."""
    url = broken_off(server, target)
    server.serve("/a.zip", whole(PAGE, Content_Type="text/html"))
    assert "kept in" in (fails(url, target).fix or "")
    assert (target.parent / "a.zip.part").read_bytes() == DATA[:CUT]
    server.serve("/a.zip", ranges(DATA, etag='"one"'))
    get(url, target)
    assert target.read_bytes() == DATA


def test_an_archive_that_calls_itself_a_page_is_taken(server, target) -> None:
    get(server.serve("/a.zip", whole(b"PK" + DATA, Content_Type="text/html")), target)
    assert target.read_bytes() == b"PK" + DATA


@given(st.binary(max_size=64))
def test_no_beginning_of_an_archive_is_a_page(noise) -> None:
    for magic in (b"PK\x03\x04", b"\x1f\x8b\x08"):
        check_is_no_page(magic + noise, "text/html", "")


@given(
    st.sampled_from([b"", b"\n \t", b"\xef\xbb\xbf", b"<!-- hello -->\n"]),
    st.sampled_from([b"<!DOCTYPE HTML>", b"<HTML>", b"<html lang='en'>"]),
)
def test_every_beginning_of_a_page_is_one(before, tag) -> None:
    with pytest.raises(BadReplyError, match="web page"):
        check_is_no_page(before + tag, "application/zip", "")


# ------------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("code", "what", "fix"),
    [
        (401, "the server does not give the file to everyone (401 Unauthorized)", "it may ask to log in or to accept terms"),
        (403, "the server does not give the file to everyone (403 Forbidden)", "it may ask to log in or to accept terms"),
        (404, "the file is no longer at this address (404 Not Found)", "look for it on the data set's page"),
        (410, "the file is no longer at this address (410 Gone)", "look for it on the data set's page"),
        (418, "the server gave an answer that is of no use here (418 I'm a Teapot)", "open the address in a browser"),
        (204, "the server gave an answer that is of no use here (204 No Content)", "open the address in a browser"),
        (206, "the server gave an answer that is of no use here (206 Partial Content)", "open the address in a browser"),
    ],
)
def test_a_refusal_is_final_and_explained(server, target, code, what, fix) -> None:
    url = server.serve("/a.zip", status(code))
    error = fails(url, target, otherwise="then do this")
    assert error.what == what
    assert error.where == url
    assert (error.fix or "").startswith(fix)
    assert (error.fix or "").endswith("; then do this")
    assert len(server.asked) == 1
    assert left(target) == []


@pytest.mark.parametrize("code", [500, 502, 503, 504, 429, 599])
def test_a_server_that_fails_once_is_asked_again(server, target, code) -> None:
    get(server.serve("/a.zip", status(code), whole(DATA)), target)
    assert target.read_bytes() == DATA
    assert len(server.asked) == 2


def test_a_server_that_fails_for_ever(server, target) -> None:
    error = fails(server.serve("/a.zip", status(500)), target)
    assert error.what == "the server cannot serve the file now (500 Internal Server Error)"
    assert error.fix == "try again later"
    assert len(server.asked) == 1 + len(module.WAITS_S)


def test_a_refusal_does_not_cost_the_part(server, target) -> None:
    url = broken_off(server, target)
    server.serve("/a.zip", status(403))
    assert "kept in" in (fails(url, target).fix or "")
    assert (target.parent / "a.zip.part").read_bytes() == DATA[:CUT]


def test_a_server_that_hangs_up_without_a_word(server, target) -> None:
    def hangs_up(handler) -> None:
        handler.close_connection = True

    error = fails(server.serve("/a.zip", hangs_up), target)
    assert error.what == "the server broke off the connection"
    assert len(server.asked) == 1 + len(module.WAITS_S)


def test_a_server_that_never_answers(server, target, monkeypatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", (0.2, 0.05))
    monkeypatch.setattr(module, "WAITS_S", (0.0,))
    url = server.serve("/a.zip", lambda _: server.closing.wait(timeout=30))
    assert fails(url, target).what == "the server does not answer"


def test_a_server_that_falls_silent(server, target, monkeypatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", (0.2, 0.05))
    monkeypatch.setattr(module, "WAITS_S", (0.0,))
    error = fails(server.serve("/a.zip", hangs(server, DATA[: module.CHUNK + 9], len(DATA))), target)
    assert error.what == "the connection broke off"
    assert (target.parent / "a.zip.part").read_bytes() == DATA[: module.CHUNK]


def test_nobody_there(server, target) -> None:
    """Where nothing was ever reached, waiting is not worth it."""
    with running() as other:
        url = f"{other.url}/a.zip"
    waited = []
    with pytest.raises(DataError, match="cannot be reached") as caught:
        download(url, target, wait=waited.append)
    assert caught.value.fix == "check the connection to the internet"
    assert waited == []


def test_no_such_host(target) -> None:
    assert fails("http://nobody.invalid/a.zip", target).what == "the server cannot be reached"


def test_a_net_that_is_gone_in_the_middle_is_waited_for(server, target, monkeypatch) -> None:
    url = server.serve("/a.zip", ranges(DATA, etag='"one"', cut=CUT), ranges(DATA, etag='"one"'))
    real, calls = requests.Session.get, []

    def gone_once(self, *args, **options):
        calls.append(args)
        return real(self, "http://nobody.invalid/" if len(calls) == 2 else args[0], **options)

    monkeypatch.setattr(requests.Session, "get", gone_once)
    get(url, target)
    assert target.read_bytes() == DATA
    assert len(calls) == 3


def test_a_proxy_is_asked(server, target, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.serve("http://elsewhere.invalid/a.zip", whole(DATA))
    get("http://elsewhere.invalid/a.zip", target)
    assert target.read_bytes() == DATA


def test_a_proxy_that_is_not_there(target, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://nobody.invalid:1")
    error = fails("http://elsewhere.invalid/a.zip", target)
    assert error.what == "the proxy cannot be reached"
    assert "HTTP_PROXY" in (error.fix or "")


def test_a_certificate_that_is_not_trusted(target, monkeypatch) -> None:
    def refuse(*args, **options):
        raise requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED")

    monkeypatch.setattr(requests.Session, "get", refuse)
    error = fails("https://example.invalid/a.zip", target)
    assert error.what == "the server's certificate is not trusted"
    assert "REQUESTS_CA_BUNDLE" in (error.fix or "")


# ------------------------------------------------------------------------------------------------------------------ leading on


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, target, code) -> None:
    server.serve("/c.zip", whole(DATA))
    server.serve("/b", redirect("c.zip", code))
    get(server.serve("/a.zip", redirect(f"{server.url}/b", code)), target)
    assert target.read_bytes() == DATA


def test_resuming_goes_through_redirects(server, target) -> None:
    server.serve("/b.zip", ranges(DATA, etag='"one"', cut=CUT), ranges(DATA, etag='"one"'))
    get(server.serve("/a.zip", redirect("/b.zip")), target)
    assert target.read_bytes() == DATA
    assert [path for path, _ in server.asked] == ["/a.zip", "/b.zip"] * 2
    assert server.ranges[-1] == f"bytes={CUT}-"


def test_redirects_in_a_circle(server, target) -> None:
    server.serve("/b", redirect("/a.zip"))
    error = fails(server.serve("/a.zip", redirect("/b")), target)
    assert error.what == "the address leads on more than 10 times, most likely in a circle"
    assert len(server.asked) == module.REDIRECTS + 1


@pytest.mark.parametrize(
    ("to", "what"),
    [
        ("file:///etc/passwd", "'file:' are not followed"),
        ("ftp://example.org/a.zip", "'ftp:' are not followed"),
        ("data:text/plain,hello", "'data:' are not followed"),
        ("http://[", "leads on to what is none"),
    ],
)
def test_redirects_to_elsewhere_than_the_web(server, target, to, what) -> None:
    assert what in fails(server.serve("/a.zip", redirect(to)), target).what
    assert left(target) == []


def test_no_way_back_from_https_to_http(server, target, monkeypatch) -> None:
    real = requests.adapters.HTTPAdapter.send

    def send(self, request, **options):
        """What stands for a server of https leads on to the one at hand."""
        if request.url.startswith("http:"):
            return real(self, request, **options)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 302, request.url, request
        answer.headers["location"] = server.serve("/a.zip", whole(DATA))
        answer.raw = io.BytesIO()
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    error = fails("https://example.invalid/a.zip", target)
    assert error.what.startswith(f"the address leads from https on to http ({server.url}/a.zip)")
    assert server.asked == []
    assert left(target) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "a.zip", "", "http://", "http://[", "ftp://example.org/a.zip"])
def test_what_is_no_address_of_the_web(target, url) -> None:
    with pytest.raises(DataError):
        get(url, target)
    assert not target.exists()


def test_passwords_are_not_shown(server, target) -> None:
    url = server.serve("/a.zip", status(404)).replace("//", "//me:secret@")
    assert "secret" not in str(fails(url, target))


# ------------------------------------------------------------------------------------------------------------------ packed on the way


def test_what_is_packed_on_its_way_is_unpacked(server, target) -> None:
    get(server.serve("/a.zip", packed(DATA)), target, sha256=SHA256, size=len(DATA))
    assert target.read_bytes() == DATA
    assert left(target) == ["a.zip"]
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_a_packed_archive_stays_as_it_is(server, tmp_path) -> None:
    """Many servers call each .tar.gz gzip-encoded, and send it as it is."""
    tar = gzip.compress(DATA, mtime=0)
    for name, answer in (("a.tar.gz", whole(tar, Content_Encoding="x-gzip")), ("b.tgz", packed(tar)), ("c.tar.gz", whole(tar))):
        get(server.serve(f"/{name}", answer), tmp_path / name)
        assert (tmp_path / name).read_bytes() == tar


def test_with_a_checksum_packed_bytes_need_no_guess(server, target) -> None:
    tar = gzip.compress(DATA, mtime=0)
    get(server.serve("/a.zip", whole(tar, Content_Encoding="gzip")), target, sha256=hashlib.sha256(tar).hexdigest())
    assert target.read_bytes() == tar


def test_a_packed_body_that_broke_off_is_resumed_as_it_was_sent(server, target) -> None:
    body = gzip.compress(os.urandom(2 * CUT), mtime=0)
    plain = ranges(body, etag='"one"', cut=CUT), ranges(body, etag='"one"')

    def as_packed(answer):
        def send_packed(handler) -> None:
            real = handler.send_response
            handler.send_response = lambda code: (real(code), handler.send_header("Content-Encoding", "gzip"))
            answer(handler)

        return send_packed

    get(server.serve("/a.zip", *map(as_packed, plain)), target)
    assert target.read_bytes() == gzip.decompress(body)
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_packed_body_that_cannot_be_unpacked(server, target) -> None:
    error = fails(server.serve("/a.zip", whole(DATA, Content_Encoding="gzip")), target)
    assert "it cannot be unpacked" in error.what
    assert left(target) == []


def test_packing_that_was_not_asked_for(server, target) -> None:
    error = fails(server.serve("/a.zip", whole(DATA, Content_Encoding="br")), target)
    assert error.what == "the server packs the file in a way that was not asked for ('br')"


# ------------------------------------------------------------------------------------------------------------------ disk, Ctrl-C, others


def test_a_disk_without_room_is_found_before_anything_comes(server, target, monkeypatch) -> None:
    target.parent.mkdir()
    usage = shutil.disk_usage(target.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    error = fails(server.serve("/a.zip", whole(DATA)), target)
    assert error.what == "the disk has not enough room: the file takes 1.0 MB, 1000 bytes are free"
    assert error.where == str(target.parent)
    assert left(target) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_disk_that_is_full_in_the_middle(server, target) -> None:
    target.parent.mkdir()
    (target.parent / "a.zip.part").symlink_to("/dev/full")
    error = fails(server.serve("/a.zip", chunked(DATA)), target)
    assert error.what == "the disk is full"
    assert "what has come is kept" in (error.fix or "")


def test_other_troubles_of_the_disk_are_the_systems_words(server, target, monkeypatch) -> None:
    def refuse(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError):
        module._write(module._Job("", target, Part(target), None, {}, "", None), [b"x"], None)


def test_after_ctrl_c_it_goes_on_where_it_was(server, target) -> None:
    url = server.serve("/a.zip", ranges(DATA, etag='"one"'))

    def stop(done: int, total: int) -> None:
        if done >= CUT:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(url, target, progress=stop)
    came = (target.parent / "a.zip.part").stat().st_size
    assert CUT <= came < len(DATA)
    assert left(target) == ["a.zip.part", "a.zip.part.json"]
    get(url, target)
    assert target.read_bytes() == DATA
    assert server.ranges == [None, f"bytes={came}-"]


def test_two_at_a_time_are_kept_apart(server, target) -> None:
    """The second is told to wait; the first is not disturbed, and the lock does not outlive it."""
    begun, go_on = threading.Event(), threading.Event()

    def pause(done: int, total: int) -> None:
        begun.set()
        assert go_on.wait(timeout=30)

    url = server.serve("/a.zip", whole(DATA))
    first = threading.Thread(target=lambda: get(url, target, progress=pause))
    first.start()
    assert begun.wait(timeout=30)
    error = fails(url, target)
    go_on.set()
    first.join()
    assert error.what == "another process is getting it at this moment"
    assert target.read_bytes() == DATA
    assert len(server.asked) == 1
    assert left(target) == ["a.zip"]


def test_a_lock_that_was_left_behind_locks_nobody_out(server, target) -> None:
    """As after a kill: the file is there, the lock on it is not."""
    target.parent.mkdir()
    (target.parent / ".a.zip.lock").touch()
    get(server.serve("/a.zip", whole(DATA)), target)
    assert left(target) == ["a.zip"]


def test_many_who_crowd_in_are_never_two_inside(tmp_path) -> None:
    inside, most, entered = [], [], []

    def crowd() -> None:
        for _ in range(200):
            try:
                with alone(tmp_path / "x"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    entered.append(1)
            except DataError:
                pass

    threads = [threading.Thread(target=crowd) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(entered) > 10


def test_notes_tell_what_the_server_said(server, target) -> None:
    url = broken_off(server, target)
    notes = json.loads((target.parent / "a.zip.part.json").read_text())
    assert notes == {"url": url, "total": len(DATA), "etag": '"one"', "last_modified": None, "encoding": ""}
