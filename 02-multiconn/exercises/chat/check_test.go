//go:build check

package chat_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "example.com/sockets/02-multiconn/exercises/chat"
	"example.com/sockets/docs/exercises/check"
)

const queue = 4 // as the task has it

// hears takes what waits in a member's channel: want, and no more.
func hears(s *check.Story, name string, c <-chan string, want []string, symptom string) {
	s.Did("%s reads what is there", name)
	got, closed := take(c)
	expected, came := brief(want), brief(got)
	if closed {
		came += ", and the channel is closed"
	}
	switch {
	case slices.Equal(got, want) && !closed:
	case slices.Equal(got, want):
		s.Fail(expected+", and an open channel", came, name+" was put out, and has missed nothing")
	case len(got) == len(want) && slices.Equal(slices.Sorted(slices.Values(got)),
		slices.Sorted(slices.Values(want))):
		s.Fail(expected, came, "the messages came in another order than they were said")
	case len(got) > len(want):
		s.Fail(expected, came, "somebody heard what was not for them, or heard it twice")
	default:
		s.Fail(expected, came, symptom)
	}
}

// brief shows messages. Of a long one it shows the beginning, and says how long it is.
func brief(messages []string) string {
	text := fmt.Sprintf("%.60q", messages)
	for _, m := range messages {
		if len(m) > 60 {
			text += fmt.Sprintf(", of %d bytes", len(m))
		}
	}
	return text
}

// take reads what waits in a channel.
func take(c <-chan string) (got []string, closed bool) {
	check.Settle()
	for {
		select {
		case m, ok := <-c:
			if !ok {
				return got, true
			}
			got = append(got, m)
			check.Settle()
		default:
			return got, false
		}
	}
}

// say must return although nobody reads, without waiting.
func say(s *check.Story, r *Room, message string) {
	s.Did("said %.60q", message)
	over := s.Go(func() { r.Say(message) })
	check.Settle()
	if !check.Ended(over) {
		s.Fail("Say returns at once", "it waits",
			"everyone is held up by a member that does not read"+check.Where())
	}
}

// out reads a channel that must be closed behind want.
func out(s *check.Story, name string, c <-chan string, want []string, symptom string) {
	s.Did("looked at %s's channel", name)
	got, closed := take(c)
	expected := fmt.Sprintf("%q, and the channel closed", want)
	switch {
	case !closed:
		s.Fail(expected, fmt.Sprintf("%q, and it is open", got), symptom)
	case len(got) < len(want):
		s.Fail(expected, fmt.Sprintf("%q, and it is closed", got),
			"what waited in the channel is lost: who is out may read it to the end")
	case len(got) > queue:
		s.Fail(expected, fmt.Sprintf("%q, and it is closed", got),
			fmt.Sprintf("%d messages waited, and Queue is %d: who is so far behind is put out",
				len(got), queue))
	case !slices.Equal(got, want):
		s.Fail(expected, fmt.Sprintf("%q, and it is closed", got),
			"somebody heard what was said when they were out, or in another order")
	}
}

const (
	unheard = "nobody heard, or not everybody: there is no room for Queue messages, or Say is " +
		"not written"
	tooEarly = "a member may be Queue = 4 messages behind, and was not allowed to be"
	gap      = "ben missed a message and does not learn it: a gap without a word is worse than " +
		"being put out"
)

func numbered(from, to int) (list []string) {
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprint("message ", i))
	}
	return list
}

