"""Archives, as git makes them."""

from __future__ import annotations

from werkzeug import Response

from simulators.archives import git_archive
from simulators.gitlab.calls import REPOSITORY, Call, ProblemError, Route
from simulators.gitlab.trees import commit_at

PER_MINUTE = 5
MANY = "This archive has been requested too many times. Try again later."


def get_archive(call: Call) -> Response:
    """Give the files of a commit, or of one folder of it, below a folder that is named after both."""
    _limit(call)
    ref = call.arg("sha") or call.repository.default_branch
    commit = commit_at(call, ref, "File")
    path = call.arg("path").strip("/")
    parts = [
        call.repository.name,
        ref.replace("/", "-"),
        str(commit.id),
        *filter(None, [path.replace("/", "-")]),
    ]
    name = "-".join(parts)
    packed = git_archive(call.repository.path, str(commit.id), f"{name}/", path)
    if packed is None:
        raise ProblemError(404, "404 File Not Found")
    headers = {"Content-Disposition": f'attachment; filename="{name}.tar.gz"', "ETag": f'W/"{commit.id}"'}
    return Response(packed, 200, headers, content_type="application/octet-stream")


def _limit(call: Call) -> None:
    """Count the archives of a user and a project; the limit cannot be configured."""
    now = call.simulator.clock()
    who = call.access.user.id if call.access else None
    times = call.simulator.archives.setdefault((who, call.repository.id), [])
    times[:] = [each for each in times if each > now - 60]
    if len(times) >= PER_MINUTE:
        wait = max(int(times[0] + 60 - now + 0.999), 1)
        raise ProblemError(429, {"error": MANY}, Retry_After=str(wait))
    times.append(now)


ROUTES = (
    Route("GET", f"{REPOSITORY}/archive.tar.gz", get_archive),
    Route("GET", f"{REPOSITORY}/archive", get_archive),
)
