"""Finding installed backends without importing them, and loading one by name.

A plugin names its :class:`~copydesk.factory.BackendFactory` in the entry-point group ``copydesk.backends``::

    [project.entry-points."copydesk.backends"]
    local = "copydesk_local:backend"

An extension is found in the same way, under ``copydesk.extensions``, where a class or a function without arguments
is named that makes one. A host app opts into it by its name.
"""

from __future__ import annotations

import difflib
import functools
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from copydesk.errors import BackendLoadError, BackendNotFoundError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from copydesk.factory import BackendFactory

__all__ = ["EXTENSIONS", "GROUP", "InstalledBackend", "installed_backends", "load_backend", "load_extension"]

GROUP: Final = "copydesk.backends"
EXTENSIONS: Final = "copydesk.extensions"


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


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    # Costs 30 ms to import, and only programs that look for backends need it.
    from importlib import metadata

    return tuple(metadata.entry_points(group=group))


@functools.lru_cache(maxsize=2)
def _known(places: tuple[tuple[str, int], ...], group: str) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - the key
    return _entry_points(group)


def _named(name: str, group: str) -> list[EntryPoint]:
    """Find who brings a backend; where nothing came and nothing went, without reading all metadata again."""
    places = tuple((place, _changed(place)) for place in sys.path)
    points = [point for point in _known(places, group) if _folded(point.name) == _folded(name)]
    if not points:
        # It may have been looked at while it was being installed.
        _known.cache_clear()
        points = [point for point in _known(places, group) if _folded(point.name) == _folded(name)]
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
        sorted((_described(point) for point in _entry_points(GROUP)), key=lambda b: (b.name, b.distribution))
    )


def load_backend(name: str) -> tuple[BackendFactory[Any], InstalledBackend]:
    """Import the one distribution that brings backend *name*; ``-`` and ``_`` are the same.

    :returns: its factory, and where it came from.
    :raises BackendNotFoundError: none brings it.
    :raises BackendLoadError: two bring it, the import fails, or what it names is no :class:`BackendFactory`.
    """
    points = _named(name, GROUP)
    if not points:
        raise _not_found(name)
    point = _only(points, "backend", name)
    described = _described(point)
    return _checked(_imported(point, "backend"), point, described), described


def load_extension(name: str) -> object:
    """Import the one distribution that brings extension *name*, and make one; ``-`` and ``_`` are the same.

    :raises BackendNotFoundError: none brings it.
    :raises BackendLoadError: two bring it, the import fails, or what it names makes none.
    """
    points = _named(name, EXTENSIONS)
    if not points:
        raise _extension_not_found(name)
    point = _only(points, "extension", name)
    make = _imported(point, "extension")
    described = _described(point)
    if not callable(make):
        raise BackendLoadError(
            f"extension {name!r} ({described.origin}) cannot be made by {point.value!r}, which is an object "
            f"of class {type(make).__name__}; tell its author to name a class or a function that makes one",
            name=described.name,
            distribution=described.origin,
        )
    try:
        return make()
    except Exception as exc:  # a stranger's code may raise anything
        raise BackendLoadError(
            f"extension {name!r} ({described.origin}) cannot be made by {point.value!r} without arguments: "
            f"{type(exc).__name__}: {exc}; import it and pass an object, or tell its author",
            name=described.name,
            distribution=described.origin,
        ) from exc


def _only(points: list[EntryPoint], kind: str, name: str) -> EntryPoint:
    """Give the one entry point.

    :raises BackendLoadError: there are more.
    """
    if len(points) > 1:
        origins = sorted(_described(point).origin for point in points)
        raise BackendLoadError(
            f"{kind} {name!r} is offered by more than one distribution: {', '.join(origins)}; "
            "uninstall all but one",
            name=name,
        )
    return points[0]


def _extension_not_found(name: str) -> BackendNotFoundError:
    installed = sorted({_folded(point.name) for point in _entry_points(EXTENSIONS)})
    close = difflib.get_close_matches(_folded(name), installed, n=1)
    meant = f"did you mean {close[0]!r}? if not, " if close else ""
    return BackendNotFoundError(
        f"no extension {name!r} is installed (installed: {', '.join(installed) or 'none'}); "
        f"{meant}install the distribution that brings it, or pass an object",
        name=name,
        installed=installed,
    )


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


def _imported(point: EntryPoint, kind: str) -> object:
    described = _described(point)
    try:
        return point.load()
    except Exception as exc:  # a stranger's module may raise anything while it is imported
        raise BackendLoadError(
            f"{kind} {point.name!r} ({described.origin}) cannot be imported from {point.value!r}: "
            f"{type(exc).__name__}: {exc}; {_remedy(exc, point)}",
            name=described.name,
            distribution=described.origin,
        ) from exc


def _remedy(exc: Exception, point: EntryPoint) -> str:
    """Say what to upgrade: copydesk, where the import lacks something of it."""
    if not isinstance(exc, ImportError) or (exc.name or "").partition(".")[0] != "copydesk":
        return f"upgrade or uninstall {_described(point).distribution}"
    from copydesk import __version__  # only to explain a failure

    asked = (point.dist.requires if point.dist is not None else None) or []
    wanted = next((each for each in asked if re.match(r"copydesk\s*[\[(<>=~!]", each)), "")
    written = f"it is written for {wanted}" if wanted else "it may be written for a later copydesk"
    return f"{written}, and this is {__version__}; try: pip install --upgrade copydesk"


def _checked(factory: object, point: EntryPoint, described: InstalledBackend) -> BackendFactory[Any]:
    from copydesk.factory import BackendFactory  # brings attrs, which listing does not need

    if not isinstance(factory, BackendFactory):
        raise BackendLoadError(
            f"backend {point.name!r} ({described.origin}): {point.value!r} is a {type(factory).__name__}, "
            "not a copydesk.BackendFactory(options=…, open=…); tell its author",
            name=described.name,
            distribution=described.origin,
        )
    return factory
