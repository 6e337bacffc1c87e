// Package performance measures chapter 2's servers side by side with two
// others: one on gnet, a library of event loops for Go, and one on Python's
// selectors. It is a module apart, so that the tutorial does not depend
// on gnet. See docs/performance.md, or run, on Linux:
//
//	cd docs/performance/servers && go test -bench .
package performance
