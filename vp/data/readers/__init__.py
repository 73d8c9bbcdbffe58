"""Readers: each finds the recordings in a folder or file of one layout and what is left out of it, hardly decoding."""
