package views_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// slow is the trace of 9000 bytes over a bad network, whose reader is slow.
func slow(t testing.TB, protocol string, seed int64) *trace.Trace {
	t.Helper()
	address := fmt.Sprintf("protocol=%s&bytes=9000&read-rate=4000&loss=0.05&duplicate=0.1&corrupt=0.05&drop=data:2&seed=%d", protocol, seed)
	if protocol == "tcp" {
		address += "&receive-buffer=3000"
	}
	return traced(t, address)
}

func traced(t testing.TB, address string) *trace.Trace {
	t.Helper()
	s, wrong := run.FromAddress(address)
	if wrong != nil {
		t.Fatal(wrong)
	}
	var tr trace.Trace
	if _, err := s.Run(&tr); err != nil {
		t.Fatal(err)
	}
	return &tr
}

// fieldsOf reads the tables of the page: the fields that are always there, and
// those that are sometimes, each with its type.
func fieldsOf(t *testing.T) (always, sometimes map[string]string) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "trace.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (number|text|list|true or false) \\|.*\\|$")
	parts := bytes.SplitN(page, []byte("Fields that are there only when"), 2)
	if len(parts) != 2 {
		t.Fatal("docs/trace.md has no second table of fields")
	}
	tables := [2]map[string]string{{}, {}}
	for i, part := range parts {
		for _, m := range row.FindAllSubmatch(part, -1) {
			tables[i][string(m[1])] = string(m[2])
		}
	}
	return tables[0], tables[1]
}

// present says when a field that is not always there has to be.
var present = map[string]func(e *trace.Event) bool{
	"connection": func(e *trace.Event) bool { return e.Connection > 0 },
	"kind":       func(e *trace.Event) bool { return e.Packet != nil },
	"seq": func(e *trace.Event) bool {
		return e.Packet != nil && e.Packet.Kind != trace.Ack && e.Packet.Kind != trace.Datagram
	},
	"ack":      func(e *trace.Event) bool { return e.Packet != nil && e.Packet.HasAck },
	"window":   func(e *trace.Event) bool { return e.Packet != nil && e.Packet.Kind.TCP() },
	"sack":     func(e *trace.Event) bool { return e.Packet != nil && len(e.Packet.SACK) > 0 },
	"data":     func(e *trace.Event) bool { return e.Packet != nil && e.Packet.Data > 0 },
	"of":       func(e *trace.Event) bool { return e.Packet != nil && e.Packet.Retransmits > 0 },
	"previous": func(e *trace.Event) bool { return e.Packet != nil && e.Packet.Previous > 0 },
	"cause":    func(e *trace.Event) bool { return e.Packet != nil && e.Packet.Cause > 0 },
	"copy": func(e *trace.Event) bool {
		return e.Kind == trace.Arrived || e.Kind == trace.Discarded || e.Kind == trace.Dropped
	},
	"loss":  func(e *trace.Event) bool { return e.Kind == trace.Lost },
	"note":  func(e *trace.Event) bool { return e.Kind == trace.Noted },
	"value": func(e *trace.Event) bool { return e.Kind == trace.Noted },
	"unit":  func(e *trace.Event) bool { return e.Kind == trace.Noted },
}

// docs/trace.md names every field, its type, and when it is there.
func TestFieldsAreDocumented(t *testing.T) {
	always, sometimes := fieldsOf(t)
	if len(always) != 8 || len(sometimes) != len(present) {
		t.Fatalf("the page has %d and %d fields, the test knows 8 and %d", len(always), len(sometimes), len(present))
	}
	all := trace.Trace{Events: []trace.Event{
		{Kind: trace.Sent, Connection: 1, Packet: &trace.Header{Kind: trace.Datagram, Cause: 3}},
		{Kind: trace.Dropped, Number: 1, Copy: 1, Packet: &trace.Header{Kind: trace.Data}},
		{Kind: trace.Failed, Text: "gave up"},
	}}
	for seed, protocol := range append(arq.Names(), "tcp") {
		all.Events = append(all.Events, slow(t, protocol, int64(seed)).Events...)
	}
	all.Events = append(all.Events, traced(t, "drop=data:3").Events...)
	seen, closed := map[string]bool{}, false
	for i := range all.Events {
		e := &all.Events[i]
		var line bytes.Buffer
		if err := views.WriteEventJSON(&line, e); err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(line.Bytes(), &fields); err != nil {
			t.Fatalf("%v: %s", err, &line)
		}
		for name, value := range fields {
			seen[name] = true
			want := always[name]
			if want == "" {
				want = sometimes[name]
			}
			if got := typeOf(value); got != want {
				t.Errorf("%s is a %s, and on the page %q: %s", name, got, want, &line)
			}
		}
		for name := range always {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s is missing: %s", name, &line)
			}
		}
		for name, there := range present {
			if _, ok := fields[name]; ok != there(e) {
				t.Errorf("%s is there: %v: %s", name, ok, &line)
			}
		}
		closed = closed || fields["window"] == 0.0
	}
	for _, table := range []map[string]string{always, sometimes} {
		for name := range table {
			if !seen[name] {
				t.Errorf("no event has the field %s", name)
			}
		}
	}
	if !closed {
		t.Error("no window was ever closed")
	}
}

func typeOf(value any) string {
	switch value.(type) {
	case float64:
		return "number"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "list"
	}
	return "something else"
}
