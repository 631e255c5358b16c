"""Collections of a site: which path an entry has, and which entry a path is.

A slug is the path of an entry below its collection's folder, without the extension; in a file collection it
is the name of the file. ``{{slug}}/index`` in the configuration makes ``hello/index`` of ``hello``.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from copydesk.errors import ConfigError, InvalidSlugError, NotFoundError
from copydesk.paths import check_path

__all__ = ["Collection", "CollectionFile"]

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


@attrs.frozen
class CollectionFile:
    """One file of a file collection; *name* is its slug."""

    name: str
    path: str
    label: str = ""


@attrs.frozen
class Collection:
    """A kind of content: a folder of entries, or a list of single files.

    *template* is the path of an entry below *folder*, with placeholders and without extension. *depth* is how
    many levels below the folder are looked at: those of the template, or of a nested collection.
    """

    name: str
    label: str = ""
    folder: str | None = None
    extension: str = "md"
    template: str = "{{slug}}"
    depth: int = 1
    nested: bool = False
    files: tuple[CollectionFile, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.folder is not None and not self.nested and not _PLACEHOLDER.search(self.template):
            # All entries would have one path.
            raise ConfigError(
                f"the path {self.template!r} of collection {self.name!r} has no placeholder; "
                "write {{slug}} in it",
                key="path",
            )

    def path_of(self, slug: str) -> str:
        """Give the path of the entry *slug*, whether or not it exists.

        :raises NotFoundError: a file collection has no file of that name.
        :raises InvalidSlugError: it does not fit the path template.
        :raises InvalidPathError: it makes a path that no tree can hold.
        """
        if self.folder is None:
            for file in self.files:
                if file.name == slug:
                    return file.path
            names = ", ".join(file.name for file in self.files)
            raise NotFoundError(f"collection {self.name!r} has no file {slug!r} (it has: {names})")
        return check_path(self._joined(self.full_slug(slug)))

    def full_slug(self, slug: str) -> str:
        """Put a bare *slug* into the path template; one that fits it already is returned as it is.

        :raises InvalidSlugError: the template needs more than the slug.
        """
        if self.folder is None:
            return slug
        if self.nested:
            fits = bool(slug) and not slug.endswith("/") and slug.count("/") < self.depth
            needed = {"depth"}
        else:
            fits, needed = (
                bool(self._shape().fullmatch(slug)),
                set(_PLACEHOLDER.findall(self.template)) - {"slug"},
            )
        if fits:
            return slug
        if needed or "/" in slug or not slug:
            raise InvalidSlugError(
                f"the slug {slug!r} does not fit collection {self.name!r}, whose entries are at "
                f"{self.template!r} below {self.folder!r}; give the whole path below the folder"
                + (f", {self.depth} levels deep at the most" if self.nested else ""),
                slug=slug,
            )
        return _PLACEHOLDER.sub(lambda _: slug, self.template)

    def slug_of(self, path: str) -> str | None:
        """Give the slug of the entry at *path*, or None where it is none of this collection."""
        if self.folder is None:
            return next((file.name for file in self.files if file.path == path), None)
        start = f"{self.folder}/" if self.folder else ""
        end = f".{self.extension}" if self.extension else ""
        if not (path.startswith(start) and path.endswith(end)) or len(path) <= len(start) + len(end):
            return None
        slug = path[len(start) : len(path) - len(end)]
        if self.nested:
            return slug if slug.count("/") < self.depth else None
        return slug if self._shape().fullmatch(slug) else None

    def _joined(self, slug: str) -> str:
        name = f"{slug}.{self.extension}" if self.extension else slug
        return f"{self.folder}/{name}" if self.folder else name

    def _shape(self) -> re.Pattern[str]:
        parts = _PLACEHOLDER.split(self.template)[::2]
        shape = "[^/]+".join(re.escape(part) for part in parts)
        # Placeholders without anything between them are one: trying all ways to share a name out takes for ever.
        return re.compile(re.sub(r"(?:\[\^/\]\+)+", lambda found: f"[^/]{{{len(found[0]) // 5},}}", shape))
