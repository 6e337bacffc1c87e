package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/views"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false,
	"write the golden files in testdata anew; look at them afterwards")

// golden names the runs whose whole output is kept in testdata.
var golden = map[string]string{
	"tcp":                "",
	"udp":                "-protocol udp",
	"udp-reorder":        "-protocol udp -reorder 0.4 -duplicate 0.3 -seed 3",
	"stop-and-wait":      "-protocol stop-and-wait",
	"go-back-n":          "-protocol go-back-n",
	"selective-repeat":   "-protocol selective-repeat",
	"ack-lost":           "-protocol selective-repeat -drop down:3",
	"corrupt":            "-protocol selective-repeat -corrupt 0.3 -seed 5",
	"queue":              "-protocol go-back-n -rate 16kbit -queue 2 -rto 300ms -every 1ms",
	"tcp-syn-lost":       "-drop up:1,down:1",
	"tcp-duplicate":      "-duplicate 1 -drop data:3",
	"tcp-all-faults":     "-loss 0.15 -duplicate 0.1 -reorder 0.2 -corrupt 0.1 -jitter 3ms -seed 7",
	"tcp-rack":           "-rack -drop data:8",
	"tcp-gives-up":       "-drop up:4-1000",
	"tcp-slow-reader":    "-bytes 9000 -receive-buffer 3000 -read-rate 4000",
	"tcp-cwnd":           "-bytes 3000000 -rate 5Mbit -queue 10 -view cwnd",
	"tcp-summary":        "-bytes 3000000 -rate 5Mbit -queue 10",
	"compare":            "-compare -loss 0.1",
	"harm":               "-view harm",
	"compare-throughput": "-compare -bytes 300000 -rate 10Mbit -queue 1000 -loss 0,0.01,0.1",
	"json":               "-protocol stop-and-wait -message one -view json -drop data:1",
}

// output is what the simulator prints for a command line.
func output(t testing.TB, flags string) []byte {
	t.Helper()
	var out bytes.Buffer
	o, err := parse(strings.Fields(flags), &out)
	if err == nil && o.compare {
		err = o.compareAll(&out)
	} else if err == nil {
		err = o.show(&out, views.Style{})
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", flags, err, &out)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for name, flags := range golden {
		t.Run(name, func(t *testing.T) {
			got := output(t, flags)
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", flags, diff)
			}
			if strings.Contains(flags, "json") {
				return
			}
			for line := range strings.Lines(string(got)) {
				if n := story.Width(strings.TrimSuffix(line, "\n")); n > 80 &&
					strings.Contains(line, "│") {
					t.Errorf("a line of the ladder is %d columns wide:\n%s", n, line)
				}
			}
		})
	}
}

// The same flags give the same bytes, however many processors there are.
func TestRepeatable(t *testing.T) {
	runs := 1000
	if os.Getenv("CI") == "" && os.Getenv("ALL") == "" {
		runs = 100
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, flags := range []string{
		"-view json " + golden["tcp-all-faults"],
		"-view json -protocol selective-repeat " + golden["tcp-all-faults"],
		"-compare -loss 0.1",
	} {
		want := output(t, flags)
		for i := range runs {
			runtime.GOMAXPROCS([]int{1, 2, 8}[i%3])
			if diff := cmp.Diff(string(want), string(output(t, flags))); diff != "" {
				t.Fatalf("%s: run %d is not like the first (-want +got):\n%s", flags, i+2, diff)
			}
		}
	}
}

// Compiled to WebAssembly and run by Node, the simulator prints the same.
func TestWebAssembly(t *testing.T) {
	t.Parallel() // with other processes
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatal("CI needs Node for this test: ", err)
		}
		t.Skip("this machine has no Node")
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	wasm := filepath.Join(t.TempDir(), "simulator.wasm")
	build := exec.Command("go", "build", "-o", wasm, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	glue := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js")
	for _, name := range []string{"tcp", "tcp-all-faults", "tcp-slow-reader", "corrupt", "compare",
		"json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := exec.Command(node, append([]string{"--stack-size=8192", glue, wasm},
				strings.Fields(golden[name])...)...)
			// the rest of a long environment has no room there
			run.Env = []string{"PATH=" + os.Getenv("PATH")}
			got, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if diff := cmp.Diff(string(output(t, golden[name])), string(got)); diff != "" {
				t.Errorf("%s (- here, + in WebAssembly):\n%s", golden[name], diff)
			}
		})
	}
}

