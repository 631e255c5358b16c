"""ogr: the listing of folders, then one request per file, by PyGithub below it with all its waits.

It has no option for the address of the API: the authentication that it is given makes the client.
"""

from __future__ import annotations

from typing import Any

from github import Auth, Github
from ogr import GithubService
from ogr.services.github.auth_providers import GithubAuthentication

from benchmarks.reading.clients.protocol import Given, Go, serve


class Addressed(GithubAuthentication):
    """The token, and where it is for."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._github = Github(base_url=given.url, auth=Auth.Token(given.token))

    @property
    def pygithub_instance(self) -> Github:
        return self._github

    def get_token(self, namespace: str, repo: str) -> str:  # noqa: ARG002 - its signature is ogr's
        return self._given.token

    @staticmethod
    def try_create(**_: Any) -> None:
        """Never be made of other arguments."""


def load(given: Given) -> Go:
    namespace, _, repo = given.repo.partition("/")

    def go() -> dict[str, bytes]:
        service = GithubService(github_authentication=Addressed(given))
        project = service.get_project(namespace=namespace, repo=repo)
        paths = project.get_files(ref="main", recursive=True)
        return {path: project.get_file_content(path, ref="main").encode() for path in paths}

    return go


if __name__ == "__main__":
    serve({"load": load})
