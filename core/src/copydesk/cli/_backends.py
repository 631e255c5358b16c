"""The verbs about backends: what is installed, its options, what it can do, and the beginning of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from copydesk.cli._options import backend_name, site_options
from copydesk.cli._show import as_json, print_json, print_table
from copydesk.errors import BackendLoadError

if TYPE_CHECKING:
    import attrs

    from copydesk.cli._site import Site
    from copydesk.repository import Repository

__all__ = ["backends"]


@click.group()
def backends() -> None:
    """Look at the backends that are installed, or begin a new one."""


@backends.command("list")
@as_json
def list_backends(json_output: bool) -> None:
    """List what is installed; no plugin is imported for it."""
    from copydesk.registry import installed_backends

    found = installed_backends()
    if json_output:
        print_json([{"name": b.name, "distribution": b.distribution, "version": b.version} for b in found])
    elif found:
        print_table(
            ["backend", "distribution", "version"], [(b.name, b.distribution, b.version) for b in found]
        )
    else:
        click.echo("no backend is installed; try: pip install copydesk-local", err=True)


@backends.command("show")
@backend_name
@as_json
def show_backend(name: str, json_output: bool) -> None:
    """Show the options of backend NAME."""
    import attrs

    from copydesk.registry import load_backend

    factory, origin = load_backend(name)
    options = [_option(field) for field in attrs.fields(factory.options)]
    if json_output:
        print_json({"name": origin.name, "distribution": origin.origin, "options": options})
        return
    click.echo(f"{origin.name} ({origin.origin})\n")
    print_table(["option", "default", "what it is"], [tuple(option.values()) for option in options])


def _option(field: attrs.Attribute[Any]) -> dict[str, str]:
    from attrs import NOTHING

    default: Any = field.default
    if default is NOTHING:
        shown = "required"
    elif hasattr(default, "takes_self"):  # an attrs.Factory
        shown = "depends" if default.takes_self else ""
    else:
        shown = str(default).lower() if isinstance(default, bool) else str(default)
    return {"name": field.name, "default": shown, "help": field.metadata.get("help", "")}


@backends.command("check")
@backend_name
@site_options
@as_json
def check_backend(site: Site, name: str, json_output: bool) -> None:
    """Show what backend NAME can do, or why it cannot be used.

    Its options come from the site's config.yml and from -o. Options, signatures and marks are checked. Most
    backends send nothing for it, so any token will do.
    """
    from copydesk._fitness import mistakes_of

    with site.with_backend(name).bare_repository() as repository:
        operations = _operations(repository)
        mistakes = mistakes_of(repository)
        origin = repository.origin
    if json_output:
        told = {"name": origin.name, "distribution": origin.origin, "operations": operations}
        print_json({**told, "mistakes": mistakes})
    else:
        _show_operations(
            operations, f"{origin.name} ({origin.origin}){'' if mistakes else ' fits this core'}"
        )
    if mistakes:
        raise BackendLoadError(
            f"backend {origin.name!r} ({origin.origin}) has mistakes: {'; '.join(mistakes)}",
            name=origin.name,
            distribution=origin.origin,
        )


def _show_operations(operations: list[dict[str, str]], heading: str) -> None:
    click.echo(f"{heading}\n")
    print_table(
        ["operation", "kind", "answered by"],
        [(each["name"], each["kind"], each["by"] or "-") for each in operations],
    )
    missing = [each["name"] for each in operations if each["kind"] == "required" and not each["by"]]
    if missing:
        click.echo(f"\nnot a whole backend: it lacks {', '.join(missing)}")


@backends.command("new")
@click.argument("name")
@click.option(
    "--service", default="", metavar="TEXT", help="What people call the service.  [default: from NAME]"
)
@click.option("--author", metavar="TEXT", help="Whom the licence names.  [default: git's user.name]")
@click.option(
    "--licence",
    default="MIT",
    show_default=True,
    metavar="ID",
    help="MIT, Apache-2.0, BSD-3-Clause or MPL-2.0.",
)
@click.option(
    "-o", "folder", default=".", metavar="FOLDER", help="Make the project in this folder.  [default: here]"
)
@as_json
def new_backend(
    name: str, service: str, author: str | None, licence: str, folder: str, json_output: bool
) -> None:
    """Begin backend NAME: a project whose tests pass.

    It is called copydesk-NAME, works against a small server of its own, and its README tells how it becomes a
    backend of your service. Needs an extra: pip install 'copydesk[template]'.
    """
    from pathlib import Path

    from copydesk.cli._template import make_project, name_of_git_user  # this verb's alone

    who = name_of_git_user() if author is None else author
    made = make_project(
        Path(folder), {"name": name, "service": service, "author": who, "licence": licence}
    ).resolve()
    if json_output:
        print_json({"path": str(made)})
        return
    here = Path.cwd().resolve()
    click.echo(f"made {made.relative_to(here) if made.is_relative_to(here) else made}; go on there:\n")
    click.echo("    python -m pip install -e '.[lint,test]'\n    python -m pytest\n\nand read its README.md")


def _operations(repository: Repository) -> list[dict[str, str]]:
    from copydesk.hookspecs import DERIVED, OPERATIONS, OPTIONAL

    kinds = {**dict.fromkeys(OPTIONAL, "optional"), **dict.fromkeys(DERIVED, "core default")}
    own, all_of_them = repository.own_operations, repository.operations
    return [
        {
            "name": name,
            "kind": kinds.get(name, "required"),
            "by": "the backend" if name in own else "the core" if name in all_of_them else "",
        }
        for name in OPERATIONS
    ]
