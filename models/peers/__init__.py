"""What a peer of a training does: replicas, the strategy's hooks, the loops in step and free of it."""
