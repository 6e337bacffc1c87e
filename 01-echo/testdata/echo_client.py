"""The echo client of chapter 1 in Python: echo_client.py [HOST [PORT [TEXT]]]"""

import socket
import sys

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 65432
text = sys.argv[3] if len(sys.argv) > 3 else "Hello, world"

with socket.create_connection((host, port), timeout=5) as conn:
    # First send, then read: good for short messages. With one that is larger
    # than the buffers in between, both sides would wait for each other.
    conn.sendall(text.encode())
    conn.shutdown(socket.SHUT_WR)
    reply = b""
    while data := conn.recv(1024):
        reply += data
print("Received", reply.decode())
sys.exit(reply != text.encode())
