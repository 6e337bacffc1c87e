package run

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"github.com/google/go-cmp/cmp"
)

// parse reads a command line, cut at the spaces that are not in quotes.
func parse(t testing.TB, line string) Settings {
	t.Helper()
	var args []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			args = append(args, part)
		} else {
			args = append(args, strings.Fields(part)...)
		}
	}
	s := Default()
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	s.Flags(fs)
	err := flags.Parse(fs, args, io.Discard, "",
		func() error { return s.Check(flags.Given(fs), false) })
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s
}

// The three forms of settings, and what differs from the default alone.
func TestForms(t *testing.T) {
	for _, c := range []struct{ flags, command, address string }{
		{"", "-drop data:3", "drop=data:3"},
		{"-loss 0", "-loss 0", "loss=0"},
		{"-seed 2 -protocol udp -loss 0", "-protocol udp -loss 0 -seed 2",
			"protocol=udp&loss=0&seed=2"},
		{"-drop down:5-6,up:3 -protocol tcp -window 8 -protocol go-back-n",
			"-protocol go-back-n -drop up:3,down:5-6", "protocol=go-back-n&drop=up:3,down:5-6"},
		{"-rack -loss 0.10 -spare up:7", "-rack -loss 0.1 -spare up:7",
			"rack=true&loss=0.1&spare=up:7"},
		{"-bytes 9000 -read-rate 4000", "-bytes 9000 -read-rate 4000", "bytes=9000&read-rate=4000"},
		{`-every 0 -message "a & b, 2+2=4"`, `-message "a & b, 2+2=4" -every 0s -drop data:3`,
			"message=a+%26+b,+2%2B2%3D4&every=0s&drop=data:3"},
		{`-message ""`, `-message "" -drop data:3`, "message=&drop=data:3"},
	} {
		s := parse(t, c.flags)
		if got := strings.TrimPrefix(s.Command(),
			"go run ./03-tcp-reliability "); got != c.command {
			t.Errorf("%s: the command is\n%s\nand not\n%s", c.flags, got, c.command)
		}
		if got := s.Address(); got != c.address {
			t.Errorf("%s: the address is\n%s\nand not\n%s", c.flags, got, c.address)
		}
		again, wrong := FromAddress(c.address)
		if diff := cmp.Diff(fmt.Sprint(s), fmt.Sprint(again)); diff != "" || wrong != nil {
			t.Errorf("%s comes back as (%v)\n%s", c.address, wrong, diff)
		}
		if diff := cmp.Diff(fmt.Sprint(s), fmt.Sprint(parse(t, c.command))); diff != "" {
			t.Errorf("%s comes back as\n%s", c.command, diff)
		}
	}
}

// Whatever the settings are, command and address give them back.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	for range 2000 {
		line := "-protocol " + pick("udp", "stop-and-wait", "go-back-n", "selective-repeat",
			"tcp") +
			pick("", " -loss 0", " -loss 0.2", " -loss 0.2 -burst 3",
				" -loss 0.5 -spare up:3,data:9") +
			pick("", " -drop data:3", " -drop up:1-3,down:4") + pick("", " -duplicate 0.1") +
			pick("", " -delay 0s", " -delay 1h") + pick("", " -jitter 5ms") +
			pick("", " -rate 1500kbit", " -rate 1Mbit -queue 0") + pick("", " -seed -7") +
			pick("", " -bytes 5000", ` -message "x y"`, " -every 0s", ` -message "one" -every 1m`) +
			pick("", " -read-rate 100")
		s := parse(t, line)
		command := strings.TrimPrefix(s.Command(), "go run ./03-tcp-reliability")
		if got := parse(t, command); fmt.Sprint(got) != fmt.Sprint(s) {
			t.Fatalf("%s\ngives the command\n%s\nand that the settings\n%v\nnot\n%v", line, command,
				got, s)
		}
		got, wrong := FromAddress(s.Address())
		if fmt.Sprint(got) != fmt.Sprint(s) || wrong != nil || got.Address() != s.Address() {
			t.Fatalf("%s\ngives the address\n%s\nand that %v and the settings\n%v\nnot\n%v",
				line, s.Address(), wrong, got, s)
		}
	}
}

