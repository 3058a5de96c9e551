"""Which stage follows which. A task takes the number of a job and calls one shell."""

RUNNERS: dict[str, str] = {}
