package performance

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	rounds = 15          // of each throughput measurement; medians count
	round  = time.Second // one server under load, while the others sleep
	idle   = 5000        // connections, for the memory
	many   = 9000        // connections of one client
)

// The servers that are measured. The last argument is the address.
var servers = []struct {
	name    string
	command []string
}{
	{"server", []string{"server", "-quiet", "-addr"}},
	{"eventloop", []string{"eventloop", "-quiet", "-addr"}},
	{"gnet multicore", []string{"gnet", "-multicore", "-addr"}},
	{"gnet one loop", []string{"gnet", "-addr"}},
	{"Python", []string{"python3", "selectors_server.py"}},
	{"Python textbook", []string{"python3", "textbook_server.py"}},
}

const ours = 2 // the first two are chapter 2's, and must not fail

// What is asked of them: a ratio of messages a second.
var asked = []struct {
	a, b  string
	least float64
}{
	{"server", "gnet multicore", 0.85},
	{"server", "Python", 1.3},
	{"server", "Python textbook", 1.3},
	{"eventloop", "gnet one loop", 1.0},
}

var bin string // the folder of the programs built for the measurement

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "performance")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin = dir
		for _, build := range []struct{ dir, program string }{
			{"../../..", "./02-multiconn/server"},
			{"../../..", "./02-multiconn/eventloop"},
			{"../../..", "./02-multiconn/load"},
			{".", "./gnet"},
		} {
			cmd := exec.Command("go", "build", "-o", dir+"/", build.program)
			cmd.Dir = build.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "cannot build %s: %v\n%s", build.program, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// A server is one that runs.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
}

// start runs servers[i] on a free port. It is stopped when the test ends, and
// must have ended well.
func start(tb testing.TB, i int) server {
	tb.Helper()
	s := servers[i]
	program := filepath.Join(bin, s.command[0])
	if s.command[0] == "python3" {
		var err error
		if program, err = exec.LookPath("python3"); err != nil {
			tb.Fatal("Python is one of the servers: ", err)
		}
	}
	// gnet cannot tell which port it got for port 0, so all get a free one.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	cmd := exec.Command(program, append(slices.Clone(s.command[1:]), addr)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil && i < ours {
			tb.Errorf("%s: on SIGTERM it ended with: %v", s.name, err)
		}
	})
	output := bufio.NewReader(stdout)
	line, err := output.ReadString('\n')
	for err == nil && !strings.HasPrefix(line, "Listening on ") { // gnet logs, too
		line, err = output.ReadString('\n')
	}
	if err != nil {
		tb.Fatalf("%s does not say where it listens: %v", s.name, err)
	}
	return server{s.name, addr, cmd}
}

// startAll runs every server.
func startAll(tb testing.TB) (all []server) {
	for i := range servers {
		all = append(all, start(tb, i))
	}
	return all
}

// TestServers checks that each of them echoes, for both kinds of load.
func TestServers(t *testing.T) {
	for _, s := range startAll(t) {
		for name, load := range map[string]func(string, int, time.Duration) (float64, error){
			"generator": generate, "tool": loadTool,
		} {
			if rate, err := load(s.addr, 20, 100*time.Millisecond); err != nil || rate == 0 {
				t.Errorf("%s, loaded by the %s: %.0f messages a second, error: %v", s.name, name,
					rate, err)
			}
		}
	}
}

// generate returns the messages a second that go round on conns connections.
func generate(addr string, conns int, d time.Duration) (float64, error) {
	g, err := connect(addr, conns)
	if err != nil {
		return 0, err
	}
	defer g.close()
	if _, err := g.run(d / 10); err != nil { // warms the server up
		return 0, err
	}
	begin := time.Now()
	messages, err := g.run(d)
	return float64(messages) / time.Since(begin).Seconds(), err
}

var rateInText = regexp.MustCompile(`Messages: \d+ in \S+, (\d+) a second`)

