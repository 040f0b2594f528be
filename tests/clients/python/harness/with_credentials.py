"""A program that takes its credentials as `alibabacloud-credentials` finds them and uses a key with them.

Run with `python -m harness.with_credentials`, as the library reads its variables when it is imported. The first argument
is a JSON object: `endpoint` and `ca` of the server, `key`, and `provider` with its `arguments`, or none for the default
chain. It prints what provider the credentials came from, who they are, and what decryption gave.
"""

import base64
import json
import sys

from alibabacloud_credentials import provider as providers
from alibabacloud_credentials.client import Client as Credential
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions


def provider(name, arguments):
    """One of the library's providers; `base` among the arguments is another one that it builds on."""
    arguments = dict(arguments)
    if "base" in arguments:
        arguments["credentials_provider"] = provider(*arguments.pop("base"))
    return getattr(providers, f"{name}CredentialsProvider")(**arguments)


def main():
    asked = json.loads(sys.argv[1])
    credential = Credential(provider=provider(asked["provider"], asked["arguments"])) if "provider" in asked else Credential()
    client = Client(Config(
        credential=credential, endpoint=asked["endpoint"], protocol="HTTPS", ca=asked["ca"], region_id="cn-hangzhou",
    ))
    who = client.call_api(
        Params(action="GetCallerIdentity", version="2015-04-01", protocol="HTTPS", pathname="/", method="POST",
               auth_type="AK", style="RPC", req_body_type="formData", body_type="json"),
        OpenApiRequest(), RuntimeOptions(),
    )
    secret = base64.b64encode(b"as whoever I am").decode()
    blob = client.encrypt(models.EncryptRequest(key_id=asked["key"], plaintext=secret)).body.ciphertext_blob
    plaintext = client.decrypt(models.DecryptRequest(ciphertext_blob=blob)).body.plaintext
    print(json.dumps({
        "provider": credential.get_credential().provider_name,
        "arn": who["body"]["Arn"],
        "plaintext": base64.b64decode(plaintext).decode(),
    }))


if __name__ == "__main__":
    main()
