// Command client is the smallest echo client: its four calls, and no more.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	conn, err := net.Dial("tcp", "127.0.0.1:65432") // connects to the server
	must(err)
	_, err = conn.Write([]byte("Hello, world"))
	must(err)
	buf := make([]byte, 1024)
	n, err := conn.Read(buf) // waits for the echo
	must(err)
	fmt.Printf("Received %q\n", buf[:n])
	conn.Close()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
