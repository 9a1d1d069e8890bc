"""The features of this folder as tests: their words are not those of clauses."""

from __future__ import annotations

from pytest_bdd import scenarios

scenarios(".")
