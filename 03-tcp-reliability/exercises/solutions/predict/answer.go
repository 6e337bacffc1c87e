// Package predict is a solution, for seed 1. Another seed has other answers.
package predict

// Seed makes your questions.
const Seed = 1

// Answers are yours, in the order of the questions: a number, or a word.
var Answers = []string{
	// 1: go-back-N. Packet 5 is missing, so 6 is discarded, and the last packet
	// in order is named again.
	"4",
	// 2: selective repeat keeps packet 5, and acknowledges it by itself.
	"5",
	// 3: ack 1 comes again and again: packet 2 is the first that is missing.
	"2",
	// 4: each arrival has its acknowledgement; that of packet 2 never comes.
	"2",
	// 5: packet 4 is the oldest under way, so its own timer has run out.
	"timeout",
	// 6: packet 3 is missing, so the last in order is 2.
	"2",
}
