"""What can be wrong with a data set: it is damaged, or it cannot be had at all."""


class DataError(Exception):
    """A data set's files are damaged, incomplete or unreadable; the message names the file, what was seen, the cure."""


class DataUnavailable(DataError):
    """A data set is in none of the places where it is looked for, and could not be downloaded."""
