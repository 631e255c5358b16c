"""The mutations of GitHub's GraphQL schema."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import attrs

from simulators import git as objects
from simulators import store
from simulators.github import pulls as rest_pulls
from simulators.github import refs as rest_refs
from simulators.github.calls import NOT_ACCESSIBLE, READ_ONLY
from simulators.github.shapes import read_node_id
from simulators.github.views import FaultError, View, Views
from simulators.store import RefusedError

Input = dict[str, Any]
ZERO = "0" * 40


def unprocessable(message: str) -> FaultError:
    return FaultError("UNPROCESSABLE", message)


@attrs.define(eq=False)
class Mutations:
    """Does what the fields of a mutation say; each gives the payload."""

    views: Views
    forge: store.Forge
    access: store.Access
    created: Callable[..., None]

    # -- finding ----------------------------------------------------------------------------------

    def _node(self, kind: str, value: str) -> list[Any]:
        read = read_node_id(value)
        if read is None or read[0] != kind:
            raise FaultError("NOT_FOUND", f"Could not resolve to a node with the global id of '{value}'.")
        return read[1]

    def _repository(self, value: str, number: int | None = None) -> store.Repository:
        number = number if number is not None else self._node("R", value)[0]
        for each in self.forge.repositories.values():
            if each.id == number:
                self.check_rights(each)
                return each
        raise FaultError("NOT_FOUND", f"Could not resolve to a node with the global id of '{value}'.")

    def check_rights(self, repository: store.Repository) -> None:
        if self.access.level != "write":
            raise FaultError("FORBIDDEN", NOT_ACCESSIBLE)
        if repository.archived:
            raise FaultError("UNPROCESSABLE", READ_ONLY)

    def _pull(self, value: str) -> tuple[store.Repository, store.PullRequest]:
        number, pull_number = self._node("PR", value)
        repository = self._repository(value, number)
        pull = repository.pull(pull_number)
        if pull is None:
            raise FaultError("NOT_FOUND", f"Could not resolve to a node with the global id of '{value}'.")
        return repository, pull

    def _label(self, repository: store.Repository, value: str) -> store.Label:
        number = self._node("LA", value)[1]
        for each in repository.labels.values():
            if each.id == number:
                return each
        raise FaultError("NOT_FOUND", f"Could not resolve to a node with the global id of '{value}'.")

    # -- refs -------------------------------------------------------------------------------------

    def create_ref(self, given: Input) -> View:
        repository = self._repository(given["repositoryId"])
        if not given["name"].startswith("refs/heads/"):
            raise unprocessable("Reference name is invalid: it must start with refs/.")
        branch = given["name"].removeprefix("refs/heads/")
        try:
            repository.create_branch(branch, given["oid"])
        except RefusedError as exc:
            raise self._ref_error(exc, branch) from exc
        shown = self.views.ref(repository, branch)
        self.created("branch", repository.id, branch)
        return {"ref": shown}

    def _ref_error(self, refused: RefusedError, branch: str) -> FaultError:
        message = rest_refs.message_of(refused, branch)
        if refused.reason == "exists":
            message = f'A ref named "refs/heads/{branch}" already exists in the repository.'
        return FaultError("FORBIDDEN" if refused.reason == "protected" else "UNPROCESSABLE", message)

    def update_ref(self, given: Input) -> View:
        number, name = self._node("REF", given["refId"])
        repository, branch = self._repository(given["refId"], number), name.removeprefix("refs/heads/")
        try:
            repository.move_branch(branch, given["oid"], force=given["force"])
        except RefusedError as exc:
            raise self._ref_error(exc, branch) from exc
        return {"ref": self.views.ref(repository, branch)}

    def delete_ref(self, given: Input) -> View:
        number, name = self._node("REF", given["refId"])
        repository, branch = self._repository(given["refId"], number), name.removeprefix("refs/heads/")
        try:
            repository.delete_branch(branch)
        except RefusedError as exc:
            raise self._ref_error(exc, branch) from exc
        return {}

    def update_refs(self, given: Input) -> View:
        """Write several refs, all or none."""
        repository = self._repository(given["repositoryId"])
        before = dict(repository.branches())
        for each in given["refUpdates"]:
            branch = each["name"].removeprefix("refs/heads/")
            try:
                self._write_ref(repository, branch, each)
            except RefusedError as exc:
                self._put_back(repository, before)
                raise self._ref_error(exc, branch) from exc
        return {}

    def _write_ref(self, repository: store.Repository, branch: str, update: Input) -> None:
        before, after = update.get("beforeOid"), update["afterOid"]
        head = repository.head(branch)
        if before is not None and before != (head or ZERO):
            raise RefusedError("moved", head=head)
        if after == ZERO:
            repository.delete_branch(branch)
        elif head is None:
            repository.create_branch(branch, after)
        else:
            repository.move_branch(branch, after, force=update["force"])

    def _put_back(self, repository: store.Repository, before: dict[str, str]) -> None:
        names = {name for name, _ in repository.branches()} - before.keys()
        for name in names:
            repository.git.references.delete(f"refs/heads/{name}")
        for name, sha in before.items():
            repository.git.references.create(f"refs/heads/{name}", repository.git[sha].id, force=True)

    def create_commit(self, given: Input) -> View:
        repository, branch = self._branch(given["branch"])
        head, expected = repository.head(branch), given["expectedHeadOid"]
        if head is None:
            raise FaultError("NOT_FOUND", f'No such branch "{branch}".')
        if head != expected:
            # Two spaces, as GitHub has them.
            text = f'Expected branch to point to "{expected}" but it did not.  Pull and try again.'
            raise FaultError("STALE_DATA", text)
        message = given["message"]["headline"]
        if given["message"].get("body"):
            message += f"\n\n{given['message']['body']}"
        tree = self._tree(repository, head, given.get("fileChanges") or {})
        signature = repository.signature(self.access.user)
        sha = objects.write_commit(repository.git, tree, [head], message, signature)
        try:
            repository.move_branch(branch, sha, expected=head)
        except RefusedError as exc:
            raise self._ref_error(exc, branch) from exc
        commit = self.views.object(repository, repository.git[sha])
        return {"commit": commit, "ref": self.views.ref(repository, branch)}

    def _branch(self, given: Input) -> tuple[store.Repository, str]:
        if given.get("id"):
            number, name = self._node("REF", given["id"])
            return self._repository(given["id"], number), name.removeprefix("refs/heads/")
        name = given.get("repositoryNameWithOwner") or ""
        repository = self.forge.repository(name)
        if repository is None:
            raise FaultError("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
        self.check_rights(repository)
        return repository, (given.get("branchName") or "").removeprefix("refs/heads/")

    def _tree(self, repository: store.Repository, head: str, changes: Input) -> Any:
        """Write the tree; what is added is an ordinary file, whatever was there."""
        edits: dict[str, tuple[int, str] | None] = {}
        for each in changes.get("deletions") or ():
            edits[each["path"]] = None
        for each in changes.get("additions") or ():
            try:
                content = base64.b64decode(each["contents"], validate=True)
            except binascii.Error as exc:
                raise unprocessable(f"The contents of {each['path']} are not valid Base64.") from exc
            edits[each["path"]] = (store.FILE, str(repository.git.create_blob(content)))
        try:
            return objects.edit_tree(repository.git, repository.git[head].tree, edits)
        except RefusedError as exc:
            text = f"A path was requested for deletion which does not exist as of commit oid `{head}`"
            raise unprocessable(text) from exc

    # -- pull requests ----------------------------------------------------------------------------

    def create_pull(self, given: Input) -> View:
        repository = self._repository(given["repositoryId"])
        owner, colon, branch = given["headRefName"].partition(":")
        head = (branch if colon else owner).removeprefix("refs/heads/")
        base = given["baseRefName"].removeprefix("refs/heads/")
        try:
            pull = repository.open_pull(
                given["title"],
                head,
                base,
                author=self.access.user,
                body=given.get("body"),
                draft=bool(given.get("draft")),
            )
        except RefusedError as exc:
            raise unprocessable(_create_error(repository, exc, head, base)) from exc
        self.created("pull", repository.id, pull.number)
        return {"pullRequest": self.views.pull(repository, pull)}

    def update_pull(self, given: Input) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        pull.title = given.get("title") or pull.title
        pull.body = given.get("body", pull.body)
        pull.base = given.get("baseRefName") or pull.base
        if given.get("labelIds") is not None:
            names = [self._label(repository, each).name for each in given["labelIds"]]
            repository.set_labels(pull, names)
        pull.updated = self.forge.now()
        if given.get("state") == "CLOSED":
            repository.close_pull(pull)
        elif given.get("state") == "OPEN" and pull.state != "open":
            self._reopen(repository, pull)
        return {"pullRequest": self.views.pull(repository, pull), "actor": self.views.user(self.access.user)}

    def close_pull(self, given: Input) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        repository.close_pull(pull)
        return {"pullRequest": self.views.pull(repository, pull)}

    def reopen_pull(self, given: Input) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        self._reopen(repository, pull)
        return {"pullRequest": self.views.pull(repository, pull)}

    def _reopen(self, repository: store.Repository, pull: store.PullRequest) -> None:
        try:
            repository.reopen_pull(pull)
        except RefusedError as exc:
            raise unprocessable("Could not open the pull request.") from exc

    def set_draft(self, given: Input, *, draft: bool) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        pull.draft, pull.updated = draft, self.forge.now()
        return {"pullRequest": self.views.pull(repository, pull)}

    def merge_pull(self, given: Input) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        method = given["mergeMethod"].casefold()
        title, body = given.get("commitHeadline"), given.get("commitBody")
        message = rest_pulls.commit_message(repository, pull, method, title, body)
        squash = method == "squash"
        try:
            repository.merge_pull(
                pull, self.access.user, message, squash=squash, expected=given.get("expectedHeadOid")
            )
        except RefusedError as exc:
            raise unprocessable(rest_pulls.message_of(exc)) from exc
        return {"pullRequest": self.views.pull(repository, pull), "actor": self.views.user(self.access.user)}

    def update_branch(self, given: Input) -> View:
        repository, pull = self._pull(given["pullRequestId"])
        if given.get("updateMethod") == "REBASE":
            raise unprocessable("the simulator does not rebase")
        try:
            repository.update_pull(pull, self.access.user, expected=given.get("expectedHeadOid"))
        except RefusedError as exc:
            raise unprocessable(rest_pulls.update_message(exc)) from exc
        pull = repository.pull(pull.number) or pull
        return {"pullRequest": self.views.pull(repository, pull)}

    # -- labels -----------------------------------------------------------------------------------

    def create_label(self, given: Input) -> View:
        repository = self._repository(given["repositoryId"])
        try:
            made = repository.create_label(given["name"], given["color"], given.get("description"))
        except RefusedError as exc:
            raise unprocessable("Name has already been taken") from exc
        return {"label": self.views.label(repository, made)}

    def add_labels(self, given: Input) -> View:
        repository, pull = self._pull(given["labelableId"])
        names = [self._label(repository, each).name for each in given["labelIds"]]
        repository.set_labels(pull, [*pull.labels, *names])
        return {"labelable": self.views.pull(repository, pull)}

    def remove_labels(self, given: Input) -> View:
        repository, pull = self._pull(given["labelableId"])
        names = {self._label(repository, each).name for each in given["labelIds"]}
        repository.set_labels(pull, [each for each in pull.labels if each not in names])
        return {"labelable": self.views.pull(repository, pull)}

    def fields(self) -> dict[str, Callable[[Input], View]]:
        """Give the field of the schema for each."""
        return {
            "createRef": self.create_ref,
            "updateRef": self.update_ref,
            "updateRefs": self.update_refs,
            "deleteRef": self.delete_ref,
            "createCommitOnBranch": self.create_commit,
            "createPullRequest": self.create_pull,
            "updatePullRequest": self.update_pull,
            "closePullRequest": self.close_pull,
            "reopenPullRequest": self.reopen_pull,
            "markPullRequestReadyForReview": lambda given: self.set_draft(given, draft=False),
            "convertPullRequestToDraft": lambda given: self.set_draft(given, draft=True),
            "mergePullRequest": self.merge_pull,
            "updatePullRequestBranch": self.update_branch,
            "createLabel": self.create_label,
            "addLabelsToLabelable": self.add_labels,
            "removeLabelsFromLabelable": self.remove_labels,
        }


def _create_error(repository: store.Repository, refused: RefusedError, head: str, base: str) -> str:
    owner = repository.owner.login
    return {
        "exists": f"A pull request already exists for {owner}:{head}.",
        "no-commits": f"No commits between {base} and {head}",
        "bad-head": "Head sha can't be blank, Base sha can't be blank, Head ref must be a branch",
        "bad-base": "Base sha can't be blank, Base ref must be a branch",
    }[refused.reason]


__all__ = ["Mutations"]
