"""Connections between worker processes: who may connect, what travels on them, and how their loss is noticed.

Every process listens, and opens one connection to each other process, on which only it sends; what it is told it reads
on those that the others have opened. `Hub` is a process's end of all of them.
"""
