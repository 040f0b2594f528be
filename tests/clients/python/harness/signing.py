"""Requests signed and sent by hand, for what no SDK sends."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import secrets
import urllib.parse
import xml.etree.ElementTree

VERSION = "2016-01-20"
FORM = "application/x-www-form-urlencoded"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def encode(text):
    return urllib.parse.quote(str(text), safe="-_.~")


def query_string(pairs):
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def timestamp(minutes=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Reply:
    """An answer as it came."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def xml(self):
        return xml.etree.ElementTree.fromstring(self.body)

    @property
    def code(self):
        """The error code, or None for a success."""
        return self.json.get("Code")

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Connection:
    """One connection, which adds no header of its own but Content-Length."""

    def __init__(self, server, scheme="http"):
        authority = server.authority(scheme)
        if scheme == "https":
            self._http = http.client.HTTPSConnection(authority, timeout=20, context=server.tls())
        else:
            self._http = http.client.HTTPConnection(authority, timeout=20)
        self.authority = authority

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.close()

    def send(self, method, target, headers=(), body=b""):
        headers = dict(headers)
        self._http.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        if not any(name.lower() == "host" for name in headers):
            self._http.putheader("Host", self.authority)
        for name, value in headers.items():
            self._http.putheader(name, value)
        chunked = any(name.lower() == "transfer-encoding" for name in headers)
        if (body or method == "POST") and not chunked:
            self._http.putheader("Content-Length", str(len(body)))
        self._http.endheaders(body or None, encode_chunked=chunked)
        answer = self._http.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())


class Signed:
    """Signs with one access key and sends to one server."""

    def __init__(self, server, scheme="http", access_key_id=None, access_key_secret=None):
        self.server = server
        self.scheme = scheme
        self.access_key_id = access_key_id or server.access_key_id
        self.access_key_secret = access_key_secret or server.access_key_secret

    def send(self, method, target, headers=(), body=b""):
        with Connection(self.server, self.scheme) as connection:
            return connection.send(method, target, headers, body)

    # Signature V1 -----------------------------------------------------------------------------

    def v1_parameters(self, operation, parameters=(), without=(), **common):
        """The common parameters, changed by `common`, less those named in `without`, and the operation's own."""
        pairs = {
            "Action": operation,
            "Version": VERSION,
            "Format": "JSON",
            "AccessKeyId": self.access_key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": secrets.token_hex(16),
            "Timestamp": timestamp(),
        }
        pairs.update(common)
        return [(k, v) for k, v in pairs.items() if k not in without] + list(dict(parameters).items())

    def v1_string_to_sign(self, method, pairs):
        canonical = query_string(sorted((str(k), str(v)) for k, v in pairs))
        return f"{method}&%2F&{encode(canonical)}"

    def v1_signature(self, method, pairs, digest="sha1"):
        key = f"{self.access_key_secret}&".encode()
        mac = hmac.new(key, self.v1_string_to_sign(method, pairs).encode(), digest)
        return base64.b64encode(mac.digest()).decode()

    def v1(self, operation, parameters=(), method="GET", form=None, without=(), digest="sha1", headers=(), **common):
        """Sends one V1 call. `form` holds parameters that go into the body; "all" puts all of them there."""
        query = self.v1_parameters(operation, parameters, without, **common)
        body = []
        if form == "all":
            query, body = [], query
        elif form is not None:
            body = list(dict(form).items())
        signature = [("Signature", self.v1_signature(method, query + body, digest))] if "Signature" not in without else []
        if form == "all":
            body += signature
        else:
            query += signature
        headers = dict(headers)
        if form is not None:
            headers.setdefault("Content-Type", FORM)
        target = "/?" + query_string(query) if query else "/"
        return self.send(method, target, headers, query_string(body).encode())

    # Signature V3 -----------------------------------------------------------------------------

    def acs3_headers(self, operation, body=b"", **changes):
        """The headers to sign. A change to None leaves one out."""
        headers = {
            "host": self.server.authority(self.scheme),
            "x-acs-action": operation,
            "x-acs-version": VERSION,
            "x-acs-date": timestamp(),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {name: value for name, value in headers.items() if value is not None}

    def acs3_text(self, method, query, headers, signed, payload_hash):
        return "\n".join([
            method,
            "/",
            query_string(sorted((str(k), str(v)) for k, v in query)),
            "".join(f"{name}:{headers[name].strip()}\n" for name in signed),
            ";".join(signed),
            payload_hash,
        ])

    def acs3_sign(self, text, algorithm="ACS3-HMAC-SHA256"):
        to_sign = f"{algorithm}\n{hashlib.sha256(text.encode()).hexdigest()}"
        return hmac.new(self.access_key_secret.encode(), to_sign.encode(), "sha256").hexdigest()

    def acs3(self, operation, parameters=(), method="POST", form=None, unsigned=(), algorithm="ACS3-HMAC-SHA256",
             authorization=None, query=None, target=None, body=None, **changes):
        """Sends one ACS3 call. `changes` alter headers, `unsigned` names those left out of the signature, and
        `authorization` makes the header from algorithm, key id, signed list and signature."""
        if body is None:
            body = query_string(dict(form).items()).encode() if form is not None else b""
        if form is not None:
            changes.setdefault("content_type", FORM)
        headers = self.acs3_headers(operation, body, **changes)
        signed = sorted(name for name in headers if name not in unsigned)
        query = list(dict(parameters).items()) if query is None else query
        payload_hash = headers.get("x-acs-content-sha256", hashlib.sha256(body).hexdigest())
        signature = self.acs3_sign(self.acs3_text(method, query, headers, signed, payload_hash), algorithm)
        make = authorization or "{algorithm} Credential={id},SignedHeaders={signed},Signature={signature}"
        headers["Authorization"] = make.format(
            algorithm=algorithm, id=self.access_key_id, signed=";".join(signed), signature=signature,
        )
        if target is None:
            target = "/?" + query_string(query) if query else "/"
        return self.send(method, target, headers, body)
