"""A client of a product, whichever it is."""

import uuid

import pytest

from .errors import ApiError


class Api:
    """Calls operations by name and looks at how they are refused."""

    def __init__(self, driver, name, is_legacy=False):
        self._driver = driver
        self.name = name
        self.is_legacy = is_legacy
        self.operations = driver.operations()

    def __call__(self, operation, **parameters):
        return self._driver.call(operation, **parameters)

    def refuses(self, code, status, operation, **parameters):
        """The call fails with exactly this code and status, in the client's own terms; gives the message."""
        with pytest.raises(ApiError) as caught:
            self(operation, **parameters)
        refusal = caught.value
        assert (refusal.code, refusal.status) == (code, status)
        assert refusal.kind == ("ServerException" if self.is_legacy else "ClientException")
        uuid.UUID(refusal.request_id)
        return refusal.message
