"""aliyun-python-sdk-kms on aliyun-python-sdk-core, the older Python SDK."""

import importlib
import json
import logging
import pkgutil
import sys

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkkms.request import v20160120 as requests

from .errors import ApiError, NotReached
from .server import REGION

# It logs every refusal as an error; here most refusals are wanted.
logging.getLogger("aliyunsdkcore").setLevel(logging.CRITICAL)

REPEAT_LISTS = {"ResourceId": "set_ResourceIds", "TagKey": "set_TagKeys", "Tag": "set_Tags"}


class PyLegacy:
    """`call` fills the request through its setters, sends it, and gives back the JSON answer."""

    def __init__(self, server, scheme, access_key_id=None, access_key_secret=None, method="POST", trusted=True):
        self.authority = server.authority(scheme)
        # The SDK compares the protocol by identity: a text "https" made at run time would make it speak plain http.
        self.scheme = sys.intern(scheme)
        self.method = method
        self.client = AcsClient(
            access_key_id or server.access_key_id,
            access_key_secret or server.access_key_secret,
            REGION,
            verify=server.ca if scheme == "https" and trusted else None,
        )

    @staticmethod
    def operations():
        """Those that the client has a request of."""
        return {module.name[:-len("Request")] for module in pkgutil.iter_modules(requests.__path__)}

    def call(self, operation, **parameters):
        if operation not in self.operations():
            return self.common(operation, parameters)
        module = importlib.import_module(f"aliyunsdkkms.request.v20160120.{operation}Request")
        request = getattr(module, f"{operation}Request")()
        region = parameters.pop("RegionId", REGION)
        if region != REGION:
            # The SDK adds its own region to every call; only a parameter of one's own overrides it.
            request.add_query_param("RegionId", region)
        for name, value in parameters.items():
            if isinstance(value, dict):
                value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            getattr(request, REPEAT_LISTS.get(name, f"set_{name}"))(value)
        return self._send(request)

    def common(self, operation, query=(), body=()):
        """The untyped request, which alone can put parameters into a form."""
        request = CommonRequest(domain=self.authority, version="2016-01-20", action_name=operation)
        for name, value in dict(query).items():
            request.add_query_param(name, json.dumps(value) if isinstance(value, (dict, list)) else value)
        for name, value in dict(body).items():
            request.add_body_params(name, value)
        return self._send(request)

    def _send(self, request):
        request.set_endpoint(self.authority)
        request.set_protocol_type(self.scheme)
        request.set_method(self.method)
        try:
            body = self.client.do_action_with_exception(request)
        except ServerException as refused:
            raise ApiError(
                refused.get_error_code(), refused.get_http_status(), refused.get_error_msg(),
                refused.get_request_id(), type(refused).__name__,
            ) from None
        except ClientException as failed:
            raise NotReached(str(failed)) from failed
        answer = json.loads(body)
        assert answer["RequestId"]
        return answer
