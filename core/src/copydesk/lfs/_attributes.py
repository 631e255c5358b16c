"""Which paths ``.gitattributes`` gives to LFS (gitattributes documentation: filter)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from copydesk.errors import NotSupportedError

__all__ = ["NAME", "Attributes"]

#: How the files are called.
NAME: Final = ".gitattributes"
_MACRO: Final = "[attr]"
_LFS: Final = "filter=lfs"
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@attrs.frozen
class _Line:
    """One line: the folder of its file, a pattern, and what it says of the paths that match."""

    folder: str
    pattern: str
    words: tuple[str, ...]

    def matches(self, path: str) -> bool:
        if self.folder and not path.startswith(f"{self.folder}/"):
            return False
        below = path[len(self.folder) + 1 :] if self.folder else path
        # As in .gitignore: without a slash it is the name that counts, wherever it is.
        target = below if "/" in self.pattern else below.rpartition("/")[2]
        return _globs(target, self.pattern.removeprefix("/"))


@attrs.frozen
class Attributes:
    """What the ``.gitattributes`` files of a tree say of LFS."""

    _lines: tuple[_Line, ...] = ()
    #: What names of its own mean for the filter, where they mean anything.
    _macros: Mapping[str, bool] = attrs.field(factory=dict)

    @classmethod
    def read(cls, files: Mapping[str, bytes]) -> Attributes:
        """Read them; *files* are their bytes by path, and those deeper down win."""
        ordered = sorted(files, key=lambda path: path.count("/"))
        lines = tuple(line for path in ordered for line in _lines(path, files[path]))
        return cls(lines, dict(_macros(files.get(NAME, b""))))

    def __bool__(self) -> bool:
        """Tell whether anything is given to LFS at all."""
        words = {word for line in self._lines for word in line.words}
        return _LFS in words or any(tracks and name in words for name, tracks in self._macros.items())

    def track(self, path: str) -> bool:
        """Tell whether a path is LFS's.

        :raises NotSupportedError: what compares names with patterns is not installed.
        """
        if not self:
            return False
        decided: set[str] = set()
        for line in reversed(self._lines):
            if line.matches(path):
                tracks = self._said(line, decided)
                if tracks is not None:
                    return tracks
        return False

    def _said(self, line: _Line, decided: set[str]) -> bool | None:
        """Tell what a line says of the filter; a name of its own counts where it comes last, set or not."""
        for word in reversed(line.words):
            name = word.lstrip("-!").partition("=")[0]
            if name == "filter":
                return word == _LFS
            if name in self._macros and name not in decided:
                decided.add(name)
                if word == name:
                    return self._macros[name]
        return None


def _globs(name: str, pattern: str) -> bool:
    try:
        from wcmatch import glob  # only sites with LFS need it
    except ImportError as exc:
        raise NotSupportedError(
            "this site keeps large files in Git LFS, for which the extra 'lfs' is needed; "
            "try: pip install 'copydesk[lfs]'"
        ) from exc
    flags = glob.GLOBSTAR | glob.DOTGLOB | glob.CASE | glob.FORCEUNIX
    return bool(glob.globmatch(name, pattern, flags=flags))


def _lines(path: str, content: bytes) -> Iterator[_Line]:
    folder = path.rpartition("/")[0]
    for pattern, words in _split(content):
        # A pattern for folders says nothing of the files in them, and one that negates is forbidden.
        if not pattern.startswith(("!", _MACRO)) and not pattern.endswith("/"):
            yield _Line(folder, pattern, tuple(words))


def _macros(content: bytes) -> Iterator[tuple[str, bool]]:
    """Read what the file at the top calls by a name of its own."""
    for pattern, words in _split(content):
        filters = [word for word in words if word.lstrip("-!").partition("=")[0] == "filter"]
        if pattern.startswith(_MACRO) and filters:
            yield pattern.removeprefix(_MACRO), filters[-1] == _LFS


def _split(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """Give pattern and attributes of each line."""
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        text = line.strip(" \t\r")
        if not text or text.startswith("#"):
            continue
        pattern, rest = _quoted(text) if text.startswith('"') else _plain(text)
        yield pattern, rest.split()


def _plain(text: str) -> tuple[str, str]:
    parts = text.split(maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def _quoted(text: str) -> tuple[str, str]:
    """Read a pattern in the quotes of C."""
    pattern, index = "", 1
    while index < len(text) and text[index] != '"':
        if text[index] == "\\" and index + 1 < len(text):
            index += 1
            pattern += _ESCAPES.get(text[index], text[index])
        else:
            pattern += text[index]
        index += 1
    return pattern, text[index + 1 :]
