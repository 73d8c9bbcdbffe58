"""Lessons: a question, settings to see the answer with, and a quiz; in the app and as offline pages."""
