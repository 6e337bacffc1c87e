//go:build !linux

package tests

import "testing"

func networkIsUnreachable(t *testing.T) error {
	t.Skip("this test needs the network namespaces of Linux")
	return nil
}

func noRouteToHost(t *testing.T) error {
	t.Skip("this test needs the network namespaces of Linux")
	return nil
}

func permissionDenied(t *testing.T) error {
	t.Skip("this test needs the network namespaces and capabilities of Linux")
	return nil
}

func invalidArgument(t *testing.T) error {
	t.Skip("other systems have other words for an address without its interface")
	return nil
}

func noSpace(t *testing.T) error {
	t.Skip("this test needs the file /dev/full of Linux")
	return nil
}

func connectionTimedOut(t *testing.T) error {
	t.Skip("this test needs a socket option of Linux: here, a connect times out after a minute " +
		"or more")
	return nil
}
