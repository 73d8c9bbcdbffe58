"""Readers: each turns a folder or file of one layout into recordings and a list of what was left out, hardly decoding."""
