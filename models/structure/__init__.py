"""What a network is made of: how layers are built, what an engine sees of them, and how they are named in a file."""
