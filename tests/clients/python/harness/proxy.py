"""A proxy that stands between a client and the server, counts, and answers in the server's place when told to."""

import contextlib
import datetime
import http.client
import http.server
import ipaddress
import json
import ssl
import threading
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def certificate(folder):
    """A certificate for 127.0.0.1 that is its own authority; the paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fault proxy")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "proxy.pem", folder / "proxy.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return [str(path) for path in paths]


class FaultProxy:
    """Listens with TLS and passes everything on to `server` as it came, except while there are faults."""

    def __init__(self, server, folder):
        self.server = server
        self.requests = []
        self._faults = []
        self._lock = threading.Lock()
        self.ca, key = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self._listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._listener.daemon_threads = True
        self._listener.socket = context.wrap_socket(self._listener.socket, server_side=True)
        self.authority = f"127.0.0.1:{self._listener.server_port}"
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown()
        self._listener.server_close()

    def answer(self, status, code, message, times=1):
        """Answers the next calls with this refusal, in the form that the server gives its own."""
        with self._lock:
            self._faults += [(status, code, message)] * times

    def throttle(self, times=1):
        """As the original does beyond its quotas."""
        self.answer(429, "Rejected.Throttling", "QPS Limit Exceeded", times)

    @contextlib.contextmanager
    def counted(self):
        """The calls that come while the block runs."""
        with self._lock:
            before = len(self.requests)
        came = []
        yield came
        with self._lock:
            came += self.requests[before:]

    def _next_fault(self, call):
        with self._lock:
            self.requests.append(call)
            return self._faults.pop(0) if self._faults else None

    def _handler(proxy):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                fault = proxy._next_fault((self.command, self.path, headers, body))
                try:
                    status, headers, answer = self._fault(*fault) if fault else self._pass_on(body)
                except OSError:
                    # The server is not there: so is nobody.
                    self.close_connection = True
                    return
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def _fault(self, status, code, message):
                answer = {
                    "HttpStatus": status, "Code": code, "Message": message, "RequestId": str(uuid.uuid4()),
                    "HostId": proxy.authority,
                }
                return status, [("Content-Type", "application/json;charset=utf-8")], json.dumps(answer).encode()

            def _pass_on(self, body):
                connection = http.client.HTTPConnection(proxy.server.authority("http"), timeout=20)
                with contextlib.closing(connection):
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in NOT_PASSED_ON:
                            connection.putheader(name, value)
                    connection.putheader("Content-Length", str(len(body)))
                    connection.endheaders(body)
                    answer = connection.getresponse()
                    headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in NOT_PASSED_ON]
                    return answer.status, headers, answer.read()

            def log_message(self, *_):
                pass

        return Handler
