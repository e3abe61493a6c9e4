"""What a `fit` leaves behind and shows: its history, notes, progress, pictures, event files."""
