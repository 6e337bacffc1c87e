//go:build !linux

package main

import "os/exec"

// wall does nothing here: no system but Linux has process namespaces.
func wall(*exec.Cmd) {}

func canWall() bool { return false }
