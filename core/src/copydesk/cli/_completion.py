"""The verb that makes a shell complete the others."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["completion"]


# The character \b makes click keep the lines as they are.
_HELP: Final = """Print the script that makes SHELL complete this command.

\b
bash:  eval "$(copydesk completion bash)"      in ~/.bashrc
zsh:   eval "$(copydesk completion zsh)"       in ~/.zshrc
fish:  copydesk completion fish | source       in ~/.config/fish/config.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes a shell complete this command."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError
    from copydesk.cli._app import cli

    click.echo(kind(cli, {}, "copydesk", "_COPYDESK_COMPLETE").source())
