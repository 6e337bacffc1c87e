// Package engine holds the source of the protocols, so that a packet can be
// shown beside the line of code that sent it. What they do is in the packages
// below it.
package engine

import "embed"

// Source is the protocols' code, as it was built.
//
//go:embed arq/*.go tcp/*.go
var Source embed.FS
