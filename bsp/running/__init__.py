"""How a job runs: the launcher's side (job, launcher, supervisor), the worker's, and what travels between them."""
