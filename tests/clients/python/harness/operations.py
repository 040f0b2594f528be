"""Which operations there are: in the API, in the program, and in a client without being in the API."""

import json

from .server import REPOSITORY

CATALOGUE = json.loads((REPOSITORY / "api" / "operations.json").read_text())
_lines = (REPOSITORY / "api" / "to-come.txt").read_text().splitlines()
TO_COME = {line for line in _lines if line and not line.startswith("#")}
BUILT = set(CATALOGUE) - TO_COME

# Operations that a call without parameters does.
WITHOUT_REQUIRED_PARAMETERS = {
    "DescribeRegions", "DescribeAccountKmsStatus", "OpenKmsService", "GetChallenge", "CreateKey", "ListKeys", "ListAliases",
    "ListSecrets", "GetRandomPassword",
}


def to_drive(client):
    """What a suite drives with a client: whatever is built, typed where the client has it, else through its generic
    request. An operation of the client that is neither built nor on the list of those to come fails here."""
    unknown = client.operations - set(CATALOGUE)
    assert not unknown, f"the API has no {unknown}: say in harness/operations.py why nobody drives it"
    return BUILT
