"""Users, roles and identity providers, made with signed requests as their account."""

import json

from .signing import Signed

RAM, STS, IMS = "2015-05-01", "2015-04-01", "2019-08-15"


class Ram:
    """The identities of the account of a server."""

    def __init__(self, server):
        self._signed = Signed(server)
        self.account = self("GetCallerIdentity", STS)["AccountId"]

    def __call__(self, operation, version=RAM, **parameters):
        reply = self._signed.v1(operation, parameters, Version=version)
        assert reply.status == 200, reply
        return reply.json

    def arn(self, name):
        return f"acs:ram::{self.account}:{name}"

    def user(self, name, *policies):
        """A new user with these system policies, and an access key of it."""
        self("CreateUser", UserName=name)
        for policy in policies:
            self("AttachPolicyToUser", PolicyType="System", PolicyName=policy, UserName=name)
        key = self("CreateAccessKey", UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["AccessKeySecret"]

    def role(self, name, principal, *policies):
        """A new role that trusts this principal, with these system policies; gives its ARN."""
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        trust = json.dumps({"Version": "1", "Statement": [statement]})
        self("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
        for policy in policies:
            self("AttachPolicyToRole", PolicyType="System", PolicyName=policy, RoleName=name)
        return self.arn(f"role/{name}")

    def oidc_provider(self, name, issuer, client_ids="sts.test"):
        """A new provider for an issuer; gives its ARN."""
        self(
            "CreateOIDCProvider", IMS, OIDCProviderName=name, IssuerUrl=issuer.url, ClientIds=client_ids,
            Fingerprints=issuer.fingerprint,
        )
        return self.arn(f"oidc-provider/{name}")
