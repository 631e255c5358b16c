"""PyGithub: the tree, then one request per file; it waits between requests unless it is told not to."""

from __future__ import annotations

import base64

from github import Auth, Github
from github.Repository import Repository

from benchmarks.reading.clients.protocol import Given, Go, serve

PREFIX = "netlify-cms/"


def _repository(given: Given) -> Repository:
    auth = Auth.Token(given.token)
    if given.options.get("waits") == "no":
        waiting = Github(base_url=given.url, auth=auth, seconds_between_requests=0, seconds_between_writes=0)
        return waiting.get_repo(given.repo)
    return Github(base_url=given.url, auth=auth).get_repo(given.repo)


def load(given: Given) -> Go:
    def go() -> dict[str, bytes]:
        repository = _repository(given)
        entries = repository.get_git_tree("main", recursive=True).tree
        return {
            entry.path: base64.b64decode(repository.get_git_blob(entry.sha).content)
            for entry in entries
            if entry.type == "blob"
        }

    return go


def drafts(given: Given) -> Go:
    """List the pull requests, the files of each, and read them."""

    def go() -> dict[str, bytes]:
        repository = _repository(given)
        return {
            file.filename: base64.b64decode(repository.get_git_blob(file.sha).content)
            for pull in repository.get_pulls(state="open", base="main")
            if any(label.name.startswith(PREFIX) for label in pull.labels)
            for file in pull.get_files()
        }

    return go


if __name__ == "__main__":
    serve({"load": load, "drafts": drafts})