// What makes no sense is one clear line, where help is, and status 2.
func TestWrongCommands(t *testing.T) {
	for flags, want := range map[string]string{
		"-loss 2":        `invalid value "2" for flag -loss: must be a number from 0 to 1, such as 0.2`,
		"-protocol sctp": `invalid value "sctp" for flag -protocol: must be one of`,
		"-drop up:x":     `invalid value "up:x" for flag -drop: "up:x": must be a list such as up:3,down:5-6,data:3`,
		"-protocol go-back-n -window -1": "invalid value -1 for flag -window: must be from " +
			"1 to 1024 packets",
		"-window 4": "flag -window means nothing to -protocol tcp: it " +
			"is for",
		"-protocol udp -rto 1s":        "flag -rto means nothing to -protocol udp",
		"-protocol go-back-n -rto -1s": "invalid value -1s for flag -rto",
		"-bytes 1000000000000": "invalid value 1000000000000 for flag -bytes: " +
			"must be from 1 to 100000000",
		"-bytes -1":             "invalid value -1 for flag -bytes",
		"-bytes 0":              "invalid value 0 for flag -bytes: must be from 1",
		"-bytes 5 -every 1ms":   "flag -every means nothing with -bytes",
		"-bytes 5 -message x":   "flags -message and -bytes exclude each other",
		"-every -1s":            "invalid value -1s for flag -every",
		"-read-rate -1":         "invalid value -1 for flag -read-rate",
		"-receive-buffer -1":    "invalid value -1 for flag -receive-buffer",
		"-congestion bbr":       `invalid value "bbr" for flag -congestion: must be reno or cubic`,
		"-width 390":            "flag -width is for -view svg",
		"-view svg -width 10":   `invalid value "10" for flag -width: must be from 300 to 4000 points`,
		"-view svg -theme blue": `invalid value "blue" for flag -theme: must be light or dark`,
		"-view svg -from 2s -to 1s": "invalid value 1s for flag -to: must be later " +
			"than -from",
		"-view film":            `invalid value "film" for flag -view: must be one of ladder, summary, cwnd, json`,
		"-compare -view ladder": "flag -compare runs every protocol",
		"-loss 0,0.1": "several probabilities make sense with -compare " +
			"only",
		"-compare -loss 0,2":              `invalid value "0,2" for flag -loss`,
		"-compare -burst 3 -loss 0.9,0.1": "invalid value 0.9 for flag -loss",
		"-delay 5":                        `invalid value "5" for flag -delay: needs a unit, such as 5ms or 5s`,
		"-bytes 1e6":                      `invalid value "1e6" for flag -bytes: must be written out: 1000000`,
		"-burst 5": "flag -burst needs -loss, such as -loss 0.1: how " +
			"many packets are lost",
		"-queue 5": "flag -queue needs -rate, such as -rate 1Mbit: " +
			"the speed of the link",
		"-only up": "flag -only needs a fault that it limits, such " +
			"as -loss 0.1",
		"-spare up:7": "flag -spare needs -loss, such as -loss 0.1: it " +
			"spares what chance takes",
		"-compare -burst 3 -loss 0.1,0.9":      "invalid value 0.9 for flag -loss",
		"-delay -1ms":                          "invalid value -1ms for flag -delay",
		"hello":                                `unexpected argument "hello"`,
		"-no-such-flag":                        "flag provided but not defined: -no-such-flag",
		"-message " + strings.Repeat("x", 1e5): "are too many",
	} {
		var out bytes.Buffer
		_, err := parse(strings.Fields(flags), &out)
		first, _, _ := strings.Cut(out.String(), "\n")
		if err == nil || !strings.Contains(first, want) ||
			!strings.HasSuffix(out.String(), "\n-h shows the flags\n") ||
			strings.Count(out.String(), "\n") > 3 {
			t.Errorf("%.60s: error %v, the first line is\n%s\nand not\n%s", flags, err, first, want)
		}
	}
}

