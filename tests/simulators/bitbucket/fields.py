"""Partial answers: what ``fields`` asks to see, to see as well, and not to see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["selected"]


def selected(data: Any, fields: str, hidden: Iterable[str] = ()) -> Any:
    """Cut an answer to what is asked for.

    :param fields: names with dots, by commas: ``values.path``; ``+links`` adds one, ``-links`` takes one away.
    :param hidden: what is shown only to who asks for it.
    """
    names = [name.strip() for name in fields.split(",") if name.strip()]
    only = [name for name in names if name[0] not in "+-"]
    more = {name[1:] for name in names if name[0] == "+"}
    less = [name[1:] for name in names if name[0] == "-"]
    if only:
        data = _picked(data, [name.split(".") for name in (*only, *more)])
    else:
        less += [name for name in hidden if name not in more]
    for name in less:
        data = _without(data, name.split("."))
    return data


def _picked(data: Any, paths: list[list[str]]) -> Any:
    if isinstance(data, list):
        return [_picked(each, paths) for each in data]
    if not isinstance(data, dict):
        return data
    shown = {}
    for name, value in data.items():
        below = [path[1:] for path in paths if path[0] in {name, "*"}]
        if below:
            # Whoever asks for the whole gets the whole.
            shown[name] = value if not all(below) else _picked(value, below)
    return shown


def _without(data: Any, path: list[str]) -> Any:
    if isinstance(data, list):
        return [_without(each, path) for each in data]
    if not isinstance(data, dict):
        return data
    name, *rest = path
    if not rest:
        return {key: value for key, value in data.items() if name not in {key, "*"}}
    return {key: _without(value, rest) if key == name else value for key, value in data.items()}
