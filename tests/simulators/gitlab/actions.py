"""The actions of a commit, applied to a tree in their order."""

from __future__ import annotations

from typing import Any

import pygit2

from simulators.gitlab.calls import ProblemError

FILE, EXECUTABLE = 0o100644, 0o100755
EXISTS = "A file with this name already exists"
MISSING = "A file with this name doesn't exist"
FOLDER = "A directory with this name already exists"
Action = dict[str, Any]


def apply(git: pygit2.Repository, tree: pygit2.Tree | None, actions: list[Action]) -> pygit2.Oid:
    """Write the tree that the actions make of another one; what cannot be done answers 400."""
    index = _Index(git, tree)
    for action in actions:
        index.do(action)
    return index.index.write_tree(git)


class _Index:
    """An index in memory, with the refusals of GitLab's storage."""

    def __init__(self, git: pygit2.Repository, tree: pygit2.Tree | None) -> None:
        self.git = git
        self.index = pygit2.Index()
        if tree is not None:
            self.index.read_tree(tree)

    def do(self, action: Action) -> None:
        path = _checked(action["file_path"])
        mode = self._wished(action)
        match action["action"]:
            case "create":
                self._put(path, action["bytes"] or b"", mode or FILE, new=True)
            case "update":
                old = self._there(path)
                self._put(path, action["bytes"] or b"", mode or old.mode)
            case "delete":
                self._there(path)
                self.index.remove(path)
            case "chmod":
                old = self._there(path)
                self.index.add(pygit2.IndexEntry(path, old.id, pygit2.enums.FileMode(mode or old.mode)))
            case "move":
                self._move(_checked(action["previous_path"]), path, action["bytes"], mode)

    def _move(self, old_path: str, path: str, content: bytes | None, mode: int | None) -> None:
        old = self._there(old_path)
        self._room(path)
        self.index.remove(old_path)
        blob = old.id if content is None else self.git.create_blob(content)
        self.index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode(mode or old.mode)))

    def _put(self, path: str, content: bytes, mode: int, *, new: bool = False) -> None:
        if new:
            self._room(path)
        blob = self.git.create_blob(content)
        self.index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode(mode)))

    def _there(self, path: str) -> pygit2.IndexEntry:
        if path not in self.index:
            raise ProblemError(400, MISSING)
        return self.index[path]

    def _room(self, path: str) -> None:
        """Refuse a place that is taken, by a file there or where a folder would have to be."""
        above = (path[:at] for at, letter in enumerate(path) if letter == "/")
        if path in self.index or any(each in self.index for each in above):
            raise ProblemError(400, EXISTS)
        if any(entry.path.startswith(f"{path}/") for entry in self.index):
            raise ProblemError(400, FOLDER)

    def _wished(self, action: Action) -> int | None:
        """Give the mode that is asked for; a link stays one."""
        wish = action.get("execute_filemode")
        path = action["file_path"]
        link = path in self.index and self.index[path].mode == 0o120000
        if wish is None or link:
            return None
        return EXECUTABLE if str(wish).lower() == "true" else FILE


def _checked(path: str) -> str:
    """Refuse paths that git would not have."""
    parts = path.strip("/").split("/")
    if ".." in parts:
        raise ProblemError(400, "Path cannot include directory traversal")
    if any(part in {"", "."} or part.casefold() == ".git" for part in parts):
        raise ProblemError(400, f"invalid path: '{path}'")
    return "/".join(parts)
