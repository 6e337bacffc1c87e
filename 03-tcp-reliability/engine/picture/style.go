package picture

import (
	"fmt"
	"strings"
)

// colours of the two themes. Each has a contrast of at least 4.5 to the
// background.
type colours struct {
	back, text, quiet, packet, ack, lost, again, wait, read, band string
}

var themes = map[string]colours{
	"light": {"#ffffff", "#1f2328", "#59636e", "#0a58ad", "#57606a", "#b3201c", "#8a4a00",
		"#74298c", "#0f6a31", "#eef1f4"},
	"dark": {"#0d1117", "#f0f6fc", "#9aa4af", "#79b8ff", "#9ea7b3", "#ff8f86", "#ffb454",
		"#d2a8ff", "#7ee2a0", "#1c222b"},
}

// sheet has the rules, with names of colours in braces. What is not a rule of
// colour is an attribute, so that other programs than browsers draw it right.
const sheet = `.lad text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;fill:{text};paint-order:stroke;stroke:{back};stroke-width:3.5;stroke-linejoin:round}
.lad .bg,.lad .cu{fill:{back}}.lad .ll{stroke:{text}}.lad .q{fill:{quiet}}.lad .b{fill:{band};stroke:{quiet}}
.lad path{fill:none}.lad .d{stroke:{packet}}.lad .k{stroke:{ack}}.lad .l{stroke:{lost}}.lad .a{stroke:{again}}.lad .i{stroke:{back}}.lad .w{stroke:{wait}}
.lad .fd{fill:{packet}}.lad .fk{fill:{ack}}.lad text.l,.lad .fl{fill:{lost}}.lad text.a,.lad .fa{fill:{again}}.lad text.w{fill:{wait}}.lad text.r,.lad .r{fill:{read}}.lad text.l,.lad text.a,.lad text.w{stroke:{back}}.lad .le{stroke:{quiet}}
.lad path.d{stroke-width:1.8}.lad path.l,.lad path.i{stroke-width:2}.lad path.x{stroke-width:5}.lad path.n{stroke-dasharray:6 4}.lad path.o{stroke-dasharray:1.5 4}.lad [data-at] .l,.lad [data-at] .a{font-weight:700}
.lad a:is(:hover,:focus) path:not([stroke-opacity]){stroke-width:3.5}.lad a text{text-decoration:none}
`

// Style is the style sheet of a theme, light or dark, or of the reader's: "".
// It is the same for every picture.
func Style(theme string) string {
	if theme != "" {
		return rules(themes[theme])
	}
	return rules(themes["light"]) + "@media(prefers-color-scheme:dark){" +
		onlyColours(themes["dark"]) + "}\n"
}

func rules(c colours) string {
	return strings.NewReplacer("{back}", c.back, "{text}", c.text, "{quiet}", c.quiet, "{packet}",
		c.packet,
		"{ack}", c.ack, "{lost}", c.lost, "{again}", c.again, "{wait}", c.wait, "{read}", c.read,
		"{band}", c.band).Replace(sheet)
}

// onlyColours leaves out the rules that a theme does not change.
func onlyColours(c colours) string {
	s := rules(c)
	i, j := strings.Index(s, "font-family"), strings.Index(s, "fill:")
	s = s[:i] + s[j:]
	s = strings.Replace(s, ";paint-order:stroke", "", 1)
	s = strings.Replace(s, ";stroke-width:3.5;stroke-linejoin:round", "", 1)
	i, j = strings.Index(s, ".lad path{"), strings.Index(s, ".lad .d{")
	s = s[:i] + s[j:]
	return strings.TrimSuffix(s[:strings.Index(s, ".lad path.d{")], "\n")
}

// defs are the heads of the arrows and the hatchings.
func (p *picture) defs() {
	fmt.Fprint(&p.out, "<defs>")
	for _, c := range "dkla" {
		fmt.Fprintf(&p.out,
			`<marker id="%s%c" viewBox="0 0 9 8" refX="9" refY="4" markerWidth="9" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="f%c" stroke="none" d="M0 0L9 4L0 8z"/></marker>`, p.id("h"), c, c)
	}
	fmt.Fprintf(&p.out,
		`<pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="w" d="M0 0V6"/></pattern>`, p.id("wait"))
	fmt.Fprintf(&p.out,
		`<pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse"><path class="w" d="M0 0L6 6M6 0L0 6"/></pattern></defs>`+"\n", p.id("thrown"))
}

func (p *picture) id(name string) string { return escape(p.Prefix) + name }
