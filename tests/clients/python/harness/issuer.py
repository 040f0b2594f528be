"""An issuer of OIDC tokens with a CA of its own, over HTTPS on this machine."""

import base64
import datetime
import http.server
import json
import secrets
import ssl
import tempfile
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(number):
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _certificate(name, key, issuer_name, issuer_key, extension, critical):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name, name, key.public_key(), x509.random_serial_number(), now - day, now + day, []
    )
    return builder.add_extension(extension, critical).sign(issuer_key, hashes.SHA256())


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Issuer:
    """Serves its discovery document and its keys, and signs tokens. The chain that it shows includes its CA."""

    def __enter__(self):
        self._key = rsa.generate_private_key(65537, 2048)
        self._folder = tempfile.TemporaryDirectory(prefix="sesame-issuer-")
        authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = _name("A CA of the tests")
        ca = _certificate(ca_name, authority, ca_name, authority, x509.BasicConstraints(True, None), True)
        hosts = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        certificate = _certificate(_name("localhost"), key, ca_name, authority, hosts, False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = Path(self._folder.name) / "chain.pem"
        chain.write_bytes(private + _pem(certificate) + _pem(ca))
        self.fingerprint = ca.fingerprint(hashes.SHA1()).hex()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"https://localhost:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()
        self._folder.cleanup()

    def _handler(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = issuer.documents().get(self.path)
                body = json.dumps(found).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def documents(self):
        public = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": _number(public.n), "e": _number(public.e)}
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [key]},
        }

    def token(self, subject, audience="sts.test", **claims):
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": subject, "aud": [audience], "iat": now, "exp": now + 600, "jti": secrets.token_hex(8),
            **claims,
        }
        parts = [{"alg": "RS256", "kid": "1", "typ": "JWT"}, claims]
        message = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{message}.{_base64url(signature)}"
