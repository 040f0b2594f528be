"""Policies, what they are attached to, and roles, through the official client of RAM."""

import json
import re

import pytest

from harness.operations import DRIVEN, WITHOUT_REQUIRED_PARAMETERS

MINE = DRIVEN["ram"]["test_ram_policies"]
DOCUMENT = '{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:Decrypt"],"Resource":["*"]}]}'
OTHER = DOCUMENT.replace("Allow", "Deny")
TRUST = json.dumps({
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}}],
})
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ADMINISTRATOR = {"PolicyName": "AdministratorAccess", "PolicyType": "System"}


@pytest.fixture
def policy(ram, fresh):
    """The parameters that name a fresh policy."""
    ram("CreatePolicy", PolicyName=fresh, PolicyDocument=DOCUMENT)
    return {"PolicyName": fresh, "PolicyType": "Custom"}


@pytest.fixture
def role(ram, fresh):
    """The parameter that names a fresh role."""
    ram("CreateRole", RoleName=fresh, AssumeRolePolicyDocument=TRUST)
    return {"RoleName": fresh}


def everything(ram, operation, outer, inner, size, **more):
    """All rows of a list, page by page."""
    rows, marker = [], None
    while True:
        page = ram(operation, MaxItems=size, **more, **({"Marker": marker} if marker else {}))
        assert len(page[outer][inner]) <= size
        rows += page[outer][inner]
        marker = page.get("Marker")
        assert page["IsTruncated"] is bool(marker)
        if not marker:
            return rows


def test_every_operation_on_policies_and_roles_works(any_ram, fresh):
    done = set()

    def ram(operation, **parameters):
        answer = any_ram(operation, **parameters)
        done.add(operation)
        return answer

    policies(ram, any_ram.refuses, fresh)
    roles(ram, any_ram.refuses, fresh)
    attachments(ram, any_ram.refuses, fresh)
    assert MINE <= done


def policies(ram, refuses, fresh):
    named = {"PolicyName": fresh}
    custom = {**named, "PolicyType": "Custom"}
    tags = [{"Key": "owner", "Value": fresh}]
    made = ram("CreatePolicy", PolicyDocument=DOCUMENT, Description="read", Tag=tags, **named)["Policy"]
    assert TIME.fullmatch(made["CreateDate"])
    assert made == {**custom, "DefaultVersion": "v1", "Description": "read", "CreateDate": made["CreateDate"]}
    changed = ram("UpdatePolicyDescription", NewDescription="reads", **named)["Policy"]
    assert (changed["Description"], changed["CreateDate"]) == ("reads", made["CreateDate"])
    version = ram("CreatePolicyVersion", PolicyDocument=OTHER, SetAsDefault=True, **named)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"], version["PolicyDocument"]) == ("v2", True, OTHER)
    shown = ram("GetPolicy", **custom)
    assert shown["DefaultPolicyVersion"] == version
    assert (shown["Policy"]["DefaultVersion"], shown["Policy"]["AttachmentCount"]) == ("v2", 0)
    (listed,) = everything(ram, "ListPolicies", "Policies", "Policy", 1, Tag=tags)
    assert listed["PolicyName"] == fresh
    assert listed["Tags"]["Tag"] == [{"TagKey": "owner", "TagValue": fresh}]
    ram("SetDefaultPolicyVersion", VersionId="v1", **named)
    versions = ram("ListPolicyVersions", **custom)["PolicyVersions"]["PolicyVersion"]
    assert [(row["VersionId"], row["IsDefaultVersion"]) for row in versions] == [("v1", True), ("v2", False)]
    assert ram("GetPolicyVersion", VersionId="v2", **custom)["PolicyVersion"]["PolicyDocument"] == OTHER
    ram("DeletePolicyVersion", VersionId="v2", **named)
    ram("CreatePolicyVersion", PolicyDocument=OTHER, **named)
    ram("DeletePolicy", CascadingDelete=True, **named)
    refuses("EntityNotExist.Policy", 404, "GetPolicy", **custom)


