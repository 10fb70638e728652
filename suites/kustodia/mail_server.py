"""A mail server of this suite: takes letters on this machine and keeps them."""

import contextlib
import socketserver
import threading
from email import message_from_string


class Mailbox:
    """``letters`` are those that came, in their order; it can be stopped and started again at the same place."""

    def __init__(self):
        self.letters = []
        self._server = None
        self._address = ("127.0.0.1", 0)
        self.start()

    @property
    def address(self):
        """Host and port."""
        return self._address

    def start(self):
        """Take letters."""
        letters = self.letters

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    _talk(self.rfile, self.wfile, letters)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(self._address, Session)
        self._address = self._server.server_address
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """Take none, as if the machine were off."""
        self._server.shutdown()
        self._server.server_close()


def _talk(incoming, outgoing, letters):
    """As much of RFC 5321 as a client needs that has one letter."""
    outgoing.write(b"220 mail\r\n")
    for line in incoming:
        word = line.split()[0].upper() if line.split() else b""
        if word == b"DATA":
            outgoing.write(b"354 go on\r\n")
            text = b"".join(iter(incoming.readline, b".\r\n"))
            letters.append(message_from_string(text.decode()))
        outgoing.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
        if word == b"QUIT":
            return
