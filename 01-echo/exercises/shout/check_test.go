//go:build check

package shout_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	. "example.com/sockets/01-echo/exercises/shout"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	broken := errors.New("the network is down")
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	check.Run(t, []check.Case{
		{Name: "one-word", Holds: []int{1, 2, 4}, Do: func(s *check.Story) {
			overTCP(s, "hello")
		}},
		{Name: "digits-and-signs", Holds: []int{1}, Do: func(s *check.Story) {
			overTCP(s, "4 cups of tea, please! @AZ[ `az{ ~")
		}},
		{Name: "every-byte", Holds: []int{1}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{string(everyByte)}}) })
		}},
		{Name: "a-letter-in-two-pieces", Holds: []int{1}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{"caf\xc3", "\xa9 au lait"}}) })
		}},
		{Name: "two-messages", Holds: []int{1, 2}, Do: func(s *check.Story) {
			overTCP(s, "a long first message", "second")
		}},
		{Name: "long", Holds: []int{1}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{strings.Repeat("ten bytes ", 3000)}}) })
			s.Anew()
			s.Bubble(func() { long(s) })
		}},
		{Name: "the-end", Holds: []int{4}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{}) })
		}},
		{Name: "with-the-end", Holds: []int{3, 4}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{"bye"}, together: true}) })
		}},
		{Name: "with-an-error", Holds: []int{3, 5}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{"bye"}, together: true, err: broken}) })
		}},
		{Name: "write-fails", Holds: []int{5}, Do: func(s *check.Story) {
			s.Bubble(func() { run(s, peer{messages: []string{"hello", "again"}, writeErr: broken, writeRoom: 5}) })
		}},
		{Name: "write-fails-once", Holds: []int{5}, Do: func(s *check.Story) {
			s.Bubble(func() { failsOnce(s, broken) })
		}},
		{Name: "a-deadline", Holds: []int{4, 5}, Do: func(s *check.Story) {
			s.Bubble(func() { silent(s) })
		}},
		{Name: "the-client-reads-late", Holds: []int{3, 4}, Do: func(s *check.Story) {
			s.Bubble(func() { readsLate(s) })
		}},
		{Name: "a-reset", Holds: []int{5}, Do: func(s *check.Story) {
			client, server := s.Pair()
			s.Did("connected, and sent a reset (RST)")
			client.SetLinger(0)
			client.Close()
			if err := Serve(server); err == nil {
				s.Fail("an error", "nil",
					"a connection that was reset looks like one that ended well")
			}
		}},
		{Name: "two-clients", Holds: []int{1}, Do: func(s *check.Story) {
			s.Bubble(func() { oneWaits(s) })
			s.Anew()
			twoClients(s)
		}},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6}, Do: func(s *check.Story) {
			s.Random(300, func(d *check.Draw) {
				p := peer{piece: d.Size(3000), together: d.OneIn(2), empty: d.OneIn(4)}
				for range d.N(4) {
					p.messages = append(p.messages, string(d.Bytes(1+d.Size(5000))))
				}
				if d.OneIn(3) {
					p.err = []error{broken, net.ErrClosed, io.ErrUnexpectedEOF, syscall.EPIPE,
						syscall.ECONNRESET}[d.N(5)]
				} else if len(p.messages) > 0 && d.OneIn(3) {
					p.writeErr = []error{broken, net.ErrClosed, syscall.EPIPE, io.ErrClosedPipe}[d.N(4)]
					p.writeRoom = d.N(len(p.messages[0]))
				}
				s.Bubble(func() { run(s, p) })
			})
		}},
	})
}

const disturb = "two clients at once disturb each other: what do they share?"

// oneWaits has a client that does not yet read its answer, and so holds up its
// Serve in the middle of a Write, while another client is served.
func oneWaits(s *check.Story) {
	s.Did("anna sent 30 bytes, and does not read the answer yet")
	const room = 10 // bytes: then a Write waits
	anna, annas := check.Link(room)
	ben, bens := check.Link(room)
	for _, c := range []*check.Conn{anna, annas, ben, bens} {
		s.Cleanup(func() { c.Reset() })
	}
	go Serve(annas)
	go Serve(bens)
	const word = "anna's letters, and no others "
	go io.WriteString(anna, word)
	check.Settle()
	s.Did("ben sent 8 bytes, and read the answer")
	io.WriteString(ben, "not hers")
	io.ReadFull(ben, make([]byte, 8))
	s.Did("anna read hers")
	anna.SetReadDeadline(time.Now().Add(time.Second))
	got := make([]byte, len(word))
	if n, err := io.ReadFull(anna, got); string(got) != capitals(word) {
		s.Fail(fmt.Sprintf("%.30q", capitals(word)), fmt.Sprintf("%.30q, error %v", got[:n], err),
			disturb)
	}
}

