// The members of a JSON object, each as it was written.

package jwks

// members are the members of a JSON object, in their order. No two have one name.
type members []member

type member struct {
	name  string // decoded
	value string // as it was written
}

func (m members) get(name string) (value string, present bool) {
	for i := range m {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return "", false
}

func (m members) has(name string) bool {
	_, present := m.get(name)
	return present
}

// str decodes the member called name if it is present and a string.
func (m members) str(name string) (value string, ok bool) {
	raw, _ := m.get(name)
	if raw == "" || raw[0] != '"' {
		return "", false
	}
	return unquote(raw), true
}

// describe tells the JSON type of the member called name, for an error text that must not show its value.
func (m members) describe(name string) string {
	raw, present := m.get(name)
	if !present {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		if len(raw) == len(`""`) {
			return "an empty string"
		}
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
