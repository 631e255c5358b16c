"""copydesk backend for a git repository on disk, bare or with a working copy."""

from __future__ import annotations

from copydesk import BackendFactory

from copydesk_local.backend import LocalBackend, LocalOptions

__all__ = ["LocalBackend", "LocalOptions", "backend"]

backend = BackendFactory(options=LocalOptions, open=lambda options, _: LocalBackend.open(options))
