package cli

import (
	"errors"
	"strings"
	"testing"
)

// What does not have the form host:port is refused, and the right form shown.
func TestAddress(t *testing.T) {
	const good = ""
	for _, test := range []struct{ text, listen, dial string }{
		{"127.0.0.1:65432", good, good},
		{"[::1]:65432", good, good},
		{"[fe80::1%eth0]:1", good, good},
		{"localhost:http", good, good},
		{":65432", good, good},
		{"127.0.0.1:0", good, "port 0 is for servers alone"},
		{":", good, "port 0 is for servers alone"},
		{"127.0.0.1:", good, "port 0 is for servers alone"},
		{"127.0.0.1:65536", "no such port", "no such port"},
		{"127.0.0.1:x", "no such port", "no such port"},
		{"127.0.0.1:-1", "no such port", "no such port"},
		{"127.0.0.1", "write 127.0.0.1:65432", "write 127.0.0.1:65432"},
		{"localhost", "write localhost:65432", "write localhost:65432"},
		{"65432", "write 127.0.0.1:65432", "write 127.0.0.1:65432"},
		{"::1", "write [::1]:65432", "write [::1]:65432"},
		{"::1:65432", "write [::1]:65432", "write [::1]:65432"},
		{"fe80::1%eth0:80", "write [fe80::1%eth0]:80", "write [fe80::1%eth0]:80"},
		{"", "write host:port", "write host:port"},
		{"a b:1", "write host:port", "write host:port"},
		{"[::1]", "write host:port", "write host:port"},
		{"http://127.0.0.1:80", "write host:port", "write host:port"},
	} {
		for _, dial := range []bool{false, true} {
			want := test.listen
			if dial {
				want = test.dial
			}
			before := "unchanged"
			err := (&address{&before, dial}).Set(test.text)
			if want == good && (err != nil || before != test.text) {
				t.Errorf("%q, for a client: %t, is refused: %v", test.text, dial, err)
			}
			if want != good && (err == nil || !strings.Contains(err.Error(), want) ||
				before != "unchanged") {
				t.Errorf("%q, for a client: %t: error %v, and should say %q", test.text, dial, err,
					want)
			}
		}
	}
}

func TestObjection(t *testing.T) {
	for err, want := range map[string]string{
		"a is wrong":        "a is wrong\n-h shows the flags",
		"a is wrong\nuse b": "a is wrong\nuse b; -h shows the flags",
	} {
		if got := objection(errors.New(err)); got != want {
			t.Errorf("%q becomes %q and not %q", err, got, want)
		}
	}
}
