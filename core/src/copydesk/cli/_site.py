"""Finding the site that a command is about: its configuration and its repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import click

from copydesk.config import CONFIG_FOLDERS, SiteConfig, load_config, parse_config
from copydesk.errors import ConfigError
from copydesk.repository import Repository, open_repository
from copydesk.workflow import Workflow

__all__ = ["Site", "site_options"]

_PLACES: Final = ", ".join(f"{folder}/config.yml" for folder in CONFIG_FOLDERS)


@attrs.frozen
class Site:
    """What a command was told about the site."""

    config: str | None
    backend: str | None
    options: dict[str, str]
    publish_mode: str | None

    def open(self) -> Workflow:
        """Open the repository of the site.

        :raises ConfigError: no configuration was found.
        """
        found = self._on_disk()
        if found is not None:
            site = self._adjusted(found)
            return Workflow(open_repository(site, **self.options), site)
        if self.backend is None:
            raise ConfigError(
                f"no config.yml found below {str(Path.cwd())!r} (looked for {_PLACES}, also one folder down); "
                "go to the top of your site, pass --config FILE, or name the repository: "
                "--backend NAME -o repo=…"
            )
        with open_repository(self.backend, **self.options) as repository:
            site = self._adjusted(_inside(repository))
        return Workflow(open_repository(site, **self.options), site)

    def _on_disk(self) -> SiteConfig | None:
        if self.config is not None:
            return load_config(self.config)
        if self.backend is not None and "repo" in self.options:
            return None  # another repository: its own configuration counts, not that of this directory
        top = Path.cwd()
        names = [str(path.relative_to(top)) for path in top.glob("*/") if not path.name.startswith(".")]
        for place in _places(names):
            if (top / place).is_file():
                return load_config(top / place)
        return None

    def _adjusted(self, site: SiteConfig) -> SiteConfig:
        if self.backend is not None:
            site = site.with_backend(self.backend)
        if self.publish_mode is not None:
            site = attrs.evolve(site, publish_mode=self.publish_mode)
        return site


def _places(folders: Iterable[str]) -> list[str]:
    tops = ["", *(f"{folder}/" for folder in sorted(folders))]
    return [f"{top}{folder}/config.yml" for top in tops for folder in CONFIG_FOLDERS]


def _inside(repository: Repository) -> SiteConfig:
    """Read the configuration that the repository itself holds on its base branch."""
    head = repository.get_branch(repository.base_branch).commit_sha
    paths = {entry.path for entry in repository.list_files(head)}
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    for place in _places(folders):
        if place in paths:
            return parse_config(repository.read_file(head, place).content, place)
    raise ConfigError(
        f"the repository has no config.yml (looked for {_PLACES}, also one folder down); pass --config FILE"
    )


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for (name, equals, _value), given in zip(pairs, values, strict=True):
        if not (name and equals):
            raise click.BadParameter(f"{given!r} is not KEY=VALUE")
    return {name: value for name, _, value in pairs}


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which site; it gets them as *site*."""

    @click.option("--config", metavar="FILE", help="The site's config.yml.  [default: look for it]")
    @click.option("--backend", metavar="NAME", help="Use this backend and not the one in the configuration.")
    @click.option(
        "-o", "options", metavar="KEY=VALUE", multiple=True, callback=_pairs, help="An option of the backend."
    )
    @click.option(
        "--publish-mode",
        type=click.Choice(["simple", "editorial_workflow"]),
        help="Save to the site at once, or as drafts.  [default: as configured]",
    )
    @click.pass_context
    def wrapped(
        context: click.Context,
        /,
        config: str | None,
        backend: str | None,
        options: dict[str, str],
        publish_mode: str | None,
        **others: Any,
    ) -> Any:
        return context.invoke(command, site=Site(config, backend, options, publish_mode), **others)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__click_params__ = [  # type: ignore[attr-defined]  # where click keeps what its decorators made
        *getattr(wrapped, "__click_params__", []),
        *getattr(command, "__click_params__", []),
    ]
    return wrapped
