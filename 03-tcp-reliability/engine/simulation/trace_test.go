package simulation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"github.com/google/go-cmp/cmp"
)

// traced runs a protocol over a network with these flags, and tells of states.
func traced(t *testing.T, p, flags string, every time.Duration) (*trace.Trace, simulation.Result) {
	t.Helper()
	c, err := network.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	client, server := pair(t, p, 4, 0)
	tr := &trace.Trace{States: true}
	r := simulation.Run(simulation.Config{Client: client, Server: server, Network: network.New(c),
		Writes: words(sentence), Every: every, Trace: tr})
	return tr, r
}

// The arrival that made a host send is one of the other direction, at that
// moment; and an acknowledgement names a packet that has just arrived, its
// number the one in the trace although some were lost.
func TestCause(t *testing.T) {
	for _, p := range arqs {
		tr, _ := traced(t, p, "-loss 0.2 -duplicate 0.2 -reorder 0.2 -corrupt 0.1 -seed 3", 0)
		causes := [2]int{}
		for i, e := range tr.Events {
			if e.Kind != trace.Sent {
				continue
			}
			found := false
			for _, before := range tr.Events[:i] {
				found = found || before.At == e.At && before.Direction != e.Direction &&
					before.Number == e.Packet.Cause && before.Kind == trace.Arrived
			}
			if e.Packet.Cause > 0 {
				causes[e.Direction]++
			}
			if found != (e.Packet.Cause > 0) || e.Direction == network.Down && !found {
				t.Errorf("%s: %v:%d at %v names arrival %d", p, e.Direction, e.Number, e.At,
					e.Packet.Cause)
			}
		}
		if causes[0] == 0 || causes[1] == 0 {
			t.Errorf("%s: %v packets have a cause", p, causes)
		}
	}
}

// Of a packet that is sent again the trace knows the first transmission and
// the one before.
func TestPrevious(t *testing.T) {
	tr, _ := traced(t, "stop-and-wait", "-drop up:2-4", 0)
	var got []string
	for _, e := range tr.Events {
		if e.Kind == trace.Sent && e.Packet.Retransmits > 0 {
			got = append(got, fmt.Sprint(e.Number, e.Packet.Retransmits, e.Packet.Previous))
		}
	}
	if diff := cmp.Diff([]string{"3 2 2", "4 2 3", "5 2 4"}, got); diff != "" {
		t.Errorf("packet, first, previous (-want +got):\n%s", diff)
	}
}

// A state is told after the event that changed it, and only then.
func TestStates(t *testing.T) {
	for _, p := range append([]string{"udp"}, arqs...) {
		tr, _ := traced(t, p, "-loss 0.2 -seed 2", 10*time.Millisecond)
		var last [2]string
		for i, e := range tr.Events {
			if e.Kind != trace.Changed {
				continue
			}
			state := fmt.Sprintf("%+v %+v", e.State.Out, e.State.In)
			if state == last[e.Direction] {
				t.Errorf("%s: event %d tells the same state again: %s", p, i, state)
			}
			last[e.Direction] = state
			if e.Direction == network.Up != (e.State.Out != nil) ||
				e.Direction == network.Down != (e.State.In != nil) {
				t.Errorf("%s: event %d: %v has the state %s", p, i, e.Direction, state)
			}
		}
		end := "[{From:1 To:11 Is:acknowledged}]"
		if p == "udp" {
			end = "[{From:1 To:10 Is:sent}]"
		}
		if !strings.Contains(last[0], end) {
			t.Errorf("%s: at the end the client's state is %s", p, last[0])
		}
		if end := "{From:1 To:11 Is:read}]"; p != "udp" && !strings.Contains(last[1], end) {
			t.Errorf("%s: at the end the server's state is %s", p, last[1])
		}
	}
	// After the loss of the second word the server misses it, until it comes.
	tr, _ := traced(t, "selective-repeat", "-drop data:2", 10*time.Millisecond)
	var told []string
	for _, e := range tr.Events {
		if e.Kind == trace.Changed && e.Direction == network.Down {
			text := e.At.String()
			for _, r := range e.State.In.Ranges {
				text += fmt.Sprintf(" %d-%d %s", r.From, r.To, r.Is)
			}
			told = append(told, text)
		}
	}
	want := []string{"0s", "10ms 1-2 waiting", "10ms 1-2 read",
		"30ms 1-2 read 2-3 missing 3-4 kept"}
	if diff := cmp.Diff(want, told[:4]); diff != "" {
		t.Errorf("the server's states (-want +got):\n%s", diff)
	}
	// Nobody is asked who is not wanted to tell.
	quiet := trace.Trace{}
	client, server := pair(t, "go-back-n", 4, 0)
	simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(network.Default()), Writes: words(sentence), Trace: &quiet})
	for _, e := range quiet.Events {
		if e.Kind == trace.Changed {
			t.Fatal("states are told although nobody wants them")
		}
	}
}

// A datagram that finds no room at the receiver is one more event.
func TestDropped(t *testing.T) {
	const more = 3
	var tr trace.Trace
	client, server := pair(t, "udp", 1, 0)
	writes := make([][]byte, 1024+more)
	for i := range writes {
		writes[i] = []byte("x")
	}
	r := simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(network.Default()), Writes: writes, Trace: &tr})
	var numbers []int
	for _, e := range tr.Events {
		if e.Kind == trace.Dropped && e.Direction == network.Up {
			numbers = append(numbers, e.Number)
		}
	}
	if diff := cmp.Diff([]int{1025, 1026, 1027}, numbers); diff != "" ||
		r.Dropped != [2]int{0, more} {
		t.Errorf("dropped by the server: %v; the packets (-want +got):\n%s", r.Dropped, diff)
	}
}

// The reason of an end names the limit, and is known when it is reached.
func TestLimitNamed(t *testing.T) {
	for _, c := range []struct {
		config simulation.Config
		want   string
		ended  time.Duration
	}{
		{simulation.Config{Every: 2 * time.Hour},
			"no end within an hour of virtual time: client and server have not finished",
			time.Hour},
		{simulation.Config{Every: time.Hour, MaxTime: 3 * time.Second},
			"no end within 3s of virtual time: client and server have not finished",
			3 * time.Second},
		{simulation.Config{MaxSteps: 1}, "no end within 1 steps: the server has not finished", 0},
	} {
		client, server := arq.NewUDPSender(1), arq.NewGoBackNReceiver(1)
		c.config.Client, c.config.Server = client, server
		c.config.Network, c.config.Writes = network.New(network.Default()), words("one two")
		r := simulation.Run(c.config)
		if r.Err == nil || r.Err.Error() != c.want || r.Ended != c.ended ||
			!strings.Contains(c.want, r.Limit) || r.Limit == "" {
			t.Errorf("%v (%q) at %v, not %s at %v", r.Err, r.Limit, r.Ended, c.want, c.ended)
		}
	}
}
