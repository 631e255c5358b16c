"""Keyrings for tests: one in memory, one that processes share, and those that people have trouble with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

__all__ = ["FullKeyring", "LockedKeyring", "MemoryKeyring", "SharedKeyring"]


class MemoryKeyring(KeyringBackend):
    """Keeps secrets as long as the process lives.

    :ivar kept: every secret, by service and user.
    """

    priority: ClassVar[float] = 0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class SharedKeyring(KeyringBackend):
    """Keeps secrets in the file that ``COPYDESK_TEST_KEYRING`` names, for processes of one test."""

    priority: ClassVar[float] = 0

    @property
    def _file(self) -> Path:
        return Path(os.environ["COPYDESK_TEST_KEYRING"])

    def _read(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def _write(self, kept: dict[str, str]) -> None:
        new = self._file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(kept))
        new.replace(self._file)

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}\n{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service}\n{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        del kept[f"{service}\n{username}"]
        self._write(kept)


class LockedKeyring(MemoryKeyring):
    """One whose owner dismissed the prompt."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


class FullKeyring(MemoryKeyring):
    """One that takes no more than Windows does, and repeats what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            raise PasswordSetError(f"Can't store password on keyring: {password}")
        super().set_password(service, username, password)
