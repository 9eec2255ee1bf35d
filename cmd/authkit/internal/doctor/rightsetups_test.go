// Set-ups that are right, or that the doctor cannot judge: what must be no fault.

package doctor

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestARateLimitOfWorkOSIsNoFaultOfTheRedirectURI(t *testing.T) {
	s := newScene(t)
	s.fake.InjectFault(authkittest.RouteAuthorize, authkittest.Fault{Status: http.StatusTooManyRequests, Body: `{"message":"slow down"}`})
	s.setenv()
	results := Run(t.Context(), s.cfg)
	assert.False(t, HasFault(results), "%v", results)
	assert.NotNil(t, result(results, "authorization", Warning), "%v", results)
}

func TestAPageOfAnOutageIsNoFaultOfTheConfiguration(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		s := newScene(t, answering("/user_management/client_", answers(status, "<html>Come back later</html>")))
		s.setenv()
		results := Run(t.Context(), s.cfg)
		assert.False(t, HasFault(results), "%v", results)
		assert.NotNil(t, result(results, "WorkOS", Warning), "%v", results)
	}
}
