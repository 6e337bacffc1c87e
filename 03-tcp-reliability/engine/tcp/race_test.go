//go:build race

package tcp_test

// raceOn makes the long tests shorter: the detector is slow.
const raceOn = true
