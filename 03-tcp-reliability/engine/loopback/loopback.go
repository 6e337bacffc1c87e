// Package loopback keeps a web server to the person who started it: pages of
// other sites, open in the same browser, must not be able to use it.
package loopback

import (
	"net"
	"net/http"
)

// Guard refuses requests that name a foreign host, as a rebound name does, or
// come from a foreign origin. addr is where the server listens.
func Guard(addr string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(addr)
	allowed := map[string]bool{addr: true}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		allowed[net.JoinHostPort(host, port)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !allowed[r.Host] || origin != "" && origin != "http://"+r.Host ||
			r.Header.Get("Sec-Fetch-Site") == "cross-site" &&
				r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			http.Error(w, "this address is for this computer alone", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