// What is wrong in an address is said, and the rest works.
func TestWrongAddress(t *testing.T) {
	for address, want := range map[string]struct {
		same  string // as this one
		wrong []string
	}{
		"":                     {"drop=data:3", nil},
		"&drop=up:4&":          {"drop=up:4", nil},
		"drop=up%3A4":          {"drop=up:4", nil},
		"colour=red&drop=up:4": {"drop=up:4", []string{`unknown setting "colour"`}},
		"drop=up:x&seed=2": {"drop=data:3&seed=2", []string{
			`invalid value "up:x" for drop: "up:x": must be a list such as up:3,down:5-6,data:3`}},
		"seed=%zz&loss=0.1": {"loss=0.1",
			[]string{`invalid value "" for seed: invalid URL escape "%zz"`}},
		"seed=2&seed=3": {"seed=2&drop=data:3",
			[]string{`invalid value "3" for seed: is given twice`}},
		"window=4&loss=0.5": {"loss=0.5",
			[]string{"flag -window means nothing to -protocol tcp: it is for\ngo-back-n, " +
				"selective-repeat"}},
		"bytes=-1&loss=0.5": {"loss=0.5",
			[]string{"invalid value -1 for flag -bytes: must be from 1 to 100000000"}},
		"bytes=9&message=x": {"bytes=9",
			[]string{"flags -message and -bytes exclude each other"}},
		"delay=2h&queue=3": {"",
			[]string{"invalid value 2h0m0s for flag -delay: must be from 0 to 1h0m0s",
				"flag -queue needs -rate, such as -rate 1Mbit: the speed of the link"}},
		"loss=0.9&burst=3": {"",
			[]string{"invalid value 0.9 for flag -loss: must be at most 0.75 with -burst 3",
				"flag -burst needs -loss, such as -loss 0.1: how many packets are lost"}},
		"protocol=sctp&rto=1": {"",
			[]string{`invalid value "1" for rto: needs a unit, such as 1ms or 1s`,
				"invalid value \"sctp\" for flag -protocol: must be one of\nudp, stop-and-wait, " +
					"go-back-n, selective-repeat, tcp"}},
	} {
		s, wrong := FromAddress(address)
		if diff := cmp.Diff(want.wrong, wrong); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
		if same, _ := FromAddress(want.same); fmt.Sprint(s) != fmt.Sprint(same) {
			t.Errorf("%s gives the settings\n%v\nand not\n%v", address, s, same)
		}
	}
}

// Every flag has its place in the order.
func TestOrder(t *testing.T) {
	s := Default()
	s.FlagSet().VisitAll(func(f *flag.Flag) {
		if strings.Count(" "+strings.Join(order, " ")+" ", " "+f.Name+" ") != 1 {
			t.Errorf("-%s is not in the order of the flags", f.Name)
		}
	})
}

// A shell reads a quoted text as one word again.
func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"data:3":      "data:3",
		"":            `""`,
		"two words":   `"two words"`,
		"Me too!":     `'Me too!'`,
		`it's "$x"`:   `'it'\''s "$x"'`,
		"Übung & cd;": `"Übung & cd;"`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%s is quoted as %s, not %s", text, got, want)
		}
	}
}

// A run and what is said of it.
func TestRun(t *testing.T) {
	for line, want := range map[string]string{
		"":           "Whole and in order: 45 bytes, after 100 ms.",
		"-message x": "Whole and in order: 1 byte, after 30 ms.",
		"-protocol udp": "Torn: 45 bytes were written, and 42 read:\n  \"Every word this " +
			"sentence arrives in order.\"",
		"-drop up:4-999": "Not whole: the first 6 of 45 bytes were read.",
		"-loss 1":        "Not whole: of 45 bytes nothing was read.",
		"-message one -every 0 -protocol stop-and-wait -delay 40s": "Whole and in order: 3 " +
			"bytes, after 40000 ms.",
		"-message one -every 0 -protocol stop-and-wait -delay 90s": "Not whole: of 3 bytes " +
			"nothing was read.",
		"-bytes 5000 -drop data:2 -protocol udp": "Torn: 5000 bytes were " +
			"written, and 4000 others read.",
	} {
		s := parse(t, line)
		var tr trace.Trace
		r, err := s.Run(&tr)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Verdict(); got != want {
			t.Errorf("%s: %s\nand not %s", line, got, want)
		}
		if tr.Protocol != s.Protocol || len(tr.Events) == 0 {
			t.Errorf("%s: the trace is of %q and has %d events", line, tr.Protocol, len(tr.Events))
		}
		blind, err := s.Run(nil)
		if err != nil || !bytes.Equal(blind.Read, r.Read) || blind.Ended != r.Ended ||
			blind.Sent != r.Sent {
			t.Errorf("%s: without a trace the run is another one", line)
		}
	}
}

// Each protocol's run can be had by its name.
func TestProtocols(t *testing.T) {
	for _, name := range append(arq.Names(), "tcp") {
		s := parse(t, "-loss 0 -protocol "+name)
		r, err := s.Run(nil)
		if err != nil || r.Err != nil || string(r.Read) != s.Message {
			t.Errorf("%s: %q, errors %v, %v", name, r.Read, err, r.Err)
		}
	}
}
