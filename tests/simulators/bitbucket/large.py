"""Large files: LFS as Bitbucket has it, and where reading a file leads."""

from __future__ import annotations

import re
from urllib.parse import quote

from werkzeug import Request

from simulators.bitbucket.shapes import uuid_of
from simulators.lfs import LargeFiles, Objects, Place
from simulators.lfs.mounted import Mounted, password
from simulators.lfs.server import LFSError
from simulators.rest import ForgeSimulator
from simulators.store import Access, Forge, Repository

__all__ = ["LargeFilesSimulator"]


class LargeFilesSimulator(ForgeSimulator):
    """Bitbucket has a service of its own keep the objects, which wants the credential that the batch gave.

    What verifies an upload has none of its own and wants that of the batch.
    """

    lfs_address = re.compile(r"/(?!2\.0/)(?P<name>[^/]+/[^/]+?)(?:\.git)?/info/lfs(?P<tail>/.+)")
    git_address = re.compile(
        r"/(?!2\.0/)(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<tail>info/refs|git-(?:upload|receive)-pack)"
    )

    def __init__(self, forge: Forge) -> None:
        super().__init__(forge)
        self.git_server.filters = False
        #: Tokens that are good for ``Basic`` only.
        self.api_tokens: set[str] = set()
        #: OAuth tokens that were good once.
        self.expired: set[str] = set()
        #: Where large files are, by their sha256, that no repository's folder has: Bitbucket leads to large
        #: files instead of giving their pointers.
        self.large: dict[str, str] = {}
        self.lfs = LargeFiles(
            header=media_token,
            bucket_header=media_token,
            verify_header=False,
            verify_path="/object/verify",
            expires_in=3480,
            names_transfer=False,
            authenticated=False,
        )

    def named(self, workspace: str, slug: str) -> Repository | None:
        """Find a repository by names or by the ids that never change."""
        for each in self.forge.repositories.values():
            owners = {each.owner.login.casefold(), uuid_of("workspace", each.owner.id), "{}"}
            names = {each.name.casefold(), uuid_of("repository", each.id)}
            if workspace.casefold() in owners and slug.casefold() in names:
                return each
        return None

    def git_access(self, request: Request) -> Access | None:
        """Take what git sends: a token of OAuth or of a repository, or one for the API under another name."""
        given = request.authorization
        if given is not None and given.type == "bearer":
            token, names = given.token or "", {"x-token-auth"}
            name = "x-token-auth"
        else:
            pair = password(request)
            if pair is None:
                return None
            name, token = pair
            names = {"x-token-auth"}
        access = self.forge.tokens.get(token)
        if token in self.api_tokens and access is not None:
            names = {"x-bitbucket-api-token-auth", access.user.login}
        if access is None or token in self.expired or name not in names:
            raise LFSError(401)
        return access

    def cloned(self, name: str) -> Repository | None:
        workspace, _, slug = name.partition("/")
        return self.named(workspace, slug)

    def mounted(self, request: Request, name: str) -> Mounted:
        repository = self.cloned(name)
        return Mounted(self.lfs, repository, self.git_access, lfs_url(request, repository))

    def has_large(self, repository: Repository, oid: str) -> bool:
        return oid in self.large or Objects.of_repository(repository.path).size(oid) is not None

    def large_address(self, request: Request, repository: Repository, oid: str, name: str) -> str | None:
        """Give an address of a large file, None when it is not there."""
        if oid in self.large or not self.has_large(repository, oid):
            return self.large.get(oid)
        objects = Objects.of_repository(repository.path)
        place = Place(lfs_url(request, repository), objects, lambda *_: 200)
        return self.lfs.address(objects, oid, place, name)


def media_token(token: str) -> dict[str, str]:
    """Give what the service that keeps large files wants to be sent."""
    return {"Authorization": f"Bearer {token}", "X-Client-ID": "simulator"}


def lfs_url(request: Request, repository: Repository | None) -> str:
    """Write the address of a repository's large files as answers have it, by the id that never changes."""
    name = uuid_of("repository", repository.id) if repository else ""
    return f"{request.host_url}%7B%7D/{quote(name)}/info/lfs"
