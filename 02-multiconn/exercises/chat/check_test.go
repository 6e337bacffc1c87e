//go:build check

package chat

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// hears takes what waits in a member's channel: want, and no more.
func hears(s *check.Story, name string, c <-chan string, want []string, symptom string) {
	s.Did("%s reads what is there", name)
	var got []string
	for range want {
		select {
		case m, ok := <-c:
			if !ok {
				s.Fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q, and the channel is closed", got), symptom)
			}
			got = append(got, m)
		case <-time.After(check.Patience / 5):
			s.Fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q, and nothing more", got), symptom)
		}
	}
	if !slices.Equal(got, want) {
		if slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			symptom = "the messages came in another order than they were said"
		}
		s.Fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q", got), symptom)
	}
	select {
	case m, ok := <-c:
		if ok {
			s.Fail("no more messages", fmt.Sprintf("%q", m), "somebody heard what was not for them, or heard it twice")
		}
	default:
	}
}

// say must return although nobody reads.
func say(s *check.Story, r *Room, message string) {
	s.Did("said %q", message)
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		r.Say(message)
	}()
	select {
	case cause := <-done:
		if cause != nil {
			panic(cause)
		}
	case <-time.After(check.Patience / 5):
		s.Fail("Say returns", "it waits", "everyone is held up by a member that does not read"+check.Where())
	}
}

func closed(s *check.Story, name string, c <-chan string, symptom string) {
	s.Did("looked whether %s's channel is closed", name)
	for range 2 * Queue {
		select {
		case _, ok := <-c:
			if !ok {
				return
			}
		case <-time.After(check.Patience / 5):
			s.Fail("a closed channel", "an open one, with nothing in it", symptom)
		}
	}
	s.Fail("a closed channel", "messages and messages", symptom)
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "two-members", Do: func(s *check.Story) {
			var r Room
			s.Did("anna and ben joined")
			anna, ben := r.Join("anna"), r.Join("ben")
			say(s, &r, "hello")
			hears(s, "anna", anna, []string{"hello"}, "nobody heard, or not everybody: there is no room for Queue messages, or Say is not written")
			hears(s, "ben", ben, []string{"hello"}, "one heard, and another did not")
		}},
		{Name: "a-queue", Do: func(s *check.Story) {
			var r Room
			s.Did("anna joined")
			anna := r.Join("anna")
			var want []string
			for i := range Queue {
				want = append(want, fmt.Sprint("message ", i+1))
				say(s, &r, want[i])
			}
			hears(s, "anna", anna, want, "a member may be Queue messages behind, and was not allowed to be")
		}},
		{Name: "leave", Do: func(s *check.Story) {
			var r Room
			s.Did("anna and ben joined; ben left")
			anna, ben := r.Join("anna"), r.Join("ben")
			r.Leave("ben")
			closed(s, "ben", ben, "ben has left, and his goroutine waits for good: close the channel")
			say(s, &r, "hello")
			hears(s, "anna", anna, []string{"hello"}, "anna missed a message")
			s.Did("ben left again, and a stranger left")
			r.Leave("ben")
			r.Leave("nobody")
		}},
		{Name: "a-slow-member", Do: func(s *check.Story) {
			var r Room
			s.Did("anna joined, who reads, and ben, who never does")
			anna, ben := r.Join("anna"), r.Join("ben")
			for i := range Queue + 1 {
				m := fmt.Sprint("message ", i+1)
				say(s, &r, m)
				hears(s, "anna", anna, []string{m}, "anna, who reads at once, missed a message")
			}
			say(s, &r, "one more")
			hears(s, "anna", anna, []string{"one more"}, "anna, who reads at once, missed a message")
			closed(s, "ben", ben, "ben missed a message and does not learn it: a gap without a word is worse than being put out")
			say(s, &r, "and one more")
		}},
		{Name: "the-same-name", Do: func(s *check.Story) {
			var r Room
			s.Did("anna joined, and then a second anna")
			first, second := r.Join("anna"), r.Join("anna")
			closed(s, "the first anna", first, "the first anna waits for good: who takes a name puts its owner out")
			say(s, &r, "hello")
			hears(s, "the second anna", second, []string{"hello"}, "the second anna heard nothing")
		}},
		{Name: "one-order", Do: func(s *check.Story) {
			s.Did("four speakers spoke at once, and two members listened, 200 times")
			for range 200 {
				var r Room
				a, b := r.Join("anna"), r.Join("ben")
				var speakers sync.WaitGroup
				for i := range Queue {
					speakers.Go(func() { r.Say(fmt.Sprint("speaker ", i+1)) })
				}
				speakers.Wait()
				r.Leave("anna")
				r.Leave("ben")
				heardA, heardB := all(a), all(b)
				if heardA != heardB {
					s.Fail("the same order for both", "anna: "+heardA+"\nben: "+heardB, "two members heard the messages in another order")
				}
			}
		}},
		{Name: "coming-and-going", Do: func(s *check.Story) {
			s.Did("members joined and left while others spoke")
			var r Room
			var crowd sync.WaitGroup
			causes := make(chan any, 100)
			for i := range 8 {
				crowd.Go(func() {
					defer func() {
						if cause := recover(); cause != nil {
							causes <- cause
						}
					}()
					name := fmt.Sprint("member ", i%4)
					for range 200 {
						r.Join(name)
						r.Say("hello")
						r.Leave(name)
					}
				})
			}
			crowd.Wait()
			select {
			case cause := <-causes:
				panic(cause)
			default:
			}
		}},
	})
}

func all(c <-chan string) string {
	var got []string
	for m := range c {
		got = append(got, m)
	}
	return strings.Join(got, ", ")
}
