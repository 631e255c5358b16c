"""Requests and answers, without a server."""

from __future__ import annotations

import json

import pytest
from copydesk import FileVersion, NewCommit, Put
from copydesk.errors import ConflictError, NotFoundError
from copydesk.http import Answer
from copydesk.models import Delete, Mode, Move

from {{ cookiecutter.__package }} import api

SHA = "1" * 40
HEAD = "2" * 40


def answer(body: object, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("request_", "address"),
    [
        (api.ask_user(), "https://x/user"),
        (api.ask_branch("o/site", "cms/posts/ü 1"), "https://x/repos/o/site/branches/cms/posts/%C3%BC%201"),
        (api.ask_branches("o/site", "cms/"), "https://x/repos/o/site/branches?prefix=cms%2F"),
        (api.ask_file("o/site", SHA, "a#b?.md"), f"https://x/repos/o/site/files/{SHA}/a%23b%3F.md"),
    ],
)
def test_addresses_are_encoded(request_, address):
    assert request_.address("https://x") == address


def test_changes_are_written_as_the_api_has_them():
    version = FileVersion(SHA, Mode.EXECUTABLE)
    changes = [
        Put("new.md", b"new"),
        Put("run.sh", b"#!", version),
        Delete("old.md", version),
        Move("a", "b", version),
    ]
    assert [api.write_change(change) for change in changes] == [
        {"do": "put", "path": "new.md", "content": "bmV3", "mode": "100644"},
        {"do": "put", "path": "run.sh", "content": "IyE=", "mode": "100755"},
        {"do": "delete", "path": "old.md"},
        {"do": "move", "path": "a", "to": "b"},
    ]


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (409, {"reason": "exists"}, ConflictError, "the branch 'topic' exists already"),
        (409, {"reason": "moved", "message": "too late"}, ConflictError, "moved by somebody else"),
        (404, {"reason": "commit"}, NotFoundError, "there is no commit 111111111111 in 'o/site'"),
        (404, {"reason": "branch", "default_branch": "main"}, NotFoundError, "the default branch is 'main'"),
    ],
)
def test_refusal_of_a_commit_says_what_to_do(status, body, error, message):
    commit = NewCommit("topic", SHA, (Put("new.md", b"new"),), "A change")
    with pytest.raises(error, match=message):
        raise api.commit_error(answer(body, status), "o/site", commit)


def test_comparison_tells_what_is_gone():
    files = [{"path": "a", "kind": "deleted"}, {"path": "b", "kind": "added", "blob": SHA, "mode": "100644"}]
    found = api.read_comparison(answer({"merge_base": HEAD, "files": files}))
    assert found.merge_base_commit_sha == HEAD
    assert [(file.path, file.version) for file in found.files] == [("a", None), ("b", FileVersion(SHA))]
