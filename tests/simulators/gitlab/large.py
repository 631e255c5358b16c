"""Large files: LFS as GitLab has it, and what reading a file makes of it."""

from __future__ import annotations

import re

import pygit2
from werkzeug import Request

from simulators.gitlab.actions import Action
from simulators.gitlab.calls import not_found
from simulators.gitlab.knobs import ProjectState
from simulators.lfs import LargeFiles, Objects, pointed_to, pointer_to
from simulators.lfs.mounted import Mounted
from simulators.lfs.server import LFSError, basic
from simulators.rest import ForgeSimulator
from simulators.store import Access, Forge, Repository

__all__ = ["LargeFilesSimulator"]

#: What an upload has to send beside its credential; workhorse takes no other type.
UPLOAD_HEADER = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}


class LargeFilesSimulator(ForgeSimulator):
    """GitLab keeps the objects itself, and wants the credential for them that it gave in the batch."""

    lfs_address = re.compile(r"/(?!api/)(?P<name>.+)\.git/(?:info/lfs|gitlab-lfs)(?P<tail>/.+)")
    git_address = re.compile(r"/(?!api/)(?P<name>.+)\.git/(?P<tail>info/refs|git-(?:upload|receive)-pack)")

    def __init__(self, forge: Forge) -> None:
        super().__init__(forge)
        #: Tokens of OAuth that ran out.
        self.expired_tokens: set[str] = set()
        self.lfs = LargeFiles(
            header=basic,
            upload_header=UPLOAD_HEADER,
            verify=False,
            expires_in=None,
            names_transfer=False,
            authenticated=False,
        )

    def project(self, repository: Repository) -> ProjectState:
        """Give what can be set of a project; to be overridden."""
        raise NotImplementedError

    def git_access(self, request: Request) -> Access | None:
        given = request.authorization
        if given is not None and given.password in self.expired_tokens:
            raise LFSError(401)
        return super().git_access(request)

    def mounted(self, request: Request, name: str) -> Mounted:
        clone = f"{request.host_url}{name}.git"
        repository = self.forge.repository(name)
        if repository is not None and not self.project(repository).lfs:
            raise LFSError(403, "Access forbidden. Check your access level.")
        return Mounted(self.lfs, repository, self.git_access, f"{clone}/info/lfs", f"{clone}/gitlab-lfs")

    def transformed(self, repository: Repository, branch: str, actions: list[Action]) -> list[Action]:
        """Put what is created in LFS where the attributes of a branch say so, be it a pointer already.

        Updates are left as they are: GitLab's services do it for new files only.
        """
        commit = repository.commit(f"refs/heads/{branch}")
        if commit is None or not self.project(repository).lfs:
            return actions
        objects = Objects.of_repository(repository.path)

        def transform(action: Action) -> Action:
            path = action["file_path"]
            if action["action"] != "create" or not in_lfs(repository.git, str(commit.id), path):
                return action
            content = action["bytes"] or b""
            objects.add(content)
            return {**action, "bytes": pointer_to(content)}

        return list(map(transform, actions))

    def large_file(self, repository: Repository, pointer: bytes) -> bytes | None:
        """Give the large file that a pointer points to: None when it is none, or the project has no LFS.

        :raises ProblemError: 404 when the file is not there.
        """
        found = pointed_to(pointer) if self.project(repository).lfs else None
        if found is None:
            return None
        objects = Objects.of_repository(repository.path)
        if objects.size(found[0]) is None:
            raise not_found()
        return objects.read(found[0])


def in_lfs(git: pygit2.Repository, commit: str, path: str) -> bool:
    """Say whether the attributes that a commit has put a file in LFS."""
    flags = pygit2.enums.AttrCheck
    wanted = flags.INCLUDE_COMMIT | flags.INDEX_ONLY | flags.NO_SYSTEM
    return git.get_attr(path, "filter", wanted, commit) == "lfs"
