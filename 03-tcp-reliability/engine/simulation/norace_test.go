//go:build !race

package simulation_test

const raceOn = false
