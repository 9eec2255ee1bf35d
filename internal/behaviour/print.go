// The ways in which Go prints, logs and encodes a value.

package behaviour

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Printed returns the texts that fmt, encoding/json and log/slog make of a value. The keys name the verb or the function.
func Printed(v any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%5.2v"} {
		texts[verb] = fmt.Sprintf(verb, v)
	}
	texts["Sprint"] = fmt.Sprint(v)
	encoded, err := json.Marshal(v)
	texts["JSON"] = fmt.Sprint(string(encoded), err)
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"slog text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"slog JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var line bytes.Buffer
		slog.New(handler(&line)).Info("message", "value", v, slog.Group("group", "value", v))
		texts[name] = line.String()
	}
	return texts
}
