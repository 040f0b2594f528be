"""Tags, through the operations on one key and through those on many resources: one set of tags, two ways to it."""

import json

import pytest

from harness.kms import NO_SUCH_KEY, tag_list, tags_json
from harness.server import REGION


def on(*keys, **more):
    """The parameters of the operations on many resources."""
    return {"RegionId": REGION, "ResourceType": "key", "ResourceId": list(keys), **more}


# UntagResources -------------------------------------------------------------------------------


def test_untag_resources_removes_the_named_tags_from_every_resource(kms):
    keys = [kms.key(Tags=tags_json(a="1", b="2", c="3")) for _ in range(3)]
    kms("UntagResources", **on(*keys, TagKey=["a", "c", "never there"]))
    assert [kms.tags(key) for key in keys] == [{"b": "2"}] * 3


def test_untag_resources_needs_no_tag_to_be_there(kms):
    kms("UntagResources", **on(kms.key(), TagKey=["a"]))


def test_untag_resources_with_all_removes_every_tag(kms):
    key = kms.key(Tags=tags_json(a="1", b="2"))
    kms("UntagResources", **on(key, All=True))
    assert kms.tags(key) == {}


@pytest.mark.parametrize("all_of_them", [True, False])
def test_all_counts_only_without_tag_keys(kms, all_of_them):
    key = kms.key(Tags=tags_json(a="1", b="2"))
    kms("UntagResources", **on(key, TagKey=["a"], All=all_of_them))
    assert kms.tags(key) == {"b": "2"}


def test_untag_resources_needs_tag_keys_or_all(kms):
    key = kms.key(Tags=tags_json(a="1"))
    kms.refuses("MissingParameter", 400, "UntagResources", **on(key))
    kms.refuses("MissingParameter", 400, "UntagResources", **on(key, All=False))
    assert kms.tags(key) == {"a": "1"}


@pytest.mark.parametrize("reserved", ["aliyun", "aliyun.team", "acs:", "acs:team", "ACS:team", "Aliyun-x"])
def test_a_reserved_tag_key_cannot_be_removed(kms, reserved):
    key = kms.key(Tags=tags_json(a="1"))
    kms.refuses("InvalidParameter.TagKey", 400, "UntagResources", **on(key, TagKey=["a", reserved]))
    assert kms.tags(key) == {"a": "1"}


def test_untag_resources_is_all_or_nothing(kms):
    keys = [kms.key(Tags=tags_json(a="1")) for _ in range(2)]
    message = kms.refuses(
        "InvalidResourceId.NotFound", 404, "UntagResources", **on(keys[0], NO_SUCH_KEY, keys[1], TagKey=["a"]),
    )
    assert message == "The specified ResourceId is not found."
    assert [kms.tags(key) for key in keys] == [{"a": "1"}] * 2
    doomed = kms.doomed_key()
    kms.refuses("Rejected.PendingDeletion", 409, "UntagResources", **on(keys[0], doomed, TagKey=["a"]))
    assert kms.tags(keys[0]) == {"a": "1"}


def test_untag_resources_takes_50_resources_and_20_tag_keys(kms):
    key = kms.key(Tags=tags_json(**{f"k{n}": "" for n in range(20)}))
    kms("UntagResources", **on(*[key] * 50, TagKey=[f"k{n}" for n in range(20)]))
    assert kms.tags(key) == {}
    kms.refuses("InvalidParameter", 400, "UntagResources", **on(*[key] * 51, TagKey=["a"]))
    kms.refuses("InvalidParameter", 400, "UntagResources", **on(key, TagKey=[f"k{n}" for n in range(21)]))


@pytest.mark.parametrize("operation, more", [
    ("TagResources", {"Tag": [{"Key": "a", "Value": "b"}]}),
    ("UntagResources", {"TagKey": ["a"]}),
    ("ListTagResources", {}),
])
def test_many_resources_need_their_type(kms, operation, more):
    key = kms.key()
    kms.refuses("InvalidParameter", 400, operation, **{**on(key, **more), "ResourceType": "Key"})
    without = {name: value for name, value in on(key, **more).items() if name != "ResourceType"}
    kms.refuses("MissingParameter", 400, operation, **without)


@pytest.mark.parametrize("operation, more", [
    ("TagResources", {"Tag": [{"Key": "a", "Value": "b"}]}),
    ("UntagResources", {"TagKey": ["a"]}),
])
def test_many_resources_must_be_named(kms, operation, more):
    kms.refuses("MissingParameter", 400, operation, **on(**more))


@pytest.mark.parametrize("operation, more", [
    ("TagResources", {"Tag": [{"Key": "a", "Value": "b"}]}),
    ("UntagResources", {"TagKey": ["a"]}),
    ("ListTagResources", {}),
])
def test_another_region_is_refused(kms, operation, more):
    kms.refuses("InvalidParameter", 400, operation, **{**on(kms.key(), **more), "RegionId": "cn-nowhere"})


