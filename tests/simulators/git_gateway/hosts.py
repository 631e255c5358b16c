"""What the gateway lets through to each forge, and how it asks there."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, unquote_to_bytes, urlsplit

import attrs
from werkzeug import Response
from werkzeug.datastructures import Headers

__all__ = ["HOSTS", "Host", "Upstream", "readdressed"]

PERSONAL = "personal_access"


@attrs.define(eq=False)
class Upstream:
    """A repository that the gateway stands in front of."""

    #: The address of the repository in its forge's API, as http://127.0.0.1:1/repos/owner/site.
    api: str
    #: An empty one is as good as no configuration.
    token: str = attrs.field(repr=False)
    #: How GitLab is sent it: ``oauth`` or ``personal_access``; if empty, by the token's first letters.
    token_type: str = ""
    #: The forge does not know the token any more.
    broken: bool = False

    @property
    def sent(self) -> str:
        return f"{self.token}-broken" if self.broken else self.token

    @property
    def personal(self) -> bool:
        return self.token_type == PERSONAL or (not self.token_type and self.token.startswith("glpat-"))


@attrs.frozen
class Host:
    """A forge that the gateway knows."""

    title: str
    #: What the path below the gateway's root begins with; nobody looks at what comes behind.
    allowed: re.Pattern[str]
    #: The path is sent on letter by letter, else it is decoded and encoded anew.
    exact: bool = False

    def target(self, upstream: Upstream, below: str) -> str:
        """Give the path that the forge is asked for.

        :param below: what comes behind the forge's name, encoded as it was sent.
        """
        path = urlsplit(upstream.api).path.removesuffix("/") + "/" + below.removeprefix("/")
        return path if self.exact else quote(unquote_to_bytes(path), safe="$&+,/:;=@~")

    def authorize(self, headers: Headers, upstream: Upstream) -> None:
        """Put the gateway's own credential in the place of the editor's."""
        headers.remove("Authorization")
        if self.title == "GitLab":
            headers.remove("Client-IP")
            if upstream.personal:
                headers["Private-Token"] = upstream.sent
                return
        headers["Authorization"] = f"Bearer {upstream.sent}"


HOSTS = {
    "github": Host(
        "GitHub",
        re.compile(
            "/github/((git|contents|pulls|branches|merges|statuses|compare|commits)/?|(issues/([0-9]+)/labels))"
        ),
    ),
    "gitlab": Host(
        "GitLab",
        re.compile("/gitlab/(merge_requests|(repository/(files|commits|tree|compare|branches)))/?"),
        exact=True,
    ),
    "bitbucket": Host("BitBucket", re.compile("/bitbucket/src/?")),
}


def readdressed(host: Host, upstream: Upstream, response: Response) -> Response:
    """Make links to other pages relative to the forge's name, but for GitHub's, which lead past the gateway."""
    response.headers.remove("Access-Control-Allow-Origin")
    if host.title == "GitLab" and "Link" in response.headers:
        entries = response.headers["Link"].split(",")
        response.headers["Link"] = ",".join(_relative(each, upstream.api) for each in entries)
    if host.title == "BitBucket" and response.mimetype == "application/json":
        _turn_pages(response, upstream.api)
    return response


def _relative(entry: str, api: str) -> str:
    found = re.fullmatch(r'\s*<([^>;]*)>;[^;]*rel="(.*?)"[^;]*', entry)
    return entry if found is None else f'<{found[1].removeprefix(api)}>; rel="{found[2]}"'


def _turn_pages(response: Response, api: str) -> None:
    data = json.loads(response.get_data() or b"null")
    named = [each for each in ("next", "previous") if isinstance(data, dict) and each in data]
    for name in named:
        data[name] = data[name].removeprefix(api)
    if named:
        response.set_data(json.dumps(data))
