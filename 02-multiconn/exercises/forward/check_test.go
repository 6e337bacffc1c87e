//go:build check

package forward_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	. "example.com/sockets/02-multiconn/exercises/forward"
	"example.com/sockets/02-multiconn/exercises/forward/inmemory"
	"example.com/sockets/docs/exercises/check"
)

// A proxy is Forward between a client and a target: their own ends, and those
// that Forward has.
type proxy struct {
	s                      *check.Story
	client, target         *net.TCPConn
	nearClient, nearTarget *net.TCPConn
	over                   <-chan struct{}
	err                    error
}

func start(s *check.Story) *proxy {
	p := &proxy{s: s}
	p.client, p.nearClient = s.Pair()
	p.nearTarget, p.target = s.Pair()
	s.Did("called Forward between a client and a target")
	p.over = s.Go(func() { p.err = Forward(p.nearClient, p.nearTarget) })
	for _, c := range []net.Conn{p.client, p.target} {
		check.Limit(c, check.Patience*3/4)
	}
	return p
}

// passes sends text from one end and reads it at the other.
func passes(s *check.Story, from, to net.Conn, what, text, symptom string) {
	s.Did("%s sent %.30q, %d bytes", what, text, len(text))
	go io.WriteString(from, text)
	got := make([]byte, len(text))
	n, err := io.ReadFull(to, got)
	if string(got[:n]) == text {
		return
	}
	if n == len(text) {
		symptom = "other bytes came through than were sent"
	} else if n > 0 {
		symptom = "a part of what was sent did not come through"
	}
	s.Fail(fmt.Sprintf("%.30q at the other side, %d bytes", text, len(text)),
		fmt.Sprintf("%.30q, %d bytes, error %v", got[:n], n, err), symptom+check.Where())
}

func (p *proxy) there(text string) {
	passes(p.s, p.client, p.target, "the client", text,
		"nothing came through from the client to the target")
}

func (p *proxy) back(text, symptom string) {
	passes(p.s, p.target, p.client, "the target", text, symptom)
}

func ends(s *check.Story, c net.Conn, symptom string) {
	rest, err := io.ReadAll(c)
	if err != nil || len(rest) > 0 {
		s.Fail("the end, and no more bytes", fmt.Sprintf("%.30q, error %v", rest, err),
			symptom+check.Where())
	}
}

// returns waits until Forward has returned, and looks at the connections.
func (p *proxy) returns(symptom string) {
	select {
	case <-p.over:
	case <-check.After(check.Patience * 2 / 3):
		p.s.Fail("Forward returns", "it does not", symptom+check.Where())
	}
	for name, c := range map[string]net.Conn{"the client's": p.nearClient,
		"the target's": p.nearTarget} {
		if err := c.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			p.s.Fail("both connections closed", name+" is open",
				"the connections are not closed when Forward has returned: files leak")
		}
	}
}

func (p *proxy) good() {
	p.returns("both directions have ended, and Forward goes on")
	check.Want(p.s, nil, p.err, "Forward returned an error, but all went well")
}

func (p *proxy) failed(symptom string) {
	p.returns(symptom)
	switch {
	case p.err == nil:
		p.s.Fail("an error", "nil", "a connection that failed looks like one that ended well")
	case errors.Is(p.err, net.ErrClosed):
		p.s.Fail("the error that came first", p.err.Error(),
			"Forward returns the error that its own Close has made, in place of the one that "+
				"came first")
	case !errors.As(p.err, new(*net.OpError)):
		p.s.Fail("the error of a Read or a Write", p.err.Error(),
			"Forward returns an error of its own: the connection's is not in it, and nobody can "+
				"ask what it was")
	}
}

