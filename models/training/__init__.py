"""`fit`: from its arguments to a plan, and the plan run in the calling process or as a job of many."""
