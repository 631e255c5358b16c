"""Commits made of a patch, which git itself applies."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from werkzeug import Response

from simulators.gitea.calls import REPOSITORY, Call, ProblemError, Route, invalid
from simulators.gitea.contents import find_start, push

#: As Gitea calls it; the last one where git is 2.32 or later.
APPLY = (
    "apply",
    "--index",
    "--recount",
    "--cached",
    "--ignore-whitespace",
    "--whitespace=fix",
    "--binary",
    "-3",
)


def apply(call: Call) -> Response:
    body = call.json()
    call.need(body, content="Content")
    if not body.get("sha"):
        raise invalid("[SHA]: Required")
    start = find_start(call, body)
    body["message"] = body.get("message") or "apply-patch"
    tree = _applied(call.repository.path, str(start.head.id), body["content"].encode())
    made = push(call, start, tree, body)
    shown = {
        "content": None,
        "commit": call.shapes.made(call.repository, made),
        "verification": None,
    }
    return call.answer(shown, 201)


def _applied(bare: Path, head: str, patch: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        own = {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(work), "GIT_INDEX_FILE": f"{folder}/index"}
        environ = {**os.environ, **own}

        def git(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                ["git", *arguments], cwd=work, input=stdin, capture_output=True, check=False, env=environ
            )

        git("read-tree", head)
        done = git(*APPLY, stdin=patch)
        if done.returncode:
            raise ProblemError(500, f"git apply error: {done.stderr.decode(errors='replace')}")
        written = git("write-tree")
        if written.returncode:
            raise ProblemError(500, written.stderr.decode(errors="replace"))
        return written.stdout.decode().strip()


ROUTES = (Route("POST", f"{REPOSITORY}/diffpatch", apply),)