// loadTool does the same with the tutorial's own load generator.
func loadTool(addr string, conns int, d time.Duration) (float64, error) {
	out, err := exec.Command(filepath.Join(bin, "load"), "-quiet", "-addr", addr,
		"-conns", strconv.Itoa(conns), "-size", strconv.Itoa(messageSize), "-for",
		d.String()).CombinedOutput()
	m := rateInText.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, fmt.Errorf("load: %v\n%s", err, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// BenchmarkMessages measures messages a second. Each round loads one server
// after the other, so that whatever else the computer does meanwhile hits all
// of them alike.
func BenchmarkMessages(b *testing.B) {
	load := generate
	if os.Getenv("LOAD") == "tool" {
		load = loadTool
	}
	for b.Loop() {
		for _, conns := range []int{50, 1000} {
			messagesAt(b, conns, load)
		}
	}
}

func messagesAt(b *testing.B, conns int, load func(string, int, time.Duration) (float64, error)) {
	rates := map[string][]float64{} // messages a second, by server and round
	costs := map[string][]float64{} // processor time for a message in µs
	all := startAll(b)
	for range rounds {
		for _, s := range all {
			before := processorTime(b, s)
			begin := time.Now()
			rate, err := load(s.addr, conns, round)
			if err != nil {
				b.Fatalf("%s, %d connections: %v", s.name, conns, err)
			}
			messages := rate * time.Since(begin).Seconds()
			rates[s.name] = append(rates[s.name], rate)
			costs[s.name] = append(costs[s.name],
				float64((processorTime(b, s)-before).Nanoseconds())/1000/messages)
		}
	}
	fmt.Printf("\nMessages a second on %d connections, %d bytes each (median; least and most of "+
		"%d rounds)\n",
		conns, messageSize, rounds)
	for _, s := range servers {
		r := rates[s.name]
		fmt.Printf("  %-15s %7.0f  (%.0f to %.0f), %.1f µs of the server's processor time each\n",
			s.name, median(r), slices.Min(r), slices.Max(r), median(costs[s.name]))
		b.ReportMetric(median(r), unit(s.name, "messages/s", conns))
	}
	for _, ask := range asked {
		// The two rates of one round belong together: take their ratio first.
		var ratios []float64
		for i, rate := range rates[ask.a] {
			ratios = append(ratios, rate/rates[ask.b][i])
		}
		fmt.Printf("  %s / %s: %.2f (asked: %.2f or more)\n", ask.a, ask.b, median(ratios),
			ask.least)
		b.ReportMetric(median(ratios), unit(ask.a+"/"+ask.b, "ratio", conns))
	}
}

// BenchmarkMemory measures the resident memory of an idle connection, that is
// one which has echoed a message and then stays open. (The kernel's part of a
// connection is not in it: it is the same for every server.)
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		fmt.Printf("\nMemory for each of %d idle connections (median of 3 fresh servers)\n", idle)
		for i, s := range servers {
			var sizes []float64
			for range 3 {
				sizes = append(sizes, memoryOf(b, i))
			}
			fmt.Printf("  %-15s %6.2f KB\n", s.name, median(sizes)/1000)
			b.ReportMetric(median(sizes), unit(s.name, "B/connection", idle))
		}
	}
}

// memoryOf returns the bytes for a connection of servers[i].
func memoryOf(b *testing.B, i int) float64 {
	s := start(b, i)
	// The first few connections also pay for what is needed only once.
	if _, err := generate(s.addr, 10, 10*time.Millisecond); err != nil {
		b.Fatal(err)
	}
	before := resident(b, s)
	g, err := connect(s.addr, idle)
	if err != nil {
		b.Fatal(err)
	}
	defer g.close()
	if _, err := g.run(0); err != nil {
		b.Fatal(err)
	}
	return (resident(b, s) - before) / idle
}

// BenchmarkManyConnections opens 9,000 connections in one client process, the
// tutorial's load generator. Our servers must serve every one of them.
func BenchmarkManyConnections(b *testing.B) {
	for b.Loop() {
		fmt.Printf("\n%d connections of one client, %d bytes a message\n", many, messageSize)
		for i := range servers {
			s := start(b, i)
			rate, err := loadTool(s.addr, many, 3*time.Second)
			if err != nil {
				fmt.Printf("  %-15s %v\n", s.name, err)
				if i < ours {
					b.Errorf("%s: %v", s.name, err)
				}
				continue
			}
			fmt.Printf("  %-15s no errors, %.0f messages a second\n", s.name, rate)
		}
	}
}

// processorTime returns the time that the processors have spent on s so far,
// in the program and in the kernel (proc(5), utime and stime).
func processorTime(tb testing.TB, s server) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	// The second field is the name, in brackets. utime is the 14th.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // 100 ticks a second
}

var rssInText = regexp.MustCompile(`(?m)^Rss:\s+(\d+) kB$`)

// resident returns the bytes of memory that s has in use (proc(5), Rss).
func resident(tb testing.TB, s server) float64 {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	kib, err := strconv.ParseFloat(string(rssInText.FindSubmatch(rollup)[1]), 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib * 1024
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// unit names a metric as package testing wants it: without spaces.
func unit(name, what string, conns int) string {
	return strings.ReplaceAll(fmt.Sprintf("%s-%s@%d", name, what, conns), " ", "-")
}