# TagResources ---------------------------------------------------------------------------------


def test_tag_resources_puts_all_tags_on_all_resources_and_replaces_values(kms):
    keys = [kms.key(Tags=tags_json(a="old")), kms.key()]
    kms("TagResources", **on(*keys, Tag=tag_list(a="new", b="", **{"环境": "测试/\\_-.+=:@"})))
    assert [kms.tags(key) for key in keys] == [{"a": "new", "b": "", "环境": "测试/\\_-.+=:@"}] * 2


@pytest.mark.parametrize("tags, code", [
    ([{"Key": "acs:x", "Value": "1"}], "InvalidParameter.TagKey"),
    ([{"Key": "aliyunx", "Value": "1"}], "InvalidParameter.TagKey"),
    ([{"Key": "a?", "Value": "1"}], "InvalidParameter.TagKey"),
    ([{"Key": "k" * 129, "Value": "1"}], "InvalidParameter.TagKey"),
    ([{"Key": "a", "Value": "1?"}], "InvalidParameter.TagValue"),
    ([{"Key": "a", "Value": "v" * 129}], "InvalidParameter.TagValue"),
    ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "Duplicate.TagKey"),
    ([{"Key": f"k{n}", "Value": ""} for n in range(21)], "InvalidParameter"),
], ids=lambda value: str(value)[:30])
def test_tag_resources_refuses_bad_tags(kms, tags, code):
    key = kms.key()
    kms.refuses(code, 400, "TagResources", **on(key, Tag=tags))
    assert kms.tags(key) == {}


def test_tag_resources_is_all_or_nothing(kms):
    key = kms.key()
    kms.refuses("InvalidResourceId.NotFound", 404, "TagResources", **on(key, NO_SUCH_KEY, Tag=tag_list(a="1")))
    full = kms.key(Tags=tags_json(**{f"k{n}": "" for n in range(20)}))
    kms.refuses("Rejected.LimitExceeded", 400, "TagResources", **on(key, full, Tag=tag_list(a="1")))
    assert kms.tags(key) == {}
    kms("TagResources", **on(full, Tag=tag_list(k0="replaced")))
    assert kms.tags(full)["k0"] == "replaced"


def test_tag_resources_needs_tags(kms):
    kms.refuses("MissingParameter", 400, "TagResources", **on(kms.key()))


def test_a_tag_key_of_128_and_a_value_of_128_fit(kms):
    key = kms.key()
    kms("TagResources", **on(key, Tag=[{"Key": "k" * 128, "Value": "v" * 128}]))
    assert kms.tags(key) == {"k" * 128: "v" * 128}


# ListTagResources -----------------------------------------------------------------------------


def rows(kms, **parameters):
    answer = kms("ListTagResources", RegionId=REGION, ResourceType="key", **parameters)
    assert answer["NextToken"] == ""
    found = answer["TagResources"]["TagResource"]
    assert {row["ResourceType"] for row in found} <= {"key"}
    return [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in found]


def test_list_tag_resources_selects_by_resource_and_by_tag(kms, fresh):
    red = kms.key(Tags=tags_json(**{fresh: "red", "size": "1"}))
    blue = kms.key(Tags=tags_json(**{fresh: "blue", "size": "1"}))
    bare = kms.key()
    red_rows = sorted([(red, fresh, "red"), (red, "size", "1")])
    blue_rows = sorted([(blue, fresh, "blue"), (blue, "size", "1")])
    assert rows(kms, ResourceId=[red]) == red_rows
    assert rows(kms, ResourceId=[red, blue, bare]) == sorted(red_rows + blue_rows)
    assert rows(kms, ResourceId=[bare]) == []
    assert rows(kms, Tag=[{"Key": fresh}]) == sorted(red_rows + blue_rows)
    assert rows(kms, Tag=[{"Key": fresh, "Value": "red"}]) == red_rows
    assert rows(kms, Tag=[{"Key": fresh, "Value": "red"}, {"Key": "size", "Value": "1"}]) == red_rows
    assert rows(kms, Tag=[{"Key": fresh, "Value": "red"}, {"Key": "size", "Value": "2"}]) == []
    assert rows(kms, ResourceId=[blue], Tag=[{"Key": fresh, "Value": "red"}]) == []


def test_list_tag_resources_refuses_what_is_wrong(kms):
    where = {"RegionId": REGION, "ResourceType": "key"}
    kms.refuses("InvalidResourceId.NotFound", 404, "ListTagResources", ResourceId=[NO_SUCH_KEY], **where)
    kms.refuses("Duplicate.TagKey", 400, "ListTagResources", Tag=[{"Key": "a"}, {"Key": "a"}], **where)
    kms.refuses("InvalidParameter", 400, "ListTagResources", NextToken="no such token", **where)


