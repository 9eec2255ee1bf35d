// Tests of the kinds of notices.

package replica

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestANoticeOfEveryKindIsDecodedAsItWasEncoded(t *testing.T) {
	t.Parallel()
	v := newVault([]string{newPassword}, "client_1", "api.workos.com")
	kinds := map[NoticeKind]bool{}
	for _, kind := range []NoticeKind{
		SessionEnded, UserEnded, SessionResumed, UserChanged, MembershipChanged, OrganizationChanged, RightsChanged, APIKeyChanged, tokenRefused,
		'?', // of a later version
	} {
		assert.False(t, kinds[kind], "two kinds are %q", kind)
		kinds[kind] = true
		n := Notice{Kind: kind, Hash: Hash("user_1 org_1"), At: time.UnixMilli(1773480413589), Until: time.UnixMilli(1773484013589)}
		got, ok := v.decodeNotice(v.sign(v.encodeNotice(n)))
		assert.True(t, ok, "kind %q", kind)
		assert.Equal(t, n, got)
	}
}
