package document

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/json"
)

// Answer is what a page gets to its questions, over HTTP and from WebAssembly
// alike: a document as JSON. The query is an address, with how it is to be
// shown: width, before, at, see, cover, top.
func Answer(what, query string) ([]byte, error) {
	address, view, err := Split(query)
	if err != nil {
		return nil, err
	}
	var answer any
	switch what {
	case "run":
		answer, err = Of(address, view)
	case "picture":
		answer, err = PictureOf(address, view)
	case "harm":
		answer, err = HarmOf(address, view)
	case "compare":
		answer, err = Compare(address, view)
	case "curves":
		answer, err = CurvesOf()
	default:
		return nil, fmt.Errorf("nothing is known of %.20q", what)
	}
	if err != nil {
		return nil, err
	}
	return json.ASCII(json.Encode(answer)), nil
}

// Split takes the settings out of a page's address: what is left is about how
// they are shown.
func Split(query string) (address string, v View, err error) {
	if len(query) > 2*MaxAddress {
		return "", v, fmt.Errorf("the address is longer than %d bytes", 2*MaxAddress)
	}
	var settings []string
	v.Top, v.At = -1, -1
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "width":
			v.Width, err = strconv.Atoi(value)
		case "top":
			v.Top, err = strconv.Atoi(value)
		case "before":
			v.Before, err = url.QueryUnescape(value)
		case "at":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				v.wrong = append(v.wrong,
					fmt.Sprintf("invalid value %.40q for at: must be the number of a step: 1, 2, 3 …", value))
				n = 0
			}
			v.At = n - 1 // people count from 1
		case "see":
			v.See = value
		case "cover":
			v.Cover = value
			if value != "" && value != "client" && value != "server" {
				v.wrong = append(v.wrong,
					fmt.Sprintf("invalid value %.40q for cover: must be client or server", value))
				v.Cover = ""
			}
		default:
			settings = append(settings, part)
		}
		if err != nil {
			return "", v, fmt.Errorf("invalid value %.40q for %s", value, name)
		}
	}
	v.Width = min(max(v.Width, 0), 4000)
	return strings.Join(settings, "&"), v, nil
}
