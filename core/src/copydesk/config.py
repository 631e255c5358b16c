"""Reading the configuration of a site: a CMS's ``config.yml``, a mapping, or keyword arguments.

Of a ``config.yml`` these are read: ``backend``, ``site_url``, ``auth``, ``publish_mode``, ``media_folder``,
``public_folder`` and the places of ``collections``. The rest is the CMS's own (fields, widgets, previews) and is
left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from copydesk.content import Collection, CollectionFile
from copydesk.errors import ConfigError, InvalidPathError
from copydesk.options import NEUTRAL_KEYS
from copydesk.paths import check_folder

__all__ = ["CONFIG_FOLDERS", "SiteConfig", "load_config", "parse_config", "read_config"]

log = logging.getLogger(__name__)

#: Where a site keeps its `config.yml`, below its top or one folder further down.
CONFIG_FOLDERS: Final = ("admin", "static/admin", "public/admin")
_PUBLISH_MODES: Final = ("simple", "editorial_workflow")
#: The extension that goes with a `format`, as the CMS has it; any other format is front matter.
_EXTENSIONS: Final = {"yml": "yml", "yaml": "yml", "toml": "toml", "json": "json"}


@attrs.frozen
class SiteConfig:
    """The configuration of a site. *source* is the file that it came from, as messages name it.

    *site_options* are those that stand outside the ``backend:`` section; backends that know them get them.
    """

    backend: str
    backend_options: Mapping[str, object] = attrs.field(factory=dict)
    publish_mode: str = "simple"
    media_folder: str = ""
    public_folder: str = ""
    collections: tuple[Collection, ...] = ()
    source: str = "the configuration"
    site_options: Mapping[str, object] = attrs.field(factory=dict)

    def collection(self, name: str) -> Collection:
        """Give the collection of that name.

        :raises ConfigError: there is none; the message lists those there are.
        """
        for collection in self.collections:
            if collection.name == name:
                return collection
        names = ", ".join(collection.name for collection in self.collections) or "none"
        raise ConfigError(f"{self.source} has no collection {name!r} (it has: {names})", key=name)

    def options_for(self, options: type[Any]) -> Mapping[str, object]:
        """Give what the option class of the backend is made of."""
        known = {field.name for field in attrs.fields(options)}
        ours = {key: value for key, value in self.site_options.items() if key in known}
        return {**ours, **self.backend_options}

    def with_backend(self, name: str) -> SiteConfig:
        """Give the same site on another backend; options of the old one alone are dropped."""
        if name.replace("-", "_") == self.backend.replace("-", "_"):
            return self
        kept = {key: value for key, value in self.backend_options.items() if key in NEUTRAL_KEYS}
        dropped = sorted(set(self.backend_options) - set(kept))
        if dropped:
            log.info("options of %r are dropped for %r: %s", self.backend, name, ", ".join(dropped))
        return attrs.evolve(self, backend=name, backend_options=kept)


def load_config(path: str | Path) -> SiteConfig:
    """Read a ``config.yml`` from disk.

    :raises ConfigError: it is not there, is not YAML, or holds what cannot be; key and file are named.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as exc:
        raise ConfigError(f"cannot read the configuration {str(path)!r}: {exc.strerror}") from exc
    return parse_config(content, str(path))


def parse_config(content: bytes, source: str) -> SiteConfig:
    """Read the bytes of a ``config.yml``; *source* is what messages call it.

    :raises ConfigError: as for :func:`load_config`.
    """
    # Costs 16 ms to import, and only programs with a configuration file need it.
    import yaml

    try:
        data = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        problem = getattr(exc, "problem", None) or getattr(exc, "reason", None) or exc
        line = _line(exc, content)
        place, remedy = (f", line {line}", "mend that line") if line else ("", "mend that")
        raise ConfigError(f"{source} is not YAML{place}: {problem}; {remedy}") from exc
    if data is None:
        raise ConfigError(f"{source} is empty; it needs at least a 'backend' with a 'name'")
    return read_config(data, source)


