"""Scoring: models and baselines under protocols, and tables of it."""
