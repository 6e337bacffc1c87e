//go:build race

package check

import "runtime"

// Races says whether the race detector is at work.
const Races = true

func raceErrors() int { return runtime.RaceErrors() }
