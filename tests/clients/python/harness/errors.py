"""The one shape of a refusal, whichever client it came through."""


class ApiError(Exception):
    """What a client made of an error answer. `kind` is the client's own name for it, `denied` its AccessDeniedDetail."""

    def __init__(self, code, status, message, request_id, kind, denied=None):
        super().__init__(f"{status} {code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.request_id = request_id
        self.kind = kind
        self.denied = denied


class NotReached(Exception):
    """The client could not talk to the server at all."""
