package picture

import (
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// seconds is how long the moving picture moves; then it stands. What moves for
// longer has to have a button that stops it (WCAG 2.2, success criterion 2.2.2).
const seconds = 5

// when says at which hundredth of a second the curtain reaches a height. Since
// height is time, one sheet that slides down uncovers everything at its moment.
func (p *picture) when(y int) int {
	low := p.top
	high := max(p.height-120, low+1)
	return 20 + (y-low)*(100*seconds-40)/(high-low)
}

func secs(hundredths int) string {
	hundredths = max(hundredths, 0)
	return fmt.Sprintf("%d.%02ds", hundredths/100, hundredths%100)
}

// motion is the part of the style sheet that moves, for who allows motion.
func (p *picture) motion() {
	fmt.Fprintf(&p.out,
		"@media(prefers-reduced-motion:no-preference){#%s{display:inline;animation:%s %s linear "+
			"%s both}",
		p.id("curtain"), p.id("c"), secs(p.when(p.height-120)-p.when(p.top)), secs(p.when(p.top)))
	fmt.Fprintf(&p.out, "@keyframes %s{99%%{opacity:1}to{transform:translateY(%spx);opacity:0}}",
		p.id("c"), pt(p.height-120-p.top))
	fmt.Fprintf(&p.out,
		"@keyframes %s{from,to{opacity:1}to{transform:translate(var(--x),var(--y))}}@keyframes "+
			"%s{from{opacity:.15}}", p.id("m"), p.id("f"))
	for i, c := range p.clauses() {
		fmt.Fprintf(&p.out, "#%s%d{animation:%s .3s %s both}",
			p.id("clause"), i+1, p.id("f"), secs(p.when(p.y(c.true))))
	}
	fmt.Fprintf(&p.out, ".m{display:inline;opacity:0;animation:%s linear}", p.id("m"))
	for i, a := range p.arrows {
		x2, y2 := p.lands(a)
		fmt.Fprintf(&p.out, "#%s%d{--x:%spx;--y:%spx;animation-duration:%s;animation-delay:%s}",
			p.id("m"), i,
			pt(x2-a.x1), pt(y2-a.y1), secs(max(p.when(y2)-p.when(a.y1), 1)), secs(p.when(a.y1)))
	}
	p.out.WriteString("}\n")
}

// lands is where an arrow's dot goes: as far as the packet.
func (p *picture) lands(a *arrow) (x, y int) {
	if a.Loss == network.LostQueue {
		return a.x1, a.y1 + 10
	}
	if a.Fate == story.Lost {
		return a.x1 + (a.x2-a.x1)*56/100, a.y1 + (a.y2-a.y1)*56/100
	}
	return a.x2, a.y2
}

// curtain covers what has not yet happened; on its upper edge is now. Without
// motion it is not there.
func (p *picture) curtain() {
	fmt.Fprintf(&p.out,
		`<g id="%s" display="none"><path class="cu" stroke="none" d="M0 %sH%sV%sH0z"/><path class="l" d="M%s %sH%s"/></g>`+"\n",
		p.id("curtain"), pt(p.top+10), pt(p.width), pt(2*p.height), pt(p.client-60), pt(p.top+10),
		pt(p.server+60))
	for i, a := range p.arrows {
		fmt.Fprintf(&p.out,
			`<circle id="%s%d" class="m f%s" display="none" cx="%s" cy="%s" r="4"/>`,
			p.id("m"), i, a.class(), pt(a.x1), pt(a.y1))
	}
	p.out.WriteByte('\n')
}
