package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/document"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

// values of each flag, some of them wrong or without meaning beside others.
var values = map[string][]string{
	"protocol": append([]string{"sctp"}, hosts.Names...),
	"message": {"", "one", "a+b+c+d+e+f+g+h+i", "%3Cscript%3Ealert(1)%3C/script%3E",
		"%00+%1b%5B31m+%ff%fe", "%E4%BD%A0%E5%A5%BD+%F0%9F%91%A9+%D8%B9"},
	"every":          {"0s", "1ms", "3ms", "1s", "x"},
	"bytes":          {"1", "5000", "20000", "-1", "1e3"},
	"window":         {"1", "4", "64", "0"},
	"rto":            {"30ms", "200ms", "1"},
	"congestion":     {"reno", "cubic", "bbr"},
	"rack":           {"true", "false", "2"},
	"sack":           {"true", "false"},
	"timestamps":     {"true", "false"},
	"rto-min":        {"10ms", "300ms"},
	"rto-max":        {"2s", "1ms"},
	"receive-buffer": {"3000", "100000", "-1"},
	"nagle":          {"true", "false"},
	"delayed-ack":    {"40ms", "0s", "true"},
	"read-rate":      {"20000", "3000"},
	"loss":           {"0", "0.05", "0.2", "2"},
	"burst":          {"2", "0.5"},
	"drop":           {"data:3", "up:2,down:3-5", "up:1", "data:2,up:9,down:2", "x"},
	"spare":          {"up:4", "data:2,down:1-9"},
	"duplicate":      {"0.2", "1"},
	"reorder":        {"0.3", "0.1"},
	"corrupt":        {"0.1"},
	"delay":          {"0s", "1ms", "300ms", "5"},
	"jitter":         {"1ms", "20ms"},
	"rate":           {"200kbit", "1Mbit", "fast"},
	"queue":          {"0", "3", "100"},
	"only":           {"up", "down", "both"},
	"seed":           {"2", "-3", "77", "x"},
}

// random is a question with random settings, in any order, and what a page
// adds to them.
func random(t *testing.T, r *rand.Rand) string {
	one := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	parts := []string{"protocol=" + one(hosts.Names...)}
	for _, name := range run.Names() {
		if r.IntN(6) == 0 && name != "protocol" || r.IntN(40) == 0 {
			parts = append(parts, name+"="+one(values[name]...))
		}
	}
	if r.IntN(10) == 0 {
		parts = append(parts, one("nonsense=1", "drop", "=", "seed=%zz", "LOSS=0.1", "top=x", "&&"))
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	address := strings.Join(parts, "&")
	if r.IntN(3) == 0 { // a click
		if d, err := document.Of(address, document.View{}); err != nil {
			t.Fatalf("%s: %v", address, err)
		} else if p := d.Packets[r.IntN(len(d.Packets))]; p.Toggle != "" {
			address = p.Toggle + "&before=" + url.QueryEscape(d.Address) + "&see=" + p.ID
		}
	}
	return "run?" + address + one("", "&width=390", "&width=1280", "&top=2000") +
		one("", "", "&at=17", "&at=3&see=up-4", "&see=down-99", "&cover=server", "&at=999999")
}

// The same document comes over HTTP and from WebAssembly, byte for byte.
func TestEqual(t *testing.T) {
	t.Parallel() // with Node
	for _, name := range run.Names() {
		if len(values[name]) == 0 {
			t.Fatalf("flag %s has no values to try", name)
		}
	}
	ask := engine(t)
	documents := 20
	if os.Getenv("CI") != "" || os.Getenv("ALL") != "" {
		documents = 500
	}
	r := rand.New(rand.NewPCG(19, 19))
	questions := []string{"harm?drop=data:3",
		"compare?protocol=udp&loss=0.1&width=390", "curves?", "run?width=x"}
	for i := range documents {
		questions = append(questions, random(t, r))
		if i%5 == 0 {
			questions = append(questions, "picture"+strings.TrimPrefix(random(t, r), "run"))
		}
	}
	h := handler()
	problems, before := 0, 0
	for _, q := range questions {
		answer := get(t, h, "/"+q, nil)
		want := body(t, answer)
		if answer.StatusCode == http.StatusBadRequest {
			want = "error: " + want
		} else if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", q, answer.StatusCode)
		}
		if got := ask(q); got != want {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			from := max(0, i-80)
			t.Errorf("%s\ndiffers from byte %d of %d on: over HTTP\n%.200q\nfrom "+
				"WebAssembly\n%.200q",
				q, i, len(want), want[from:], got[from:])
		}
		if strings.Contains(want, `"problems":[`) {
			problems++
		}
		if strings.Contains(want, `"before":"`) {
			before++
		}
	}
	if problems < documents/20 || before < documents/20 {
		t.Errorf("of %d documents %d have problems and %d differences: too few to say anything",
			documents, problems, before)
	}
}

// engine starts the engine in Node, and gives the function that asks it. It
// skips the test where there is no Node that can.
func engine(t *testing.T) func(question string) string {
	t.Helper()
	skip := func(why string) {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatal("CI needs Node for this test: ", why)
		}
		t.Skip("this needs Node: ", why)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		skip(err.Error())
	}
	needs := exec.Command(node, "-e",
		"new WebAssembly.Memory({initial: 1}); crypto.getRandomValues")
	if out, err := needs.CombinedOutput(); err != nil {
		skip(string(out))
	}
	glue, plain, err := build(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"wasm_exec.js": glue, "engine.wasm": plain} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(node, "--stack-size=8192", filepath.Join("testdata", "ask.js"),
		filepath.Join(dir, "wasm_exec.js"), filepath.Join(dir, "engine.wasm"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("%v\n%s", err, &said)
		}
	})
	answers := bufio.NewReader(out)
	return func(question string) string {
		var length int
		_, err := fmt.Fprintln(in, question)
		if err == nil {
			_, err = fmt.Fscanf(answers, "%d\n", &length)
		}
		text := make([]byte, length)
		if err == nil {
			_, err = io.ReadFull(answers, text)
		}
		if err != nil {
			in.Close()
			cmd.Wait()
			t.Fatalf("%s: %v\n%s", question, err, &said)
		}
		return string(text)
	}
}