func TestCheck(t *testing.T) {
	in := func(name string, holds []int, do func(s *check.Story)) check.Case {
		return check.Case{Name: name, Holds: holds,
			Do: func(s *check.Story) { s.Bubble(func() { do(s) }) }}
	}
	check.Run(t, []check.Case{
		in("two-members", []int{1, 5, 8}, func(s *check.Story) {
			var r Room
			s.Did("anna and ben joined")
			anna, ben := r.Join("anna"), r.Join("ben")
			say(s, &r, "hello")
			hears(s, "anna", anna, []string{"hello"}, unheard)
			hears(s, "ben", ben, []string{"hello"}, "one heard, and another did not")
			say(s, &r, "")
			hears(s, "ben", ben, []string{""}, "an empty message is a message")
		}),
		in("an-empty-room", []int{5, 8}, func(s *check.Story) {
			var r Room
			say(s, &r, "is anybody there?")
			r.Leave("nobody")
			s.Did("anna joined")
			hears(s, "anna", r.Join("anna"), nil, "")
		}),
		in("a-queue", []int{1, 6}, func(s *check.Story) {
			var r Room
			s.Did("anna joined")
			anna := r.Join("anna")
			for _, m := range numbered(1, queue) {
				say(s, &r, m)
			}
			hears(s, "anna", anna, numbered(1, queue), tooEarly)
			for _, m := range numbered(5, 4+queue) {
				say(s, &r, m)
			}
			hears(s, "anna", anna, numbered(5, 4+queue), tooEarly)
		}),
		in("leave", []int{3, 4}, func(s *check.Story) {
			var r Room
			s.Did("anna and ben joined")
			anna, ben := r.Join("anna"), r.Join("ben")
			say(s, &r, "message 1")
			say(s, &r, "message 2")
			s.Did("ben left")
			r.Leave("ben")
			say(s, &r, "message 3")
			out(s, "ben", ben, numbered(1, 2),
				"ben has left, and his goroutine waits for good: close the channel")
			hears(s, "anna", anna, numbered(1, 3), "anna missed a message")
			s.Did("ben left again, and a stranger left")
			r.Leave("ben")
			r.Leave("nobody")
			say(s, &r, "message 4")
			hears(s, "anna", anna, []string{"message 4"}, "anna missed a message")
			s.Did("ben joined again")
			ben = r.Join("ben")
			say(s, &r, "message 5")
			hears(s, "ben", ben, []string{"message 5"}, "ben has come back, and hears nothing")
		}),
		in("a-slow-member", []int{4, 5, 6}, func(s *check.Story) {
			var r Room
			s.Did("anna joined, who reads, and ben and cleo, who don't")
			anna, ben, cleo := r.Join("anna"), r.Join("ben"), r.Join("cleo")
			for _, m := range numbered(1, queue) {
				say(s, &r, m)
				hears(s, "anna", anna, []string{m}, "anna, who reads at once, missed a message")
			}
			s.Did("cleo reads one message")
			if m := <-cleo; m != "message 1" {
				s.Fail("message 1", m, "the messages came in another order than they were said")
			}
			say(s, &r, "message 5")
			say(s, &r, "message 6")
			hears(s, "anna", anna, numbered(5, 6), "anna, who reads, missed a message")
			out(s, "ben", ben, numbered(1, 4), gap)
			out(s, "cleo", cleo, numbered(2, 5), gap)
			s.Did("ben left, who is out already, and joined again")
			r.Leave("ben")
			ben = r.Join("ben")
			say(s, &r, "message 7")
			hears(s, "ben", ben, []string{"message 7"}, "ben has come back, and hears nothing")
		}),
		in("two-slow-members", []int{5, 6}, func(s *check.Story) {
			var r Room
			s.Did("ben and cleo joined, who don't read")
			ben, cleo := r.Join("ben"), r.Join("cleo")
			for _, m := range numbered(1, queue+1) {
				say(s, &r, m)
			}
			out(s, "ben", ben, numbered(1, queue), gap)
			out(s, "cleo", cleo, numbered(1, queue), strings.Replace(gap, "ben", "cleo", 1))
		}),
		in("the-same-name", []int{2, 4}, func(s *check.Story) {
			var r Room
			s.Did("anna joined")
			first := r.Join("anna")
			say(s, &r, "message 1")
			s.Did("a second anna joined")
			second := r.Join("anna")
			say(s, &r, "message 2")
			out(s, "the first anna", first, numbered(1, 1),
				"the first anna waits for good: who takes a name puts its owner out")
			hears(s, "the second anna", second, []string{"message 2"},
				"the second anna heard nothing")
		}),
		in("names-as-they-are", []int{2, 3}, func(s *check.Story) {
			var r Room
			names := []string{"anna", "Anna", " anna", "anna\x00"}
			s.Did("%q joined", names)
			var all []<-chan string
			for _, name := range names {
				all = append(all, r.Join(name))
			}
			say(s, &r, "message 1")
			s.Did("Anna left")
			r.Leave("Anna")
			say(s, &r, "message 2")
			for i, name := range names {
				if name == "Anna" {
					out(s, name, all[i], numbered(1, 1), "who leaves waits for good")
				} else {
					hears(s, fmt.Sprintf("%q", name), all[i], numbered(1, 2),
						"two names that are not the same were taken for one")
				}
			}
		}),
		{Name: "one-after-another", Holds: []int{1, 3, 7}, Do: oneAfterAnother},
		in("messages-as-they-are", []int{5}, func(s *check.Story) {
			var r Room
			s.Did("anna joined")
			anna := r.Join("anna")
			for _, m := range []string{" two  spaces\t", "one line\nand another\r\n", "\x00\xff",
				strings.Repeat("long ", 50_000)} {
				say(s, &r, m)
				hears(s, "anna", anna, []string{m}, "a message was changed, or not passed on")
			}
			say(s, &r, "again")
			say(s, &r, "again")
			hears(s, "anna", anna, []string{"again", "again"},
				"what was said twice is to be heard twice")
			s.Did("a thousand messages more were said, and anna read each")
			for i := range 1000 {
				r.Say(fmt.Sprint("message ", i))
				if got, _ := take(anna); len(got) != 1 {
					s.Fail("a message", fmt.Sprint(len(got)), "anna, who reads at once, missed one")
				}
			}
		}),
		in("a-full-room", []int{1, 5}, func(s *check.Story) {
			var r Room
			s.Did("5000 members joined")
			var all []<-chan string
			s.Again(5000, 4, func(i int) { // fewer if that takes long
				all = append(all, r.Join(fmt.Sprint("member ", i)))
			})
			r.Say("hello")
			check.Settle()
			for i, c := range all {
				if len(c) != 1 {
					s.Fail("all hear what is said", fmt.Sprintf("member %d does not", i+1),
						"in a full room not everybody is a member: nobody has asked for a bound")
				}
			}
		}),
		in("two-rooms", []int{8}, func(s *check.Story) {
			var r, other Room
			s.Did("anna joined one room, and ben another")
			anna, ben := r.Join("anna"), other.Join("ben")
			say(s, &r, "hello")
			hears(s, "anna", anna, []string{"hello"}, unheard)
			hears(s, "ben", ben, nil, "")
		}),
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6}, Do: func(s *check.Story) {
			s.Random(300, func(d *check.Draw) {
				steps := d.N(40)
				s.Bubble(func() { random(s, d, steps) })
			})
		}},
		{Name: "one-order", Holds: []int{7, 8}, Do: oneOrder},
		{Name: "coming-and-going", Holds: []int{8}, Do: comingAndGoing},
		{Name: "all-leave", Holds: []int{3, 8}, Do: allLeave},
		{Name: "two-join-at-once", Holds: []int{1, 8}, Do: joinAtOnce},
	})
}

