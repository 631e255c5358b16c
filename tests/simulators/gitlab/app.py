"""The simulator itself: who asks, may they, how often, and which handler answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

from werkzeug import Request, Response

from simulators import rest
from simulators.gitlab import (
    archive,
    branches,
    checks,
    commits,
    compare,
    labels,
    merge_requests,
    merging,
    projects,
    trees,
    writing,
)
from simulators.gitlab.calls import (
    PROJECT,
    REPOSITORY,
    Call,
    ProblemError,
    forbidden,
    not_found,
    unauthorized,
)
from simulators.gitlab.graph import Graph, problem
from simulators.gitlab.knobs import MergeRequestState, ProjectState
from simulators.gitlab.large import LargeFilesSimulator
from simulators.gitlab.shapes import Shapes, etag
from simulators.rest import Route, Router, unmodified
from simulators.store import Access, Forge, PullRequest, RefusedError, Repository

#: The order counts: what stands first is tried first.
ROUTES: tuple[Route, ...] = (
    *projects.ROUTES,
    *trees.ROUTES,
    *writing.ROUTES,
    *commits.ROUTES,
    *compare.ROUTES,
    *archive.ROUTES,
    *branches.ROUTES,
    *merging.ROUTES,
    *merge_requests.ROUTES,
    *checks.ROUTES,
    *labels.ROUTES,
)
EXPIRED = "Token is expired. You can either do re-authorization or token refresh."
MOVED = "Non GET methods are not allowed for moved projects"


class GitLabSimulator(LargeFilesSimulator):
    """GitLab's REST and GraphQL interfaces over a :class:`Forge`."""

    root = "/api/v4"
    graphql_path = "/api/graphql"

    def __init__(self, forge: Forge) -> None:
        super().__init__(forge)
        #: Tokens of CI jobs, which are nobody's.
        self.job_tokens: set[str] = set()
        #: Before 17.7 a folder that is not there was listed as empty.
        self.old_tree = False
        #: Older versions compared the sha of ``last_commit_id`` itself.
        self.strict_last_commit = False
        #: Older versions answered 406 to what cannot be merged, where newer ones answer 422.
        self.old_merge = False
        #: More files than these are left out of a comparison, and nothing says so.
        self.compare_limit = 1000
        #: Larger bodies are refused.
        self.body_limit = 300 * 1024 * 1024
        #: Seconds between the checks of a commit and its making, and what happens then; nothing is locked.
        self.commit_window = 0.0
        self.in_window: Callable[[], object] | None = None
        #: So many looks at a new merge request find it still being looked at, or without its diff.
        self.checking = 0
        self.diff_lag = 0
        #: So many looks find a rebase that was asked for going on.
        self.rebase_looks = 1
        #: A branch that goes with its merge request goes when :meth:`remove_branches` is called.
        self.remove_later = False
        self._removals: list[tuple[Repository, str, str | None]] = []
        #: What a query of GraphQL may cost, and how many bytes of files it may ask for.
        self.complexity_limit = 250
        self.anonymous_complexity_limit = 200
        self.blob_bytes_limit = 20 * 1024 * 1024
        #: Files asked for by GraphQL come in another order than their paths.
        self.blobs_shuffled = False
        #: Seconds since the epoch that the limits go by, and when each user got which project's archive.
        self.clock: Callable[[], float] = time.time
        self.archives: dict[tuple[int | None, int], list[float]] = {}
        #: Requests left in this minute; it ends at *quota_reset*, in seconds since the epoch.
        self.quota = self.quota_left = 2000
        self.quota_reset = int(self.clock()) + 60
        self._throttled: list[str] = []
        self._projects: dict[int, ProjectState] = {}
        self._merge_requests: dict[int, MergeRequestState] = {}
        self._router = Router(ROUTES)
        self._graph = Graph(self)

    # -- knobs ------------------------------------------------------------------------------------

    def project(self, repository: Repository) -> ProjectState:
        """Give what can be set of a project."""
        return self._projects.setdefault(repository.id, ProjectState())

    def merge_request(self, pull: PullRequest) -> MergeRequestState:
        """Give what can be set of a merge request."""
        fresh = MergeRequestState(checking=self.checking, diff_lag=self.diff_lag)
        return self._merge_requests.setdefault(pull.id, fresh)

    def throttle(self, *, times: int = 1, retry_after: str = "60") -> None:
        """Refuse the next requests though the quota is not used up, as an application's own limits do."""
        self._throttled.extend([retry_after] * times)

    def remove(self, repository: Repository, branch: str) -> None:
        """Remove the branch of a merged merge request, now or later, if it is then where it was."""
        self._removals.append((repository, branch, repository.head(branch)))
        if not self.remove_later:
            self.remove_branches()

    def remove_branches(self) -> None:
        with self.forge.lock:
            for repository, branch, head in self._removals:
                if head is not None and repository.head(branch) == head:
                    repository.delete_branch(branch)
            self._removals.clear()

    def wait_in_window(self) -> None:
        """Let others in while a commit has been checked and is not made yet."""
        if not self.commit_window and self.in_window is None:
            return
        self.forge.lock.release()
        try:
            time.sleep(self.commit_window)
            if self.in_window is not None:
                self.in_window()
        finally:
            self.forge.lock.acquire()

    # -- answering --------------------------------------------------------------------------------

    def raw_path(self, request: Request) -> str:
        """Give the path as it was sent: a slash in a name is not one between names."""
        target: str = request.environ["REQUEST_URI"]
        return ("" if target.startswith("/") else "/") + target.split("?", 1)[0]

    def answered(self, request: Request) -> Response:
        if (limited := self._limited()) is not None:
            return limited
        web = request.host_url.rstrip("/")
        shapes = Shapes(web + self.root, web, self.forge)
        if request.path == self.graphql_path:
            return self._graphql(request, shapes)
        access = self._access(request)
        if len(request.get_data()) > self.body_limit:
            raise ProblemError(413, "413 Request Entity Too Large", key="error")
        return self._routed(Call(simulator=self, request=request, shapes=shapes, access=access))

    def _graphql(self, request: Request, shapes: Shapes) -> Response:
        try:
            access = self._access(request)
        except rest.ProblemError:
            return problem(401, "Invalid token")
        if request.method != "POST":
            return problem(404, "Not found!")
        return self._graph.answer(request, access, shapes)

    def _limited(self) -> Response | None:
        if self._throttled:
            return _later(self._throttled.pop(0))
        now = int(self.clock())
        if now >= self.quota_reset:
            self.quota_left, self.quota_reset = self.quota, now + 60
        if self.quota_left <= 0:
            return _later(str(self.quota_reset - now))
        self.quota_left -= 1
        return None

    def _access(self, request: Request) -> Access | None:
        if "private_token" in request.args:  # GitLab takes it; nobody should send it
            raise unauthorized()
        token = _token(request)
        if token is None:
            return None
        if token in self.expired_tokens:
            raise rest.ProblemError(401, {"error": "invalid_token", "error_description": EXPIRED})
        access = self.forge.tokens.get(token)
        if access is None:
            raise unauthorized()
        return access

    def is_job(self, request: Request) -> bool:
        return _token(request) in self.job_tokens

    def _routed(self, call: Call) -> Response:
        path = self.raw_path(call.request)
        if not path.startswith(f"{self.root}/"):
            raise not_found()
        found = self._router.matching(call.request.method, path.removeprefix(self.root), encoded=True)
        for route, arguments in found:
            if route.pattern.startswith(PROJECT):
                call._repository = self._repository(call, arguments.pop("project"))
                self._check(call, route)
            try:
                response = route.handler(call, **arguments)
            except RefusedError as exc:
                raise ProblemError(400, exc.reason) from exc
            finally:
                self._look_at_merge_requests(call)
            return response
        raise ProblemError(404, "404 Not Found", key="error")

    def _repository(self, call: Call, name: str) -> Repository:
        numbered = (each for each in self.forge.repositories.values() if str(each.id) == name)
        moved = self.forge.renamed.get(name.casefold(), "")
        found = self.forge.repository(name) or next(numbered, None) or self.forge.repository(moved)
        if found is None or (found.private and (call.access is None or call.access.level == "none")):
            raise not_found("Project")
        if moved and self.forge.repository(name) is None:
            raise self._moved(call, found)
        return found

    def _moved(self, call: Call, repository: Repository) -> ProblemError:
        if call.request.method != "GET":  # not for HEAD either
            return ProblemError(405, MOVED)
        prefix = f"{self.root}/projects/"
        _, slash, tail = self.raw_path(call.request).removeprefix(prefix).partition("/")
        query = call.request.query_string.decode()
        url = f"{call.shapes.url(repository)}{slash}{tail}{'?' if query else ''}{query}"
        return ProblemError(301, "This resource has been moved permanently to " + url, Location=url)

    def _check(self, call: Call, route: Route) -> None:
        if route.pattern.startswith(REPOSITORY) and call.state.no_repository:
            raise not_found("Repository")
        if call.request.method in {"GET", "HEAD"}:
            return
        if call.access is None:
            raise unauthorized()
        # Who may merge, or push to a branch, is asked by the handlers, which answer in other ways.
        own = route.pattern.endswith(("/merge", "/rebase")) or route.handler is writing.create_commit
        if call.repository.archived or (not own and call.access.level != "write"):
            raise forbidden()

    def _look_at_merge_requests(self, call: Call) -> None:
        """Make the diffs of merge requests whose heads have moved, as a worker does after each push."""
        if call._repository is None or call.request.method in {"GET", "HEAD"}:
            return
        for pull in call._repository.pulls():
            merge_requests.look(call, pull)

    def dress(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has, and answer 304 to who knows it."""
        if request.method in {"GET", "HEAD"} and response.status_code == 200:
            response.headers.setdefault("ETag", etag(response.get_data()))
            unmodified(request, response)
        response.headers["X-Request-Id"] = f"01SIM{len(self.log):021d}"
        response.headers.setdefault("Cache-Control", "max-age=0, private, must-revalidate")
        limits = {
            "Limit": self.quota,
            "Observed": self.quota - self.quota_left,
            "Remaining": self.quota_left,
            "Reset": self.quota_reset,
            "ResetTime": formatdate(self.quota_reset, usegmt=True),
            "Name": "throttle_authenticated_api",
        }
        for name, value in limits.items():
            response.headers[f"RateLimit-{name}"] = str(value)


def _token(request: Request) -> str | None:
    for name in ("PRIVATE-TOKEN", "JOB-TOKEN"):
        if name in request.headers:
            return request.headers[name]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.casefold() == "bearer" else None


def _later(retry_after: str) -> Response:
    return Response("Retry later\n", 429, {"Retry-After": retry_after}, content_type="text/plain")


__all__ = ["GitLabSimulator"]