const (
	oneAtATime = "the answer did not come before the client's end: both directions at once"
	halfClosed = "the answer after the half-close did not come: a FIN ends one direction only"
	stillWaits = "the one is gone, and the other side still waits for it"
)

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "there", Holds: []int{1}, Do: func(s *check.Story) { start(s).there("hello") }},
		{Name: "there-and-back", Holds: []int{1, 2}, Do: func(s *check.Story) {
			p := start(s)
			for _, text := range []string{"one", "two\x00\xff"} {
				p.there(text)
				p.back(strings.ToUpper(text), oneAtATime)
			}
		}},
		{Name: "target-speaks-first", Holds: []int{1, 2},
			Do: func(s *check.Story) { start(s).back("220 welcome", oneAtATime) }},
		{Name: "half-close", Holds: []int{3, 4}, Do: func(s *check.Story) {
			p := start(s)
			p.there("a question")
			s.Did("the client half-closed (FIN)")
			p.client.CloseWrite()
			ends(s, p.target, "the target never learned that the client has sent everything")
			p.back("the answer", halfClosed)
			p.back("more of it", halfClosed)
			s.Did("the target closed")
			p.target.Close()
			ends(s, p.client, "the client never learned that the target has closed")
			p.good()
		}},
		{Name: "target-half-closes", Holds: []int{3, 4}, Do: func(s *check.Story) {
			p := start(s)
			s.Did("the target half-closed (FIN)")
			p.target.CloseWrite()
			ends(s, p.client, "the client never learned that the target has sent everything")
			p.there("a letter")
			p.there("another")
			s.Did("the client closed")
			p.client.CloseWrite()
			ends(s, p.target, "the target never learned that the client has closed")
			p.good()
		}},
		{Name: "big", Holds: []int{1}, Do: func(s *check.Story) {
			p := start(s)
			text := strings.Repeat("a line of text\n", 80_000)
			go io.Copy(p.target, p.target) // an echo server
			passes(s, p.client, p.client, "the client (of an echo)", text,
				"a large echo did not come back whole")
		}},
		{Name: "big-and-closed", Holds: []int{1, 3, 4}, Do: func(s *check.Story) {
			if inmemory.Forward != nil {
				s.Bubble(func() { late(s) })
			}
			p := start(s)
			text := strings.Repeat("a line of text\n", 80_000)
			s.Did("the target sent %d bytes and closed; the client reads them later", len(text))
			go func() {
				io.WriteString(p.target, text)
				p.target.CloseWrite()
			}()
			p.client.CloseWrite()
			ends(s, p.target, "the target never learned that the client has sent everything")
			got, err := io.ReadAll(p.client)
			if string(got) != text {
				s.Fail(fmt.Sprint(len(text), " bytes"), fmt.Sprintf("%d, error %v", len(got), err),
					tooEarly)
			}
			p.good()
		}},
		{Name: "two-connections", Holds: []int{6}, Do: func(s *check.Story) {
			if inmemory.Forward != nil {
				s.Bubble(func() { apart(s) })
			}
			a, b := start(s), start(s)
			textA, textB := strings.Repeat("all for anna, ", 40_000),
				strings.Repeat("ben's letters ", 40_000)
			go io.Copy(a.target, a.target)
			go io.Copy(b.target, b.target)
			var got [2]string
			s.Did("two clients (of echo servers) sent %d bytes each, at once", len(textA))
			read := func(i int, p *proxy, text string) <-chan struct{} {
				go io.WriteString(p.client, text)
				return s.Go(func() {
					buf := make([]byte, len(text))
					n, _ := io.ReadFull(p.client, buf)
					got[i] = string(buf[:n])
				})
			}
			first, second := read(0, a, textA), read(1, b, textB)
			<-first
			<-second
			if got[0] != textA || got[1] != textB {
				s.Fail("to each their own",
					fmt.Sprintf("%d and %d bytes, and others than were sent", len(got[0]),
						len(got[1])), disturb)
			}
		}},
		{Name: "closed", Holds: []int{4}, Do: func(s *check.Story) {
			p := start(s)
			s.Did("client and target half-closed")
			p.client.CloseWrite()
			p.target.CloseWrite()
			p.good()
		}},
		{Name: "client-resets", Holds: []int{5}, Do: func(s *check.Story) {
			p := start(s)
			p.there("hello")
			s.Did("the client reset the connection (RST)")
			p.client.SetLinger(0)
			p.client.Close()
			if _, err := io.ReadAll(p.target); isTimeout(err) {
				s.Fail("an end at the target", "none", stillWaits+check.Where())
			}
			p.failed(stillWaits)
		}},
		{Name: "target-resets", Holds: []int{5}, Do: func(s *check.Story) {
			p := start(s)
			p.there("hello")
			s.Did("the target reset the connection (RST)")
			p.target.SetLinger(0)
			p.target.Close()
			if _, err := io.ReadAll(p.client); isTimeout(err) {
				s.Fail("an end at the client", "none", stillWaits+check.Where())
			}
			p.failed(stillWaits)
		}},
		{Name: "half-closed-and-reset", Holds: []int{3, 5}, Do: func(s *check.Story) {
			p := start(s)
			p.there("a question")
			s.Did("the client half-closed (FIN)")
			p.client.CloseWrite()
			ends(s, p.target, "the target never learned that the client has sent everything")
			s.Did("the target reset the connection (RST), in place of an answer")
			p.target.SetLinger(0)
			p.target.Close()
			p.failed(stillWaits)
		}},
		{Name: "target-is-gone", Holds: []int{5}, Do: func(s *check.Story) {
			p := start(s)
			p.there("hello")
			s.Did("the target closed, and the client goes on sending")
			p.target.Close()
			ends(s, p.client, "the client never learned that the target has closed")
			// The first is answered by a RST, which later ones meet.
			ended := check.Soon(check.Patience*2/3, func() bool {
				p.client.Write([]byte("are you there? "))
				return check.Ended(p.over)
			})
			const goesOn = "nothing can be written to the target any more, and Forward goes on " +
				"reading"
			if !ended {
				s.Fail("Forward returns", "it does not", goesOn+check.Where())
			}
			p.failed(goesOn)
		}},
		{Name: "many-resets", Holds: []int{5, 6}, Do: func(s *check.Story) {
			s.Did("a client reset its connection (RST), up to 100 times")
			s.Again(100, 5, func(_ int) {
				client, nearClient := s.Pair()
				nearTarget, target := s.Pair()
				client.SetLinger(0)
				over := s.Go(func() {
					if err := Forward(nearClient, nearTarget); err == nil ||
						errors.Is(err, net.ErrClosed) {
						s.Fail("the reset", fmt.Sprint(err),
							"Forward returns nil, or the error that its own Close has made, in "+
								"place of the one that came first")
					}
				})
				client.Close()
				select {
				case <-over:
				case <-check.After(check.Patience * 2 / 3):
					s.Fail("Forward returns", "it does not", stillWaits+check.Where())
				}
				target.Close()
			})
			few := func() bool { return check.Running() < 5 }
			if !check.Soon(check.Patience/5, few) {
				s.Fail("no goroutine of Forward left", fmt.Sprint(check.Running()),
					"goroutines are left behind that wait for good: a proxy that runs for years "+
						"takes ever more memory"+check.Where())
			}
		}},
		{Name: "idle", Holds: []int{2}, Do: func(s *check.Story) {
			if inmemory.Forward != nil {
				s.Bubble(func() { idle(s) })
				return
			}
			p := start(s)
			p.there("hello")
			s.Did("nobody said anything for 1.1 seconds")
			select {
			case <-p.over: // it was cut off
			case <-check.After(1100 * time.Millisecond):
			}
			p.back("hello?", "a connection on which nobody spoke for a second was cut off")
			p.there("yes")
		}},
		{Name: "much", Holds: []int{1}, Do: func(s *check.Story) {
			if inmemory.Forward != nil {
				s.Bubble(func() { much(s) })
			}
		}},
		{Name: "at-random", Holds: []int{1, 2, 3, 4}, Do: func(s *check.Story) {
			s.Random(15, func(d *check.Draw) {
				p := start(s)
				clientOpen, targetOpen := true, true
				for clientOpen || targetOpen {
					text := string(d.Bytes(1 + d.Size(100_000)))
					switch d.N(5) {
					case 0, 1:
						if clientOpen {
							p.there(text)
						}
					case 2, 3:
						if targetOpen {
							p.back(text, "what the target sent did not come through")
						}
					case 4:
						if clientOpen && (d.OneIn(2) || !targetOpen) {
							s.Did("the client half-closed")
							p.client.CloseWrite()
							ends(s, p.target,
								"the target never learned that the client has sent everything")
							clientOpen = false
						} else if targetOpen {
							s.Did("the target half-closed")
							p.target.CloseWrite()
							ends(s, p.client,
								"the client never learned that the target has sent everything")
							targetOpen = false
						}
					}
					if d.Spent() {
						p.client.CloseWrite()
						p.target.CloseWrite()
						break
					}
				}
				p.good()
			})
		}},
	})
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// silences are those after which somebody speaks again.
var silences = []struct {
	name string
	d    time.Duration
}{{"a second", time.Second}, {"a minute", time.Minute}, {"an hour", time.Hour},
	{"a year", 365 * 24 * time.Hour}}

