"""The simulator itself: who asks, may they, how often, and which handler answers."""

from __future__ import annotations

import re
import time

from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.github import checks, commits, labels, pulls, refs, repos, trees
from simulators.github.archive import TARBALL, tarball
from simulators.github.calls import NOT_ACCESSIBLE, READ_ONLY, Call, ProblemError, not_found
from simulators.github.graph import Graph
from simulators.github.shapes import Shapes, etag
from simulators.rest import JSON, ForgeSimulator, Route, Router, unmodified
from simulators.store import Access, Forge, RefusedError, Repository

#: The order counts: what stands first is tried first.
ROUTES: tuple[Route, ...] = (
    *repos.ROUTES,
    *refs.ROUTES,
    *trees.ROUTES,
    *checks.ROUTES,
    *commits.ROUTES,
    *pulls.ROUTES,
    *labels.ROUTES,
)
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class GitHubSimulator(ForgeSimulator):
    """GitHub's REST and GraphQL interfaces over a :class:`Forge`.

    With *enterprise* they are below ``/api/v3`` and at ``/api/graphql``, else below the root and at ``/graphql``.
    """

    def __init__(
        self, forge: Forge, *, enterprise: bool = False, codeload: ServerSimulator | None = None
    ) -> None:
        super().__init__(forge)
        self.root = "/api/v3" if enterprise else ""
        self.graphql_path = "/api/graphql" if enterprise else "/graphql"
        #: Where tarballs are: another simulator, which has to be started by itself; None: this one, by the other
        #: name of its address, which is another origin.
        self.codeload = codeload
        #: More entries than these are left out of a tree, and files out of a comparison.
        self.tree_limit = 100_000
        self.compare_limit = 300
        #: More objects than these in one query are too much.
        self.blob_limit: int | None = None
        #: What a query with too many objects gets: 502, or the first ones and an error.
        self.blob_limit_status = 502
        #: How often what was just created is not yet found.
        self.lag = 0
        #: Requests left in this hour; the hour ends at *quota_reset*, in seconds since the epoch.
        self.quota = self.quota_left = 5000
        self.quota_reset = int(time.time()) + 3600
        self._secondary: list[tuple[int, str | None]] = []
        self._lagging: dict[tuple[object, ...], int] = {}
        self._router = Router(ROUTES)
        self._graph = Graph(self)

    # -- knobs ------------------------------------------------------------------------------------

    def secondary_limit(self, *, times: int = 1, status: int = 403, retry_after: str | None = None) -> None:
        """Refuse the next requests because they come too fast."""
        self._secondary.extend([(status, retry_after)] * times)

    def fail_field(self, name: str, message: str, type: str = "UNPROCESSABLE", *, times: int = 1) -> None:  # noqa: A002 - GitHub's word
        """Let a field of a mutation fail; the ones behind it run."""
        self._graph.failing.extend([(name, message, type)] * times)

    def created(self, *key: object) -> None:
        """Note that something was created, which is not found for a while."""
        if self.lag:
            self._lagging[key] = self.lag

    def lagging(self, *key: object) -> bool:
        """Say whether something is not found yet; asking counts."""
        left = self._lagging.get(key, 0)
        if left:
            self._lagging[key] = left - 1
        return left > 0

    def quota_state(self) -> dict[str, int]:
        used = self.quota - self.quota_left
        return {"limit": self.quota, "used": used, "remaining": self.quota_left, "reset": self.quota_reset}

    @property
    def codeload_url(self) -> str:
        if self.codeload is not None:
            return self.codeload.url
        return self.url.replace("//127.0.0.1:", "//localhost:")

    # -- answering --------------------------------------------------------------------------------

    def respond(self, request: Request) -> Response:
        if TARBALL.fullmatch(request.path) is None:
            return super().respond(request)
        with self.forge.lock:
            return tarball(self.forge, request)

    def answered(self, request: Request) -> Response:
        access = self._access(request)
        graphql = request.path == self.graphql_path
        if self._secondary:
            status, retry_after = self._secondary.pop(0)
            raise ProblemError(status, SECONDARY, headers={"Retry-After": retry_after} if retry_after else {})
        if not graphql:
            self._count(access)
        shapes = self.shapes(request)
        if graphql:
            return self._graph.answer(request, access, shapes)
        return self._routed(Call(simulator=self, request=request, shapes=shapes, access=access), access)

    def shapes(self, request: Request) -> Shapes:
        """Make shapes with the address that was asked."""
        web = request.host_url.rstrip("/")
        return Shapes(web + self.root, web, self.forge)

    def _access(self, request: Request) -> Access | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        access = self.forge.tokens.get(token) if scheme.casefold() in {"bearer", "token"} else None
        if access is None:
            raise ProblemError(401, "Bad credentials")
        return access

    def _count(self, access: Access | None) -> None:
        if self.quota_left <= 0:
            who = f"user ID {access.user.id}" if access else "127.0.0.1"
            raise ProblemError(403, f"API rate limit exceeded for {who}.")
        self.quota_left -= 1

    def spend(self, points: int) -> bool:
        """Take points of the quota; False when there are none left."""
        if self.quota_left <= 0:
            return False
        self.quota_left -= points
        return True

    def _routed(self, call: Call, access: Access | None) -> Response:
        path = call.request.path
        if not path.startswith(f"{self.root}/"):
            raise not_found()
        path = self._by_name(path.removeprefix(self.root))
        for route, arguments in self._router.matching(call.request.method, path):
            if route.pattern.startswith(repos.REPOSITORY):
                full_name = (
                    f"{arguments.pop('owner')}/{arguments.pop('repo')}" if "owner" in arguments else ""
                )
                call._repository = self._repository(call, full_name, path, access)
                self._check_rights(call, route, access)
            try:
                return route.handler(call, **arguments)
            except RefusedError as exc:
                raise ProblemError(422, f"Validation Failed: {exc.reason}") from exc
        raise not_found()

    def _by_name(self, path: str) -> str:
        """Turn ``/repositories/<id>/…``, which redirects and links use, into the name."""
        found = re.match(r"/repositories/(\d+)(?=/|$)", path)
        if found is None:
            return path
        number = int(found[1])
        named = (each for each in self.forge.repositories.values() if each.id == number)
        repository = next(named, None)
        if repository is None:
            raise not_found()
        return f"/repos/{repository.full_name}{path[found.end() :]}"

    def _repository(self, call: Call, full_name: str, path: str, access: Access | None) -> Repository:
        repository = self.forge.repository(full_name)
        if repository is not None:
            if repository.private and (access is None or access.level == "none"):
                raise not_found()
            return repository
        new = self.forge.renamed.get(full_name.casefold())
        there = self.forge.repository(new) if new else None
        if there is None:
            raise not_found()
        tail = path.removeprefix(f"/repos/{full_name}")
        url = f"{call.shapes.api}/repositories/{there.id}{tail}"
        status = 301 if call.request.method in {"GET", "HEAD"} else 307
        raise ProblemError(status, "Moved Permanently", url=url, headers={"Location": url})

    def _check_rights(self, call: Call, route: Route, access: Access | None) -> None:
        if call.request.method not in {"GET", "HEAD"}:
            if access is None:
                raise ProblemError(401, "Requires authentication")
            if access.level != "write":
                raise ProblemError(403, NOT_ACCESSIBLE) if access.fine_grained else not_found()
            if call.repository.archived:
                raise ProblemError(403, READ_ONLY)
        if route.needs_commits and call.repository.empty:
            raise ProblemError(409, "Git Repository is empty.")

    def dress(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has, and answer 304 to who knows it."""
        graphql = request.path == self.graphql_path
        body = response.get_data()
        if request.method in {"GET", "HEAD"} and response.status_code == 200 and not graphql:
            if "ETag" not in response.headers:
                response.headers["ETag"] = etag(body)
            if unmodified(request, response):
                self.quota_left += 1  # it is free
        state = self.quota_state()
        response.headers["X-GitHub-Request-Id"] = f"{len(self.log):04X}:SIM"
        response.headers["X-RateLimit-Resource"] = "graphql" if graphql else "core"
        for name, value in state.items():
            response.headers[f"X-RateLimit-{name.title()}"] = str(value)
        if response.content_type == JSON:
            response.headers["X-GitHub-Media-Type"] = f"github.v{4 if graphql else 3}; format=json"


class Codeload(ServerSimulator):
    """The origin that tarballs come from; :attr:`log` tells whether it was sent a credential."""

    def __init__(self, forge: Forge) -> None:
        super().__init__()
        self.forge = forge

    def respond(self, request: Request) -> Response:
        with self.forge.lock:
            return tarball(self.forge, request)


__all__ = ["Codeload", "GitHubSimulator"]
