package json

import (
	"bytes"
	std "encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The JSON is that of encoding/json, whatever the texts are.
func TestEncode(t *testing.T) {
	type inner struct {
		Text string `json:"text"`
		N    int64  `json:"n,omitempty"`
	}
	type outer struct {
		Name    string `json:"name"`
		Empty   string `json:"empty,omitempty"`
		Yes, No bool
		Pair    [2]int      `json:"pair"`
		Pairs   [][2]uint32 `json:"pairs,omitempty"`
		None    []string    `json:"none"`
		Some    []string    `json:"some"`
		Inner   inner       `json:"inner"`
		List    []inner     `json:"list,omitempty"`
		Pointer *inner      `json:"pointer,omitempty"`
		Zero    *int        `json:"zero,omitempty"`
		Nil     *inner      `json:"nil"`
		hidden  int
	}
	var all strings.Builder
	for r := range rune(0x3000) {
		all.WriteRune(r)
	}
	all.WriteString("\xff\xe4\xbd \ufffd \U0001f469 </script>")
	zero := 0
	for i, v := range []any{
		outer{}, &outer{hidden: 1}, []outer{}, []outer{{}, {}}, []string(nil), "", true,
		int64(-1 << 63), uint32(1<<32 - 1), struct{}{},
		outer{Name: all.String(), Empty: "x", Yes: true, Pair: [2]int{-1, 2},
			Pairs: [][2]uint32{{1, 2}, {3, 4}}, Some: []string{},
			Inner: inner{"a", 1}, List: []inner{{}, {"b", 2}}, Pointer: &inner{}, Zero: &zero},
	} {
		var want bytes.Buffer
		e := std.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := Encode(v); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("value %d is\n%.2000q\nand not\n%.2000q", i, got, &want)
		}
		ascii := ASCII(want.Bytes())
		if i := bytes.IndexFunc(ascii, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			t.Errorf("byte %d of an ASCII text is %#x", i, ascii[i])
		}
		var one, other any
		if std.Unmarshal(want.Bytes(), &one); std.Unmarshal(ascii, &other) != nil ||
			!cmp.Equal(one, other) {
			t.Errorf("as ASCII it is another value:\n%.2000q", ascii)
		}
	}
}
