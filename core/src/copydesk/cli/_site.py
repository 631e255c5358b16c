"""Finding the site that a command is about: its configuration and its repository."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from copydesk.config import CONFIG_FOLDERS, SiteConfig, load_config, parse_config
from copydesk.errors import BackendNotFoundError, ConfigError, InvalidInputError, NotFoundError
from copydesk.repository import Repository, open_repository
from copydesk.workflow import Workflow

__all__ = ["Site"]

_PLACES: Final = ", ".join(f"{folder}/config.yml" for folder in CONFIG_FOLDERS)


@attrs.frozen
class Site:
    """What a command was told about the site."""

    config: str | None
    backend: str | None
    options: dict[str, str]
    publish_mode: str | None

    def with_backend(self, name: str) -> Site:
        """Give the same site on another backend."""
        return attrs.evolve(self, backend=name)

    def configuration(self) -> SiteConfig | None:
        """Give the configuration on disk, or None where there is none, or another repository was named."""
        if self.config is not None:
            return self._adjusted(load_config(self.config))
        if self.backend is not None and "repo" in self.options:
            return None  # another repository: its own configuration counts, not that of this directory
        return self._on_disk()

    def source(self) -> SiteConfig | dict[str, object]:
        """Give what names the backend and its options; nothing is opened, and nothing asked.

        :raises ConfigError: neither a configuration nor a backend is there.
        """
        return self.configuration() or self._named_backend()

    @contextlib.contextmanager
    def repository(self) -> Iterator[Repository]:
        """Open the repository of the site; one that *backend* names needs no configuration.

        What its configuration says of it, such as its branch, counts all the same, where it has one.

        :raises ConfigError: neither a configuration nor a backend is there.
        """
        site = self.configuration() or self._inside()
        with self._open(site or self._named_backend()) as repository:
            yield repository

    @contextlib.contextmanager
    def bare_repository(self) -> Iterator[Repository]:
        """Open the repository without looking for a configuration in it.

        :raises ConfigError: neither a configuration nor a backend is there.
        """
        with self._open(self.configuration() or self._named_backend()) as repository:
            yield repository

    @contextlib.contextmanager
    def workflow(self, collection: str = "", slug: str = "") -> Iterator[Workflow]:
        """Open the repository with its configuration, from the disk or from the repository itself.

        :param collection: that of the entry that the command is about, with its *slug*, to be checked.
        :raises ConfigError: no configuration was found, or it has no such collection.
        :raises InvalidInputError: the collection can have no such entry.
        """
        site = self.configuration() or self._inside()
        if site is None:
            raise ConfigError(
                f"the repository has no config.yml (looked for {_PLACES}, also one folder down); "
                "pass --config FILE"
            )
        if collection:
            _check_name(site, collection, slug)
        with self._open(site) as repository:
            yield Workflow(repository, site)

    def _open(self, source: SiteConfig | dict[str, object]) -> Repository:
        try:
            return open_repository(source)
        except BackendNotFoundError as exc:
            if self.backend is not None or "local" not in exc.installed:
                raise
            words = f"{exc}; or try on this clone: --backend local"
            raise BackendNotFoundError(words, name=exc.name, installed=exc.installed) from exc

    def _inside(self) -> SiteConfig | None:
        """Read the configuration that the repository itself holds on its base branch; None for none."""
        with self._open(self._named_backend()) as repository:
            try:
                head = repository.get_branch(repository.base_branch).commit_sha
            except NotFoundError:  # no base branch, no configuration on it
                return None
            paths = {entry.path for entry in repository.list_files(head)}
            folders = {path.partition("/")[0] for path in paths if "/" in path}
            for place in _places(folders):
                if place in paths:
                    content = repository.read_file(head, place).content
                    return _at_top(self._adjusted(parse_config(content, place)))
        return None

    def _named_backend(self) -> dict[str, object]:
        if self.backend is None:
            raise ConfigError(
                f"no config.yml found below {str(Path.cwd())!r} (looked for {_PLACES}, also one folder down); "
                "go to the top of your site, pass --config FILE, or name the repository: "
                "--backend NAME -o repo=…"
            )
        repo = {"repo": str(_git_top(Path.cwd()))} if self.backend == "local" else {}
        return {"name": self.backend, **repo, **self.options}

    def _on_disk(self) -> SiteConfig | None:
        here = Path.cwd()
        for folder in _up_to(_git_top(here), here):
            for place in _places(_folders(folder)):
                if os.path.isfile(folder / place):  # noqa: PTH113 - a folder that nobody may enter has none
                    site = self._adjusted(load_config(folder / place))
                    return site if folder == here else _at_top(site)
        return None

    def _adjusted(self, site: SiteConfig) -> SiteConfig:
        if self.backend is not None:
            site = site.with_backend(self.backend)
        site = attrs.evolve(site, backend_options={**site.backend_options, **self.options})
        if self.publish_mode is not None:
            site = attrs.evolve(site, publish_mode=self.publish_mode)
        return site


def _git_top(here: Path) -> Path:
    """Give the top of the git repository around, or *here* itself where there is none."""
    tops = (folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git"))
    return next(tops, here)


def _up_to(top: Path, here: Path) -> Iterator[Path]:
    for folder in (here, *here.parents):
        yield folder
        if folder == top:
            return


def _folders(top: Path) -> list[str]:
    try:
        with os.scandir(top) as found:
            return [each.name for each in found if not each.name.startswith(".") and each.is_dir()]
    except OSError:  # one may stand in a folder without the right to list it
        return []


def _at_top(site: SiteConfig) -> SiteConfig:
    """Give the repository on disk, which is the one around where nothing else is said, by its top."""
    if site.backend != "local" or "repo" in site.backend_options:
        return site
    return attrs.evolve(site, backend_options={**site.backend_options, "repo": str(_git_top(Path.cwd()))})


def _places(folders: Iterable[str]) -> list[str]:
    tops = ["", *(f"{folder}/" for folder in sorted(folders))]
    return [f"{top}{folder}/config.yml" for top in tops for folder in CONFIG_FOLDERS]


def _check_name(site: SiteConfig, collection: str, slug: str) -> None:
    """Refuse the name of a file that a file collection does not have: it is misspelt, not absent."""
    try:
        site.collection(collection).path_of(slug)
    except NotFoundError as exc:
        raise InvalidInputError(str(exc)) from exc
