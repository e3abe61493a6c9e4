"""Layered networks, their training in parallel, and what keeps them: data, schedules, files."""