// random compares the room with lists of what each should hear.
func random(s *check.Story, d *check.Draw, steps int) {
	type member struct {
		name  string
		c     <-chan string
		waits []string
		out   bool
	}
	var r Room
	var all []*member
	here := func(name string) *member {
		for _, m := range all {
			if m.name == name && !m.out {
				return m
			}
		}
		return nil
	}
	for i := range steps {
		name := []string{"anna", "ben", "cleo", ""}[d.N(4)]
		switch d.N(7) {
		case 0:
			s.Did("%q joined", name)
			if m := here(name); m != nil {
				m.out = true
			}
			all = append(all, &member{name: name, c: r.Join(name)})
		case 1:
			s.Did("%q left", name)
			if m := here(name); m != nil {
				m.out = true
			}
			r.Leave(name)
		case 2, 3, 4, 5:
			text := fmt.Sprint("message ", i)
			say(s, &r, text)
			for _, m := range all {
				if !m.out && len(m.waits) == queue {
					m.out = true
				} else if !m.out {
					m.waits = append(m.waits, text)
				}
			}
		case 6:
			if m := here(name); m != nil {
				hears(s, m.name, m.c, m.waits, "a member missed a message")
				m.waits = nil
			}
		}
	}
	for _, m := range all {
		if m.out {
			out(s, m.name, m.c, m.waits, "a member that has left, or was put out, waits for good")
		} else {
			hears(s, m.name, m.c, m.waits, "a member missed a message")
		}
	}
}

// oneAfterAnother has one caller do several things, on one processor: there a
// goroutine that was started later begins earlier.
func oneAfterAnother(s *check.Story) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s.Again(100, 8, func(_ int) {
		s.Anew()
		s.Bubble(func() {
			var r Room
			s.Did("anna joined")
			anna := r.Join("anna")
			said := []string{"one", "two", "three"}
			s.Did("said %q", said)
			for _, m := range said {
				r.Say(m)
			}
			hears(s, "anna", anna, said, "what was said one after the other is not heard")
			s.Did("anna left, and joined again")
			r.Leave("anna")
			again := r.Join("anna")
			check.Settle()
			say(s, &r, "hello")
			hears(s, "anna", again, []string{"hello"}, "who joins again is put out by the leaving before")
		})
	})
}

