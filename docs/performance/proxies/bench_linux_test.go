package performance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	rounds   = 7 // medians count
	bulkSize = 100 << 20
)

// echo serves on a free port: what comes is echoed, or, for a client whose
// first byte is '>', thrown away and acknowledged when all of it is there.
// (Toxiproxy does not pass a half-close on.)
func echo(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				n, err := c.Read(buf)
				if n > 0 && buf[0] == '>' {
					io.CopyN(io.Discard, c, int64(bulkSize-n))
					c.Write([]byte("."))
					return
				}
				for ; err == nil; n, err = c.Read(buf) {
					c.Write(buf[:n])
				}
			}()
		}
	}()
	return l.Addr().String()
}

func freePort(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func start(b *testing.B, cmd *exec.Cmd, addr string) {
	b.Helper()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	again := time.Tick(10 * time.Millisecond)
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
		<-again
	}
	b.Fatalf("%v does not listen on %s", cmd, addr)
}

// BenchmarkProxies prints messages a second, bytes a second, and what a round
// trip at rest takes, through nothing, through toxiproxy and through ours.
func BenchmarkProxies(b *testing.B) {
	dir := b.TempDir()
	for _, build := range [][]string{
		{"../../..", "./03-tcp-reliability/proxy"},
		{".", "github.com/Shopify/toxiproxy/v2/cmd/server"}} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(build[1])),
			build[1])
		cmd.Dir = build[0]
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	target := echo(b)
	addrs := map[string]string{"direct": target}
	for _, mtu := range []string{"1500", "65535"} {
		name := "proxy, mtu " + mtu
		addrs[name] = freePort(b)
		start(b, exec.Command(filepath.Join(dir, "proxy"), "-listen", addrs[name], "-target",
			target,
			"-delay", "0", "-view", "none", "-mtu", mtu), addrs[name])
	}
	control := freePort(b)
	host, port, _ := net.SplitHostPort(control)
	toxi := exec.Command(filepath.Join(dir, "server"), "-host", host, "-port", port)
	toxi.Env = append(os.Environ(), "LOG_LEVEL=error")
	start(b, toxi, control)
	addrs["toxiproxy"] = freePort(b)
	r, err := http.Post("http://"+control+"/proxies", "application/json", strings.NewReader(
		fmt.Sprintf(`{"name":"x","listen":%q,"upstream":%q,"enabled":true}`, addrs["toxiproxy"],
			target)))
	if err != nil || r.StatusCode != http.StatusCreated {
		b.Fatalf("toxiproxy: %v %v", r, err)
	}
	r.Body.Close()

	names := []string{"direct", "toxiproxy", "proxy, mtu 1500", "proxy, mtu 65535"}
	for b.Loop() {
		results := map[string][][3]float64{}
		for range rounds {
			for _, name := range names {
				results[name] = append(results[name], [3]float64{
					messages(b, addrs[name]), bulk(b, addrs[name]), atRest(b, addrs[name])})
			}
		}
		fmt.Printf("\n%-18s %12s %12s %14s\n", "through", "messages/s", "MB/s", "round trip")
		for _, name := range names {
			var m [3]float64
			for i := range m {
				var all []float64
				for _, r := range results[name] {
					all = append(all, r[i])
				}
				slices.Sort(all)
				m[i] = all[len(all)/2]
			}
			fmt.Printf("%-18s %12.0f %12.0f %11.0f µs\n", name, m[0], m[1], m[2])
		}
	}
}

// messages is how many 64-byte messages a second go there and back over 20
// connections.
func messages(b *testing.B, addr string) float64 {
	const conns, d = 20, 700 * time.Millisecond
	var all sync.WaitGroup
	counts := make([]int, conns)
	begin := time.Now()
	for i := range conns {
		all.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			message := make([]byte, 64)
			for time.Since(begin) < d {
				c.Write(message)
				if _, err := io.ReadFull(c, message); err != nil {
					b.Error(err)
					return
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	n := 0
	for _, c := range counts {
		n += c
	}
	return float64(n) / time.Since(begin).Seconds()
}

// bulk is the rate of one long transfer up, in MB a second.
func bulk(b *testing.B, addr string) float64 {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	begin := time.Now()
	block := make([]byte, 64<<10)
	block[0] = '>'
	for range bulkSize / len(block) {
		if _, err := c.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := bufio.NewReader(c).ReadByte(); err != nil {
		b.Fatal(err)
	}
	return bulkSize / 1e6 / time.Since(begin).Seconds()
}

// atRest is the median round trip of single messages, in µs.
func atRest(b *testing.B, addr string) float64 {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	message := make([]byte, 64)
	var all []time.Duration
	rest := time.Tick(time.Millisecond)
	for range 200 {
		<-rest
		begin := time.Now()
		c.Write(message)
		if _, err := io.ReadFull(c, message); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(begin))
	}
	slices.Sort(all)
	return float64(all[len(all)/2].Nanoseconds()) / 1000
}