const (
	disturb  = "two connections at once disturb each other: what do they share?"
	tooEarly = "the end came before all was passed on: bytes are lost"
)

// inMemory starts Forward between two ends in memory; on the way to the target
// there is so much room.
func inMemory(s *check.Story, room int) (client, target *check.TCPConn) {
	client, nearClient := check.TCPLink(0)
	nearTarget, target := check.TCPLink(room)
	s.Did("called Forward between a client and a target")
	s.Go(func() { inmemory.Forward(nearClient, nearTarget) })
	s.Cleanup(func() { client.Reset(); target.Reset() })
	return client, target
}

// apart has the bytes of one connection wait inside Forward while those of
// another one come through.
func apart(s *check.Story) {
	anna, slow := inMemory(s, 100)
	ben, fast := inMemory(s, 0)
	text := strings.Repeat("all for anna, ", 1000)
	s.Did("anna sent %d bytes, of which her target read nothing yet; ben sent, too", len(text))
	sending := s.Go(func() { anna.Write([]byte(text)) })
	check.Settle()
	ben.Write([]byte(strings.Repeat("ben's letters ", 1000)))
	check.Settle()
	fast.Take()
	got := ""
	for piece := " "; piece != ""; got += piece {
		check.Settle()
		piece = slow.Take()
	}
	<-sending
	if got != text {
		s.Fail("to each their own", fmt.Sprintf("%d bytes at her target, and others than she sent",
			len(got)), disturb)
	}
}

