"""Which operations there are: in the API, in the program, and in a client without being in the API."""

import json

from .server import REPOSITORY

_API = REPOSITORY / "api"


def _built(catalogue, to_come):
    lines = (_API / to_come).read_text().splitlines()
    return set(json.loads((_API / catalogue).read_text())) - {line for line in lines if line and not line.startswith("#")}


CATALOGUE = json.loads((_API / "operations.json").read_text())
BUILT = _built("operations.json", "to-come.txt")
# The same of the other products.
ALSO_BUILT = {
    product: _built(f"{product}.json", f"{product}-to-come.txt") for product in ("actiontrail", "ram", "sts", "ims")
}
# What the suites drive of them. Each suite shows that it drives its own, and test_every_operation.py that nothing is left.
DRIVEN = {
    "actiontrail": {"test_audit": {"LookupEvents"}},
    "ram": {
        "test_ram_identities": {
            "CreateUser", "GetUser", "UpdateUser", "DeleteUser", "ListUsers", "CreateAccessKey", "UpdateAccessKey",
            "DeleteAccessKey", "ListAccessKeys", "GetAccessKeyLastUsed", "CreateGroup", "GetGroup", "UpdateGroup",
            "DeleteGroup", "ListGroups", "AddUserToGroup", "RemoveUserFromGroup", "ListGroupsForUser",
            "ListUsersForGroup", "CreateLoginProfile", "GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile",
            "ChangePassword", "GetPasswordPolicy", "SetPasswordPolicy", "GetSecurityPreference",
            "SetSecurityPreference",
        },
        "test_ram_policies": {
            "CreatePolicy", "GetPolicy", "ListPolicies", "DeletePolicy", "UpdatePolicyDescription", "CreatePolicyVersion",
            "GetPolicyVersion", "ListPolicyVersions", "DeletePolicyVersion", "SetDefaultPolicyVersion",
            "AttachPolicyToUser", "AttachPolicyToGroup", "AttachPolicyToRole", "DetachPolicyFromUser",
            "DetachPolicyFromGroup", "DetachPolicyFromRole", "ListPoliciesForUser", "ListPoliciesForGroup",
            "ListPoliciesForRole", "ListEntitiesForPolicy", "CreateRole", "GetRole", "ListRoles", "UpdateRole",
            "DeleteRole",
        },
        "test_authorization": {"DecodeDiagnosticMessage"},
    },
    "sts": {"test_credentials": {"AssumeRole", "AssumeRoleWithOIDC", "GetCallerIdentity"}},
    "ims": {
        "test_oidc_providers": {
            "CreateOIDCProvider", "GetOIDCProvider", "ListOIDCProviders", "UpdateOIDCProvider", "DeleteOIDCProvider",
            "AddClientIdToOIDCProvider", "RemoveClientIdFromOIDCProvider", "AddFingerprintToOIDCProvider",
            "RemoveFingerprintFromOIDCProvider",
        },
    },
}

# Operations that a call without parameters does.
WITHOUT_REQUIRED_PARAMETERS = {
    "DescribeRegions", "DescribeAccountKmsStatus", "OpenKmsService", "GetChallenge", "CreateKey", "ListKeys", "ListAliases",
    "ListSecrets", "GetRandomPassword", "ListUsers", "ListGroups", "CreateAccessKey", "ListAccessKeys",
    "GetPasswordPolicy", "SetPasswordPolicy", "GetSecurityPreference", "SetSecurityPreference",
    "ListPolicies", "ListRoles", "ListOIDCProviders",
}


def to_drive(client):
    """What a suite drives with a client: whatever is built, typed where the client has it, else through its generic
    request. An operation of the client that is neither built nor on the list of those to come fails here."""
    unknown = client.operations - set(CATALOGUE)
    assert not unknown, f"the API has no {unknown}: say in harness/operations.py why nobody drives it"
    return BUILT
