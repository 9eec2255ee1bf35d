// Optional parameters, which can be left out, set or cleared.

package workos

import "encoding/json"

// Optional is a parameter that is absent, null or a value. The API treats these three differently. The zero value is
// absent and leaves the current value unchanged. [Value] sets a value and [Null] clears it:
//
//	params := workos.UpdateUserParams{FirstName: workos.Value("Kim"), LastName: workos.Value(""), Locale: workos.Null[string]()}
type Optional[T any] struct {
	value   T
	present bool
	null    bool
}

// Value returns a parameter with the value v, which may be a zero value.
func Value[T any](v T) Optional[T] { return Optional[T]{value: v, present: true} }

// Null returns a parameter that is sent as null and clears the current value.
func Null[T any]() Optional[T] { return Optional[T]{present: true, null: true} }

// IsZero reports whether the parameter is absent. The omitzero option of [encoding/json] uses it.
func (o Optional[T]) IsZero() bool { return !o.present }

// MarshalJSON implements [json.Marshaler]. An absent parameter becomes null where it cannot be left out, as in a map.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.present || o.null {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON implements [json.Unmarshaler]. It is not called for an absent member.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	*o = Optional[T]{present: true, null: string(data) == "null"}
	if o.null {
		return nil
	}
	return json.Unmarshal(data, &o.value)
}
