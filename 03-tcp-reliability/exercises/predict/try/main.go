// Command try shows the questions of the exercise: those of your seed, or of
// another with -seed, and then also the answers with -reveal.
package main

import (
	"flag"
	"fmt"
	"os"

	"example.com/sockets/03-tcp-reliability/exercises/predict"
	"example.com/sockets/03-tcp-reliability/exercises/predict/questions"
)

func main() {
	seed := flag.Uint64("seed", predict.Seed, "make the questions of this `number`")
	reveal := flag.Bool("reveal", false, "also show the answers; not for your own seed")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if *reveal && *seed == predict.Seed {
		fmt.Fprintf(os.Stderr, "%d is your own seed: answer in answer.go, and practise with another, such as -seed %d -reveal\n", *seed, *seed+1)
		os.Exit(2)
	}
	for i, q := range questions.For(*seed) {
		fmt.Printf("Question %d. %s\n\n%s\n", i+1, q.Text, q.Picture)
		if *reveal {
			fmt.Printf("Answer: %s. %s\n\n", q.Answer, q.Explain)
		}
	}
}
