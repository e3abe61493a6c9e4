"""Memory that the processes of a host share: anonymous segments, heaps, words to meet on, the arrays of a job."""
