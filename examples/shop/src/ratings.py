"""ratings: stars from 1 to 5. Python's standard library alone, to show that the language does not matter."""

import json
import os
import signal
import threading
import urllib.error
import urllib.request
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("PORT", "8080"))
HOST = os.environ.get("HOST", "0.0.0.0")
HANDED_ON = ("x-request-id", "traceparent", "tracestate", "x-user")


def is_sold(product, headers):
    """Asks the catalog; urllib follows http_proxy by itself."""
    request = urllib.request.Request(
        f"http://catalog/products/{product}",
        headers={name: headers[name] for name in HANDED_ON if headers[name]},
    )
    try:
        with urllib.request.urlopen(request, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code != 404
    except OSError:
        return True  # no word from the catalog: stars do no harm


class Ratings(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts == ["healthz"]:
            self.answer(200, {"ok": True})
        elif len(parts) == 2 and parts[0] == "ratings" and parts[1].isalpha():
            if is_sold(parts[1], self.headers):
                self.answer(200, {"stars": 3 + zlib.crc32(parts[1].encode()) % 3})
            else:
                self.answer(404, {"error": f"there is no product {parts[1]}"})
        else:
            self.answer(404, {"error": f"there is no {self.path}"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The sidecar writes the access log."""


if __name__ == "__main__":
    server = ThreadingHTTPServer((HOST, PORT), Ratings)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving on {HOST}:{PORT}", flush=True)
    server.serve_forever()