// oneOrder has several speak at exactly the same time, again and again.
func oneOrder(s *check.Story) {
	s.Did("four spoke at once, and eight listened, again and again")
	s.Again(20_000, 6, func(i int) {
		var r Room
		var members []<-chan string
		for i := range 8 {
			members = append(members, r.Join(fmt.Sprint("member ", i)))
		}
		speakAtOnce(s, &r, members)
	})
	if check.Races {
		return // everything takes ten times as long, and what is not guarded is found anyway
	}
	// In a room so large that Say takes longer than a goroutine may keep a processor,
	// they also meet on a single one.
	s.Anew()
	s.Did("four spoke at once in a room with a crowd")
	var r Room
	var members []<-chan string
	s.Again(250_000, 6, func(i int) {
		members = append(members, r.Join(fmt.Sprint("member ", i)))
	})
	s.Again(4, 5, func(_ int) { speakAtOnce(s, &r, members) })
}

// settle waits until a room has done what it was told: it may do that after its
// methods have returned, in order.
func settle(r *Room) {
	const last = "the last to come"
	end := r.Join(last)
	r.Leave(last)
	for range end {
	}
}

// speakAtOnce has four say something at exactly the same time, and compares what
// the members have heard.
func speakAtOnce(s *check.Story, r *Room, members []<-chan string) {
	var ready atomic.Int32
	var speakers sync.WaitGroup
	for i := range queue {
		speakers.Go(func() {
			ready.Add(1)
			for spins := 0; ready.Load() < queue && spins < 10_000; spins++ {
			}
			r.Say(fmt.Sprint("speaker ", i+1))
		})
	}
	speakers.Wait()
	settle(r)
	var first, got []string
	for i, c := range members {
		got = got[:0]
		for range len(c) {
			got = append(got, <-c)
		}
		if i == 0 {
			first = slices.Clone(got)
		}
		switch {
		case len(got) != queue:
			s.Fail("4 messages", strings.Join(got, ", "),
				"of four that spoke at once not all were heard")
		case !slices.Equal(got, first):
			s.Fail("the same order for all", "one heard: "+strings.Join(first, ", ")+
				"\nanother:   "+strings.Join(got, ", "),
				"two members heard the messages in another order")
		}
	}
}

// joinAtOnce has two join a new room at exactly the same time, again and again.
func joinAtOnce(s *check.Story) {
	s.Did("two joined a new room at once, again and again")
	s.Again(20_000, 8, func(i int) {
		var r Room
		var members [2]<-chan string
		var ready atomic.Int32
		var all sync.WaitGroup
		for i := range members {
			all.Go(func() {
				ready.Add(1)
				for spins := 0; ready.Load() < 2 && spins < 10_000; spins++ {
				}
				members[i] = r.Join(fmt.Sprint("member ", i))
			})
		}
		all.Wait()
		r.Say("hello")
		settle(&r)
		for i, c := range members {
			if len(c) != 1 {
				s.Fail("both hear what is said then", fmt.Sprintf("member %d does not", i),
					"of two that joined at once one is no member: what guards the map, also "+
						"while it is made?")
			}
		}
	})
}

// allLeave has a crowd leave while one speaks. The crowd is so large that both
// take a while, and meet.
func allLeave(s *check.Story) {
	s.Did("2000 members left, one after the other, while one spoke, again and again")
	var names []string
	var first Room
	s.Again(2000, 16, func(i int) { // fewer if that takes long
		names = append(names, fmt.Sprint("member ", i))
		first.Join(names[i])
	})
	s.Again(100, 4, func(_ int) {
		var r Room
		for _, name := range names {
			r.Join(name)
		}
		var ready atomic.Int32
		meet := func() {
			ready.Add(1)
			for spins := 0; ready.Load() < 2 && spins < 100_000; spins++ {
			}
		}
		speaker := s.Go(func() {
			meet()
			for range queue {
				r.Say("hello")
			}
		})
		leaver := s.Go(func() {
			meet()
			for _, name := range names {
				r.Leave(name)
			}
		})
		<-speaker
		<-leaver
	})
}

// comingAndGoing has members join and leave while others speak, with real
// parallelism: what is not guarded breaks.
func comingAndGoing(s *check.Story) {
	s.Did("members joined, left and were put out while others spoke, all at once")
	s.Again(50, 4, func(i int) {
		var r Room
		var crowd []<-chan struct{}
		for i := range 8 {
			crowd = append(crowd, s.Go(func() {
				name := fmt.Sprint("member ", i%4)
				for k := range 200 {
					switch c := r.Join(name); k % 3 {
					case 0:
						r.Say("hello")
						r.Leave(name)
					case 1:
						for range queue + 1 {
							r.Say("hello")
						}
						r.Leave(name) // if it was not put out
						for range c {
						}
					default:
						r.Leave(name)
						r.Leave("nobody")
						r.Say("hello")
					}
				}
			}))
		}
		for _, c := range crowd {
			<-c
		}
		if s.Failed() {
			return
		}
	})
}
