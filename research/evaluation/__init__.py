"""Evaluation: measure a model over every example once, and compare systems."""
