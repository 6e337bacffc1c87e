// Package chat is an exercise: README.md has the task.
package chat

// Queue is how many messages wait for a member at most.
const Queue = 4

// A Room passes each message on to all its members. Its zero value is ready.
// Its methods may be called from several goroutines at once, and never wait for
// a member.
type Room struct {
	// TODO: what must it remember?
}

// Join adds a member, and returns the channel with the member's messages.
func (r *Room) Join(name string) <-chan string {
	// TODO: write this.
	return make(chan string)
}

// Leave takes a member out, and closes the member's channel.
func (r *Room) Leave(name string) {
	// TODO: write this.
}

// Say passes a message on to every member. One whose queue is full is put out:
// it is no member any more, and its channel is closed.
func (r *Room) Say(message string) {
	// TODO: write this.
}
