"""What is wrong with a backend though it opens: methods without a mark, parameters that are not passed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from copydesk.hookspecs import OPERATIONS, BackendHooks

if TYPE_CHECKING:
    from copydesk.repository import Repository

__all__ = ["mistakes_of", "unfit_parameters", "unmarked_operations"]


def mistakes_of(repository: Repository) -> tuple[str, ...]:
    """Give one sentence for each mistake of the backend of a repository; none where all is well."""
    return (*unmarked_operations(repository.backends), *unfit_parameters(repository))


def unmarked_operations(backends: Iterable[object]) -> Iterator[str]:
    """Find methods that are named like an operation and are none, because nobody marked them."""
    for backend in backends:
        for name in OPERATIONS:
            method = getattr(type(backend), name, None)
            if method is not None and not hasattr(method, "copydesk_impl"):
                yield f"{type(backend).__name__}.{name} lacks @hookimpl; mark it, or give it another name"


def unfit_parameters(repository: Repository) -> Iterator[str]:
    """Find parameters that are not the contract's, or which pluggy may pass otherwise than they ask for."""
    for backend in repository.backends:
        for name in sorted(repository.own_operations):
            method = getattr(backend, name, None)
            if method is None:
                continue
            known = list(inspect.signature(getattr(BackendHooks, name)).parameters)[1:]
            for parameter in inspect.signature(method).parameters.values():
                problem = _problem_of(parameter, known)
                if problem:
                    yield f"{type(backend).__name__}.{name}: {problem}"


def _problem_of(parameter: inspect.Parameter, known: list[str]) -> str:
    if parameter.name not in known:
        return f"the contract has no {parameter.name!r}; it has {', '.join(known)}"
    if parameter.default is not parameter.empty:
        return f"{parameter.name!r} has a default, with which old pluggy never passes it; take it away"
    if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
        return f"{parameter.name!r} can be passed in one way only; take away the / or *"
    return ""
