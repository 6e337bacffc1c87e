"""The echo server of chapter 1 in Python: echo_server.py [HOST [PORT]]"""

import socket
import sys

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 65432


def serve(conn):
    """Echo one client to its end and return how many bytes went back."""
    total = 0
    while data := conn.recv(1024):  # b"" is the client's FIN
        conn.sendall(data)
        total += len(data)
    return total


with socket.create_server((host, port)) as listener:
    print("Listening on %s:%d" % listener.getsockname()[:2], flush=True)
    try:
        while True:
            conn, client = listener.accept()
            try:
                with conn:
                    outcome = "after %d bytes" % serve(conn)
            except OSError as err:  # one client's trouble is no other's
                outcome = "with an error: %s" % err
            print("Closed %s:%d" % client[:2], outcome, flush=True)
    except KeyboardInterrupt:
        pass