// twoClients calls Serve for two clients at once.
func twoClients(s *check.Story) {
	s.Did("two clients sent 300 messages each, at once, to a Serve each")
	words := [2]string{strings.Repeat("anna's letters ", 60), strings.Repeat("ben has others ", 60)}
	var ends [2]<-chan struct{}
	for i, word := range words {
		client, server := check.Link(0)
		s.Cleanup(func() { client.Reset(); server.Close() })
		go Serve(server)
		client.SetDeadline(time.Now().Add(check.Patience * 2 / 3))
		ends[i] = s.Go(func() {
			got := make([]byte, len(word))
			for range 300 {
				io.WriteString(client, word)
				if n, err := io.ReadFull(client, got); string(got) != capitals(word) {
					s.Fail(fmt.Sprintf("%.30q", capitals(word)),
						fmt.Sprintf("%.30q, error %v", got[:n], err),
						disturb)
				}
			}
		})
	}
	<-ends[0]
	<-ends[1]
}

// long sends more than a server should count on.
func long(s *check.Story) {
	client, server := check.Link(0)
	s.Cleanup(func() { client.Reset(); server.Close() })
	messages := 11
	if check.Races { // which takes ten times as long
		messages = 1
	}
	s.Did("sent %d messages of 100,000 bytes, and read the answer to each", messages)
	over := s.Go(func() { Serve(server) })
	message := strings.Repeat("ten bytes ", 10_000)
	for i := range messages {
		s.Go(func() { io.WriteString(client, message) })
		var got strings.Builder
		for part := " "; part != ""; {
			check.Settle()
			part = client.Take()
			got.WriteString(part)
		}
		if got.String() != capitals(message) {
			s.Did("of message %d not all came back", i+1)
			compare(s, i, message, got.String(), check.Ended(over), func() string {
				client.CloseWrite()
				check.Settle()
				return client.Take()
			})
		}
	}
}

// A hiccup is a connection whose first Write fails. The next would not.
type hiccup struct {
	*check.Conn
	err error
}

func (c *hiccup) Write(p []byte) (int, error) {
	if err := c.err; err != nil {
		c.err = nil
		return 0, err
	}
	return c.Conn.Write(p)
}

// failsOnce has a Write fail, and no later one.
func failsOnce(s *check.Story, broken error) {
	s.Did("sent \"bye\" and the FIN over a connection whose Write fails once: %v", broken)
	client, server := check.Link(0)
	s.Cleanup(func() { client.Reset(); server.Close() })
	io.WriteString(client, "bye")
	client.CloseWrite()
	var err error
	over := s.Go(func() { err = Serve(&hiccup{server, broken}) })
	check.Settle()
	switch {
	case !check.Ended(over):
		s.Fail("an end of Serve", "none",
			"Serve goes on although the connection has ended"+check.Where())
	case !errors.Is(err, broken):
		s.Fail(fmt.Sprint("error ", broken), fmt.Sprint("error ", err),
			"the Write failed, and Serve does not return the error: no later call tells it again")
	}
}

// silent has a deadline of the caller pass, and then a day.
func silent(s *check.Story) {
	client, server := check.Link(0)
	s.Cleanup(func() { client.Reset(); server.Close() })
	s.Did("set a deadline of a second, sent \"hello\", and then nothing for a day")
	server.SetReadDeadline(time.Now().Add(time.Second))
	var err error
	over := s.Go(func() { err = Serve(server) })
	io.WriteString(client, "hello")
	s.Pass(24 * time.Hour)
	if check.Ended(over) && err == nil {
		s.Fail("an error, or no end yet", "nil",
			"a deadline has passed, and it looks like the client's good end: nobody knows "+
				"whether more would have come")
	}
}

