"""Send one request: message_client.py HOST PORT search|binary TEXT"""

import json
import socket
import struct
import sys

host, port, action, text = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
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


def read(stream, size):
    """Read size bytes, or fail: recv may give less than it is asked for."""
    data = stream.read(size)
    if len(data) < size:
        sys.exit("the connection ended after %d of %d bytes" % (len(data), size))
    return data


with socket.create_connection((host, port), timeout=5) as conn:
    conn.sendall(struct.pack(">H", len(header)) + header + content)
    with conn.makefile("rb") as stream:
        (size,) = struct.unpack(">H", read(stream, 2))
        header = json.loads(read(stream, size))
        content = read(stream, header["content-length"])
if header["content-type"] == "text/json":
    print("Received", json.loads(content)["result"])
else:
    print("Received", content.decode())
