// A parameter that can be left out, set, or cleared.

package workos

import "encoding/json"

// Optional is a parameter for which the API tells apart that it is absent, that it is null, and every value. Its zero
// value is absent: what the parameter is about stays as it is. Set it with [Value] and clear it with [Null]:
//
//	workos.UpdateUserParams{ExternalID: workos.Value("42"), Locale: workos.Null[string]()}
type Optional[T any] struct {
	value   T
	present bool
	null    bool
}

// Value is a parameter that is set to v, be that a zero value.
func Value[T any](v T) Optional[T] { return Optional[T]{value: v, present: true} }

// Null is a parameter that is sent as null, which clears what it is about.
func Null[T any]() Optional[T] { return Optional[T]{present: true, null: true} }

// IsZero tells whether the parameter is absent. It is what the omitzero option of [encoding/json] asks.
func (o Optional[T]) IsZero() bool { return !o.present }

// MarshalJSON implements [json.Marshaler]. Where absence cannot be expressed, as in a map, it is null.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.present || o.null {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON implements [json.Unmarshaler]. It is not called for what is absent.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	*o = Optional[T]{present: true, null: string(data) == "null"}
	if o.null {
		return nil
	}
	return json.Unmarshal(data, &o.value)
}
