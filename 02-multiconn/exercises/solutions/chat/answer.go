// Package chat is a solution.
package chat

import "sync"

// Queue is how many messages wait for a member at most.
const Queue = 4

// A Room passes each message on to all its members. Its zero value is ready.
// Its methods may be called from several goroutines at once, and never wait for
// a member.
type Room struct {
	mu      sync.Mutex
	members map[string]chan string // guarded by mu, as is closing the channels
}

// Join adds a member, and returns the channel with the member's messages.
func (r *Room) Join(name string) <-chan string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = map[string]chan string{}
	}
	// The same name again: whoever had it before is out.
	r.remove(name)
	c := make(chan string, Queue)
	r.members[name] = c
	return c
}

// Leave takes a member out, and closes the member's channel.
func (r *Room) Leave(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(name)
}

// remove is for callers that hold mu. Nobody can be sending to the channel
// then, so it may be closed.
func (r *Room) remove(name string) {
	if c, ok := r.members[name]; ok {
		close(c)
		delete(r.members, name)
	}
}

// Say passes a message on to every member. One whose queue is full is put out:
// it is no member any more, and its channel is closed.
func (r *Room) Say(message string) {
	// The lock is held for all members, so that everyone gets two messages in
	// the same order. That is fine only because no send below ever waits.
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, c := range r.members {
		select {
		case c <- message:
		default:
			r.remove(name) // too slow: it would hold up all others
		}
	}
}
