//go:build !race

package tcp_test

const raceOn = false
