//go:build !linux

package tests

import (
	"errors"
	"runtime"
)

func inOwnNetwork() error { return errors.New(mayMakeNamespaces()) }

func mayMakeNamespaces() string { return runtime.GOOS + " has no network namespaces" }
