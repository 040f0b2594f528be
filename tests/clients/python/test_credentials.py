"""Every provider of `alibabacloud-credentials` that needs a server finds in this one what it needs, and the KMS client
works with what it finds."""

import json
import os
import secrets
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from harness.issuer import Issuer
from harness.kms import client
from harness.identities import STS, Ram
from harness.server import Server
from harness.signing import Signed

HANDLE = secrets.token_urlsafe(32)
CONFIGURATION = f"""
[sts.credentials."build"]
handle = "{HANDLE}"
role = "machine"
"""


class World:
    """A server whose account has a user and roles, and an issuer that it trusts."""

    def __init__(self, server, issuer, ram):
        self.server, self.issuer, self.ram = server, issuer, ram
        self.key = client(server, "py-new/https").key()
        self.user = ram.user("alice", "AliyunSTSAssumeRoleAccess", "AliyunKMSCryptoUserAccess")
        account = {"RAM": [ram.arn("root")]}
        self.role = ram.role("app", account, "AliyunKMSCryptoUserAccess", "AliyunSTSAssumeRoleAccess")
        self.next_role = ram.role("next", account, "AliyunKMSCryptoUserAccess")
        self.provider = ram.oidc_provider("k8s", issuer)
        self.pod_role = ram.role("pod", {"Federated": [self.provider]}, "AliyunKMSCryptoUserAccess")
        ram.role("machine", {"Service": ["ecs.aliyuncs.com"]}, "AliyunKMSCryptoUserAccess")

    @property
    def sts(self):
        return self.server.authority("https")

    def assume(self, **parameters):
        """AssumeRole as the user, signed by hand."""
        signed = Signed(self.server, "https", *self.user)
        parameters = {"RoleArn": self.role, "RoleSessionName": "by-hand", **parameters}
        return signed.v1("AssumeRole", parameters, Version=STS)

    def session(self):
        """The arguments of credentials of a session, as a provider takes them."""
        found = self.assume().json["Credentials"]
        return {
            "access_key_id": found["AccessKeyId"], "access_key_secret": found["AccessKeySecret"],
            "security_token": found["SecurityToken"],
        }

    def use(self, home, provider=None, arguments=None, **variables):
        """What a program with these credentials does and sees; without a provider, by the default chain."""
        asked = {"endpoint": self.sts, "ca": self.server.ca, "key": self.key}
        if provider:
            asked.update(provider=provider, arguments=arguments or {})
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ALIBABA_CLOUD_")}
        # The library has no option for a CA, but trusts whom OpenSSL trusts.
        environment.update(HOME=str(home), SSL_CERT_FILE=self.server.ca, ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")
        environment.update(variables)
        ran = subprocess.run(
            [sys.executable, "-m", "harness.with_credentials", json.dumps(asked)],
            cwd=Path(__file__).parent, env=environment, capture_output=True, text=True,
        )
        assert ran.returncode == 0, ran.stderr
        answer = json.loads(ran.stdout)
        assert answer.pop("plaintext") == "as whoever I am"
        return answer


@pytest.fixture(scope="module")
def world():
    with Issuer() as issuer:
        with Server() as server:
            server.stop()
            (server.data / "sesame.toml").write_text(CONFIGURATION)
            (server.data / "sesame.toml").chmod(0o600)
            server.start()
            yield World(server, issuer, Ram(server))


@pytest.fixture
def token_file(world, tmp_path):
    path = tmp_path / "token"
    path.write_text(world.issuer.token("system:serviceaccount:prod:app"))
    return str(path)


# Providers, one by one --------------------------------------------------------------------------


def test_an_access_key(world, tmp_path):
    key_id, secret = world.user
    answer = world.use(tmp_path, "StaticAK", {"access_key_id": key_id, "access_key_secret": secret})
    assert answer == {"provider": "static_ak", "arn": world.ram.arn("user/alice")}


def test_credentials_of_a_session(world, tmp_path):
    answer = world.use(tmp_path, "StaticSTS", world.session())
    assert answer == {"provider": "static_sts", "arn": world.ram.arn("role/app/by-hand")}


def test_a_role_that_a_user_assumes(world, tmp_path):
    key_id, secret = world.user
    base = ["StaticAK", {"access_key_id": key_id, "access_key_secret": secret}]
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}'
    answer = world.use(tmp_path, "RamRoleArn", {
        "base": base, "role_arn": world.role, "role_session_name": "job-1", "sts_endpoint": world.sts, "policy": policy,
        "duration_seconds": 900, "external_id": "partner",
    })
    assert answer["arn"] == world.ram.arn("role/app/job-1")


def test_a_role_that_a_role_assumes(world, tmp_path):
    answer = world.use(tmp_path, "RamRoleArn", {
        "base": ["StaticSTS", world.session()], "role_arn": world.next_role, "role_session_name": "job-2",
        "sts_endpoint": world.sts,
    })
    assert answer["arn"] == world.ram.arn("role/next/job-2")


def test_a_role_for_the_token_of_an_issuer(world, tmp_path, token_file):
    answer = world.use(tmp_path, "OIDCRoleArn", {
        "role_arn": world.pod_role, "oidc_provider_arn": world.provider, "oidc_token_file_path": token_file,
        "role_session_name": "pod-1", "sts_endpoint": world.sts,
    })
    assert answer == {"provider": "oidc_role_arn", "arn": world.ram.arn("role/pod/pod-1")}


