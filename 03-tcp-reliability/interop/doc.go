// Package interop holds engine/tcp against the TCPs of others: gVisor's, in virtual time, and the
// Linux kernel's, behind a TUN device. Its tests are all that is in it. docs/interoperability.md
// tells what came out.
//
// It is a module of its own, so that the tutorial needs no library: run its tests in this folder.
package interop
