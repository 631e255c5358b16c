"""Finding installed backends without importing them, and loading one by name.

A plugin names its :class:`~copydesk.factory.BackendFactory` in the entry-point group ``copydesk.backends``::

    [project.entry-points."copydesk.backends"]
    local = "copydesk_local:backend"
"""

from __future__ import annotations

import difflib
import functools
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from copydesk.errors import BackendLoadError, BackendNotFoundError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from copydesk.factory import BackendFactory

__all__ = ["GROUP", "InstalledBackend", "installed_backends", "load_backend"]

GROUP: Final = "copydesk.backends"


class InstalledBackend(NamedTuple):
    """A backend as the metadata of its distribution tells it."""

    # No attrs class: attrs takes 30 ms to import, and a program that lists backends needs nothing else of it.

    name: str
    distribution: str
    version: str
    entry_point: str

    @property
    def origin(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"


def _folded(name: str) -> str:
    return name.replace("-", "_")


def _entry_points() -> tuple[EntryPoint, ...]:
    # Costs 30 ms to import, and only programs that look for backends need it.
    from importlib import metadata

    return tuple(metadata.entry_points(group=GROUP))


@functools.lru_cache(maxsize=1)
def _known(places: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - the key
    return _entry_points()


def _named(name: str) -> list[EntryPoint]:
    """Find who brings a backend; where nothing came and nothing went, without reading all metadata again."""
    places = tuple((place, _changed(place)) for place in sys.path)
    points = [point for point in _known(places) if _folded(point.name) == _folded(name)]
    if not points:
        # It may have been looked at while it was being installed.
        _known.cache_clear()
        points = [point for point in _known(places) if _folded(point.name) == _folded(name)]
    return points


def _changed(place: str) -> int:
    """Tell when a folder of distributions got one or lost one."""
    from pathlib import Path  # costs some milliseconds, which a program that imports copydesk alone saves

    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


def _described(point: EntryPoint) -> InstalledBackend:
    # What is left of a distribution that was removed by hand may have entry points and no metadata.
    try:
        about = point.dist.metadata if point.dist is not None else None
        origin = (about["Name"], about["Version"]) if about is not None else ("unknown", "0")
    except Exception:  # noqa: BLE001 - versions of importlib.metadata differ in what they raise here
        origin = ("unknown", "0")
    return InstalledBackend(_folded(point.name), *origin, point.value)


def installed_backends() -> tuple[InstalledBackend, ...]:
    """List what is installed, in order of name, from metadata alone: no plugin is imported.

    A name that two distributions bring is listed twice.
    """
    return tuple(
        sorted((_described(point) for point in _entry_points()), key=lambda b: (b.name, b.distribution))
    )


def load_backend(name: str) -> tuple[BackendFactory[Any], InstalledBackend]:
    """Import the one distribution that brings backend *name*; ``-`` and ``_`` are the same.

    :returns: its factory, and where it came from.
    :raises BackendNotFoundError: none brings it.
    :raises BackendLoadError: two bring it, the import fails, or what it names is no :class:`BackendFactory`.
    """
    points = _named(name)
    if not points:
        raise _not_found(name)
    if len(points) > 1:
        origins = sorted(_described(point).origin for point in points)
        raise BackendLoadError(
            f"backend {name!r} is offered by more than one distribution: {', '.join(origins)}; "
            "uninstall all but one",
            name=name,
        )
    return _imported(points[0]), _described(points[0])


def _not_found(name: str) -> BackendNotFoundError:
    installed = sorted({backend.name for backend in installed_backends()})
    close = difflib.get_close_matches(_folded(name), installed, n=1)
    meant = f"did you mean {close[0]!r}? if not, " if close else ""
    remedy = f"{meant}try: pip install copydesk-{name.replace('_', '-')}"
    return BackendNotFoundError(
        f"no backend {name!r} is installed (installed: {', '.join(installed) or 'none'}); {remedy}",
        name=name,
        installed=installed,
    )


def _imported(point: EntryPoint) -> BackendFactory[Any]:
    from copydesk.factory import BackendFactory  # brings attrs, which listing does not need

    described = _described(point)
    try:
        factory = point.load()
    except Exception as exc:  # a stranger's module may raise anything while it is imported
        raise BackendLoadError(
            f"backend {point.name!r} ({described.origin}) cannot be imported from {point.value!r}: "
            f"{type(exc).__name__}: {exc}; upgrade or uninstall {described.distribution}",
            name=described.name,
            distribution=described.origin,
        ) from exc
    if not isinstance(factory, BackendFactory):
        raise BackendLoadError(
            f"backend {point.name!r} ({described.origin}): {point.value!r} is a {type(factory).__name__}, "
            "not a copydesk.BackendFactory(options=…, open=…); tell its author",
            name=described.name,
            distribution=described.origin,
        )
    return factory
