// Package performance measures the lossy proxy side by side with Shopify's
// toxiproxy, which works on the byte stream and loses nothing. It is a module
// of its own, so that the tutorial does not depend on toxiproxy. See
// docs/lossy-proxy.md, or run, on Linux:
//
//	cd docs/performance/proxies && go test -run '^$' -bench . -benchtime 1x
package performance

import _ "github.com/Shopify/toxiproxy/v2" // its server is built for the measurement
