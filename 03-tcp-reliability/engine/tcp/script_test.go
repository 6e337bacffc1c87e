package tcp_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/engine/tcp/script"
)

// TestScripts plays the scripts in testdata: package script says what their lines mean.
func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range script.Split(string(text)) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+s.Name, func(t *testing.T) {
				if err := s.Play(open(s.Words()), script.MSS); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

const (
	ourISS  = 0xffff_fff0
	peerISS = 0xffff_ff00
)

// open makes the end that a script plays.
func open(w []string) *tcp.Conn {
	o := tcp.Options{Local: script.Local, Remote: script.Remote, ISS: ourISS,
		Congestion: "reno", NoTimestamps: true, Trace: true}
	for _, word := range w[1:] {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "rack":
			o.RACK = true
		case "cubic":
			o.Congestion = "cubic"
		case "nosack":
			o.NoSACK = true
		case "timestamps":
			o.NoTimestamps = false
		case "nagle":
			o.Nagle = true
		case "delayed":
			o.DelayedACK = true
		case "buffer":
			o.ReceiveBuffer = n
		}
	}
	if w[0] == "client" {
		return tcp.Dial(o)
	}
	return tcp.Accept(o)
}
