"""Signs webhooks as Stripe and Standard Webhooks do and verifies what is forwarded, with their own libraries. Prints the
webhooks as JSON, then the port."""

import hashlib
import hmac
import json
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import standardwebhooks
import stripe

STRIPE = "whsec_it_is_ours"
STANDARD = standardwebhooks.Webhook("whsec_aXQgaXMgb3Vycw==")
EVENT = '{\n  "id": "evt_1",\n  "object": "event",\n  "type": "ping",  "data": {"object": {"object": "charge", "name": "Ünïcode"}}\n}'


class Verifier(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            if self.path == "/stripe":
                stripe.Webhook.construct_event(body, self.headers["stripe-signature"], STRIPE)
            else:
                STANDARD.verify(body, dict(self.headers))
            self.send_response(204)
        except (stripe.SignatureVerificationError, standardwebhooks.WebhookVerificationError):
            self.send_response(400)
        self.end_headers()

    def log_message(self, *_):
        pass


now = int(time.time())
signed = hmac.new(STRIPE.encode(), f"{now}.{EVENT}".encode(), hashlib.sha256).hexdigest()
standard = STANDARD.sign("msg_1", datetime.fromtimestamp(now, timezone.utc), EVENT)
server = HTTPServer(("127.0.0.1", 0), Verifier)
print(
    json.dumps(
        [
            {"path": "/stripe", "headers": {"stripe-signature": f"t={now},v1={signed}"}, "body": EVENT},
            {
                "path": "/standard",
                "headers": {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": standard},
                "body": EVENT,
            },
        ]
    )
)
print(server.server_port, flush=True)
server.serve_forever()
