"""Users, their access keys and logins, and groups, through the official client of RAM."""

import re
import secrets

import pytest

from harness import kms as kms_clients
from harness import ram as ram_clients
from harness.operations import DRIVEN, WITHOUT_REQUIRED_PARAMETERS
from harness.server import Server

MINE = DRIVEN["ram"]["test_ram_identities"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def user(ram, fresh):
    """The parameter that names a fresh user."""
    ram("CreateUser", UserName=fresh)
    return {"UserName": fresh}


@pytest.fixture
def group(ram, fresh):
    """The parameter that names a fresh group."""
    ram("CreateGroup", GroupName=fresh)
    return {"GroupName": fresh}


def signed_by(server, key, scheme="http"):
    """The clients of RAM and KMS that sign with this access key."""
    pair = {"access_key_id": key["AccessKeyId"], "access_key_secret": key["AccessKeySecret"]}
    kind, options = kms_clients.CLIENTS["py-new"]
    kms = kms_clients.Kms(kind(server, scheme, **options, **pair), "py-new")
    return ram_clients.client(server, f"py-ram/{scheme}", **pair), kms


def test_every_operation_on_identities_works(any_ram, server, fresh):
    done = set()

    def ram(operation, **parameters):
        answer = any_ram(operation, **parameters)
        done.add(operation)
        return answer

    users_and_keys(ram, server, fresh)
    groups(ram, fresh)
    logins(ram, server, fresh)
    assert MINE - done == {"ChangePassword", "DeleteUser"}
    change_password(any_ram, server, fresh)
    done.add("ChangePassword")
    ram("DeleteUser", UserName=fresh)
    any_ram.refuses("EntityNotExist.User", 404, "GetUser", UserName=fresh)
    assert done == MINE


def users_and_keys(ram, server, fresh):
    about = {
        "DisplayName": "张三", "MobilePhone": "86-18600008888", "Email": "a@b.example", "Comments": "a cloud engineer",
    }
    made = ram("CreateUser", UserName=f"{fresh}.x", **about)["User"]
    assert re.fullmatch(r"\d{18}", made["UserId"]) and TIME.fullmatch(made["CreateDate"])
    assert {name: made[name] for name in about} == about
    changed = ram("UpdateUser", UserName=f"{fresh}.x", NewUserName=fresh, NewComments="left")["User"]
    assert (changed["UserId"], changed["UserName"], changed["Comments"]) == (made["UserId"], fresh, "left")
    found = ram("GetUser", UserName=fresh)["User"]
    assert found == {**changed, "LastLoginDate": ""}
    assert changed in everything(ram, "ListUsers", "Users", "User")

    key = ram("CreateAccessKey", UserName=fresh)["AccessKey"]
    assert key["AccessKeyId"].startswith("LTAI") and len(key["AccessKeySecret"]) == 30
    listed = ram("ListAccessKeys", UserName=fresh)["AccessKeys"]["AccessKey"]
    assert listed == [{name: key[name] for name in ("AccessKeyId", "Status", "CreateDate")}]
    named = {"UserName": fresh, "UserAccessKeyId": key["AccessKeyId"]}
    assert ram("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"] == {"LastUsedDate": ""}
    _, kms = signed_by(server, key)
    kms("DescribeRegions")
    assert TIME.fullmatch(ram("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"]["LastUsedDate"])
    ram("UpdateAccessKey", Status="Inactive", **named)
    kms.refuses("InvalidAccessKeyId.Inactive", 400, "DescribeRegions")
    ram("DeleteAccessKey", **named)
    kms.refuses("InvalidAccessKeyId.NotFound", 404, "DescribeRegions")


def groups(ram, fresh):
    made = ram("CreateGroup", GroupName=f"{fresh}.x", Comments="for tests")["Group"]
    assert re.fullmatch("g-[0-9A-Za-z]{16}", made["GroupId"]) and TIME.fullmatch(made["CreateDate"])
    changed = ram("UpdateGroup", GroupName=f"{fresh}.x", NewGroupName=fresh, NewComments="x")["Group"]
    assert ram("GetGroup", GroupName=fresh)["Group"] == changed
    assert changed in everything(ram, "ListGroups", "Groups", "Group")
    member = {"UserName": fresh, "GroupName": fresh}
    ram("AddUserToGroup", **member)
    (joined,) = ram("ListGroupsForUser", UserName=fresh)["Groups"]["Group"]
    assert (joined["GroupName"], joined["Comments"]) == (fresh, "x") and TIME.fullmatch(joined["JoinDate"])
    (inside,) = ram("ListUsersForGroup", GroupName=fresh)["Users"]["User"]
    assert inside == {"UserName": fresh, "DisplayName": "张三", "JoinDate": joined["JoinDate"]}
    ram("RemoveUserFromGroup", **member)
    assert ram("ListUsersForGroup", GroupName=fresh)["Users"]["User"] == []
    ram("DeleteGroup", GroupName=fresh)


def logins(ram, server, fresh):
    policy = ram("GetPasswordPolicy")["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 8 and policy["MaxLoginAttemps"] == 0
    assert ram("SetPasswordPolicy", **policy)["PasswordPolicy"] == policy
    preference = ram("GetSecurityPreference")["SecurityPreference"]
    assert preference["LoginProfilePreference"]["AllowUserToChangePassword"] is True
    again = {name: value for part in preference.values() for name, value in part.items() if value != ""}
    assert ram("SetSecurityPreference", **again)["SecurityPreference"] == preference

    password = secrets.token_urlsafe(12)
    made = ram("CreateLoginProfile", UserName=fresh, Password=password, PasswordResetRequired=True)["LoginProfile"]
    assert (made["PasswordResetRequired"], made["MFABindRequired"]) == (True, False)
    assert ram("GetLoginProfile", UserName=fresh)["LoginProfile"] == made
    ram("UpdateLoginProfile", UserName=fresh, PasswordResetRequired=False, MFABindRequired=True)
    changed = ram("GetLoginProfile", UserName=fresh)["LoginProfile"]
    assert (changed["PasswordResetRequired"], changed["MFABindRequired"]) == (False, True)
    ram("DeleteLoginProfile", UserName=fresh)
    assert password not in server.log()


def change_password(ram, server, fresh):
    """The caller is the user, who needs the permission."""
    old, new = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    policy = {"PolicyType": "System", "PolicyName": "AliyunRAMFullAccess", "UserName": fresh}
    ram("AttachPolicyToUser", **policy)
    ram("CreateLoginProfile", UserName=fresh, Password=old, PasswordResetRequired=True)
    key = ram("CreateAccessKey", UserName=fresh)["AccessKey"]
    own, _ = signed_by(server, key)
    own.refuses("InvalidParameter.OldPassword", 400, "ChangePassword", OldPassword=new, NewPassword=new)
    own("ChangePassword", OldPassword=old, NewPassword=new)
    assert ram("GetLoginProfile", UserName=fresh)["LoginProfile"]["PasswordResetRequired"] is False
    own.refuses("InvalidParameter.OldPassword", 400, "ChangePassword", OldPassword=old, NewPassword=new)
    ram("DeleteAccessKey", UserName=fresh, UserAccessKeyId=key["AccessKeyId"])
    ram("DeleteLoginProfile", UserName=fresh)
    ram("DetachPolicyFromUser", **policy)
    assert old not in server.log() and new not in server.log()


def everything(ram, operation, outer, inner, size=2):
    """All rows of a list, page by page."""
    rows, marker = [], None
    while True:
        page = ram(operation, MaxItems=size, **({"Marker": marker} if marker else {}))
        assert len(page[outer][inner]) <= size
        rows += page[outer][inner]
        marker = page.get("Marker")
        assert page["IsTruncated"] is bool(marker)
        if not marker:
            return rows


def test_every_operation_says_what_it_misses(any_ram):
    for operation in sorted(MINE - WITHOUT_REQUIRED_PARAMETERS):
        any_ram.refuses("MissingParameter", 400, operation)


def test_users_are_refused_as_the_original_does(ram, user, fresh):
    ram.refuses("EntityAlreadyExists.User", 409, "CreateUser", **user)
    ram.refuses("InvalidParameter.UserName.InvalidChars", 400, "CreateUser", UserName="a b")
    ram.refuses("InvalidParameter.UserName.Length", 400, "CreateUser", UserName="x" * 65)
    ram.refuses("InvalidParameter.DisplayName.Length", 400, "CreateUser", UserName="x", DisplayName="x" * 129)
    ram.refuses("InvalidParameter.NewEmail.Format", 400, "UpdateUser", NewEmail="none", **user)
    ram.refuses("InvalidParameter.MaxItems.Range", 400, "ListUsers", MaxItems=1001)
    for operation in ("GetUser", "UpdateUser", "DeleteUser", "CreateAccessKey", "ListGroupsForUser", "GetLoginProfile"):
        ram.refuses("EntityNotExist.User", 404, operation, UserName=f"{fresh}.none")


def test_access_keys_are_refused_as_the_original_does(ram, user):
    first = ram("CreateAccessKey", **user)["AccessKey"]["AccessKeyId"]
    ram("CreateAccessKey", **user)
    ram.refuses("LimitExceeded.User.AccessKey", 409, "CreateAccessKey", **user)
    ram.refuses("DeleteConflict.User.AccessKey", 409, "DeleteUser", **user)
    ram("DeleteAccessKey", UserAccessKeyId=first, **user)
    for operation in ("DeleteAccessKey", "GetAccessKeyLastUsed"):
        ram.refuses("EntityNotExist.User.AccessKey", 404, operation, UserAccessKeyId=first, **user)
    ram.refuses("EntityNotExist.User.AccessKey", 404, "UpdateAccessKey", UserAccessKeyId=first, Status="Active", **user)
    ram.refuses("InvalidParameter.Status", 400, "UpdateAccessKey", UserAccessKeyId=first, Status="On", **user)


def test_groups_are_refused_as_the_original_does(ram, user, group, fresh):
    member, nobody, nothing = {**user, **group}, {"UserName": f"{fresh}.none"}, {"GroupName": f"{fresh}.none"}
    ram.refuses("EntityAlreadyExists.Group", 409, "CreateGroup", **group)
    ram.refuses("InvalidParameter.GroupName.InvalidChars", 400, "CreateGroup", GroupName="a_b")
    ram.refuses("InvalidParameter.NewGroupName.Length", 400, "UpdateGroup", NewGroupName="x" * 65, **group)
    ram.refuses("InvalidParameter.Comments.Length", 400, "CreateGroup", GroupName="x", Comments="x" * 129)
    for operation in ("GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersForGroup"):
        ram.refuses("EntityNotExist.Group", 404, operation, **nothing)
    ram.refuses("EntityNotExist.User.Group", 404, "RemoveUserFromGroup", **member)
    ram.refuses("EntityNotExist.User", 404, "AddUserToGroup", **nobody, **group)
    ram.refuses("EntityNotExist.Group", 404, "AddUserToGroup", **user, **nothing)
    ram("AddUserToGroup", **member)
    ram.refuses("EntityAlreadyExists.User.Group", 409, "AddUserToGroup", **member)
    ram.refuses("DeleteConflict.User.Group", 409, "DeleteUser", **user)
    ram.refuses("DeleteConflict.Group.User", 409, "DeleteGroup", **group)
    for number in range(5):
        ram("CreateGroup", GroupName=f"{fresh}.{number}")
    for number in range(4):
        ram("AddUserToGroup", GroupName=f"{fresh}.{number}", **user)
    ram.refuses("LimitExceeded.User.Group", 409, "AddUserToGroup", GroupName=f"{fresh}.4", **user)


def test_logins_are_refused_as_the_original_does(ram, user):
    for operation in ("GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"):
        ram.refuses("EntityNotExist.User.LoginProfile", 404, operation, **user)
    message = ram.refuses("InvalidParameter.Password.TooWeak", 400, "CreateLoginProfile", Password="1234567", **user)
    assert "8 characters" in message
    ram("CreateLoginProfile", Password="correct horse", **user)
    ram.refuses("EntityAlreadyExists.User.LoginProfile", 409, "CreateLoginProfile", Password="correct horse", **user)
    ram.refuses("DeleteConflict.User.LoginProfile", 409, "DeleteUser", **user)
    ram.refuses("InvalidParameter.MinimumPasswordLength.Range", 400, "SetPasswordPolicy", MinimumPasswordLength=7)
    ram.refuses("InvalidParameter.LoginNetworkMasks.Format", 400, "SetSecurityPreference", LoginNetworkMasks="here")
    ram.refuses("NoPermission", 403, "ChangePassword", OldPassword="correct horse", NewPassword="another horse")


def test_the_account_replaces_its_own_access_key(own_server):
    """The first access key need not be the last: whoever has it makes another one and removes it."""
    first = own_server.access_key_id
    ram = ram_clients.client(own_server, "py-ram/http")
    key = ram("CreateAccessKey")["AccessKey"]
    replaced, kms = signed_by(own_server, key)
    assert [row["AccessKeyId"] for row in replaced("ListAccessKeys")["AccessKeys"]["AccessKey"]] == [
        first, key["AccessKeyId"],
    ]
    replaced("DeleteAccessKey", UserAccessKeyId=first)
    ram.refuses("InvalidAccessKeyId.NotFound", 404, "ListUsers")
    kms("CreateKey")
    own_server.kill()
    own_server.start()
    _, kms = signed_by(own_server, key)
    assert kms("ListKeys")["TotalCount"] == 1


def test_a_first_access_key_that_was_removed_stays_removed():
    """Also where the configuration fixes it: the next start goes on without it."""
    fixed = {"SESAME_ROOT_ACCESS_KEY_ID": "LTAI5tfixedByTheTest0001", "SESAME_ROOT_ACCESS_KEY_SECRET": "s" * 30}
    with Server(**fixed) as server:
        first = ram_clients.client(server, "py-ram/http")
        key = first("CreateAccessKey")["AccessKey"]
        first("DeleteAccessKey", UserAccessKeyId=fixed["SESAME_ROOT_ACCESS_KEY_ID"])
        server.stop()
        server.start()
        again = ram_clients.client(server, "py-ram/http")  # the port is another one
        again.refuses("InvalidAccessKeyId.NotFound", 404, "ListUsers")
        assert signed_by(server, key)[0]("ListUsers")["Users"]["User"] == []
