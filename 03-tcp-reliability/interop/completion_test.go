package interop

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/interop/gvisor"
)

var update = flag.Bool("update", false, "print the tables for docs/interoperability.md")

const page = "../../docs/interoperability.md"

// TestCompletion measures how long 200 kB take, one way, at a delay of 2 ms: the median and the
// worst of 101 seeds, in virtual time.
func TestCompletion(t *testing.T) {
	if os.Getenv("CI") == "" && !*update {
		t.Skip("takes half a minute: set CI")
	}
	own := func(o tcp.Options) func() (simulation.Host, simulation.Host, func()) {
		return func() (simulation.Host, simulation.Host, func()) {
			o.Local, o.Remote, o.ISS = clientAddr, serverAddr, 1
			client := tcp.Dial(o)
			o.Local, o.Remote = serverAddr, clientAddr
			return client, tcp.Accept(o), func() {}
		}
	}
	theirs := func(congestion string) func() (simulation.Host, simulation.Host, func()) {
		return func() (simulation.Host, simulation.Host, func()) {
			o := gvisor.Options{Local: clientAddr, Remote: serverAddr, Seed: 1,
				Congestion: congestion}
			client, err := gvisor.Dial(o)
			if err != nil {
				t.Fatal(err)
			}
			o.Local, o.Remote, o.Seed = serverAddr, clientAddr, 2
			server, err := gvisor.Accept(o)
			if err != nil {
				t.Fatal(err)
			}
			return client, server, func() { client.Destroy(); server.Destroy() }
		}
	}
	losses := []string{"0.01", "0.05", "0.1", "0.2", "0.3"}
	var table strings.Builder
	fmt.Fprintf(&table, "%-17s", "")
	for _, loss := range losses {
		fmt.Fprintf(&table, " %11s", loss)
	}
	for _, who := range []struct {
		name string
		make func() (simulation.Host, simulation.Host, func())
	}{
		{"ours, reno", own(tcp.Options{Congestion: "reno"})},
		{"ours, cubic", own(tcp.Options{Congestion: "cubic"})},
		{"ours, reno, RACK", own(tcp.Options{Congestion: "reno", RACK: true})},
		{"ours, cubic, RACK", own(tcp.Options{Congestion: "cubic", RACK: true})},
		{"gVisor, reno", theirs("reno")},
		{"gVisor, cubic", theirs("cubic")},
	} {
		fmt.Fprintf(&table, "\n%-17s", who.name)
		for _, loss := range losses {
			took := make([]time.Duration, 101)
			many(t, len(took), func(i int) error {
				client, server, free := who.make()
				defer free()
				c := network.Conditions{Delay: 2 * time.Millisecond, Seed: int64(i + 1)}
				c.Loss.Set(loss)
				result := simulation.Run(simulation.Config{Client: client, Server: server,
					Network: network.New(c), Writes: pieces(200), MaxTime: 24 * time.Hour})
				if took[i] = result.LastRead; result.Err != nil {
					return fmt.Errorf("%s, loss %s, seed %d: %v", who.name, loss, i+1, result.Err)
				}
				return nil
			})
			slices.Sort(took)
			fmt.Fprintf(&table, " %11s", seconds(took[50])+"/"+seconds(took[100]))
		}
	}
	onPage(t, table.String()+"\n")
}

// seconds has as many places as mean something.
func seconds(d time.Duration) string {
	places := 2
	for n := d; n >= 10*time.Second && places > 0; n /= 10 {
		places--
	}
	return fmt.Sprintf("%.*f", places, d.Seconds())
}

// onPage objects unless the table stands in the page as it is.
func onPage(t *testing.T, table string) {
	t.Helper()
	if *update {
		fmt.Printf("%s\n", table)
		return
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte(table)) {
		t.Errorf("docs/interoperability.md does not hold this table:\n%s", table)
	}
}
