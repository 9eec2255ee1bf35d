// The members of a JSON object, with their values as JSON text.

package jwks

// members are the members of a JSON object, in order. Their names are unique.
type members []member

type member struct {
	name  string // decoded
	value string // JSON text
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

// str returns the decoded value of a member. ok is false if the member is absent or not a string.
func (m members) str(name string) (value string, ok bool) {
	raw, _ := m.get(name)
	if raw == "" || raw[0] != '"' {
		return "", false
	}
	return unquote(raw), true
}

// describe returns the JSON type of a member, for an error text that must not show the value.
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