def _line(exc: Exception, content: bytes) -> int:
    """Give the line that the parser stopped at, 0 where it does not tell."""
    mark = getattr(exc, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(exc, "position", None)  # of a character that YAML does not allow
    if position is None:
        return 0
    return content.decode("utf-8", "replace")[: int(position)].count("\n") + 1


def read_config(data: object, source: str = "the configuration") -> SiteConfig:
    """Read a configuration that is parsed already.

    :raises ConfigError: as for :func:`load_config`.
    """
    site = _Reader(source)
    top = site.mapping(data, "the top level")
    if "backend" not in top:
        raise ConfigError(f"{source} has no 'backend'; it needs one with a 'name'", key="backend")
    backend = dict(site.mapping(top["backend"], "backend"))
    name = site.text(backend.pop("name", None), "backend.name")
    mode = top.get("publish_mode") or "simple"
    if mode not in _PUBLISH_MODES:
        raise site.wrong("publish_mode", " or ".join(repr(each) for each in _PUBLISH_MODES), mode)
    media = site.folder(top.get("media_folder", ""), "media_folder")
    return SiteConfig(
        backend=name,
        backend_options=backend,
        site_options=site.site_options(top),
        publish_mode=mode,
        media_folder=media,
        public_folder=site.optional_text(top.get("public_folder"), "public_folder") or f"/{media}",
        collections=site.collections(top.get("collections")),
        source=source,
    )


@attrs.frozen
class _Reader:
    """Converts parsed YAML, naming file and key of what does not fit."""

    source: str

    def wrong(self, key: str, expected: str, value: object) -> ConfigError:
        found = {"NoneType": "empty", "str": repr(value), "dict": "a mapping", "list": "a list"}
        kind = found.get(type(value).__name__, f"a {type(value).__name__}")
        return ConfigError(f"{self.source}: {key!r} must be {expected}, not {kind}", key=key)

    def mapping(self, value: object, key: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.wrong(key, "a mapping", value)
        for inner in value:
            if not isinstance(inner, str):
                raise self.wrong(key, "a mapping whose keys are texts", inner)
        return value

    def text(self, value: object, key: str) -> str:
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "a text", value)
        return value

    def optional_text(self, value: object, key: str) -> str:
        return "" if value is None or value == "" else self.text(value, key)

    def site_options(self, top: Mapping[str, Any]) -> dict[str, object]:
        """Read what may concern the backend, from outside its section; the CMS calls the scope otherwise there."""
        auth = self.mapping(top.get("auth") or {}, "auth")
        found = {"auth_scope" if key == "scope" else key: value for key, value in auth.items()}
        return {**found, "site_url": top["site_url"]} if top.get("site_url") else found

    def items(self, value: object, key: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "a list", value)
        return value

    def folder(self, value: object, key: str) -> str:
        """Read a folder or path; the CMS allows slashes at both ends."""
        try:
            return check_folder(self.optional_text(value, key).strip("/"))
        except InvalidPathError as exc:
            raise ConfigError(f"{self.source}: {key!r}: {exc}", key=key) from exc

    def collections(self, value: object) -> tuple[Collection, ...]:
        found: dict[str, Collection] = {}
        for index, item in enumerate(self.items(value, "collections")):
            collection = self.collection(item, f"collections[{index}]")
            if collection.name in found:
                raise ConfigError(
                    f"{self.source}: there are two collections {collection.name!r}; rename one",
                    key=f"collections[{index}].name",
                )
            found[collection.name] = collection
        return tuple(found.values())

    def collection(self, item: object, key: str) -> Collection:
        data = self.mapping(item, key)
        name = self.text(data.get("name"), f"{key}.name")
        if "/" in name:
            raise self.wrong(f"{key}.name", "a name without '/' (it becomes part of a branch)", name)
        label = self.optional_text(data.get("label_singular") or data.get("label"), f"{key}.label")
        if "files" in data:
            listed = self.items(data["files"], f"{key}.files")
            files = tuple(self.file(item, f"{key}.files[{index}]") for index, item in enumerate(listed))
            for index, file in enumerate(files):
                if file.name in {other.name for other in files[:index]}:
                    raise ConfigError(
                        f"{self.source}: collection {name!r} has two files {file.name!r}; rename one",
                        key=f"{key}.files[{index}].name",
                    )
            return Collection(name, label, files=files)
        if "folder" in data and data["folder"] is None:
            raise self.wrong(f"{key}.folder", "a text", None)
        if "folder" not in data:
            raise ConfigError(
                f"{self.source}: collection {name!r} has neither 'folder' nor 'files'; it needs one", key=key
            )
        template = self.optional_text(data.get("path"), f"{key}.path").strip("/") or "{{slug}}"
        return self.folder_collection(name, label, data, key, template)

    def folder_collection(
        self, name: str, label: str, data: Mapping[str, Any], key: str, template: str
    ) -> Collection:
        nested = self.mapping(data["nested"], f"{key}.nested") if data.get("nested") else {}
        depth = nested.get("depth", 100) if nested else template.count("/") + 1
        if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
            raise self.wrong(
                f"{key}.nested.depth",
                "a number" if not isinstance(depth, int) else "a number from 1 on",
                depth,
            )
        form = self.optional_text(data.get("format"), f"{key}.format")
        extension = self.optional_text(data.get("extension"), f"{key}.extension").lstrip(".")
        return Collection(
            name,
            label,
            folder=self.folder(data["folder"], f"{key}.folder"),
            extension=extension or _EXTENSIONS.get(form, "md"),
            template=template,
            depth=depth,
            nested=bool(nested),
        )

    def file(self, item: object, key: str) -> CollectionFile:
        data = self.mapping(item, key)
        path = self.folder(self.text(data.get("file"), f"{key}.file"), f"{key}.file")
        if not path:
            raise self.wrong(f"{key}.file", "the path of a file", data["file"])
        label = self.optional_text(data.get("label"), f"{key}.label")
        return CollectionFile(self.text(data.get("name"), f"{key}.name"), path, label)
