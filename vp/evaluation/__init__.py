"""Scores models and baselines under protocols."""