def roles(ram, refuses, fresh):
    named = {"RoleName": fresh}
    tags = [{"Key": "owner", "Value": fresh}]
    about = {"Description": "for an app", "MaxSessionDuration": 7200}
    made = ram("CreateRole", AssumeRolePolicyDocument=TRUST, Tag=tags, **about, **named)["Role"]
    assert re.fullmatch(r"acs:ram::\d{16}:role/" + fresh, made["Arn"]) and re.fullmatch(r"\d{18}", made["RoleId"])
    assert {name: made[name] for name in about} == about
    assert made["AssumeRolePolicyDocument"] == TRUST
    changed = ram("UpdateRole", NewDescription="for the app", NewMaxSessionDuration=3600, **named)["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("for the app", 3600)
    shown = ram("GetRole", **named)["Role"]
    assert {**changed, **shown} == shown and shown["IsServiceLinkedRole"] is False
    (listed,) = everything(ram, "ListRoles", "Roles", "Role", 1, Tag=tags)
    assert (listed["RoleId"], listed["Tags"]["Tag"]) == (made["RoleId"], [{"TagKey": "owner", "TagValue": fresh}])
    ram("AttachPolicyToRole", **ADMINISTRATOR, **named)
    (attached,) = ram("ListPoliciesForRole", **named)["Policies"]["Policy"]
    assert {**attached, **ADMINISTRATOR} == attached and TIME.fullmatch(attached["AttachDate"])
    refuses("DeleteConflict.Role.Policy", 409, "DeleteRole", **named)
    ram("DetachPolicyFromRole", **ADMINISTRATOR, **named)
    ram("DeleteRole", **named)
    refuses("EntityNotExist.Role", 404, "GetRole", **named)


def attachments(ram, refuses, fresh):
    custom = {"PolicyName": fresh, "PolicyType": "Custom"}
    ram("CreatePolicy", PolicyName=fresh, PolicyDocument=DOCUMENT)
    ram("CreateUser", UserName=fresh, DisplayName="Alice")
    ram("CreateGroup", GroupName=fresh, Comments="all of them")
    ram("CreateRole", RoleName=fresh, AssumeRolePolicyDocument=TRUST)
    for kind in ("User", "Group", "Role"):
        holder = {f"{kind}Name": fresh}
        ram(f"AttachPolicyTo{kind}", **custom, **holder)
        refuses(f"EntityAlreadyExists.{kind}.Policy", 409, f"AttachPolicyTo{kind}", **custom, **holder)
        (attached,) = ram(f"ListPoliciesFor{kind}", **holder)["Policies"]["Policy"]
        assert (attached["PolicyName"], attached["DefaultVersion"]) == (fresh, "v1")
        refuses(f"DeleteConflict.{kind}.Policy", 409, f"Delete{kind}", **holder)
    entities = ram("ListEntitiesForPolicy", **custom)
    (user,), (group,), (role,) = entities["Users"]["User"], entities["Groups"]["Group"], entities["Roles"]["Role"]
    assert (user["UserName"], user["DisplayName"]) == (fresh, "Alice")
    assert (group["GroupName"], group["Comments"]) == (fresh, "all of them")
    assert (role["RoleName"], role["Arn"]) == (fresh, ram("GetRole", RoleName=fresh)["Role"]["Arn"])
    assert all(TIME.fullmatch(row["AttachDate"]) for row in (user, group, role))
    assert ram("GetPolicy", **custom)["Policy"]["AttachmentCount"] == 3
    for kind in ("User", "Group", "Role"):
        holder = {f"{kind}Name": fresh}
        ram(f"DetachPolicyFrom{kind}", **custom, **holder)
        refuses(f"EntityNotExist.{kind}.Policy", 404, f"DetachPolicyFrom{kind}", **custom, **holder)
        ram(f"Delete{kind}", **holder)
    ram("DeletePolicy", PolicyName=fresh)


def test_every_operation_says_what_it_misses(any_ram):
    for operation in sorted(MINE - WITHOUT_REQUIRED_PARAMETERS):
        any_ram.refuses("MissingParameter", 400, operation)


def test_policies_of_the_service_are_listed_and_shown(ram):
    listed = everything(ram, "ListPolicies", "Policies", "Policy", 3, PolicyType="System")
    assert {"AdministratorAccess", "AliyunKMSFullAccess"} <= {row["PolicyName"] for row in listed}
    assert {row["PolicyType"] for row in listed} == {"System"}
    shown = ram("GetPolicy", **ADMINISTRATOR)
    document = json.loads(shown["DefaultPolicyVersion"]["PolicyDocument"])
    assert document["Statement"][0]["Effect"] == "Allow"
    ram.refuses("EntityNotExist.Policy", 404, "DeletePolicy", PolicyName="AdministratorAccess")


def test_pages_of_policies_of_both_kinds_follow_each_other(ram, policy):
    rows = everything(ram, "ListPolicies", "Policies", "Policy", 1000)
    assert rows == everything(ram, "ListPolicies", "Policies", "Policy", 2)
    assert policy["PolicyName"] in {row["PolicyName"] for row in rows}


def test_policies_are_refused_as_the_original_does(ram, policy, fresh):
    named = {"PolicyName": fresh}
    ram.refuses("EntityAlreadyExists.Policy", 409, "CreatePolicy", PolicyDocument=DOCUMENT, **named)
    ram.refuses("InvalidParameter.PolicyName.InvalidChars", 400, "CreatePolicy", PolicyName="a.b", PolicyDocument=DOCUMENT)
    ram.refuses("InvalidParameter.PolicyName.Length", 400, "CreatePolicy", PolicyName="x" * 129, PolicyDocument=DOCUMENT)
    ram.refuses("InvalidParameter.PolicyType", 400, "GetPolicy", PolicyType="Own", **named)
    ram.refuses("InvalidParameter.VersionId.Format", 400, "DeletePolicyVersion", VersionId="1", **named)
    wrong = DOCUMENT.replace("Allow", "allow")
    message = ram.refuses("MalformedPolicyDocument", 400, "CreatePolicy", PolicyName="x", PolicyDocument=wrong)
    assert "Statement[0].Effect" in message
    ram.refuses("DeleteConflict.Policy.Version.Default", 409, "DeletePolicyVersion", VersionId="v1", **named)
    ram.refuses("EntityNotExist.Policy.Version", 404, "SetDefaultPolicyVersion", VersionId="v2", **named)
    for _ in range(4):
        ram("CreatePolicyVersion", PolicyDocument=OTHER, **named)
    ram.refuses("DeleteConflict.Policy.Version", 409, "DeletePolicy", **named)
    ram.refuses("LimitExceeded.Policy.Version", 409, "CreatePolicyVersion", PolicyDocument=OTHER, **named)
    rotated = ram(
        "CreatePolicyVersion", PolicyDocument=OTHER, RotateStrategy="DeleteOldestNonDefaultVersionWhenLimitExceeded", **named
    )
    assert rotated["PolicyVersion"]["VersionId"] == "v6"


def test_roles_are_refused_as_the_original_does(ram, role, fresh):
    ram.refuses("EntityAlreadyExists.Role", 409, "CreateRole", AssumeRolePolicyDocument=TRUST, **role)
    ram.refuses("InvalidParameter.RoleName.InvalidChars", 400, "CreateRole", RoleName="a_b", AssumeRolePolicyDocument=TRUST)
    ram.refuses("MalformedPolicyDocument", 400, "UpdateRole", NewAssumeRolePolicyDocument=DOCUMENT, **role)
    ram.refuses("EntityNotExist.Role", 404, "AttachPolicyToRole", RoleName=f"{fresh}.none", **ADMINISTRATOR)
    ram.refuses("EntityNotExist.User", 404, "AttachPolicyToUser", UserName=f"{fresh}.none", **ADMINISTRATOR)
    ram.refuses("EntityNotExist.Group", 404, "ListPoliciesForGroup", GroupName=f"{fresh}.none")
    for number in range(6):
        ram("CreatePolicy", PolicyName=f"{fresh}-{number}", PolicyDocument=DOCUMENT)
    for number in range(5):
        ram("AttachPolicyToRole", PolicyName=f"{fresh}-{number}", PolicyType="Custom", **role)
    ram.refuses(
        "LimitExceeded.Role.Policy", 409, "AttachPolicyToRole", PolicyName=f"{fresh}-5", PolicyType="Custom", **role
    )
