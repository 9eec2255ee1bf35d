// Uploads: the server removes the temporary files of a form.

package behaviour

import (
	"bytes"
	"errors"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The middleware passes a copy of the request on, and net/http removes the files of its own request.
func TestTheTemporaryFilesOfAnUploadAreRemoved(t *testing.T) {
	var name string
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /upload", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if assert.NoError(t, r.ParseMultipartForm(0)) {
				f, err := r.MultipartForm.File["file"][0].Open()
				if assert.NoError(t, err) {
					name = f.(*os.File).Name()
					assert.NoError(t, f.Close())
				}
			}
		})))
	}})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "large.bin")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	r, err := http.NewRequest(http.MethodPost, a.URL+"/upload", &body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Cookie", a.SignedIn(Kim).CookieHeader())
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NotEmpty(t, name)
	require.Eventually(t, func() bool { // the server removes it after the response
		_, err := os.Stat(name)
		return errors.Is(err, fs.ErrNotExist)
	}, WaitTimeout, time.Millisecond)
}
