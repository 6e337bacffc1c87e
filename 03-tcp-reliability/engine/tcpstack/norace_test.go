//go:build !race

package tcpstack

const raceOn = false
