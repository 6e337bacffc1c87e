// Package engine holds the source of the protocols, so that a packet can be
// shown beside the line of code that sent it. What they do is in the packages
// below it.
package engine

import "embed"

// Source is the protocols' code, as it was built: all files but the tests,
// whose names end in "st".
//
//go:embed arq/*[^t].go arq/*[^s]t.go tcp/*[^t].go tcp/*[^s]t.go
var Source embed.FS
