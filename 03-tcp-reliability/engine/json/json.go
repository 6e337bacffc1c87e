// Package json writes values as JSON: what encoding/json does, for fewer types.
// That package would be a tenth of what a browser has to load.
package json

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Encode is the JSON of a value, and a newline. Signs such as < are not
// escaped: nobody puts it into HTML. A type that is not made of strings, whole
// numbers, booleans, arrays, slices, pointers and structs makes it panic.
func Encode(value any) []byte {
	var e encoder
	e.value(reflect.ValueOf(value))
	e.out.WriteByte('\n')
	return e.out.Bytes()
}

// ASCII escapes all letters of a JSON text that are not ASCII. A browser takes
// ten times longer to read a text in which there is one.
func ASCII(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < utf8.RuneSelf {
			out = append(out, text[0])
		} else {
			for _, u := range utf16.AppendRune(nil, r) {
				out = append(out, '\\', 'u', hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15])
			}
		}
		text = text[size:]
	}
	return out
}

const hex = "0123456789abcdef"

type encoder struct{ out bytes.Buffer }

var structs sync.Map // by type: its members

// A member is a field of a struct that is written.
type member struct {
	index     int
	key       string // with its quotes and the colon
	omitEmpty bool
}

func (e *encoder) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		e.out.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		e.out.Write(strconv.AppendInt(e.out.AvailableBuffer(), v.Int(), 10))
	case reflect.Uint32:
		e.out.Write(strconv.AppendUint(e.out.AvailableBuffer(), v.Uint(), 10))
	case reflect.String:
		e.text(v.String())
	case reflect.Array, reflect.Slice:
		if v.Kind() == reflect.Slice && v.IsNil() {
			e.out.WriteString("null")
			return
		}
		for i := range v.Len() {
			e.out.WriteByte("[,"[min(i, 1)])
			e.value(v.Index(i))
		}
		if v.Len() == 0 {
			e.out.WriteByte('[')
		}
		e.out.WriteByte(']')
	case reflect.Pointer:
		if v.IsNil() {
			e.out.WriteString("null")
			return
		}
		e.value(v.Elem())
	case reflect.Struct:
		e.object(v)
	default:
		panic("json: there is none for a " + v.Type().String())
	}
}

func (e *encoder) object(v reflect.Value) {
	before := byte('{')
	for _, m := range members(v.Type()) {
		field := v.Field(m.index)
		if m.omitEmpty && (field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0) {
			continue
		}
		e.out.WriteByte(before)
		e.out.WriteString(m.key)
		e.value(field)
		before = ','
	}
	if before == '{' {
		e.out.WriteByte('{')
	}
	e.out.WriteByte('}')
}

func members(t reflect.Type) []member {
	if known, ok := structs.Load(t); ok {
		return known.([]member)
	}
	var list []member
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			list = append(list, member{i, `"` + name + `":`, options == "omitempty"})
		}
	}
	structs.Store(t, list)
	return list
}

// text writes a string. Bytes that are not UTF-8 become U+FFFD.
func (e *encoder) text(s string) {
	e.out.WriteByte('"')
	from := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		escape := ""
		switch {
		case r == utf8.RuneError && size == 1:
			escape = `\ufffd`
		case r == '"' || r == '\\':
			escape = `\` + string(r)
		case r == '\n':
			escape = `\n`
		case r == '\r':
			escape = `\r`
		case r == '\t':
			escape = `\t`
		case r == '\b':
			escape = `\b`
		case r == '\f':
			escape = `\f`
		case r < ' ':
			escape = `\u00` + hex[r>>4:r>>4+1] + hex[r&15:r&15+1]
		case r == '\u2028' || r == '\u2029': // the ends of a line in JavaScript
			escape = `\u202` + hex[r&15:r&15+1]
		}
		if escape != "" {
			e.out.WriteString(s[from:i])
			e.out.WriteString(escape)
			from = i + size
		}
		i += size
	}
	e.out.WriteString(s[from:])
	e.out.WriteByte('"')
}
