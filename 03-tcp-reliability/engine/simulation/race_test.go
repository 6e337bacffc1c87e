//go:build race

package simulation_test

// raceOn makes the long tests shorter: the detector is slow.
const raceOn = true
