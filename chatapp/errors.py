"""What can go wrong, in the contract's own words. Anybody may raise it; the doors turn it into a status or an ack."""


class ChatError(Exception):
    """A refusal that may be told to whoever asked.

    `message` is a sentence for people, `field` the camelCase name of the payload's field at fault,
    `retry_after` the whole or broken seconds after which asking again makes sense. Of a stream, `length` is where its
    text ends, `status` where it stands.
    """

    code = "internal"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        length: int | None = None,
        status: str | None = None,
    ):
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after
        self.length = length
        self.status = status

    def to_dict(self) -> dict:
        """The `error` object of the contract (section 2)."""
        error = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        if self.retry_after is not None:
            error["retryAfter"] = round(self.retry_after, 3)
        if self.length is not None:
            error["length"] = self.length
        if self.status is not None:
            error["status"] = self.status
        return error


class Unauthorized(ChatError):
    code = "unauthorized"


class Forbidden(ChatError):
    code = "forbidden"


class NotFound(ChatError):
    """Also for what the caller may not know of."""

    code = "not_found"


class Invalid(ChatError):
    code = "invalid"


class TooLarge(ChatError):
    code = "too_large"


class Conflict(ChatError):
    code = "conflict"


class RateLimited(ChatError):
    code = "rate_limited"


class Unavailable(ChatError):
    code = "unavailable"


class UnknownEvent(ChatError):
    code = "unknown_event"


class Internal(ChatError):
    code = "internal"
