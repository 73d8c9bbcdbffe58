"""Training: the trainer and what it needs, and how its runs are compared."""
