"""Sending: addresses, bodies, answers, redirects, pages, streams, proxies."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from copydesk import http
from copydesk.errors import (
    ConfigError,
    InvalidInputError,
    NotFoundError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import (
    Answer,
    BearerAuth,
    Dialect,
    HttpClient,
    Part,
    Request,
    by_body_next,
    by_cursor,
    by_link,
    origin_of,
    quoted,
    quoted_path,
)
from copydesk.models import Credential

TOKEN = Credential("s3cret-t0ken")


# -- values -------------------------------------------------------------------------------------------


def test_public_names_are_lazy_and_all_there():
    """The values of a request can be had without requests."""
    code = "import sys, copydesk.http as h; h.Request, h.Dialect; print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert all(hasattr(http, name) for name in http.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = http.nothing


def test_request_shows_no_content_no_values_and_no_query():
    request = Request(
        "put", "a/b?c=SECRET", {"key": "SECRET"}, {"X-Key": "SECRET"}, {"a": "SECRET"}, b"SECRET"
    )
    assert repr(request) == "<Request PUT a/b ?key>"
    assert repr(request.headers) == "<Headers X-Key>"
    answer = Answer(200, {"Set-Cookie": "SECRET"}, b"SECRET", "https://a/b?SECRET")
    assert repr(answer) == "<Answer 200 6 bytes>"


@pytest.mark.parametrize(("method", "safe"), [("get", True), ("HEAD", True), ("POST", False), ("PUT", False)])
def test_request_is_safe_by_its_method_unless_it_says_otherwise(method, safe):
    assert Request(method, "a").safe is safe
    assert Request(method, "a", safe=not safe).safe is not safe


def test_segment_and_path_are_encoded():
    assert quoted("cms/posts/a b#?%+é") == "cms%2Fposts%2Fa%20b%23%3F%25%2B%C3%A9"
    assert quoted_path("docs/a b/é") == "docs/a%20b/%C3%A9"


def test_address_arrives_as_it_was_built(forge, make_client):
    """Encoded slashes, signs and the query survive every layer."""
    path = f"repos/{quoted('o/r')}/contents/{quoted_path('a b/#?%+é')}"
    make_client().send(Request("GET", path, {"ref": "a b&c/é+", "page": 2, "all": True}))
    assert forge.seen[0].path == (
        "/repos/o%2Fr/contents/a%20b/%23%3F%25%2B%C3%A9?ref=a%20b%26c%2F%C3%A9%2B&page=2&all=true"
    )


def test_root_with_a_path_comes_before_the_path(forge, make_client):
    client = make_client(f"{forge.url}/api/v4/")
    client.send(Request("GET", "projects"))
    client.send(Request("GET", f"{forge.url}/other?a=1", {"b": "2"}))
    assert [seen.path for seen in forge.seen] == ["/api/v4/projects", "/other?a=1&b=2"]


def test_query_can_be_changed_in_a_copy():
    request = Request("GET", "a", [("page", "1"), ("state", "open")]).with_query(page=2)
    assert request.query == (("state", "open"), ("page", "2"))


def test_headers_are_those_of_client_dialect_and_request(forge, make_client):
    dialect = Dialect(name="forge", headers={"Accept": "application/vnd.forge", "X-Version": "1"})
    make_client(dialect=dialect, credential=TOKEN).send(Request("GET", "a", headers={"x-version": "2"}))
    sent = {name.lower(): value for name, value in forge.seen[0].headers.items()}
    assert sent["user-agent"].startswith("copydesk/")
    assert sent["accept"] == "application/vnd.forge"
    assert sent["accept-encoding"] == "gzip"
    assert sent["x-version"] == "2"
    assert sent["authorization"] == "Bearer s3cret-t0ken"


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"json": {"a": "é"}}, b'{"a": "\\u00e9"}'),
        ({"content": b"\x00\xff"}, b"\x00\xff"),
        ({"content": iter([b"ab", b"cd"])}, b"abcd"),
        ({"content": [b"ab", b"cd"], "headers": {"Content-Length": "4"}}, b"abcd"),
    ],
)
def test_body_arrives(forge, make_client, body, sent):
    make_client().send(Request("POST", "a", **body))
    assert forge.seen[0].body == sent
    assert ("Transfer-Encoding" in forge.seen[0].headers) == (body.keys() == {"content"} and sent == b"abcd")


def test_parts_arrive_with_their_names_and_types(forge, make_client):
    parts = [Part("message", b"hi"), Part("/a b.bin", b"\x00\r\n\xff", "a b.bin", "image/png")]
    make_client().send(Request("POST", "a", parts=parts))
    body = forge.seen[0].body
    assert b'name="message"\r\n\r\nhi' in body
    assert b'name="/a b.bin"; filename="a b.bin"\r\nContent-Type: image/png\r\n\r\n\x00\r\n\xff' in body


def test_header_that_no_header_can_hold_is_refused(forge, make_client):
    with pytest.raises(InvalidInputError, match="header 'X-A' holds a character that no header can hold"):
        make_client().send(Request("GET", "a", headers={"X-A": "SECRET\r\nX-B: 1"}))
    assert forge.seen == []


def test_answer_gives_json_headers_in_any_case_and_links(forge, make_client, reply):
    link = '<https://a/b?page=2>; rel="next", <https://a/b?page=9>; rel="last"'
    forge.says(reply(201, b'{"a": 1}', {"Link": link}))
    answer = make_client().send(Request("POST", "a"))
    assert (answer.status, answer.json(), answer.text) == (201, {"a": 1}, '{"a": 1}')
    assert answer.headers["content-TYPE"] == "application/json"
    assert answer.links == {"next": "https://a/b?page=2", "last": "https://a/b?page=9"}


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (
            "text/html",
            b"<html>SECRET s3cret-t0ken",
            "'text/html' instead of JSON, which begins '<html>SECRET",
        ),
        ("application/json", b"{]", "with 'application/json' that is not JSON, which begins '{]'"),
        ("application/json", b"[" * 100_000, "that is not JSON"),
        ("application/json", b"\xff\xfe\xff", "that is not JSON"),
    ],
)
def test_answer_that_is_no_json_is_named_with_its_beginning(forge, make_client, reply, kind, body, says):
    forge.says(reply(200, body, {"Content-Type": kind}))
    answer = make_client(credential=TOKEN).send(Request("GET", "a/b?key=hidden"))
    with pytest.raises(ProtocolError) as caught:
        answer.json()
    assert f"{forge.url}/a/b answered 200 " in str(caught.value)
    assert says in str(caught.value)
    assert "check the address of the API" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert TOKEN.secret not in str(caught.value)


@pytest.mark.parametrize("kind", ["application/vnd.forge+json; charset=utf-8", "application/json", ""])
def test_answer_of_any_json_type_is_read(kind):
    assert Answer(200, {"Content-Type": kind}, b"[1]").json() == [1]


def test_not_modified_and_allowed_statuses_are_answers(forge, make_client, reply):
    forge.says(reply(304), reply(404, b'{"message": "no"}'))
    client = make_client()
    assert client.send(Request("GET", "a")).status == 304
    assert client.send(Request("GET", "a"), allow={404}).json() == {"message": "no"}


# -- roots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("http://api.example.org", "must be an https address"),
        ("http://localhost.example.org", "must be an https address"),
        ("https://me:s3cret@example.org", "without user and password; pass credential= instead"),
        ("https://example.org?key=s3cret", "without query and fragment"),
        ("https://example.org#s3cret", "without query and fragment"),
        ("example.org", "an address like 'https://example.org'"),
        ("https://example.org:s3cret", "an address like 'https://example.org'"),
        ("ftp://example.org", "an address like 'https://example.org'"),
    ],
)
def test_root_that_is_no_plain_https_address_is_refused(root, says):
    with pytest.raises(ConfigError, match=says) as caught:
        HttpClient(root, Dialect(name="forge"))
    assert caught.value.key == "api_root"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("path", ["http://example.org/a", "https://me:s3cret@example.org/a", "https://[/a"])
def test_request_to_an_address_that_no_secret_may_go_to_is_refused(make_client, path):
    with pytest.raises(ConfigError, match="at an address that is not https") as caught:
        make_client().send(Request("GET", path))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("HTTPS://API.Example.org:443/v4?x", "https://api.example.org"),
        ("https://a.example.org:8443", "https://a.example.org:8443"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_origin_is_scheme_host_and_port(address, origin):
    assert origin_of(address) == origin


# -- credentials and origins --------------------------------------------------------------------------


def test_credential_goes_to_its_origin_alone(forge, make_forge, make_client):
    lfs, other = make_forge(), make_forge()
    client = make_client(
        credential=TOKEN, origins={f"{lfs.url}/lfs": Credential("of-lfs", "header:PRIVATE-TOKEN")}
    )
    for server in (forge, lfs, other):
        client.send(Request("GET", f"{server.url}/a"))
    assert forge.seen[0].headers["Authorization"] == "Bearer s3cret-t0ken"
    assert lfs.seen[0].headers["PRIVATE-TOKEN"] == "of-lfs"
    assert "Authorization" not in lfs.seen[0].headers
    assert not {"Authorization", "PRIVATE-TOKEN"} & other.seen[0].headers.keys()


def test_netrc_does_not_replace_the_credential(forge, make_client, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    client = make_client(credential=TOKEN)
    client.send(Request("GET", "a"))
    client.send(Request("GET", "a"))
    assert forge.seen[1].headers["Authorization"] == "Bearer s3cret-t0ken"


def test_cookies_are_not_kept(forge, make_client, reply):
    forge.says(reply(headers={"Set-Cookie": "session=1"}))
    client = make_client()
    client.send(Request("GET", "a"))
    client.send(Request("GET", "a"))
    assert "Cookie" not in forge.seen[1].headers
    assert len(client._transport._session.cookies) == 0  # threads share it


# -- redirects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_within_the_origin_is_followed_with_the_credential(forge, make_client, reply, status):
    forge.says(reply(status, headers={"Location": "/repositories/1?x=y"}), reply(200, b"[1]"))
    answer = make_client(credential=TOKEN).send(Request("GET", "repos/o/old"))
    assert answer.json() == [1]
    assert answer.url == f"{forge.url}/repositories/1?x=y"
    assert forge.seen[1].path == "/repositories/1?x=y"
    assert forge.seen[1].headers["Authorization"] == "Bearer s3cret-t0ken"


def test_redirect_of_a_write_that_keeps_it_is_followed_with_its_body(forge, make_client, reply):
    forge.says(reply(307, headers={"Location": "/new"}), reply(201))
    make_client().send(Request("POST", "old", json={"a": 1}))
    assert [(seen.method, seen.path, seen.body) for seen in forge.seen][1] == ("POST", "/new", b'{"a": 1}')


def test_redirect_of_a_write_that_would_become_a_read_names_the_new_address(forge, make_client, reply):
    forge.says(reply(301, headers={"Location": "/repositories/1?token=hidden"}))
    with pytest.raises(
        NotFoundError,
        match=rf"moved what POST /old is about to {forge.url}/repositories/1; nothing was written; put the",
    ):
        make_client().send(Request("POST", "old"))
    assert len(forge.seen) == 1


def test_redirect_to_another_origin_is_refused(forge, make_forge, make_client, reply):
    other = make_forge()
    forge.says(reply(302, headers={"Location": f"{other.url}/b?sig=hidden"}))
    with pytest.raises(
        ProtocolError, match=f"redirects GET /a from {forge.url} to {other.url}, where the cred"
    ):
        make_client(credential=TOKEN).send(Request("GET", "a"))
    assert other.seen == []


def test_redirect_to_another_origin_is_followed_bare_where_the_request_says_so(
    forge, make_forge, make_client, reply
):
    other = make_forge()
    forge.says(reply(302, headers={"Location": f"{other.url}/b?sig=1"}))
    other.says(reply(302, headers={"Location": f"{forge.url}/c"}), reply())
    forge_again = [reply(302, headers={"Location": f"{other.url}/b?sig=1"}), reply(200, b"[2]")]
    forge.says(*forge_again)
    request = Request("GET", "a", headers={"X-Key": "own"}, follow_elsewhere=True)
    assert make_client(credential=TOKEN).send(request).json() == [2]
    assert other.seen[0].path == "/b?sig=1"
    for seen in (other.seen[0], forge.seen[1]):  # and none when it comes back
        assert not {"Authorization", "X-Key"} & seen.headers.keys()


def test_redirect_brings_no_origin_its_own_credential(forge, make_forge, make_client, reply):
    """Where a redirect leads is not what the program chose."""
    named, held = make_forge(), make_forge()
    forge.says(
        reply(302, headers={"Location": f"{named.url}/b"}), reply(302, headers={"Location": f"{held.url}/b"})
    )
    origins = {named.url: BearerAuth("of-named"), held.url: Credential("of-held")}
    client = make_client(credential=TOKEN, origins=origins)
    client.send(Request("GET", "a", follow_elsewhere=True))
    client.send(Request("GET", "a", follow_elsewhere=True))
    client.send(Request("GET", f"{named.url}/c"))
    assert [seen.headers.get("Authorization") for seen in named.seen] == [None, "Bearer of-named"]
    assert [seen.headers.get("Authorization") for seen in held.seen] == [None]


def test_origin_that_is_no_plain_https_address_is_refused(make_client):
    with pytest.raises(ConfigError, match="'origins' must be an https address") as caught:
        make_client(origins={"http://example.org": TOKEN})
    assert caught.value.key == "origins"


def test_redirect_to_an_open_address_is_refused_even_where_it_may_leave(forge, make_client, reply):
    forge.says(reply(302, headers={"Location": "http://example.org/a"}))
    with pytest.raises(ProtocolError, match=r"to http://example\.org"):
        make_client().send(Request("GET", "a", follow_elsewhere=True))


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "without saying where to"),
        ({"Location": "/a"}, "too often"),
        ({"Location": "http://[/"}, "to an address that cannot be used"),
    ],
)
def test_redirect_that_leads_nowhere_is_refused(forge, make_client, reply, headers, says):
    forge.says(reply(302, headers=headers))
    with pytest.raises(ProtocolError, match=says):
        make_client().send(Request("GET", "a"))
    assert len(forge.seen) <= 6


# -- pages --------------------------------------------------------------------------------------------


def test_pages_by_link(forge, make_client, reply):
    link = f'<{forge.url}/a?page=2>; rel="next"'
    forge.says(reply(200, b"[1]", {"Link": link}), reply(200, b"[2]"))
    answers = list(make_client().pages(Request("GET", "a", {"per_page": 1}), by_link))
    assert [answer.json() for answer in answers] == [[1], [2]]
    assert [seen.path for seen in forge.seen] == ["/a?per_page=1", "/a?page=2"]


def test_pages_by_next_in_the_body(forge, make_client, reply):
    forge.says(reply(200, b'{"values": [1], "next": "/a?page=2"}'), reply(200, b'{"values": [2]}'))
    pages = make_client().pages(Request("GET", "a"), by_body_next)
    assert [page.json()["values"] for page in pages] == [[1], [2]]


def test_pages_by_cursor(forge, make_client, reply):
    """The same address each time, and another body."""
    forge.says(reply(200, b'{"end": "x"}'), reply(200, b'{"end": null}'))

    def ask(cursor):
        return Request("POST", "graphql", json={"after": cursor}, safe=True)

    pages = make_client().pages(ask(None), by_cursor(lambda answer: answer.json()["end"], ask))
    assert len(list(pages)) == 2
    assert forge.seen[1].body == b'{"after": "x"}'


def test_pages_that_go_in_a_circle_are_refused(forge, make_client, reply):
    forge.says(
        reply(headers={"Link": '</a?page=2>; rel="next"'}),
        reply(headers={"Link": '</a>; rel="next"'}),
        reply(),
    )
    pages = make_client().pages(Request("GET", "a"), by_link)
    with pytest.raises(ProtocolError, match=rf"{forge.url}/a names a page twice after 2 pages and would"):
        list(pages)
    assert len(forge.seen) == 2


@pytest.mark.parametrize("elsewhere", ["https://example.org/a", "http://[/"])
def test_pages_that_leave_the_named_origins_are_refused(forge, make_client, reply, elsewhere):
    forge.says(reply(headers={"Link": f'<{elsewhere}?key=hidden>; rel="next"'}))
    with pytest.raises(ProtocolError, match=rf"goes on at .*, which is none of {forge.url}; check") as caught:
        list(make_client(credential=TOKEN).pages(Request("GET", "a"), by_link))
    assert "hidden" not in str(caught.value)


# -- streams ------------------------------------------------------------------------------------------


def test_stream_gives_the_bytes(forge, make_client, reply):
    body = bytes(range(256)) * 1000
    forge.says(reply(200, body, {"Content-Type": "application/zip"}))
    with make_client().stream(Request("GET", "a")) as pieces:
        assert b"".join(pieces) == body


def test_stream_maps_refusals_and_retries_until_it_begins(forge, make_client, reply):
    forge.says(reply(503), reply(404))
    with pytest.raises(NotFoundError), make_client().stream(Request("GET", "a")):
        pass
    assert len(forge.seen) == 2


def test_stream_that_is_cut_is_an_error_and_not_a_short_file(forge, make_client, reply):
    forge.says(reply(200, b"x" * 200_000, cut=1))
    with (
        pytest.raises(UnavailableError, match="broke off GET /a: the connection was closed before"),
        make_client().stream(Request("GET", "a")) as pieces,
    ):
        list(pieces)
    assert len(forge.seen) == 1


def test_stream_that_is_left_early_is_closed(forge, make_client, reply):
    forge.says(reply(200, b"x" * 1_000_000))
    with make_client().stream(Request("GET", "a")) as pieces:
        assert next(pieces)
    with pytest.raises(UnavailableError, match="the connection was closed before the answer was complete"):
        list(pieces)


def test_stream_of_nothing_new_is_empty(forge, make_client, reply):
    forge.says(reply(304))
    with make_client().stream(Request("GET", "a")) as pieces:
        assert list(pieces) == []


# -- the environment ----------------------------------------------------------------------------------


def test_proxy_of_the_environment_is_that_of_the_construction(
    make_forge, make_client, reply, monkeypatch, nobody
):
    proxy = make_forge()
    proxy.says(reply(502))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    client = make_client("https://api.example.org", credential=TOKEN)
    monkeypatch.setenv("HTTPS_PROXY", nobody)
    with pytest.raises(UnavailableError, match=r"forge \(https://api\.example\.org\)"):
        client.send(Request("GET", "a"))
    assert {(seen.method, seen.path) for seen in proxy.seen} == {("CONNECT", "api.example.org:443")}
    assert not any("Authorization" in seen.headers for seen in proxy.seen)


def test_proxy_is_not_used_for_this_machine(forge, make_client, monkeypatch, nobody):
    """A proxy would see the secret."""
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.setenv("http_proxy", nobody)
    make_client(credential=TOKEN).send(Request("GET", "a"))
    assert len(forge.seen) == 1


def test_certificates_that_do_not_exist_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"REQUESTS_CA_BUNDLE names '.*none\.pem', which does not exist"):
        HttpClient("https://example.org", Dialect(name="forge"))


def test_closed_client_says_so(make_client):
    with make_client() as client:
        pass
    client.close()
    with pytest.raises(UnavailableError, match="client of forge was closed; open the repository again"):
        client.send(Request("GET", "a"))


def test_threads_share_a_client(forge, make_client, reply):
    forge.answer = lambda seen: reply(200, f'"{seen.path}"'.encode())
    client, wrong = make_client(credential=TOKEN), []

    def read(number):
        for turn in range(20):
            path = f"/{number}/{turn}"
            if client.send(Request("GET", path)).json() != path:
                wrong.append(path)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(forge.seen) == 160


def test_answer_is_the_list_or_the_object_that_is_asked_for():
    assert Answer(200, content=b"[1]").json_list() == [1]
    assert Answer(200, content=b'{"a": 1}').json_object() == {"a": 1}


@pytest.mark.parametrize("body", [b"{}", b'{"message": "moved"}', b"null", b'"text"', b"1"])
def test_answer_that_is_no_list_is_not_read_as_one(body):
    answer = Answer(200, content=body, url="https://forge.example/a?key=hidden")
    with pytest.raises(
        ProtocolError, match=r"^https://forge\.example/a answered 200 with JSON that is not a list; "
    ):
        answer.json_list()


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
def test_answer_that_is_no_object_is_not_read_as_one(body):
    with pytest.raises(ProtocolError, match=r"JSON that is not an object; check the address of the API$"):
        Answer(200, content=body).json_object()
