"""Models of how Sveltia CMS asks for a site; they are written from a description of it and hold none of its code."""

from benchmarks.reading.sveltia.gitea import SveltiaOnGitea
from benchmarks.reading.sveltia.github import SveltiaOnGitHub
from benchmarks.reading.sveltia.gitlab import SveltiaOnGitLab
from benchmarks.reading.sveltia.model import Sveltia

__all__ = ["Sveltia", "SveltiaOnGitHub", "SveltiaOnGitLab", "SveltiaOnGitea"]
