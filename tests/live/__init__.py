"""Checks of facts about a real tenant and a real vault: `pytest -m live`, for a person who has both."""
