"""OIDC providers through the official client of IMS."""

import re

import pytest

from harness.operations import DRIVEN, WITHOUT_REQUIRED_PARAMETERS

MINE = DRIVEN["ims"]["test_oidc_providers"]
DIGEST = "902ef2deeb3c5b13ea4c3d5193629309e231ae55"


@pytest.fixture
def provider(ims, fresh):
    """The parameter that names a fresh provider."""
    ims("CreateOIDCProvider", OIDCProviderName=fresh, IssuerUrl=f"https://{fresh}.example")
    yield {"OIDCProviderName": fresh}
    # An account may have a hundred.
    ims("DeleteOIDCProvider", OIDCProviderName=fresh)


def test_every_operation_on_oidc_providers_works(any_ims, fresh):
    named, done = {"OIDCProviderName": fresh}, set()

    def ims(operation, **parameters):
        answer = any_ims(operation, **parameters)
        done.add(operation)
        return answer

    about = {
        "IssuerUrl": f"https://{fresh}.example/realms/one", "ClientIds": "app-1,https://app/2", "Fingerprints": DIGEST,
        "IssuanceLimitTime": 6, "Description": "for people",
    }
    made = ims("CreateOIDCProvider", **about, **named)["OIDCProvider"]
    assert {**made, **about, **named} == made
    assert re.fullmatch(r"acs:ram::\d{16}:oidc-provider/" + fresh, made["Arn"])
    assert re.fullmatch(r"\d{13}", made["GmtCreate"]) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["CreateDate"])
    assert ims("GetOIDCProvider", **named)["OIDCProvider"] == made
    listed, marker = [], None
    while marker or not listed:
        page = ims("ListOIDCProviders", MaxItems=1, **({"Marker": marker} if marker else {}))
        listed += page["OIDCProviders"]["OIDCProvider"]
        marker = page.get("Marker")
        assert page["IsTruncated"] is bool(marker)
    assert made in listed

    changed = ims("UpdateOIDCProvider", ClientIds="app-3", IssuanceLimitTime=168, NewDescription="new", **named)
    changed = changed["OIDCProvider"]
    assert (changed["ClientIds"], changed["IssuanceLimitTime"], changed["Description"]) == ("app-3", 168, "new")
    added = ims("AddClientIdToOIDCProvider", ClientId="app-4", **named)["OIDCProvider"]
    assert added["ClientIds"] == "app-3,app-4"
    removed = ims("RemoveClientIdFromOIDCProvider", ClientId="app-3", **named)["OIDCProvider"]
    assert removed["ClientIds"] == "app-4"
    added = ims("AddFingerprintToOIDCProvider", Fingerprint="ab12", **named)["OIDCProvider"]
    assert added["Fingerprints"] == f"{DIGEST},ab12"
    removed = ims("RemoveFingerprintFromOIDCProvider", Fingerprint=DIGEST, **named)["OIDCProvider"]
    assert removed["Fingerprints"] == "ab12"
    ims("DeleteOIDCProvider", **named)
    any_ims.refuses("EntityNotExist.OIDCProvider", 404, "GetOIDCProvider", **named)
    assert done == MINE


def test_every_operation_says_what_it_misses(any_ims):
    for operation in sorted(MINE - WITHOUT_REQUIRED_PARAMETERS):
        any_ims.refuses("MissingParameter", 400, operation)


def test_oidc_providers_are_refused_as_the_original_does(ims, provider, fresh):
    issuer = f"https://{fresh}.example"
    ims.refuses("EntityAlreadyExists.OIDCProvider", 409, "CreateOIDCProvider", IssuerUrl="https://b.example", **provider)
    ims.refuses(
        "EntityAlreadyExists.OIDCProvider.Url", 409, "CreateOIDCProvider", OIDCProviderName="other", IssuerUrl=issuer
    )
    ims.refuses(
        "InvalidParameter.OIDCProviderName.InvalidChars", 400, "CreateOIDCProvider", OIDCProviderName="a b", IssuerUrl=issuer
    )
    ims.refuses(
        "InvalidParameter.IssuerUrl.Format", 400, "CreateOIDCProvider", OIDCProviderName="other", IssuerUrl="http://a.b"
    )
    ims.refuses("InvalidParameter", 400, "UpdateOIDCProvider", ClientIds="-a", **provider)
    ims.refuses("MissingParameter", 400, "AddFingerprintToOIDCProvider", **provider)
    for number in range(5):
        ims("AddFingerprintToOIDCProvider", Fingerprint=f"ab{number}", **provider)
    ims.refuses(
        "LimitExceeded.OIDCProvider.Fingerprint", 409, "AddFingerprintToOIDCProvider", Fingerprint="ab9", **provider
    )
