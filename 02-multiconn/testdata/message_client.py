"""Send requests, each on a connection of its own:
message_client.py HOST PORT search|binary TEXT [search|binary TEXT]..."""

import json
import socket
import struct
import sys


def read(stream, size):
    """Read size bytes, or fail: recv may give less than it is asked for."""
    data = stream.read(size)
    if len(data) < size:
        sys.exit("the connection ended after %d of %d bytes" % (len(data), size))
    return data


def ask(address, action, text):
    """Send one request and print the reply."""
    if action == "search":
        kind, encoding = "text/json", "utf-8"
        content = json.dumps({"action": action, "value": text}).encode()
    else:
        kind, encoding = "binary/python", "binary"
        content = (action + text).encode()
    header = json.dumps({
        "byteorder": sys.byteorder,
        "content-type": kind,
        "content-encoding": encoding,
        "content-length": len(content),
    }).encode()
    with socket.create_connection(address, timeout=5) as conn:
        conn.sendall(struct.pack(">H", len(header)) + header + content)
        with conn.makefile("rb") as stream:
            (size,) = struct.unpack(">H", read(stream, 2))
            header = json.loads(read(stream, size))
            content = read(stream, header["content-length"])
    if header["content-type"] == "text/json":
        print("Received", json.loads(content)["result"])
    else:
        print("Received", content.decode())


for action, text in zip(sys.argv[3::2], sys.argv[4::2]):
    ask((sys.argv[1], int(sys.argv[2])), action, text)
