"""The echo server of chapter 1 in Python: echo_server.py [HOST [PORT]]"""

import socket
import sys

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 65432

with socket.create_server((host, port)) as listener:
    print("Listening on %s:%d" % listener.getsockname()[:2], flush=True)
    try:
        while True:
            conn, client = listener.accept()
            with conn:
                total = 0
                while data := conn.recv(1024):
                    conn.sendall(data)
                    total += len(data)
            print("Closed %s:%d after %d bytes" % (*client[:2], total), flush=True)
    except KeyboardInterrupt:
        pass
