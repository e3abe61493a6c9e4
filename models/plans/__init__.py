"""What all peers of a training agree on before the first step, the arrays they work on, and what they hand back."""