def test_list_tag_resources_gives_200_rows_at_a_time(kms, fresh):
    keys = [kms.key(Tags=tags_json(**{f"{fresh}-{n}": "" for n in range(20)})) for _ in range(11)]
    found, token, pages = [], None, 0
    while token != "":
        more = {"NextToken": token} if token else {}
        answer = kms("ListTagResources", **on(*keys), **more)
        page = [(row["ResourceId"], row["TagKey"]) for row in answer["TagResources"]["TagResource"]]
        assert len(page) <= 200
        found, token, pages = found + page, answer["NextToken"], pages + 1
    assert pages == 2
    assert found == sorted((key, f"{fresh}-{n}") for key in keys for n in range(20))


# One resource ---------------------------------------------------------------------------------


def test_tag_resource_and_untag_resource_work_on_one_key_by_id_arn_and_alias(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms("TagResource", KeyId=key, Tags=tags_json(a="1", b="2"))
    kms("TagResource", KeyId=f"alias/{fresh}", Tags=tags_json(a="one"))
    kms("TagResource", KeyId=kms.describe(key)["Arn"], Tags=tags_json(c="3"))
    assert kms.tags(key) == {"a": "one", "b": "2", "c": "3"}
    kms("UntagResource", KeyId=key, TagKeys='["a","never there"]')
    assert kms.tags(key) == {"b": "2", "c": "3"}
    kms("UntagResource", KeyId=key, TagKeys="b,c")
    assert kms.tags(key) == {}


def test_a_key_without_tags_has_an_empty_list_of_them(kms):
    assert kms("ListResourceTags", KeyId=kms.key())["Tags"]["Tag"] == []


@pytest.mark.parametrize("tags", [
    '[{"TagKey":"acs:x","TagValue":"1"}]',
    '[{"TagKey":"Aliyun","TagValue":"1"}]',
    '[{"TagKey":"a","TagValue":"1"},{"TagKey":"a","TagValue":"2"}]',
    '[{"Key":"a","Value":"1"}]',
    '{"TagKey":"a","TagValue":"1"}',
    "a=1",
])
def test_tag_resource_refuses_bad_tags(kms, tags):
    key = kms.key()
    kms.refuses("InvalidParameter", 400, "TagResource", KeyId=key, Tags=tags)
    assert kms.tags(key) == {}


def test_tag_resource_refuses_more_than_20_tags(kms):
    key = kms.key(Tags=tags_json(**{f"k{n}": "" for n in range(20)}))
    kms.refuses("Rejected.LimitExceeded", 400, "TagResource", KeyId=key, Tags=tags_json(one_more=""))


def test_tag_resource_needs_exactly_one_target(kms):
    kms.refuses("InvalidParameter", 400, "TagResource", Tags=tags_json(a="1"))
    kms.refuses("InvalidParameter", 400, "TagResource", KeyId=kms.key(), SecretName="s", Tags=tags_json(a="1"))
    kms.refuses("InvalidParameter", 400, "UntagResource", TagKeys='["a"]')


def test_a_reserved_tag_key_cannot_be_removed_from_one_key(kms):
    kms.refuses("InvalidParameter", 400, "UntagResource", KeyId=kms.key(), TagKeys='["acs:x"]')


@pytest.mark.parametrize("operation, missing", [("TagResource", "Tags"), ("UntagResource", "TagKeys")])
def test_a_missing_parameter_is_named(kms, operation, missing):
    message = kms.refuses("MissingParameter", 400, operation, KeyId=kms.key())
    assert message == f'The parameter "{missing}" is needed but not provided.'


def test_both_ways_see_the_same_tags(kms):
    key = kms.key()
    kms("TagResource", KeyId=key, Tags=tags_json(a="1"))
    kms("TagResources", **on(key, Tag=tag_list(b="2")))
    assert kms.tags(key) == {"a": "1", "b": "2"}
    assert rows(kms, ResourceId=[key]) == [(key, "a", "1"), (key, "b", "2")]
    kms("UntagResources", **on(key, TagKey=["a"]))
    kms("UntagResource", KeyId=key, TagKeys='["b"]')
    assert kms.tags(key) == {}


def test_keys_can_be_filtered_by_tag(kms, fresh):
    key = kms.key(Tags=tags_json(**{fresh: "yes"}))
    kms.key(Tags=tags_json(**{f"{fresh}2": "yes"}))
    filters = json.dumps([{"Key": "TagKey", "Values": [fresh]}, {"Key": "TagValue", "Values": ["yes"]}])
    assert [row["KeyId"] for row in kms("ListKeys", Filters=filters)["Keys"]["Key"]] == [key]
