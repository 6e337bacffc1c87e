// Command server is the smallest echo server: its five calls, and no more.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:65432") // the server's address
	must(err)
	fmt.Println("Listening on", listener.Addr())

	conn, err := listener.Accept() // waits for a client
	must(err)
	buf := make([]byte, 1024)
	n, err := conn.Read(buf) // waits for bytes; n says how many came
	must(err)
	_, err = conn.Write(buf[:n]) // sends them back
	must(err)
	fmt.Printf("Echoed %q\n", buf[:n])
	conn.Close() // says goodbye
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