// late has a client read when both sides have ended, and Forward may have returned.
func late(s *check.Story) {
	client, target := inMemory(s, 0)
	text := strings.Repeat("a line of text\n", 4000)
	s.Did("the target sent %d bytes and closed; the client reads them later", len(text))
	target.Write([]byte(text))
	target.CloseWrite()
	client.CloseWrite()
	check.Settle()
	got, err := io.ReadAll(client)
	if string(got) != text {
		s.Fail(fmt.Sprint(len(text), " bytes"), fmt.Sprintf("%d, error %v", len(got), err), tooEarly)
	}
}

// idle has both sides say nothing for ever longer times, in virtual time.
func idle(s *check.Story) {
	client, nearClient := check.TCPLink(0)
	nearTarget, target := check.TCPLink(1000)
	var err error
	s.Did("called Forward between a client and a target")
	over := s.Go(func() { err = inmemory.Forward(nearClient, nearTarget) })
	s.Cleanup(func() { client.Reset(); target.Reset() })
	pass := func(what string, i int) {
		s.Did("%s for %s", what, silences[i].name)
		s.Pass(silences[i].d)
		if check.Ended(over) {
			s.Fail("Forward goes on", fmt.Sprintf("it has returned %v", err), fmt.Sprintf(
				"%s for %s, and the connection was cut off: nobody has asked for a limit", what,
				silences[i].name))
		}
	}
	says := func(name string, from, to *check.TCPConn, text, symptom string) {
		s.Did("%s sent %.30q", name, text)
		from.Write([]byte(text))
		check.Settle()
		if got := to.Take(); got != text {
			s.Fail(fmt.Sprintf("%.30q at the other side", text), fmt.Sprintf("%.30q", got),
				symptom+check.Where())
		}
	}
	const silent = "nobody said anything"
	for i, long := range silences {
		pass(silent, i)
		cut := silent + " for " + long.name + ", and then nothing comes through"
		says("the target", target, client, "hello?", cut)
		says("the client", client, target, "yes", cut)
	}
	for i := range silences {
		text := strings.Repeat("a line of text\n", 500) // more than there is room for
		s.Did("the client sent %d bytes", len(text))
		sending := s.Go(func() { client.Write([]byte(text)) })
		pass("the target read nothing", i)
		var got strings.Builder
		for more := true; more; {
			check.Settle()
			piece := target.Take()
			got.WriteString(piece)
			more = piece != ""
		}
		if got.String() != text {
			s.Fail(fmt.Sprint(len(text), " bytes at the target"), fmt.Sprint(got.Len()),
				"the target read nothing for "+silences[i].name+", and then a part was lost")
		}
		<-sending
	}
	s.Did("the client half-closed (FIN)")
	client.CloseWrite()
	for i, long := range silences {
		pass("the client had half-closed, and the target was silent", i)
		says("the target", target, client, "a part of the answer",
			"after "+long.name+" the target's answer does not come through any more")
	}
	s.Did("the target closed")
	target.Close()
	check.Settle()
	if !check.Ended(over) {
		s.Fail("Forward returns", "it does not", "both directions have ended, and Forward goes on")
	}
	check.Want(s, nil, err, "Forward returned an error, but all went well")
}

// much carries far more in both directions than anybody collects.
func much(s *check.Story) {
	size := 20 << 20
	if check.Races { // where all takes ten times as long
		size = 2 << 20
	}
	client, nearClient := check.TCPLink(0)
	nearTarget, target := check.TCPLink(0)
	s.Did("called Forward, and %d bytes were sent in each direction, at once", size)
	var err error
	over := s.Go(func() { err = inmemory.Forward(nearClient, nearTarget) })
	var got [2]int64
	var ended [2]<-chan struct{}
	for i, c := range []*check.TCPConn{client, target} {
		s.Go(func() {
			piece := make([]byte, 32<<10)
			for range size / len(piece) {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
			c.CloseWrite()
		})
		ended[i] = s.Go(func() { got[i], _ = io.Copy(io.Discard, c) })
	}
	<-ended[0]
	<-ended[1]
	<-over
	if got[0] != int64(size) || got[1] != int64(size) || err != nil {
		s.Fail(fmt.Sprintf("%d bytes at each side, error <nil>", size),
			fmt.Sprintf("%d and %d, error %v", got[0], got[1], err),
			"of much only a part came through: any amount goes on")
	}
}
