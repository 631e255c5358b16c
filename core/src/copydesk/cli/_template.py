"""Making the project of a new backend from the template, which stands beside the core or inside its wheel."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any, Final

from copydesk.errors import InvalidInputError, NotSupportedError

__all__ = ["make_project", "name_of_git_user", "template_folder"]

_NAME: Final = "cookiecutter-backend"


def template_folder() -> Path:
    """Find the template: in the package as it was installed, or at the top of the checkout.

    :raises NotSupportedError: it is in neither.
    """
    package = Path(__file__).parents[1]
    for place in (package / _NAME, package.parents[2] / _NAME):
        if (place / "cookiecutter.json").is_file():
            return place
    raise NotSupportedError(
        "this installation of copydesk has no template for backends; install it anew: "
        "pip install --force-reinstall 'copydesk[template]'"
    )


def name_of_git_user() -> str:
    """Ask git who works here; "" where nobody told it."""
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, check=False)  # noqa: S607 - of the user's PATH
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").strip()


def make_project(folder: Path, answers: dict[str, str]) -> Path:
    """Make a project below *folder*, from the answers: name, service, author, licence.

    :returns: its top.
    :raises InvalidInputError: an answer would make a broken project, or it is there; nothing was written.
    :raises NotSupportedError: cookiecutter is not installed, or the template is not there.
    """
    template = template_folder()
    try:
        from cookiecutter.exceptions import OutputDirExistsException  # from an extra, for this verb alone
        from cookiecutter.generate import generate_context, generate_files
        from cookiecutter.prompt import prompt_for_config
    except ImportError as exc:
        raise NotSupportedError(
            "a new backend is made by cookiecutter, which is not installed; "
            "try: pip install 'copydesk[template]'"
        ) from exc
    rules = runpy.run_path(str(template / "hooks" / "pre_gen_project.py"))
    given = _with_service(answers, generate_context(str(template / "cookiecutter.json")), prompt_for_config)
    problem = rules["problem_of"](given)
    if problem:
        raise InvalidInputError(f"{problem}; nothing was written")
    try:
        made = generate_files(template, {"cookiecutter": given}, str(folder), accept_hooks=False)
    except OutputDirExistsException as exc:
        there = str(folder / given["__folder"])
        raise InvalidInputError(f"{there!r} exists already; remove it, or name another folder by -o") from exc
    return Path(made)


def _with_service(answers: dict[str, str], context: dict[str, Any], complete: Any) -> dict[str, Any]:
    """Give the answers, with what the template derives from the name.

    Not as cookiecutter's extra context, which it would read as templates: an author may be called ``{{``.
    """
    context["cookiecutter"]["name"] = answers["name"] if "{" not in answers["name"] else ""
    derived = complete(context, no_input=True)
    return {**derived, **{key: value for key, value in answers.items() if value or key != "service"}}
