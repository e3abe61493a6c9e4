"""Bulk Synchronous Parallel jobs: peers, supersteps, messages, barriers, coordination."""
