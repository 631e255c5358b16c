"""Two commits beside each other."""

from __future__ import annotations

from werkzeug import Response

from simulators import git as objects
from simulators.gitlab.calls import REPOSITORY, Call, ProblemError, Route, not_found
from simulators.gitlab.commits import between
from simulators.gitlab.trees import commit_at


def compare(call: Call) -> Response:
    """Give what a commit has that another has not, from where they parted unless *straight*."""
    call.need("from", "to")
    old, new = (commit_at(call, call.arg(name), "Ref") for name in ("from", "to"))
    repository = call.repository
    base = str(old.id) if call.flag("straight") else repository.merge_base(str(old.id), str(new.id))
    commits = between(repository, str(new.id), str(old.id))[::-1]
    git = repository.git
    start = git[base].tree if base else git[git.TreeBuilder().write()]
    changes = objects.changes(git, start, new.tree)[: call.simulator.compare_limit]
    shown = [call.shapes.commit(repository, each) for each in commits]
    return call.answer(
        {
            "commit": shown[-1] if shown else None,
            "commits": shown,
            "diffs": [call.shapes.diff(each) for each in changes],
            "compare_timeout": False,
            "compare_same_ref": old.id == new.id,
            "web_url": f"{call.shapes.page(repository)}/-/compare/{old.id}...{new.id}",
        }
    )


def merge_base(call: Call) -> Response:
    refs = call.names("refs")
    if len(refs) < 2:
        raise ProblemError(400, "Provide at least 2 refs")
    found = {ref: call.repository.commit(ref) for ref in refs}
    unknown = [ref for ref, commit in found.items() if commit is None]
    if unknown:
        noun = "ref" if len(unknown) == 1 else "refs"
        raise ProblemError(400, f"Could not find {noun}: {', '.join(unknown)}")
    shas = [str(commit.id) for commit in found.values() if commit is not None]
    base: str | None = shas[0]
    for sha in shas[1:]:
        base = base and call.repository.merge_base(base, sha)
    if base is None:
        raise not_found("Merge Base")
    return call.answer(call.shapes.commit(call.repository, call.repository.git[base]))


ROUTES = (
    Route("GET", f"{REPOSITORY}/compare", compare),
    Route("GET", f"{REPOSITORY}/merge_base", merge_base),
)
