"""The simulator itself: who asks, may they, and which handler answers."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug import Request, Response

from simulators.gitea import branches, checks, commits, contents, labels, patch, pulls, repos, trees
from simulators.gitea.calls import REPOSITORY, Call, ProblemError, RefusedError, Route, invalid, not_found
from simulators.gitea.shapes import Shapes
from simulators.rest import ForgeSimulator, Router
from simulators.store import Access, Forge, Repository

#: The order counts: what stands first is tried first.
ROUTES: tuple[Route, ...] = (
    *repos.ROUTES,
    *branches.ROUTES,
    *trees.ROUTES,
    *contents.ROUTES,
    *patch.ROUTES,
    *checks.ROUTES,
    *commits.ROUTES,
    *pulls.ROUTES,
    *labels.ROUTES,
)
#: What only some have, by the words in which the knob names them.
BATCHES = {"/file-contents": "file-contents", "/git/blobs": "blobs"}


class GiteaSimulator(ForgeSimulator):
    """Gitea's REST interface over a :class:`Forge`, below ``/api/v1``.

    :param batches: the ways to read many files that it has: ``file-contents`` (Gitea since 1.24), ``blobs``
        (Forgejo since 12), or none.
    """

    root = "/api/v1"

    def __init__(self, forge: Forge, *, batches: tuple[str, ...] = ("file-contents",)) -> None:
        super().__init__(forge)
        self.batches = batches
        #: MAX_RESPONSE_ITEMS, DEFAULT_GIT_TREES_PER_PAGE, DEFAULT_PAGING_NUM, DEFAULT_MAX_RESPONSE_SIZE,
        #: DEFAULT_MAX_BLOB_SIZE and COMMITS_RANGE_SIZE of the instance.
        self.page_limit = 50
        self.tree_limit = 1000
        self.batch_limit = 30
        self.batch_bytes = 100 * 2**20
        self.blob_limit = 10 * 2**20
        self.commits_range = 50
        #: ROOT_URL of the instance without a slash, which its links begin with; "": the address that was asked.
        self.root_url = ""
        #: Whether it takes what .gitattributes track into LFS (LFS_START_SERVER).
        self.lfs_server = True
        #: How many of the next merges find a pull request that is still being checked.
        self.checking = 0
        #: Whether what belongs to a pull request still is of the push before the last one.
        self.stale_files = False
        #: Scopes that tokens lack, such as ``read:user``.
        self.lacking_scopes: set[str] = set()
        #: What happens between the checks of a commit and its push.
        self.before_push: Callable[[], object] | None = None
        self._router = Router(ROUTES)

    def answered(self, request: Request) -> Response:
        access = self._access(request)
        web = request.host_url.rstrip("/")
        shapes = Shapes(web + self.root, web, self.forge)
        call = Call(simulator=self, request=request, shapes=shapes, access=access)
        path = request.path
        if not path.startswith(f"{self.root}/"):
            raise not_found()
        for route, arguments in self._router.matching(request.method, path.removeprefix(self.root)):
            if route.pattern.startswith(REPOSITORY):
                call._repository = self._repository(arguments.pop("owner"), arguments.pop("repo"), access)
                self._check(call, route)
            try:
                return route.handler(call, **arguments)
            except RefusedError as exc:
                raise invalid(exc.reason) from exc
        raise not_found()

    def _access(self, request: Request) -> Access | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        access = self.forge.tokens.get(token) if scheme.casefold() in {"bearer", "token"} else None
        if access is None:
            raise ProblemError(401, "invalid username, password or token")
        return access

    def _repository(self, owner: str, name: str, access: Access | None) -> Repository:
        repository = self.forge.repository(f"{owner}/{name}")
        if repository is None or (repository.private and (access is None or access.level == "none")):
            raise not_found()
        return repository

    def _check(self, call: Call, route: Route) -> None:
        needed = BATCHES.get(route.pattern.removeprefix(REPOSITORY))
        if needed is not None and needed not in self.batches:
            raise not_found()
        if call.request.method in {"GET", "HEAD"} or needed is not None:
            return
        if call.access is None:
            raise ProblemError(401, "token is required")
        if call.access.level != "write":
            raise ProblemError(403, "user should have a permission to write to a repo")
        if call.repository.archived:
            raise ProblemError(423, f"{call.repository.full_name} is archived")

    def dress(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has."""
        response.headers["Cache-Control"] = "max-age=0, private, must-revalidate, no-transform"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"


__all__ = ["GiteaSimulator"]
