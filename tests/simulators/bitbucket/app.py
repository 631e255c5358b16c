"""The simulator itself: who asks, may they, how often, and which handler answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from werkzeug import Request, Response

from simulators import rest
from simulators.bitbucket import checks, comments, commits, merges, pulls, refs, repos, source, trees
from simulators.bitbucket.calls import (
    NO_REPOSITORY,
    NO_SCOPE,
    BlankError,
    Call,
    ProblemError,
    RefusedError,
)
from simulators.bitbucket.large import LargeFilesSimulator
from simulators.bitbucket.shapes import Shapes
from simulators.rest import JSON, Route, Router, unmodified
from simulators.store import Access, Forge, Repository

#: The order counts: what stands first is tried first.
ROUTES: Final = (
    *repos.ROUTES,
    *source.ROUTES,
    *trees.ROUTES,
    *checks.ROUTES,
    *commits.ROUTES,
    *refs.ROUTES,
    *merges.ROUTES,
    *comments.ROUTES,
    *pulls.ROUTES,
)
#: Where in a request it is kept what its token must be allowed.
ACCEPTED: Final = "simulators.bitbucket.accepted"
READING: Final = {"GET", "HEAD"}
HOUR: Final = 3600
ANONYMOUS: Final = 60
TOO_MANY: Final = "Rate limit for this resource has been exceeded"
EXPIRED: Final = "Access token expired. Use your refresh token to obtain a new access token."
INVALID: Final = "Token is invalid, expired, or not supported for this endpoint."
CHALLENGE: Final = {"WWW-Authenticate": "BitbucketCustom realm=Bitbucket.org HTTP"}
#: What else a token may do that does these.
SCOPES: Final = {
    "write": "account, repository:write, pullrequest:write",
    "read": "account, repository, pullrequest",
    "none": "account",
}


class BitbucketSimulator(LargeFilesSimulator):
    """Bitbucket Cloud's REST interface over a :class:`Forge`; a workspace is the owner of its repositories.

    A token is taken as ``Bearer`` and, with its user's e-mail, as ``Basic``, unless one of the sets below has it.
    """

    root = "/2.0"

    def __init__(self, forge: Forge) -> None:
        super().__init__(forge)
        forge.pulls_outlive_branches = True
        #: Tokens of a repository, which have no user.
        self.repository_tokens: set[str] = set()
        #: Listings that go deeper take too long.
        self.depth_limit: int | None = None
        #: Commits of more files fail.
        self.commit_limit: int | None = None
        #: Merges take so long that they answer before they are done.
        self.slow_merges = False
        #: How many requests to the repository come before a merge is done that was not waited for.
        self.merge_delay = 1
        #: Comments come back with a backslash before every underscore.
        self.escape_comments = False
        #: The older of the two ways to ask for permissions is gone.
        self.old_permissions_gone = False
        #: Every answer says what is left, not only those to tokens of a repository.
        self.rate_headers = False
        self.clock: Callable[[], float] = time.monotonic
        self.tasks = merges.Tasks()
        self._quota = 1000
        self._asked: dict[str, deque[float]] = {}
        self._too_many: list[str | None] = []
        self._router = Router(ROUTES)

    # -- knobs ------------------------------------------------------------------------------------

    @property
    def quota_left(self) -> int:
        """Tell how many requests of this hour the busiest credential has left; setting it holds for all."""
        return self._quota - max(map(len, self._asked.values()), default=0)

    @quota_left.setter
    def quota_left(self, left: int) -> None:
        self._quota = left
        self._asked.clear()

    def too_many(self, *, times: int = 1, retry_after: str | None = None) -> None:
        """Refuse the next requests because they are too many."""
        self._too_many.extend([retry_after] * times)

    # -- answering --------------------------------------------------------------------------------

    def answered(self, request: Request) -> Response:
        access = self._access(request)
        if self._too_many:
            retry_after = self._too_many.pop(0)
            raise ProblemError(429, TOO_MANY, headers={"Retry-After": retry_after} if retry_after else {})
        if request.path.startswith(f"{self.root}/repositories/"):
            self._count(request)
        web = request.host_url.rstrip("/")
        shapes = Shapes(web + self.root, web, self.forge, self.escape_comments, self.has_large)
        return self._routed(Call(simulator=self, request=request, shapes=shapes, access=access))

    def _access(self, request: Request) -> Access | None:
        scheme, token = credential(request)
        if not scheme:
            return None
        access = self.forge.tokens.get(token)
        if scheme == "basic":
            return self._basic(request, access)
        if token in self.expired:
            raise ProblemError(401, EXPIRED)
        if access is None or scheme != "bearer" or token in self.api_tokens:
            raise ProblemError(401, INVALID)
        return access

    def _basic(self, request: Request, access: Access | None) -> Access:
        """Take a token as the password of an e-mail address; the passwords of apps are no more."""
        name = request.authorization.username if request.authorization else ""
        _, token = credential(request)
        if access is None or name != access.user.email or token in self.repository_tokens | self.expired:
            raise BlankError(401, headers=CHALLENGE)
        return access

    def _count(self, request: Request) -> None:
        """Count what a credential asked in the last hour."""
        scheme, token = credential(request)
        asked = self._asked.setdefault(token, deque())
        now = self.clock()
        while asked and asked[0] <= now - HOUR:
            asked.popleft()
        if len(asked) >= (self._quota if scheme else min(self._quota, ANONYMOUS)):
            raise ProblemError(429, TOO_MANY)
        asked.append(now)

    def _routed(self, call: Call) -> Response:
        request = call.request
        path = request.path.removeprefix(self.root)
        if "/src/" not in path:
            path = path.rstrip("/")  # of a folder it counts, else it is the same
        if not request.path.startswith(f"{self.root}/"):
            raise unknown()
        for route, arguments in self._router.matching(request.method, path):
            if route.pattern.startswith(repos.REPOSITORY):
                name = arguments.pop("workspace"), arguments.pop("repo_slug")
                call._repository = self._repository(call, *name)
                self.tasks.advance(call.repository)
            request.environ[ACCEPTED] = accepted_scope(request.method, route.pattern)
            self._check_rights(call, route)
            try:
                return route.handler(call, **arguments)
            except RefusedError as exc:
                raise ProblemError(400, exc.reason) from exc
        raise unknown()

    def _repository(self, call: Call, workspace: str, slug: str) -> Repository:
        repository = self.named(workspace, slug)
        if repository is None:
            raise self._missing(call, f"{workspace}/{slug}")
        if repository.private and (call.access is None or call.access.level == "none"):
            raise ProblemError(404, NO_REPOSITORY)
        return repository

    def _missing(self, call: Call, full_name: str) -> rest.ProblemError:
        new = self.forge.renamed.get(full_name.casefold())
        target = call.request.environ["REQUEST_URI"]
        if new and call.request.method in READING:
            moved = target.replace(f"/repositories/{full_name}", f"/repositories/{new}", 1)
            return BlankError(301, headers={"Location": call.shapes.web + moved})
        if "/commits/" in call.request.path:
            return BlankError(404, "<!DOCTYPE html><title>Page not found</title>")
        return ProblemError(404, NO_REPOSITORY)

    def _check_rights(self, call: Call, route: Route) -> None:
        access = call.access
        needs_account = not route.pattern.startswith(repos.REPOSITORY)
        if access is None and (needs_account or call.request.method not in READING):
            raise BlankError(401, headers=CHALLENGE)
        if needs_account and credential(call.request)[1] in self.repository_tokens:
            raise no_scope("repository", "account")
        if access is None or needs_account or call.request.method in READING:
            return
        needed = accepted_scope(call.request.method, route.pattern)
        if access.level != "write" and needed not in SCOPES[access.level].split(", "):
            raise no_scope(SCOPES[access.level], needed)
        if call.repository.archived:
            raise ProblemError(403, "This repository is read-only.")

    def dress(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has, and answer 304 to who knows it."""
        scheme, token = credential(request)
        access = self.forge.tokens.get(token)
        if access is not None:
            response.headers["X-OAuth-Scopes"] = SCOPES[access.level]
            if ACCEPTED in request.environ:
                response.headers["X-Accepted-OAuth-Scopes"] = request.environ[ACCEPTED]
        if scheme and (self.rate_headers or token in self.repository_tokens):
            left = self._quota - len(self._asked.get(token, ()))
            response.headers["X-RateLimit-Limit"] = str(self._quota)
            response.headers["X-RateLimit-Resource"] = "api-repositories"
            response.headers["X-RateLimit-NearLimit"] = str(left < self._quota / 5).lower()
        if request.method not in READING or response.status_code != 200:
            return
        if "ETag" not in response.headers and response.content_type == JSON:
            response.headers["ETag"] = f'"{hashlib.md5(response.get_data()).hexdigest()}"'
        if "ETag" in response.headers:
            unmodified(request, response)


def credential(request: Request) -> tuple[str, str]:
    """Read the scheme, in small letters, and the token of a request; nothing when it has none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    scheme = scheme.casefold()
    if scheme != "basic":
        return scheme, token
    try:
        return scheme, base64.b64decode(token).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return scheme, ""


def accepted_scope(method: str, pattern: str) -> str:
    """Give what a token must be allowed; who may read pull requests may comment on them."""
    if not pattern.startswith(repos.REPOSITORY):
        return "account"
    of_pulls = "/pullrequests" in pattern
    scope = "pullrequest" if of_pulls else "repository"
    reads = method in READING or (of_pulls and "/comments" in pattern)
    return scope if reads else f"{scope}:write"


def no_scope(granted: str, required: str) -> ProblemError:
    detail = {"granted": granted.split(", "), "required": [required]}
    return ProblemError(403, NO_SCOPE, detail=detail)


def unknown() -> ProblemError:
    detail = "There is no API hosted at this URL."
    return ProblemError(404, "Resource not found", detail=detail)


__all__ = ["BitbucketSimulator"]
