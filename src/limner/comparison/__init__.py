"""Evaluations of several models on the same images -> which is better, and by how much, beyond chance."""

from __future__ import annotations

from limner.comparison.compare import compare
from limner.comparison.models import Model, gather_models
from limner.comparison.runs import Run, load_runs

__all__ = ["Model", "Run", "compare", "gather_models", "load_runs"]
