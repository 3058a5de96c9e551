class Refusal(Exception):
    """Something asked for cannot be done as things stand. The message names what, where and what to do."""


class JobBusy(Refusal):
    """Another worker holds the job, or one of its kind and subject is live already."""


class LeaseLost(Exception):
    """The job was taken over: this attempt's number is no longer the current one, so it must write nothing more."""


class JobStopped(Exception):
    """A person paused or cancelled the job; the work done so far stands."""
