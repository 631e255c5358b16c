"""A simulator of GitHub."""

from __future__ import annotations

from simulators.github.app import Codeload, GitHubSimulator

__all__ = ["Codeload", "GitHubSimulator"]
