package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/tcp/script"
	"example.com/sockets/03-tcp-reliability/interop/gvisor"
)

// TestScripts plays the scripts that our TCP keeps against gVisor's. Those about Nagle, delayed
// acknowledgements and timestamps are left out: the host has no such options. The first line that
// differs stands in testdata/gvisor.txt; docs/interoperability.md says which of them matter.
func TestScripts(t *testing.T) {
	const folder = "../engine/tcp/testdata"
	files, _ := filepath.Glob(folder + "/*.txt")
	var table strings.Builder
	played, same := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range script.Split(string(text)) {
			host, err := peer(s.Words())
			if err != nil {
				t.Fatal(err)
			}
			if host == nil {
				continue
			}
			played++
			mss := script.MSS
			if !slices.Contains(s.Words(), "nosack") {
				mss += sackRoom
			}
			err = s.Play(host, mss)
			host.Destroy()
			var d *script.Difference
			if !errors.As(err, &d) {
				same++
				continue
			}
			name := strings.TrimSuffix(filepath.Base(file), ".txt") + ": " + s.Name
			fmt.Fprintf(&table, "%s\n    at %v ours: %s\n    gVisor: %s\n", name, d.At, d.Wanted,
				d.Got)
		}
	}
	got := fmt.Sprintf("%d scripts played, %d alike. The others, up to the first line that "+
		"differs:\n\n",
		played, same) + table.String()
	const golden = "testdata/gvisor.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || strings.ReplaceAll(string(want), "\r\n", "\n") != got {
		t.Errorf("%s says something else; %v. Now:\n%s", golden, err, got)
	}
}

// sackRoom is what gVisor keeps free in each segment for three blocks of SACK beside timestamps.
const sackRoom = 36

// peer makes the end of gVisor's that a script asks for, or nil.
func peer(words []string) (*gvisor.Host, error) {
	for _, not := range []string{"nagle", "delayed", "timestamps"} {
		if slices.Contains(words, not) {
			return nil, nil
		}
	}
	o := gvisor.Options{Local: script.Local, Remote: script.Remote, Seed: 1, Congestion: "reno",
		MTU:  1500 + sackRoom,
		RACK: slices.Contains(words, "rack"), NoSACK: slices.Contains(words, "nosack")}
	if slices.Contains(words, "cubic") {
		o.Congestion = "cubic"
	}
	for _, w := range words {
		if n, ok := strings.CutPrefix(w, "buffer="); ok {
			o.ReceiveBuffer, _ = strconv.Atoi(n)
		}
	}
	if words[0] == "client" {
		return gvisor.Dial(o)
	}
	return gvisor.Accept(o)
}
