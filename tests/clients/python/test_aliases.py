"""Aliases: names for keys, unique in the account, that move and go."""

import json

import pytest

from harness.kms import NO_SUCH_KEY


def names(kms, key):
    return {row["AliasName"] for row in kms("ListAliasesByKeyId", KeyId=key, PageSize=100)["Aliases"]["Alias"]}


def test_a_key_may_have_many_aliases(kms, fresh):
    key = kms.key()
    assert kms("ListAliasesByKeyId", KeyId=key)["Aliases"]["Alias"] == []
    wanted = {f"alias/{fresh}", f"alias/{fresh}/sub_name-1"}
    for name in wanted:
        kms("CreateAlias", AliasName=name, KeyId=key)
    assert names(kms, key) == wanted
    assert names(kms, kms.describe(key)["Arn"]) == wanted


def test_a_listed_alias_names_its_arn_and_key(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    answer = kms("ListAliasesByKeyId", KeyId=key)
    arn = kms.describe(key)["Arn"].replace(f"key/{key}", f"alias/{fresh}")
    assert answer["Aliases"]["Alias"] == [{"AliasName": f"alias/{fresh}", "AliasArn": arn, "KeyId": key}]
    assert (answer["PageNumber"], answer["PageSize"], answer["TotalCount"]) == (1, 10, 1)


def test_aliases_are_listed_page_by_page(kms, fresh):
    key = kms.key()
    wanted = {f"alias/{fresh}-{n}" for n in range(3)}
    for name in wanted:
        kms("CreateAlias", AliasName=name, KeyId=key)
    pages = [kms("ListAliasesByKeyId", KeyId=key, PageNumber=n, PageSize=2) for n in (1, 2, 3)]
    assert [len(page["Aliases"]["Alias"]) for page in pages] == [2, 1, 0]
    assert {page["TotalCount"] for page in pages} == {3}
    assert {row["AliasName"] for page in pages for row in page["Aliases"]["Alias"]} == wanted

    everything, number = set(), 1
    while True:
        page = kms("ListAliases", PageNumber=number, PageSize=100)
        if not page["Aliases"]["Alias"]:
            break
        everything |= {row["AliasName"] for row in page["Aliases"]["Alias"]}
        number += 1
    assert wanted <= everything
    assert len(everything) == page["TotalCount"]


def test_an_alias_is_unique(kms, fresh):
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=kms.key())
    kms.refuses("AliasAlreadyExists", 400, "CreateAlias", AliasName=f"alias/{fresh}", KeyId=kms.key())


@pytest.mark.parametrize("name", [
    "no-prefix", "alias/", "alias/a b", "alias/a.b", "alias/密钥", "alias/acs/ecs", "alias/acs", "Alias/a",
    "alias/" + "x" * 256,
], ids=lambda name: ascii(name[:20]))
def test_a_name_that_is_no_alias_is_refused(kms, name):
    kms.refuses("InvalidParameter", 400, "CreateAlias", AliasName=name, KeyId=kms.key())


def test_an_alias_may_be_255_long(kms, fresh):
    key = kms.key()
    name = "alias/" + (fresh * 20)[:255]
    kms("CreateAlias", AliasName=name, KeyId=key)
    assert names(kms, key) == {name}


def test_an_alias_moves_to_another_key(kms, fresh):
    old, new = kms.key(), kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=old)
    blob = kms.encrypt(f"alias/{fresh}", "aGk=")
    kms("UpdateAlias", AliasName=f"alias/{fresh}", KeyId=new)
    kms("UpdateAlias", AliasName=f"alias/{fresh}", KeyId=new)  # the same again is no mistake
    assert kms.describe(f"alias/{fresh}")["KeyId"] == new
    assert kms("Encrypt", KeyId=f"alias/{fresh}", Plaintext="aGk=")["KeyId"] == new
    assert kms("Decrypt", CiphertextBlob=blob)["KeyId"] == old
    assert names(kms, old) == set()


def test_only_what_is_there_can_be_moved(kms, fresh):
    key = kms.key()
    kms.refuses("Forbidden.AliasNotFound", 404, "UpdateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms.refuses("Forbidden.KeyNotFound", 404, "UpdateAlias", AliasName=f"alias/{fresh}", KeyId=NO_SUCH_KEY)


def test_a_deleted_alias_is_gone_and_its_key_stays(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms("DeleteAlias", AliasName=f"alias/{fresh}")
    kms.refuses("Forbidden.AliasNotFound", 404, "DeleteAlias", AliasName=f"alias/{fresh}")
    kms.refuses("Forbidden.AliasNotFound", 404, "DescribeKey", KeyId=f"alias/{fresh}")
    assert kms.state(key) == "Enabled"
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=kms.key())


def test_an_alias_of_a_key_that_waits_for_deletion_can_be_deleted(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    kms("DeleteAlias", AliasName=f"alias/{fresh}")


@pytest.mark.parametrize("operation, missing, parameters", [
    ("CreateAlias", "AliasName", {"KeyId": NO_SUCH_KEY}),
    ("CreateAlias", "KeyId", {"AliasName": "alias/x"}),
    ("UpdateAlias", "AliasName", {"KeyId": NO_SUCH_KEY}),
    ("UpdateAlias", "KeyId", {"AliasName": "alias/x"}),
    ("DeleteAlias", "AliasName", {}),
    ("ListAliasesByKeyId", "KeyId", {}),
])
def test_a_missing_parameter_is_named(kms, operation, missing, parameters):
    message = kms.refuses("MissingParameter", 400, operation, **parameters)
    assert message == f'The parameter "{missing}" is needed but not provided.'


def test_keys_can_be_filtered_by_alias(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    rows = kms("ListKeys", Filters=json.dumps([{"Key": "AliasName", "Values": [f"alias/{fresh}"]}]))["Keys"]["Key"]
    assert [row["KeyId"] for row in rows] == [key]