// readsLate has a client that sends all, and its FIN, before it reads.
func readsLate(s *check.Story) {
	const room, word = 10, "thirty bytes are more than ten"
	client, server := check.Link(room) // then a Write waits
	s.Cleanup(func() { client.Reset(); server.Close() })
	s.Did("sent 30 bytes and the FIN, and did not read: after %d bytes a Write waits", room)
	s.Go(func() {
		io.WriteString(client, word)
		client.CloseWrite()
	})
	var err error
	over := s.Go(func() { err = Serve(server) })
	check.Settle()
	if check.Ended(over) {
		s.Fail("Serve waits until all is written", fmt.Sprintf("it has returned %v", err),
			"Serve returned before all bytes had gone back: now the caller closes, and they are lost")
	}
	s.Did("read the answer")
	client.SetReadDeadline(time.Now().Add(time.Second))
	got := make([]byte, len(word))
	n, _ := io.ReadFull(client, got)
	check.Settle()
	switch {
	case string(got[:n]) != capitals(word):
		s.Fail(fmt.Sprintf("%q", capitals(word)), fmt.Sprintf("%q", got[:n]),
			"bytes are lost when the client reads late")
	case !check.Ended(over):
		s.Fail("an end of Serve", "none",
			"Serve goes on although the connection has ended"+check.Where())
	}
	check.Want(s, nil, err, "Serve returned an error, but the client's FIN is the good end")
}

// A peer sends its messages, each after the answer to the one before, and then
// its FIN, or the connection fails.
type peer struct {
	messages  []string
	piece     int   // a Read brings so many bytes at most; 0 for all
	empty     bool  // each second Read brings nothing, and no error
	together  bool  // the last bytes come in one Read with the end
	err       error // the end is this, and not the FIN
	writeErr  error // the Write of the answer fails
	writeRoom int   // after so many bytes
}

// run calls Serve on a connection to the peer, in a Bubble.
func run(s *check.Story, p peer) {
	client, server := check.Link(1 << 20)
	s.Cleanup(func() { client.Reset(); server.Close() })
	if p.piece > 0 {
		server.Piece = func() int { return p.piece }
		s.Did("made a connection whose Read brings at most %d bytes", p.piece)
	}
	if p.empty {
		reads := 0
		server.Piece = func() int {
			if reads++; reads%2 == 1 {
				return 0
			}
			return max(1, p.piece)
		}
		s.Did("made each second Read bring nothing, and no error")
	}
	server.Together, server.WriteErr, server.WriteRoom = p.together, p.writeErr, p.writeRoom
	if p.writeErr != nil {
		s.Did("made a connection whose Write fails after %d bytes: %v", p.writeRoom, p.writeErr)
	}
	end := func() {
		switch {
		case p.err != nil:
			s.Did("the connection failed: %v", p.err)
			client.Fail(p.err)
		default:
			s.Did("sent the FIN")
			client.CloseWrite()
		}
	}
	var err error
	over := s.Go(func() { err = Serve(server) })
	emptied := func(sent, got string) {
		if p.empty && check.Ended(over) && got != capitals(sent) {
			s.Fail(fmt.Sprintf("%.40q", capitals(sent)), fmt.Sprintf("%.40q, and then the end", got),
				"a Read that brings nothing, and no error, was taken for the end: read on")
		}
	}
	for i, m := range p.messages {
		last := i == len(p.messages)-1
		s.Did("sent %.60q, %d bytes", m, len(m))
		if last && p.together {
			s.Did("with the last of them, in one Read, comes the end")
			check.Settle() // what was sent before is answered
			server.Hold(func() { client.Write([]byte(m)); end() })
		} else {
			client.Write([]byte(m))
		}
		check.Settle()
		got := client.Take()
		if p.writeErr != nil && len(got) < len(m) {
			break
		}
		emptied(m, got)
		if last && p.together && got == "" && check.Ended(over) {
			s.Fail(fmt.Sprintf("%.40q", capitals(m)), "nothing, and then the end",
				"the bytes that came together with the end are lost: first the bytes, then the "+
					"error")
		}
		compare(s, i, m, got, check.Ended(over), func() string {
			client.CloseWrite()
			check.Settle()
			return client.Take()
		})
	}
	if p.writeErr == nil && !(p.together && len(p.messages) > 0) {
		end()
	}
	check.Settle()
	want := p.err
	if p.writeErr != nil && len(p.messages) > 0 {
		want = p.writeErr
	}
	switch rest := client.Take(); {
	case rest != "" && want == nil:
		s.Fail("no more bytes", fmt.Sprintf("%d more, such as %.20q", len(rest), rest),
			"more came back than was sent: does Write get buf[:n], or the whole buffer?")
	case !check.Ended(over):
		s.Fail("an end of Serve", "none",
			"Serve goes on although the connection has ended"+check.Where())
	case want == nil && err != nil:
		s.Fail("nil", fmt.Sprint("error ", err),
			"Serve returned an error, but the client's FIN is the good end")
	case !errors.Is(err, want):
		s.Fail(fmt.Sprint("error ", want), fmt.Sprint("error ", err),
			"the connection failed, and Serve does not return the error")
	case server.Ended() != "":
		s.Fail("an open connection", "Serve has "+server.Ended()+" it",
			"Serve ended the connection: that is left to its caller")
	}
}

