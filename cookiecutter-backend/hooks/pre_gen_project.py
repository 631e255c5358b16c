"""Refusing answers that would make a broken project; `copydesk backends new` asks the same functions."""

from __future__ import annotations

import json
import keyword
import re
import sys

LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0")
LONGEST_NAME = 30
LONGEST_SERVICE = 40


def installed_names() -> set[str]:
    """Name the backends that are installed here; none where copydesk itself is not."""
    try:
        from copydesk import installed_backends
    except ImportError:
        return set()
    return {backend.name for backend in installed_backends()}


def problem_of(answers: dict[str, str]) -> str:
    """Say what is wrong with the answers, and what to do; "" where nothing is."""
    return (
        problem_of_name(answers["name"])
        or problem_of_service(answers["service"])
        or problem_of_author(answers["author"])
        or problem_of_licence(answers["licence"])
    )


def problem_of_name(name: str) -> str:
    folded = name.replace("-", "_")
    if not name:
        return "the backend has no name; give one, such as my-forge"
    if name != name.lower():
        return f"the name {name!r} has capital letters; write {name.lower()!r}"
    if folded.startswith("copydesk"):
        bare = folded.removeprefix("copydesk").strip("_").replace("_", "-") or "my-forge"
        return f"the name {name!r} begins with 'copydesk', which the distribution gets by itself; write {bare!r}"
    if keyword.iskeyword(folded) or keyword.issoftkeyword(folded):
        return f"the name {name!r} is a word of Python; write {name + '-forge'!r}"
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        return (
            f"the name {name!r} cannot be a module of Python; begin with one of a-z, go on with a-z and 0-9, and "
            "put single hyphens between words"
        )
    if len(name) > LONGEST_NAME:
        return f"the name {name!r} has {len(name)} characters; shorten it to {LONGEST_NAME}"
    if folded in installed_names():
        return f"a backend {name!r} is installed already; choose another name, or uninstall it"
    return ""


def problem_of_service(service: str) -> str:
    wrong = re.search(r"[\"'\\{}<>`]|[^\w\s.,:&()+!?*/-]|[^\S ]", service)
    if not service.strip():
        return "the service has no name; say what people call it, such as 'My Forge'"
    if wrong:
        return f"the name of the service holds {wrong[0]!r}, which docstrings would stumble over; leave it out"
    if len(service) > LONGEST_SERVICE:
        return f"the name of the service has {len(service)} characters; shorten it to {LONGEST_SERVICE}"
    return ""


def problem_of_author(author: str) -> str:
    if not author.strip():
        return "nobody is named as the author, whom the licence names; give a name (--author)"
    if not author.isprintable():
        return f"the author {author!r} holds a line break or another character without a shape; leave it out"
    return ""


def problem_of_licence(licence: str) -> str:
    if licence not in LICENCES:
        return f"the licence {licence!r} is none of {', '.join(LICENCES)}; choose one, and change the file later"
    return ""


if __name__ == "__main__":
    problem = problem_of(json.loads(r"""{{ cookiecutter | tojson }}"""))
    if problem:
        sys.exit(f"nothing was written: {problem}")
