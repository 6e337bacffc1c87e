//go:build race

package tcpstack

// raceOn makes the long tests shorter: the detector is slow.
const raceOn = true