def test_credentials_by_url(world, tmp_path):
    answer = world.use(tmp_path, "URL", {"uri": f"{world.server.http}/credentials/{HANDLE}"})
    assert answer == {"provider": "credential_uri", "arn": world.ram.arn("role/machine/build")}


# The default chain ------------------------------------------------------------------------------


def test_variables_with_an_access_key(world, tmp_path):
    key_id, secret = world.user
    answer = world.use(tmp_path, ALIBABA_CLOUD_ACCESS_KEY_ID=key_id, ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret)
    assert answer == {"provider": "default/env", "arn": world.ram.arn("user/alice")}


def test_variables_with_a_session(world, tmp_path):
    session = world.session()
    answer = world.use(
        tmp_path, ALIBABA_CLOUD_ACCESS_KEY_ID=session["access_key_id"],
        ALIBABA_CLOUD_ACCESS_KEY_SECRET=session["access_key_secret"],
        ALIBABA_CLOUD_SECURITY_TOKEN=session["security_token"],
    )
    assert answer == {"provider": "default/env", "arn": world.ram.arn("role/app/by-hand")}


def test_variable_with_a_url(world, tmp_path):
    answer = world.use(tmp_path, ALIBABA_CLOUD_CREDENTIALS_URI=f"{world.server.https}/credentials/{HANDLE}")
    assert answer == {"provider": "default/credential_uri", "arn": world.ram.arn("role/machine/build")}


def test_a_profile_in_the_file_of_the_sdk(world, tmp_path):
    key_id, secret = world.user
    path = tmp_path / "credentials.ini"
    path.write_text(f"[mine]\ntype = access_key\naccess_key_id = {key_id}\naccess_key_secret = {secret}\n")
    answer = world.use(tmp_path, ALIBABA_CLOUD_CREDENTIALS_FILE=str(path), ALIBABA_CLOUD_PROFILE="mine")
    assert answer == {"provider": "default/profile/static_ak", "arn": world.ram.arn("user/alice")}


@pytest.mark.parametrize("mode", ["AK", "StsToken"])
def test_a_profile_of_the_command_line_tool(world, tmp_path, mode):
    key_id, secret = world.user
    session = world.session()
    profile = {
        "AK": {"access_key_id": key_id, "access_key_secret": secret},
        "StsToken": {
            "access_key_id": session["access_key_id"], "access_key_secret": session["access_key_secret"],
            "sts_token": session["security_token"],
        },
    }[mode]
    (tmp_path / ".aliyun").mkdir()
    profiles = [{"name": "mine", "mode": mode, "region_id": "cn-hangzhou", **profile}]
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "mine", "profiles": profiles}))
    answer = world.use(tmp_path)
    expected = {"AK": "user/alice", "StsToken": "role/app/by-hand"}[mode]
    assert answer["arn"] == world.ram.arn(expected)


# What must not work -----------------------------------------------------------------------------


def test_whom_the_role_does_not_trust(world, tmp_path):
    refused = world.assume(RoleArn=world.pod_role)
    assert (refused.status, refused.code) == (403, "NoPermission")
    root = Signed(world.server, "https").v1(
        "AssumeRole", {"RoleArn": world.role, "RoleSessionName": "me"}, Version=STS
    )
    assert (root.status, root.code) == (403, "NoPermission")


def test_a_session_policy_narrows(world):
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}'
    found = world.assume(Policy=policy).json["Credentials"]
    signed = Signed(world.server, "https", found["AccessKeyId"], found["AccessKeySecret"])
    token = {"SecurityToken": found["SecurityToken"]}
    encrypted = signed.v1("Encrypt", {"KeyId": world.key, "Plaintext": "aGk="}, **token)
    assert encrypted.status == 200, encrypted
    refused = signed.v1("Decrypt", {"CiphertextBlob": encrypted.json["CiphertextBlob"]}, **token)
    assert (refused.status, refused.code) == (403, "Forbidden.NoPermission")


def test_a_token_of_somebody_else(world):
    def exchange(token):
        parameters = {
            "OIDCProviderArn": world.provider, "OIDCToken": token, "RoleArn": world.pod_role, "RoleSessionName": "pod",
            "Action": "AssumeRoleWithOIDC", "Version": STS, "Format": "JSON",
        }
        return Signed(world.server, "https").send("GET", f"/?{urllib.parse.urlencode(parameters)}")

    assert exchange(world.issuer.token("me")).status == 200
    for token, code in [
        (world.issuer.token("me", audience="other"), "AuthenticationFail.OIDCToken.Invalid"),
        (world.issuer.token("me", iss="https://localhost"), "AuthenticationFail.OIDCToken.Invalid"),
        (world.issuer.token("me", exp=1_000_000_000), "AuthenticationFail.OIDCToken.Expired"),
        (world.issuer.token("me")[:-4] + "AAAA", "AuthenticationFail.OIDCToken.Invalid"),
    ]:
        assert exchange(token).code == code


def test_a_url_that_is_not_known(world):
    reply = Signed(world.server).send("GET", f"/credentials/{HANDLE[:-1]}")
    assert (reply.status, reply.code) == (404, "InvalidAccessKeyId.NotFound")
    forwarded = Signed(world.server).send("GET", f"/credentials/{HANDLE}", {"X-Forwarded-For": "192.0.2.1"})
    assert forwarded.status == 404
