"""The PyPI package `pusher`, unmodified: each call against the program, and what comes out on a real event stream."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import tempfile
import unittest

import pusher
import pusher.errors

PROGRAM = os.environ["HUB_PROGRAM"]
DOCUMENTS = os.path.join(os.path.dirname(__file__), "..", "..", "docs")
SECRET = "app-secret-0123456789"
READER = "reader-secret-0123456789"
TOKENS = "token-secret-0123456789-0123456789-0123456789"
CONFIGURATION = f"""
[[pusher.apps]]
id = 100
key = "app-key"
secret = "{SECRET}"

[[keys]]
name = "reader"
secret = "{READER}"
subscribe = ["*"]

[[jwt]]
key = "{TOKENS}"
"""
# How long anything may take before the test fails.
PATIENCE_SECONDS = 60


class Stream:
    """An event stream of somebody who shows this token."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.connection.request("GET", "/events?pattern=*", headers={"Authorization": f"Bearer {token}"})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def event(self):
        """The type and data of the next event, or None at the end of the stream."""
        event = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name in ("event", "data"):
                event[name] = value
            elif not line.strip() and "data" in event:
                return event.get("event"), event["data"]
        return None


def token(user):
    """A JSON Web Token of a user who may read everything."""
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"sub": user, "exp": 9_999_999_999, "tidings": {"subscribe": ["*"]}}
    text = b".".join(encode(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    signature = hmac.new(TOKENS.encode(), text, hashlib.sha256).digest()
    return (text + b"." + encode(signature)).decode()


class PythonSdk(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        configuration = os.path.join(directory.name, "tidings.toml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        data = os.path.join(directory.name, "data")
        command = [PROGRAM, "serve", "--config", configuration, "--listen", "127.0.0.1:0", "--data", data]
        hub = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={})
        self.addCleanup(hub.stdout.close)
        self.addCleanup(hub.wait)
        self.addCleanup(hub.kill)
        self.port = int(hub.stdout.readline().rsplit(":", 1)[1])
        self.stream = Stream(self.port, READER)

    def client(self, **changes):
        """The SDK, with its settings changed to the hub."""
        settings = {"app_id": "100", "key": "app-key", "secret": SECRET, "ssl": False, "host": "127.0.0.1"}
        return pusher.Pusher(**{**settings, "port": self.port, **changes})

    def test_trigger(self):
        client = self.client()
        data = {"message": "Hello from Python", "é": 1}
        self.assertEqual(client.trigger("messages", "message.created", data), {})
        self.assertEqual(self.stream.event(), ("message.created", json.dumps(data, ensure_ascii=False)))
        self.assertEqual(client.trigger(["messages", "private-a"], "ev", "plain string", "1234.5678"), {})
        for _ in range(2):
            self.assertEqual(self.stream.event(), ("ev", "plain string"))

    def test_trigger_batch(self):
        batch = [{"channel": "a", "name": "e1", "data": {"x": 1}}, {"channel": "b", "name": "e2", "data": "str"}]
        self.assertEqual(self.client().trigger_batch(batch), {})
        self.assertEqual(self.stream.event(), ("e1", '{"x": 1}'))
        self.assertEqual(self.stream.event(), ("e2", "str"))

    def test_send_to_user(self):
        self.assertEqual(self.client().send_to_user("7", "ev", {"a": 1}), {})
        self.assertEqual(self.stream.event(), ("ev", '{"a": 1}'))

    def test_encrypted_channel(self):
        key = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
        self.client(encryption_master_key_base64=key).trigger("private-encrypted-vault", "ev", "treasure")
        name, data = self.stream.event()
        self.assertEqual((name, set(json.loads(data))), ("ev", {"nonce", "ciphertext"}))

    def test_channels_and_users(self):
        """It sends the digest of an empty body with each GET."""
        client = self.client()
        client.trigger("messages", "ev", "")
        self.assertEqual(client.channels_info(), {"channels": {"messages": {}}})
        self.assertEqual(client.channels_info("presence-", ["user_count"]), {"channels": {}})
        self.assertEqual(client.channel_info("messages", ["subscription_count"]), {"occupied": True, "subscription_count": 1})
        self.assertEqual(client.users_info("presence-room.1"), {"users": []})

    def test_terminate_user_connections(self):
        """Its path is not that of an app (3.3.4)."""
        seven = Stream(self.port, token("7"))
        self.assertEqual(self.client().terminate_user_connections("7"), {})
        while seven.event():
            pass
        self.client().trigger("messages", "ev", "still there")
        self.assertEqual(self.stream.event(), ("ev", "still there"))

    def test_the_document(self):
        """The code of docs/pusher.md and its translation, on this hub."""
        for language in ("", ".zh-CN"):
            with open(os.path.join(DOCUMENTS, f"pusher{language}.md"), encoding="utf-8") as file:
                _, code = file.read().split("```python\n")
            code = code.split("```")[0].replace("port=8080", f"port={self.port}")
            exec(code.replace("shop-key", "app-key").replace("a-secret-of-16-bytes-or-more", SECRET), {})
            self.assertEqual(self.stream.event(), ("created", '{"text": "Hello"}'))
            self.assertEqual(self.stream.event(), ("shipped", '{"id": 7}'))

    def test_refusals(self):
        def refused(error, says, client, *event):
            with self.assertRaisesRegex(error, says):
                client.trigger(*(event or ("a", "e", "")))

        wrong = self.client(secret="another-secret-0123456789")
        refused(pusher.errors.PusherBadAuth, 'secret of the app "100"', wrong)
        refused(pusher.errors.PusherBadStatus, '404: this hub has no app "101"', self.client(app_id="101"))
        refused(pusher.errors.PusherBadRequest, "the hub's own", self.client(), "a", "tidings.close", "x")


if __name__ == "__main__":
    unittest.main()
