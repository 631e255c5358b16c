"""The editors of the request benchmark and the models of Sveltia CMS, which keep what they saw while they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.reading.clients.protocol import Given, Go, serve
from benchmarks.reading.sveltia.gitea import SveltiaOnGitea
from benchmarks.reading.sveltia.github import SveltiaOnGitHub
from benchmarks.reading.sveltia.gitlab import SveltiaOnGitLab
from benchmarks.reading.sveltia.model import Sveltia
from benchmarks.requests.bitbucket.decap import DecapOnBitbucket
from benchmarks.requests.decap import Decap
from benchmarks.requests.editors import Editor
from benchmarks.requests.github.decap import DecapOnGitHub
from benchmarks.requests.gitlab.decap import DecapOnGitLab


def _atlassian(url: str, repo: str) -> Editor:
    from benchmarks.requests.bitbucket.library import AtlassianPythonApi  # heavy, and others do not need it

    return AtlassianPythonApi(url, repo)


_EDITORS: Final[Mapping[str, Callable[[str, str], Editor]]] = {
    "decap-github": DecapOnGitHub,
    "decap-gitlab": DecapOnGitLab,
    "decap-bitbucket": DecapOnBitbucket,
    "atlassian": _atlassian,
}
_MODELS: Final[Mapping[str, Callable[..., Sveltia]]] = {
    "sveltia-github": SveltiaOnGitHub,
    "sveltia-gitlab": SveltiaOnGitLab,
    "sveltia-gitea": SveltiaOnGitea,
}


def _opened(given: Given) -> Editor | Sveltia:
    """Open one; it signs in."""
    name = given.options["editor"]
    if name in _EDITORS:
        return _EDITORS[name](given.url, given.repo)
    return _MODELS[name](given.url, given.repo, stagger=float(given.options.get("stagger", "0.5")))


def _loaded(editor: Editor | Sveltia) -> Mapping[str, bytes]:
    found = editor.load()
    if found is None:
        raise AssertionError("the load was refused")
    return found


def load(given: Given) -> Go:
    """Sign in and read every entry."""
    if given.options["editor"] == "atlassian":
        import benchmarks.requests.bitbucket.library  # noqa: F401 - imports are not what is measured

    return lambda: _loaded(_opened(given))


def warm(given: Given) -> Go:
    """Read every entry once more, in a program that was opened anew and kept the files and the listing."""
    editor = _opened(given)
    if not isinstance(editor, Decap | Sveltia):
        raise TypeError(f"{given.options['editor']} keeps nothing")
    editor.load()
    editor.disconnect()
    return lambda: _again(editor)


def _again(editor: Decap | Sveltia) -> Mapping[str, bytes]:
    editor.sign_in()
    return _loaded(editor)


def drafts(given: Given) -> Go:
    """Sign in and list the drafts with their texts."""
    return lambda: _texts(_opened(given))


def _texts(editor: Editor | Sveltia) -> Mapping[str, bytes]:
    if isinstance(editor, Sveltia):
        return editor.drafts()
    editor.drafts()
    return editor.contents if isinstance(editor, Decap) else {}


if __name__ == "__main__":
    serve({"load": load, "warm": warm, "drafts": drafts})
