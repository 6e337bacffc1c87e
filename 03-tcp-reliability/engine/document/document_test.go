package document

import (
	"encoding/json"
	"testing"
)

func TestDefault(t *testing.T) {
	d, err := Of("", View{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range d.Events {
		t.Logf("%6d %-10s %s %v", e.At, e.What, e.Sentence, e.Causes)
		if e.Client >= 0 {
			t.Logf("       client: %s %v", d.States[e.Client].Says, d.States[e.Client].Ranges)
		}
		if e.Server >= 0 {
			t.Logf("       server: %s %v", d.States[e.Server].Says, d.States[e.Server].Ranges)
		}
	}
	for _, p := range d.Packets {
		t.Logf("%s %s | %s | %s %s", p.ID, p.Label, p.Sentence, p.ToggleWord, p.Toggle)
	}
	b, _ := json.Marshal(d)
	t.Log(len(b))
}