// overTCP sends messages over a real connection, one after the echo of the
// other.
func overTCP(s *check.Story, messages ...string) {
	client, server := s.Pair()
	var returned error
	over := s.Go(func() { returned = Serve(server) })
	go func() {
		<-over
		server.CloseWrite() // so that a client that waits learns of the end
	}()
	for i, m := range messages {
		s.Did("sent %.40q, %d bytes", m, len(m))
		go client.Write([]byte(m)) // while reading, or both may wait for good
		client.SetReadDeadline(time.Now().Add(check.Patience / 2))
		got := make([]byte, len(m))
		n, _ := io.ReadFull(client, got)
		compare(s, i, m, string(got[:n]), check.Ended(over), func() string {
			client.CloseWrite()
			client.SetReadDeadline(time.Now().Add(check.Patience / 10))
			rest, _ := io.ReadAll(client)
			return string(rest)
		})
	}
	s.Did("sent the FIN")
	client.CloseWrite()
	rest, _ := io.ReadAll(client)
	if len(rest) > 0 {
		s.Fail("no more bytes", fmt.Sprintf("%d more, such as %.20q", len(rest), rest),
			"more came back than was sent: does Write get buf[:n], or the whole buffer?")
	}
	<-over
	check.Want(s, nil, returned, "Serve returned an error, but the client's FIN is the good end")
}

// capitals is what should come back.
func capitals(sent string) string {
	b := []byte(sent)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// compare looks at what came back of a message. If bytes are missing, finish
// sends the FIN and gives what comes then.
func compare(s *check.Story, earlier int, sent, got string, ended bool, finish func() string) {
	want := capitals(sent)
	expected, came := fmt.Sprintf("%.40q", want), fmt.Sprintf("%.40q, %d bytes", got, len(got))
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	switch {
	case got == want:
	case ended && got == "" && earlier == 0:
		s.Fail(expected, "nothing, and then the end",
			"nothing came back: did Serve write anything?")
	case ended && at == len(got):
		s.Fail(expected, came+", and then the end", "Serve stopped before the client's end")
	case at == len(got):
		more := finish()
		if got+more == want || got+more == "" {
			s.Fail(expected, came,
				"Serve waits although bytes have come: answer what there is, it may be all"+check.Where())
		}
		s.Fail(expected, came,
			"a part of what was sent does not come back, not even after the client's end: it is "+
				"lost")
	case at == len(want):
		s.Fail(expected, came,
			"more came back than was sent: does Write get buf[:n], or the whole buffer?")
	case got == sent:
		s.Fail(expected, came, "what came back is not in capitals")
	case strings.Contains(got[at:], "\ufffd") && !strings.Contains(sent, "\ufffd"):
		s.Fail(expected, came,
			fmt.Sprintf("byte %#02x is a part of a letter that was cut, or no letter at all, and "+
				"came back as \"\\ufffd\": one Read is not one letter, so change bytes, and only a to z", sent[at]))
	case len(got) == len(want) && want[at] == sent[at]:
		s.Fail(expected, came,
			fmt.Sprintf("byte %#02x came back as %#02x: only the letters a to z of ASCII change",
				sent[at], got[at]))
	case len(got) == len(want) && got[at] == sent[at]:
		s.Fail(expected, came,
			fmt.Sprintf("the letter %q came back as it was: all from a to z become capitals",
				sent[at]))
	default:
		s.Fail(expected, came, "other bytes came back than were sent")
	}
}
