"""Work that is too long for a request. A module of the row declares a function with `job`; whoever wants it done calls
`post` and goes on. With Redis, worker processes (`flask jobs work`) do it, whatever happens to any of them: a job may
be done twice and must come out right then too. Without Redis, and with a cluster of them (dramatiq's scripts need all
keys on one node), threads of the posting process do it, and forget it when that ends.
"""

from .declared import Gone, Progress, job
from .posting import elsewhere, post

__all__ = ["Gone", "Progress", "elsewhere", "job", "post"]
