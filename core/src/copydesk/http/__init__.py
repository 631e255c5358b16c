"""The HTTP client of the core: a backend builds requests and reads answers, this sends them.

::

    from copydesk.http import Dialect, HttpClient, Request, by_link, quoted, quoted_path

    GITEA = Dialect(name="gitea", headers={"Accept": "application/json"}, workers=4)

    # api.py: pure functions, tested with values
    def ask_branch(repo: str, name: str) -> Request:
        return Request("GET", f"repos/{quoted_path(repo)}/branches/{quoted(name)}")

    def read_branch(answer: Answer) -> Branch:
        data = answer.json()
        return Branch(data["name"], data["commit"]["id"])

    # backend.py: only sends
    client = connect(options.api_root, GITEA)  # as `open(options, connect)` got it, with the credential
    branch = read_branch(client.send(ask_branch(options.repo, name)))
    for page in client.pages(Request("GET", "repos/o/r/pulls", {"limit": 50}), by_link):
        ...

What comes for nothing: timeouts, pages, the forge's limit (:class:`RateGate`), retries of what is safe to send
twice, refresh of a credential, redirects within the origin, and an error that says what to do. A write is sent
once; ``UnavailableError.unclear`` says that it may have happened. ``Request(…, safe=True)`` marks a POST that
only reads, or that the forge refuses the second time. A status that means something is allowed and read:
``client.send(request, allow={404, 409})``.

What a forge says in its own way goes into a subclass of :class:`Dialect`. What carries a secret elsewhere is
named: ``connect(…, origins={lfs_url: credential})``. Every name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk._lazy import lazy_names

if TYPE_CHECKING:
    from copydesk.http._auth import BasicAuth, BearerAuth, HeaderAuth, auth_for
    from copydesk.http._client import HttpClient
    from copydesk.http._connect import Connector, HttpSettings
    from copydesk.http._dialect import Dialect, Limit
    from copydesk.http._gate import Gates, RateGate, parse_retry_after
    from copydesk.http._graphql import Batches, Reply, document, message_of, read_reply
    from copydesk.http._origins import origin_of
    from copydesk.http._pages import by_body_next, by_cursor, by_link
    from copydesk.http._values import Answer, Headers, Part, Request, quoted, quoted_path

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_auth": ("BasicAuth", "BearerAuth", "HeaderAuth", "auth_for"),
        "_client": ("HttpClient",),
        "_connect": ("Connector", "HttpSettings"),
        "_dialect": ("Dialect", "Limit"),
        "_gate": ("Gates", "RateGate", "parse_retry_after"),
        "_graphql": ("Batches", "Reply", "document", "message_of", "read_reply"),
        "_origins": ("origin_of",),
        "_pages": ("by_body_next", "by_cursor", "by_link"),
        "_values": ("Answer", "Headers", "Part", "Request", "quoted", "quoted_path"),
    },
)

__all__ = [
    "Answer",
    "BasicAuth",
    "Batches",
    "BearerAuth",
    "Connector",
    "Dialect",
    "Gates",
    "HeaderAuth",
    "Headers",
    "HttpClient",
    "HttpSettings",
    "Limit",
    "Part",
    "RateGate",
    "Reply",
    "Request",
    "auth_for",
    "by_body_next",
    "by_cursor",
    "by_link",
    "document",
    "message_of",
    "origin_of",
    "parse_retry_after",
    "quoted",
    "quoted_path",
    "read_reply",
]
