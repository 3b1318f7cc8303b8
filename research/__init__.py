"""Attention in neural machine translation, by experiment. docs/structure.md says which room holds what."""
