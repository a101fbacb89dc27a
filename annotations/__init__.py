"""Annotations: people, their labels, and what the labels add up to."""
