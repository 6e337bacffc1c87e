package document

import (
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
)

// A Table shows every protocol over the same network.
type Table struct {
	Runs []TableRun `json:"runs"`
}

// A TableRun is one of them.
type TableRun struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Verdict string `json:"verdict"`
	Counts  string `json:"counts"`
	Picture string `json:"picture"`
}

// maxCompared is how many packets a run may have that is drawn beside others.
const maxCompared = 300

// Compare runs an address with each protocol, the same packets lost.
func Compare(address string, v View) (*Table, error) {
	s, _ := settings(address)
	t := &Table{Runs: []TableRun{}}
	for _, name := range hosts.Names {
		c := s
		c.Protocol = name
		r, err := once(c, false)
		if err != nil {
			return nil, err
		}
		if len(r.digest.Packets) > maxCompared {
			return nil, ErrTooMany
		}
		d := &Document{Address: c.Address()}
		if err := draw(d, r, nil, View{Width: v.Width, prefix: name + "-", whole: true}); err != nil {
			return nil, err
		}
		t.Runs = append(t.Runs, TableRun{Name: name, Address: c.Address(), Verdict: r.Verdict(),
			Picture: d.Picture,
			Counts: fmt.Sprintf("%d packets up and down, %d of them sent again",
				r.Sent[0]+r.Sent[1], r.Retransmits[0]+r.Retransmits[1])})
	}
	return t, nil
}
