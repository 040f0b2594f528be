"""The current Python SDK (alibabacloud_kms20160120 and its siblings for RAM and IMS) in each way it can sign and send."""

import asyncio
import re

from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ims20190815.client import Client as ImsClient
from alibabacloud_kms20160120 import models as kms_models
from alibabacloud_kms20160120.client import Client as KmsClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from . import models as typed
from .errors import ApiError, NotReached
from .server import REGION


def _snake(operation):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


def _camel(method):
    return "".join(word.capitalize() for word in method.split("_"))


def _request(kind, parameters):
    """Without parameters, the request as it is made: `from_map` would put empty lists into it."""
    return kind().from_map(parameters) if parameters else kind()


class PyNew:
    """`call` builds the typed request, sends it, checks the typed answer, and gives it back as a map."""

    CLIENT, MODELS, VERSION = KmsClient, kms_models, "2016-01-20"

    def __init__(self, server, scheme, access_key_id=None, access_key_secret=None, endpoint=None, trusted=True, **signing):
        self.client = self.CLIENT(Config(
            access_key_id=access_key_id or server.access_key_id,
            access_key_secret=access_key_secret or server.access_key_secret,
            endpoint=endpoint or server.authority(scheme),
            protocol=scheme.upper(),
            region_id=REGION,
            ca=server.ca if scheme == "https" and trusted else None,
            **signing,
        ))

    @classmethod
    def operations(cls):
        """Those that the client has a method of."""
        ending = "_with_options"
        return {_camel(name[:-len(ending)]) for name in dir(cls.CLIENT) if name.endswith(ending)}

    def call(self, operation, **parameters):
        method = _snake(operation)
        request_class = getattr(self.MODELS, f"{operation}Request", None)
        arguments = [_request(request_class, parameters)] if request_class else []
        typed_call = hasattr(self.client, method)
        if not typed_call:
            method, arguments = "call_api", self._generic(operation, parameters)
        try:
            response = self._send(method, arguments)
        except (ClientException, ServerException) as refused:
            raise self._refusal(refused) from None
        except (DaraException, TeaException, OSError) as failed:
            raise self._failure(failed) from failed
        if not typed_call:
            assert response["statusCode"] == 200 and response["body"]["RequestId"]
            return response["body"]
        assert response.status_code == 200
        typed.check(response.body)
        assert response.body.request_id
        return response.body.to_map()

    @classmethod
    def _generic(cls, operation, parameters):
        """The generic request of the SDK, for operations that only its predecessor has methods of."""
        params = Params(
            action=operation, version=cls.VERSION, protocol="HTTPS", pathname="/", method="POST", auth_type="AK",
            style="RPC", req_body_type="formData", body_type="json",
        )
        return [params, OpenApiRequest(query=Utils.query(parameters)), RuntimeOptions()]

    def _send(self, method, arguments):
        return getattr(self.client, method)(*arguments)

    @staticmethod
    def _refusal(refused):
        body = refused.data
        assert isinstance(refused, ClientException) == (refused.status_code < 500)
        assert refused.code == body["Code"]
        assert refused.request_id == body["RequestId"]
        assert refused.message == f"code: {refused.status_code}, {body['Message']} request id: {body['RequestId']}"
        kind, denied = type(refused).__name__, refused.access_denied_detail
        return ApiError(refused.code, refused.status_code, body["Message"], refused.request_id, kind, denied)

    @staticmethod
    def _failure(failed):
        """With signature V4 the SDK has no classes for errors, and wraps what it has."""
        inner = getattr(failed, "inner_exception", None)
        body = getattr(inner, "data", None)
        if not isinstance(body, dict) or "Code" not in body:
            return NotReached(str(failed))
        assert inner.code == body["Code"]
        return ApiError(inner.code, body["statusCode"], body["Message"], body["RequestId"], "ClientException")


class PyNewAsync(PyNew):
    """The same through the asynchronous methods."""

    def _send(self, method, arguments):
        async def send():
            return await getattr(self.client, f"{method}_async")(*arguments)

        return asyncio.run(send())


class PyRam(PyNew):
    """The same for RAM."""

    CLIENT, MODELS, VERSION = RamClient, ram_models, "2015-05-01"


class PyRamAsync(PyNewAsync):
    """The same through the asynchronous methods."""

    CLIENT, MODELS, VERSION = RamClient, ram_models, "2015-05-01"


class PyIms(PyNew):
    """The same for IMS."""

    CLIENT, MODELS, VERSION = ImsClient, ims_models, "2019-08-15"


class PyImsAsync(PyNewAsync):
    """The same through the asynchronous methods."""

    CLIENT, MODELS, VERSION = ImsClient, ims_models, "2019-08-15"


class PyNewGeneric(PyNew):
    """The same through the untyped `call_api`, with a method of the caller's choice."""

    def call(self, operation, method="POST", **parameters):
        from alibabacloud_tea_openapi.utils import Utils
        from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params

        parts = Params(
            action=operation, version="2016-01-20", protocol="HTTPS", pathname="/", method=method,
            auth_type="AK", style="RPC", req_body_type="formData", body_type="json",
        )
        try:
            answer = self.client.call_api(parts, OpenApiRequest(query=Utils.query(parameters)), RuntimeOptions())
        except (ClientException, ServerException) as refused:
            raise self._refusal(refused) from None
        return answer["body"]
