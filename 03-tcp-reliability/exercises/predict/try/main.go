// Command try shows the questions of the exercise: those of your seed, or of
// another with -seed. Of the seeds for practice, those from 1000 on, it also
// shows the answers with -reveal.
package main

import (
	"flag"
	"fmt"
	"os"

	"example.com/sockets/03-tcp-reliability/exercises/predict"
	"example.com/sockets/03-tcp-reliability/exercises/predict/questions"
)

// practice is the first seed of which the answers are shown. Marks name who has
// taken such a seed.
const practice = 1000

func main() {
	seed := flag.Uint64("seed", predict.Seed, "make the questions of this `number`")
	reveal := flag.Bool("reveal", false, "also show the answers; for seeds from 1000 on")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if *reveal && *seed < practice {
		fmt.Fprintf(os.Stderr,
			"the answers for seed %d are not shown\nPractise with one from %d on: -seed %[2]d "+
				"-reveal\n", *seed, practice)
		os.Exit(2)
	}
	for i, q := range questions.For(*seed) {
		fmt.Printf("Question %d. %s\n\n%s\n", i+1, q.Text, q.Picture)
		if *reveal {
			fmt.Printf("Answer: %s. %s\n\n", q.Answer, q.Explain)
		}
	}
}
