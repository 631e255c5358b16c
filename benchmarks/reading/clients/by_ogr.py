"""ogr: the listing of folders, then one request per file, by PyGithub below it with all its waits."""

from __future__ import annotations

from github import Auth, Github
from ogr import GithubService

from benchmarks.reading.clients.protocol import Given, Go, serve


class Addressed(GithubService):
    """The service at another address, for which it has no option."""

    def __init__(self, given: Given) -> None:
        super().__init__(token=given.token)
        self._given = given

    def get_pygithub_instance(self, namespace: str, repo: str) -> Github:  # noqa: ARG002 - ogr's signature
        return Github(base_url=self._given.url, auth=Auth.Token(self._given.token))


def load(given: Given) -> Go:
    namespace, _, repo = given.repo.partition("/")

    def go() -> dict[str, bytes]:
        project = Addressed(given).get_project(namespace=namespace, repo=repo)
        paths = project.get_files(ref="main", recursive=True)
        return {path: project.get_file_content(path, ref="main").encode() for path in paths}

    return go


if __name__ == "__main__":
    serve({"load": load})
