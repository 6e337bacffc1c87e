// Package predict is an exercise: README.md has the task.
package predict

// Seed makes your questions. Take the number that your teacher gave you, or
// any.
const Seed = 1

// Answers are yours, in the order of the questions: a number, or a word.
var Answers = []string{
	"", // 1
	"", // 2
	"", // 3
	"", // 4
	"", // 5
	"", // 6
}
