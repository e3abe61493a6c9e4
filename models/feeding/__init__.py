"""From what the user gave to the parts of batches that engines compute: checked, ordered, gathered, ahead of time."""