// As a process: the statuses, and captures that can't be written.
func TestProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exe := filepath.Join(dir, "simulator.exe")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) (status int, stdout, stderr string) {
		cmd := exec.Command(exe, args...)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		cmd.Run()
		return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
	}
	if status, out, errOut := run(); status != 0 || out != string(output(t, "")) || errOut != "" {
		t.Errorf("status %d\n%s%s", status, out, errOut)
	}
	if status, out, errOut := run("-loss", "2"); status != 2 || out != "" ||
		!strings.HasPrefix(errOut, "invalid value") {
		t.Errorf("-loss 2: status %d\n%s%s", status, out, errOut)
	}
	if status, _, errOut := run("-h"); status != 0 || !strings.Contains(errOut, "-protocol") {
		t.Errorf("-h: status %d\n%s", status, errOut)
	}
	name := filepath.Join(dir, "no", "such", "folder")
	if status, out, errOut := run("-pcap", name); status != 1 || out != "" ||
		!strings.HasPrefix(errOut, "cannot write the captures: ") ||
		strings.Count(errOut, "\n") != 2 {
		t.Errorf("-pcap %s: status %d\n%s%s", name, status, out, errOut)
	}
	if runtime.GOOS != "windows" { // a disk that is full, for a file of this size
		out, err := exec.Command("sh", "-c", "ulimit -f 1; exec "+exe+" -bytes 100000 -pcap "+
			filepath.Join(dir, "full")).CombinedOutput()
		if want := "cannot write the captures: file too large\nis the disk full?\n"; err == nil ||
			string(out) != want {
			t.Errorf("error %v, output\n%s\nand not\n%s", err, out, want)
		}
	}
	// The second file can't be written: the first is not left behind.
	os.Mkdir(filepath.Join(dir, "half-server.pcapng"), 0o755)
	if status, _, _ := run("-pcap", filepath.Join(dir, "half")); status != 1 {
		t.Errorf("status %d", status)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(parts) > 0 {
		t.Errorf("captures that were not finished are left behind: %q", parts)
	}
	if _, err := os.Stat(filepath.Join(dir, "half-client.pcapng")); err == nil {
		t.Error("half of the captures is left behind")
	}
}

// Colours are extra: without them the ladder is the same.
func TestColor(t *testing.T) {
	o, err := parse(strings.Fields(golden["tcp-all-faults"]), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	var plain, colored bytes.Buffer
	if err := o.show(&plain, views.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := o.show(&colored, views.Style{Color: true}); err != nil {
		t.Fatal(err)
	}
	s := colored.String()
	if !strings.Contains(s, "\x1b[31m") || !strings.Contains(s, "\x1b[33m") {
		t.Error("losses and retransmissions have no colour")
	}
	for _, code := range []string{"\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"} {
		s = strings.ReplaceAll(s, code, "")
	}
	if s != plain.String() {
		t.Error("without its colours the ladder is another one")
	}
}

// A run in which nothing was lost, though losses were asked for, says so.
func TestNothingLost(t *testing.T) {
	for flags, want := range map[string]string{
		"-message one": "Nothing was lost: no packet of -drop data:3 was sent\n",
		"-message one -drop up:9,down:8": "Nothing was lost: no packet of -drop up:9,down:8 was " +
			"sent\n",
		"-message one -loss 0.001": "Nothing was lost; try another -seed\n",
		"-message one -loss 0":     "",
		"":                         "",
	} {
		_, got, found := strings.Cut(string(output(t, flags+" -view summary")), "Nothing was lost")
		if found != (want != "") || found && "Nothing was lost"+got != want {
			t.Errorf("%q: %q and not %q", flags, got, want)
		}
	}
}
